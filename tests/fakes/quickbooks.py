"""A stateful fake of QuickBooks Online: sign-in, tokens, the query endpoint for customers, and change data capture.

It follows Intuit's pages field by field; what they leave open is said where it matters.
Use: ``with running(FakeQuickBooks()) as fake: fake.add(100)``.
"""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.sax.saxutils import escape

from tests.fakes.books import Facts
from tests.fakes.company import FakeCompany
from tests.fakes.loopback import JSON, Answer, Request, as_json, as_text, wants_json
from tests.fakes.oauth import Grant, OAuth, Rules
from tests.fakes.provider_server import Limits, request_id
from tests.fakes.quickbooks_books import QuickBooksBooks, local
from tests.fakes.quickbooks_query import Condition, QueryInvalid, Statement, parse

REALM = "4620816365000000010"
SCOPE = "com.intuit.quickbooks.accounting"
_LOOKS_BACK, _MOST_CHANGES = timedelta(days=30), 1_000
"""Of change data capture."""
INTUIT_LIMITS = {"per_minute": 500, "per_second": 10}

_RULES = Rules(
    access_life=timedelta(seconds=3600),
    refresh_life=timedelta(days=101),  # x_refresh_token_expires_in 8726400
    rotates_after=timedelta(hours=24),
    grace=timedelta(0),
    token_type="bearer",
    refresh_life_field="x_refresh_token_expires_in",
    hard_life=timedelta(days=5 * 365),
    invalid_client_status=401,
)


class FakeQuickBooks(FakeCompany):
    """QuickBooks Online with one company; ``open_books`` adds others."""

    provider = "quickbooks"
    token_kinds = frozenset({"page", "count", "changes", "company", "other"})
    speaks_xml = False
    """Errors come as XML, though JSON is asked for, as Intuit's gateways have it at times."""
    has_projects = True
    """Whether the company has the feature; where not, the query language does not know the field either."""
    _throttled = 0

    def __init__(self, limits: Limits | None = None) -> None:
        super().__init__(limits)
        self.oauth = OAuth(self.clock, _RULES)
        self.realm = REALM
        self.books = {REALM: QuickBooksBooks(REALM, "Example Books", self.clock, self.lock)}
        self.country = "US"
        """Of every company, as CompanyInfo has it."""
        self.region: str | None = None
        """The same; none: no address names one."""
        self.chosen = REALM
        """The company that the person chooses while signing in."""

    @property
    def tenant(self) -> str:
        """The first company's realm id."""
        return self.realm

    @property
    def company(self) -> QuickBooksBooks:
        """The first company's books."""
        return self.books[self.realm]

    def open_books(self, name: str) -> QuickBooksBooks:
        """Open another company's books; the next sign-in chooses it."""
        realm = str(int(REALM) + len(self.books))
        self.books[realm] = QuickBooksBooks(realm, name, self.clock, self.lock)
        self.chosen = realm
        return self.books[realm]

    def settings(self) -> dict[str, str]:
        """Return what the settings section must say to reach this fake."""
        return {
            "api_url": self.url,
            "authorize_url": f"{self.url}/connect/oauth2",
            "token_url": f"{self.url}/oauth2/v1/tokens/bearer",
            "revoke_url": f"{self.url}/v2/oauth2/tokens/revoke",
        }

    def sign_in(self, realm: str | None = None) -> dict[str, str | int]:
        """Return a token set for a company, as if a person had agreed."""
        return self.oauth.sign_in((realm or self.realm,), SCOPE)

    def kind_of(self, request: Request) -> str:
        kinds = {
            "/connect/oauth2": "authorize",
            "/oauth2/v1/tokens/bearer": "token",
            "/v2/oauth2/tokens/revoke": "revoke",
        }
        if request.path in kinds:
            return kinds[request.path]
        if re.fullmatch(r"/v3/company/\d+/query", request.path):
            is_count = re.match(r"\s*select\s+count", _statement(request), re.IGNORECASE)
            return "count" if is_count else "page"
        if re.fullmatch(r"/v3/company/\d+/cdc", request.path):
            return "changes"
        return "company" if "/companyinfo/" in request.path else "other"

    def respond(self, kind: str, request: Request) -> Answer:
        if kind == "authorize":
            return self.oauth.authorize(request, (self.chosen,), realmId=self.chosen)
        if kind == "token":
            return self.oauth.token(request)
        if kind == "revoke":
            return self.oauth.revoke(request)
        match = re.match(r"/v3/company/(\d+)/", request.path)
        if match is None:
            return as_text("Not Found", 404)
        grant = self.oauth.grant_of(request)
        if (refusal := self._refuse(grant, match[1], request, kind)) is not None:
            return refusal
        if not wants_json(request):
            return as_text("<IntuitResponse/>", 200, "application/xml")
        if kind == "company":
            return as_json({"CompanyInfo": self._company_info(match[1]), "time": self._time()})
        if kind == "changes":
            return self._changes(self.books[match[1]], request)
        return self._query(self.books[match[1]], request) if kind in ("page", "count") else as_text("Not Found", 404)

    def _company_info(self, realm: str) -> dict[str, Any]:
        info: dict[str, Any] = {"CompanyName": self.books[realm].name, "Id": "1", "domain": "QBO"}
        if self.country:
            info |= {"Country": self.country, "CompanyAddr": {"Id": "1", "Country": self.country}}
        if self.region:
            info["LegalAddr"] = {"Id": "2", "CountrySubDivisionCode": self.region}
        return info

    def too_many(self, problem: str) -> Answer:
        """In turn what Intuit's gateways answer: JSON, a text, and 403 with XML; none says how long to wait."""
        self._throttled += 1
        answers = (
            gateway(429, 3001, "ThrottleExceeded", f"the limit per {problem} is exceeded"),
            as_text("Too Many Requests", 429),
            as_xml(403, None, "message=ThrottleExceeded; errorCode=003001; statusCode=403"),
        )
        return answers[(self._throttled - 1) % len(answers)]

    def sign(self, kind: str, answer: Answer) -> None:  # noqa: ARG002 - Intuit makes no difference
        """Every answer of Intuit has an id, those of the token endpoint as well."""
        answer.headers.setdefault("intuit_tid", f"1-{request_id()}")

    def _refuse(self, grant: Grant | None, realm: str, request: Request, kind: str) -> Answer | None:
        refuse = as_xml if self.speaks_xml else gateway
        if grant is None:
            token = request.headers.get("authorization", "").removeprefix("Bearer ")
            detail = f"Token expired: {token}"  # this is what Intuit does: the detail repeats the token
            return refuse(401, 3200, "message=AuthenticationFailed; errorCode=003200; statusCode=401", detail)
        if realm not in grant.tenants or realm not in self.books or (kind == "company" and self.refuses_company):
            text = "message=ApplicationAuthorizationFailed; errorCode=003100; statusCode=403"
            return refuse(403, 3100, text, "")
        return None

    def _query(self, books: QuickBooksBooks, request: Request) -> Answer:
        try:
            statement = parse(_statement(request))
            ids = _select(books, statement, self.has_projects)
        except QueryInvalid as error:
            return self._invalid(error)
        if statement.is_count:
            return as_json({"QueryResponse": {"totalCount": len(ids)}, "time": self._time()})
        most = min(statement.most, self.most_per_page or statement.most)
        page = ids[statement.start - 1 : statement.start - 1 + most]
        # An empty page has no key at all.
        inside = (
            f'"Customer":[{books.render(page)}],"startPosition":{statement.start},"maxResults":{len(page)}'
            if page
            else ""
        )
        return Answer(200, f'{{"QueryResponse":{{{inside}}},"time":"{self._time()}"}}'.encode(), JSON)

    def _changes(self, books: QuickBooksBooks, request: Request) -> Answer:
        """Answer change data capture: all that changed since a time, whole, and of what was deleted the id.

        Thirty days back and 1,000 objects at most; there are no pages, and nothing says that objects are missing.
        Which ones are left out is not documented: here it is the deleted ones, so that nobody relies on them.
        """
        try:
            since = _changed_since(request, self.clock.now())
        except QueryInvalid as error:
            return self._invalid(error)
        changed = books.select(("changes", since), lambda _, facts: _is_since(facts, since), lambda key, _: int(key))
        deleted = [key for key, time in books.deleted.items() if time >= since]
        rendered = [books.render([key]) for key in changed] + [json.dumps(books.tombstone(key)) for key in deleted]
        rendered = rendered[:_MOST_CHANGES]
        counted = f'"startPosition":1,"maxResults":{len(rendered)},"totalCount":{len(rendered)}'
        inside = f'"Customer":[{",".join(rendered)}],{counted}' if rendered else ""
        text = f'{{"CDCResponse":[{{"QueryResponse":[{{{inside}}}]}}],"time":"{self._time()}"}}'
        return Answer(200, text.encode(), JSON)

    def _invalid(self, error: QueryInvalid) -> Answer:
        if self.speaks_xml:
            return as_xml(400, error.code, "QueryValidationError", error.detail, "ValidationFault")
        return fault(error.code, "QueryValidationError", error.detail, status=400, time=self._time())

    def _time(self) -> str:
        return local(self.clock.now(), "milliseconds")


def fault(
    code: int, message: str, detail: str = "", *, status: int, kind: str = "ValidationFault", time: str = ""
) -> Answer:
    """Return the accounting layer's fault; it may ride on HTTP 200."""
    error = {"Message": message, "Detail": detail, "code": str(code)}
    return as_json({"Fault": {"Error": [error], "type": kind}, "time": time or local(datetime.now(UTC))}, status)


def as_xml(status: int, code: int | None, message: str, detail: str = "", kind: str = "SystemFault") -> Answer:
    """Return a fault as XML, which the gateway sends whatever was asked for; without a code it is in the message only."""
    number = "" if code is None else f' code="{code}"'
    text = (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
        f'<IntuitResponse time="{local(datetime.now(UTC))}" xmlns="http://schema.intuit.com/finance/v3">'
        f'<Fault type="{kind}"><Error{number}><Message>{escape(message)}</Message><Detail>{escape(detail)}</Detail>'
        "</Error></Fault>"
        "</IntuitResponse>"
    )
    return as_text(text, status, "application/xml")


def gateway(status: int, code: int, message: str, detail: str, **headers: str) -> Answer:
    """Return the gateway's fault: lower-case names, a padded code, time in milliseconds, many nulls."""
    error = {"message": message, "detail": detail, "code": f"{code:06d}" if code < 4000 else str(code), "element": None}
    value: dict[str, Any] = {
        "warnings": None,
        "intuitObject": None,
        "fault": {"error": [error], "type": "AUTHENTICATION" if status == 401 else "SERVICE"},
        "report": None,
        "queryResponse": None,
        "batchItemResponse": [],
        "attachableResponse": [],
        "syncErrorResponse": None,
        "requestId": None,
        "time": int(datetime.now(UTC).timestamp() * 1000),
        "status": None,
        "cdcresponse": [],
    }
    return as_json(value, status, **headers)


def _statement(request: Request) -> str:
    if request.method == "POST":
        return request.body.decode()
    return request.parameters.get("query", "")


def _changed_since(request: Request, now: datetime) -> datetime:
    """Read since when changes are asked for; a time without an offset is California's, a day begins there."""
    if request.parameters.get("entities", "").strip().lower() != "customer":
        raise QueryInvalid(4000, "entities: this fake has Customer only")
    text = request.parameters.get("changedSince", "")
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise QueryInvalid(4000, "changedSince is no time") from None
    time = time if time.tzinfo else time.replace(tzinfo=datetime.fromisoformat(local(now)).tzinfo)
    if time < now - _LOOKS_BACK:
        detail = f"Operation cdc with changedSince date {text} which is older than fixed days is not supported."
        raise QueryInvalid(4000, detail)
    return time


def _is_since(facts: Facts, since: datetime) -> bool:
    return facts.updated_at is not None and facts.updated_at >= since


def _select(books: QuickBooksBooks, statement: Statement, has_projects: bool) -> list[str]:
    if statement.entity != "customer":
        raise QueryInvalid(4001, "Error processing query: unknown entity")
    order = (statement.order or "fullyqualifiedname").lower()
    conditions = statement.conditions
    if not any(condition.field == "active" for condition in conditions):
        conditions = (*conditions, Condition("active", "=", (True,)))
    known = {"id", "active", "metadata.lastupdatedtime"} | ({"isproject"} if has_projects else set())
    for condition in conditions:
        if condition.field not in known:
            raise QueryInvalid(4001, f"Error processing query: no property {condition.field}")

    def is_wanted(key: str, facts: Facts) -> bool:
        values = {"id": key, "active": facts.is_active, "metadata.lastupdatedtime": facts.updated_at}
        values["isproject"] = "isproject" in facts.flags
        return all(condition.holds(values[condition.field]) for condition in conditions)

    orders = {
        "id": lambda key, _: int(key),
        "fullyqualifiedname": lambda _, facts: facts.name,
        "displayname": lambda _, facts: facts.name,
        "metadata.lastupdatedtime": lambda _, facts: str(facts.updated_at),
    }
    if order not in orders:
        raise QueryInvalid(4001, f"Error processing query: no property {order}")
    ids = books.select((conditions, order), is_wanted, orders[order])
    return ids[::-1] if statement.is_descending else ids
