"""How many customers a company has, and of which kinds, asked of the provider without fetching any."""

from collections.abc import Mapping
from http import HTTPStatus

from etl_customers.base.errors import ProviderUnavailable
from etl_customers.connections.companies import ask
from etl_customers.connections.sending import MINOR_VERSION, Answer, Patience
from etl_customers.settings.sections import Settings
from schemas.record_kinds import BOTH, CUSTOMERS, INACTIVE, NEITHER, PROJECTS, SUPPLIERS_ONLY
from schemas.sources import LABELS, QUICKBOOKS

_ALL = "Active in (true, false)"
_BUYS, _SELLS = "IsCustomer==true", "IsSupplier==true"


class Counter:
    """Counts with one access token, which is valid for long enough."""

    def __init__(
        self, settings: Settings, provider: str, tenant_id: str, access_token: str, patience: Patience
    ) -> None:
        self._settings, self._provider, self._tenant_id = settings, provider, tenant_id
        self._token, self._patience = access_token, patience

    def count_all(self) -> int:
        """Return how many records a full pull would fetch, inactive ones too.

        Raises:
            ProviderUnavailable: The provider did not answer as it should.
        """
        return self._count(_ALL) if self._provider == QUICKBOOKS else self._count(None)

    def count_kinds(self, number: int) -> Mapping[str, int]:
        """Return how many records there are of each kind, by its name.

        Args:
            number: Of all of them.

        Raises:
            ProviderUnavailable: The provider did not answer as it should. Neither vendor promises to: a company of
                QuickBooks without projects does not know them, and Xero refuses beyond 100,000 contacts.

        Source:
            Intuit, "Data queries"; XeroAPI/Xero-OpenAPI 16.1.0, parameter ``where`` of Contacts (read November 2026).
        """
        if self._provider == QUICKBOOKS:
            projects = self._count(f"IsProject = true and {_ALL}")
            return {CUSTOMERS: number - projects, PROJECTS: projects, INACTIVE: self._count("Active = false")}
        buying, selling = self._count(_BUYS), self._count(_SELLS)
        both = self._count(f"{_BUYS} AND {_SELLS}")
        found = {CUSTOMERS: buying - both, BOTH: both, SUPPLIERS_ONLY: selling - both}
        return {**found, NEITHER: number - sum(found.values())}

    def _count(self, condition: str | None) -> int:
        if self._provider == QUICKBOOKS:
            query = f"select count(*) from Customer where {condition}"  # noqa: S608 (QuickBooks' language, fixed text)
            path = f"v3/company/{self._tenant_id}/query"
            version = {"query": query, "minorversion": MINOR_VERSION}
            answer = self._ask(path, None, **version)
            envelope, name = content_of(self._provider, answer).get("QueryResponse"), "totalCount"
        else:
            page = {"page": "1", "pageSize": "1", "order": "ContactID", "includeArchived": "true"}
            page |= {} if condition is None else {"where": condition}
            answer = self._ask("api.xro/2.0/Contacts", self._tenant_id, **page)
            envelope, name = content_of(self._provider, answer).get("pagination"), "itemCount"
        counted = envelope.get(name) if isinstance(envelope, dict) else None
        if not isinstance(counted, int) or isinstance(counted, bool):
            raise ProviderUnavailable(self._provider, "its answer has no number", answer.request_id)
        return counted

    def _ask(self, path: str, tenant_id: str | None, **parameters: str) -> Answer:
        settings, provider, token = self._settings, self._provider, self._token
        return ask(settings, provider, "GET", path, token, self._patience, tenant_id, **parameters)


def content_of(provider: str, answer: Answer) -> dict[str, object]:
    """Return the JSON object of an answer.

    Raises:
        ProviderUnavailable: It has none, or is an error.
    """
    if answer.status != HTTPStatus.OK:
        raise ProviderUnavailable(provider, f"it answered {answer.status}", answer.request_id)
    if not isinstance(answer.content, dict):
        raise ProviderUnavailable(
            provider, f"it answered with nothing that {LABELS[provider]} documents", answer.request_id
        )
    return answer.content
