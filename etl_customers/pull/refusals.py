"""Why fetching ends for good: the provider refuses what we ask for, and would refuse it again.

    PullRefused
    ├── RequestRefused         its code says which of the reasons below
    └── TooManyPages

A token that the provider does not accept any more is ``errors.ReconnectNeeded``. Messages hold
the provider's error number and our words, never its text: that echoes tokens and values.
"""

from etl_customers.base.errors import PullRefused
from schemas.sources import LABELS

WRONG_ENVIRONMENT, NO_SUBSCRIPTION = "wrong_environment", "no_subscription"
FORBIDDEN, NOT_FOUND, INVALID_REQUEST = "forbidden", "not_found", "invalid_request"
QUERY_FAILED = "query_failed"

REMEDIES = {
    WRONG_ENVIRONMENT: "the connection is of a sandbox company and {source}.api_url is the production address, or the "
    "other way round: correct the setting, or run: etl-customers connect {source}",
    NO_SUBSCRIPTION: "the company's subscription has ended: renew it there, then pull again",
    FORBIDDEN: "the app may not read customers: allow it its scopes there, then run: etl-customers connect {source}",
    NOT_FOUND: "see that {source}.api_url is the provider's address: etl-customers settings",
    INVALID_REQUEST: "it does not take what etl-customers asks: report the error with its number",
    QUERY_FAILED: "it understood the query, but could not process it, as a rule because of a record there that it finds "
    "wrong itself, such as one with a broken e-mail address: ask its support, with the number of the request",
}


class RequestRefused(PullRefused):
    """The provider answered that it will not do what was asked, whoever asks again."""

    def __init__(self, provider: str, tenant_id: str, code: str, reason: str, request_id: str | None = None) -> None:
        super().__init__(provider, tenant_id, code, reason, request_id)
        self.provider, self.tenant_id, self.code = provider, tenant_id, code
        self.reason, self.request_id = reason, request_id

    def __str__(self) -> str:
        """Name the connection, the provider's number of the error and what to do."""
        request = f", request {self.request_id}" if self.request_id else ""
        return (
            f"{LABELS[self.provider]} refuses to give the customers of the connection {self.tenant_id} "
            f"({self.reason}{request}); nothing is loaded; {REMEDIES[self.code].format(source=self.provider)}"
        )


class TooManyPages(PullRefused):
    """The provider has sent so many pages that there must be something wrong with them."""

    code = "too_many_pages"

    def __init__(self, provider: str, tenant_id: str, pages: int) -> None:
        super().__init__(provider, tenant_id, pages)
        self.provider, self.tenant_id, self.pages = provider, tenant_id, pages

    def __str__(self) -> str:
        """Name the connection and the number."""
        return (
            f"{LABELS[self.provider]} has sent {self.pages:,} pages of the connection {self.tenant_id} and still says "
            "that there are more; nothing is loaded; report this, it is an error of the provider or of this program"
        )
