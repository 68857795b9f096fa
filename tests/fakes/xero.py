"""A stateful fake of Xero: sign-in with PKCE, rotating tokens, connections, and the Contacts endpoint.

It follows Xero's OpenAPI file and pages field by field; what they leave open is said where it matters.
Use: ``with running(FakeXero()) as fake: fake.add(100)``.
"""

import math
import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from tests.fakes.books import Facts
from tests.fakes.company import FakeCompany
from tests.fakes.loopback import JSON, Answer, Request, as_json, as_text, wants_json
from tests.fakes.oauth import Grant, OAuth, Rules
from tests.fakes.provider_server import Limits, request_id
from tests.fakes.xero_books import XeroBooks, ticks

TENANT = "70784a63-d24b-46a9-a4db-0e70a274b056"
SCOPE = "offline_access accounting.contacts.read accounting.settings.read"
XERO_LIMITS = {"per_minute": 60, "per_day": 5000, "at_once": 5}
_PER_MINUTE, _PER_DAY, _PER_APP = 60, 5000, 10_000

_RULES = Rules(
    access_life=timedelta(minutes=30),
    refresh_life=timedelta(days=60),
    rotates_after=timedelta(0),
    grace=timedelta(minutes=30),
    token_type="Bearer",
    refresh_life_field=None,
    hard_life=None,
    invalid_client_status=400,
)
_MOST_FILTERED = 100_000
"""Contacts of an organisation beyond which a filter that is not optimised is refused (XeroAPI/Xero-NetStandard 604)."""
_CONDITION = re.compile(r"(iscustomer|issupplier)==true")
_ORDERS: dict[str, Callable[[str, Facts], Any]] = {
    "contactid": lambda key, _: key,
    "name": lambda key, facts: (facts.name, key),
    "updateddateutc": lambda key, facts: (str(facts.updated_at), key),
}


class FakeXero(FakeCompany):
    """Xero with one organisation; ``open_books`` adds others, which every later sign-in connects as well."""

    provider = "xero"
    token_kinds = frozenset({"page", "company", "other"})

    def __init__(self, limits: Limits | None = None, *, is_public: bool = False) -> None:
        super().__init__(limits)
        self.oauth = OAuth(self.clock, _RULES, is_public=is_public)
        self.tenant = TENANT
        self.books = {TENANT: XeroBooks(TENANT, "Example Organisation", self.clock, self.lock)}
        self.connections: list[dict[str, str]] = []
        self.country = "US"
        """Of every organisation."""
        self.region: str | None = None
        """The same, in its street's address; none: no address names one."""
        self.is_demo = False

    @property
    def company(self) -> XeroBooks:
        """The first organisation's books."""
        return self.books[self.tenant]

    def open_books(self, name: str) -> XeroBooks:
        """Open another organisation's books."""
        tenant = str(uuid.uuid5(uuid.UUID(TENANT), name))
        self.books[tenant] = XeroBooks(tenant, name, self.clock, self.lock)
        return self.books[tenant]

    def settings(self) -> dict[str, str]:
        """Return what the settings section must say to reach this fake."""
        return {
            "api_url": self.url,
            "authorize_url": f"{self.url}/identity/connect/authorize",
            "token_url": f"{self.url}/connect/token",
            "revoke_url": f"{self.url}/connect/revocation",
        }

    def sign_in(self, tenant: str | None = None) -> dict[str, str | int]:
        """Return a token set for an organisation, as if a person had agreed."""
        tenants = (tenant or self.tenant,)
        self._connect(tenants)
        return self.oauth.sign_in(tenants, SCOPE)

    def kind_of(self, request: Request) -> str:
        if request.path.startswith("/connections"):
            return "connections"
        kinds = {
            "/identity/connect/authorize": "authorize",
            "/connect/token": "token",
            "/connect/revocation": "revoke",
            "/api.xro/2.0/Contacts": "page",
            "/api.xro/2.0/Organisation": "company",
        }
        return kinds.get(request.path, "other")

    def respond(self, kind: str, request: Request) -> Answer:
        if kind == "authorize":
            answer = self.oauth.authorize(request, tuple(self.books))
            if answer.status == 302 and not self.oauth.is_denying:
                self._connect(tuple(self.books))
            return answer
        if kind == "token":
            return self.oauth.token(request)
        if kind == "revoke":
            return self.oauth.revoke(request)
        grant = self.oauth.grant_of(request)
        if grant is None:
            return problem(401, "Unauthorized", "TokenExpired: token expired at 11/22/2026 10:00:00")
        if kind == "connections":
            return self._connections(grant, request)
        if not wants_json(request) and kind in ("company", "page"):
            return as_text("<Response><Status>OK</Status></Response>", 200, "text/xml; charset=utf-8")
        if kind == "company":
            return self._organisation(grant, request)
        return self._contacts(grant, request) if kind == "page" else as_text("The resource cannot be found", 404)

    def too_many(self, problem: str) -> Answer:
        """The body is a text; ``Retry-After`` comes with the minute's and the day's limit only."""
        assert self.limits is not None
        headers = {"X-Rate-Limit-Problem": problem}
        if problem == "minute":
            headers["Retry-After"] = str(self.limits.retry_after())
        elif problem == "day":
            headers["Retry-After"] = "43200"
        return Answer(429, b"Rate limit exceeded", "text/plain", headers)

    def sign(self, kind: str, answer: Answer) -> None:
        """Every answer has a correlation id; those about a tenant say what is left of the limits."""
        answer.headers.setdefault("Xero-Correlation-Id", request_id())
        if kind in ("page", "connections"):
            answer.headers.setdefault("X-AppMinLimit-Remaining", str(_PER_APP - 1))
        if kind == "page":
            limits = self.limits or Limits(_PER_MINUTE, per_day=_PER_DAY)
            left = max(0, (limits.per_day or _PER_DAY) - limits.taken_today)
            answer.headers.setdefault("X-DayLimit-Remaining", str(left))
            answer.headers.setdefault("X-MinLimit-Remaining", str(max(0, limits.per_minute - len(limits.taken))))

    def _connect(self, tenants: tuple[str, ...]) -> None:
        event, now = str(uuid.uuid4()), f"{self.clock.now():%Y-%m-%dT%H:%M:%S.%f}0"
        known = {connection["tenantId"] for connection in self.connections}
        for tenant in tenants:
            if tenant not in known:
                self.connections.append(
                    {
                        "id": str(uuid.uuid4()),
                        "authEventId": event,
                        "tenantId": tenant,
                        "tenantType": "ORGANISATION",
                        "tenantName": self.books[tenant].name,
                        "createdDateUtc": now,
                        "updatedDateUtc": now,
                    }
                )

    def _connections(self, grant: Grant, request: Request) -> Answer:
        mine = [connection for connection in self.connections if connection["tenantId"] in grant.tenants]
        if request.method == "GET":
            return as_json(mine)
        gone = [connection for connection in mine if request.path == f"/connections/{connection['id']}"]
        if not gone:
            return as_text("The resource cannot be found", 404)
        self.connections = [connection for connection in self.connections if connection not in gone]
        return Answer(204, b"", "text/plain")

    def _organisation(self, grant: Grant, request: Request) -> Answer:
        tenant = request.headers.get("xero-tenant-id", "")
        if tenant not in grant.tenants:
            return problem(403, "Forbidden", "AuthenticationUnsuccessful")
        if self.refuses_company or "accounting.settings.read" not in grant.scope.split():
            return problem(403, "Forbidden", "AuthorizationUnsuccessful")
        found = {
            "Name": self.books[tenant].name,
            "OrganisationID": tenant,
            "CountryCode": self.country,
            "IsDemoCompany": self.is_demo,
            "Addresses": [
                {"AddressType": "POBOX", "Region": "", "Country": ""},
                {"AddressType": "STREET", "Region": self.region or "", "Country": ""},
            ],
        }
        return as_json({"Organisations": [found]})

    def _contacts(self, grant: Grant, request: Request) -> Answer:
        tenant = request.headers.get("xero-tenant-id", "")
        connected = {connection["tenantId"] for connection in self.connections}
        if tenant not in grant.tenants or tenant not in connected:
            return problem(403, "Forbidden", "AuthenticationUnsuccessful")
        asked = {name.lower(): value for name, value in request.parameters.items()}
        size, page = int(asked.get("pagesize", 100)), int(asked.get("page", 1))
        order, _, direction = asked.get("order", "UpdatedDateUTC").lower().partition(" ")
        if not 1 <= size <= 1000 or page < 1 or order not in _ORDERS:
            return invalid("The page, its size or the order cannot be taken")
        size = min(size, self.most_per_page or size)
        since = _since(request)
        with_archived = asked.get("includearchived", "false").lower() == "true"
        books = self.books[tenant]
        wanted = _CONDITION.findall(asked.get("where", "").lower())
        if "where" in asked and len(books.records) > _MOST_FILTERED:
            return invalid("HighVolumeException", 51)

        def is_wanted(_: str, facts: Facts) -> bool:
            is_new = since is None or (
                facts.updated_at is not None and facts.updated_at.replace(microsecond=0) >= since
            )
            return is_new and (with_archived or facts.is_active) and facts.flags.issuperset(wanted)

        ids = books.select((since, with_archived, order, *wanted), is_wanted, _ORDERS[order])
        ids = ids[::-1] if direction == "desc" else ids
        return self._page(books, ids, page if "page" in asked else None, size)

    def _page(self, books: XeroBooks, ids: list[str], page: int | None, size: int) -> Answer:
        some = ids[:size] if page is None else ids[(page - 1) * size : page * size]
        counts = (
            ""
            if page is None
            else f'"pagination":{{"page":{page},"pageSize":{size},"pageCount":{math.ceil(len(ids) / size)},'
            f'"itemCount":{len(ids)}}},'
        )
        text = (
            f'{{"Id":"{request_id()}","Status":"OK","ProviderName":"etl-customers",'
            f'"DateTimeUTC":"{ticks(self.clock.now(), "")}",{counts}"Contacts":[{books.render(some)}]}}'
        )
        return Answer(200, text.encode(), JSON)


def problem(status: int, title: str, detail: str) -> Answer:
    """Return a refusal of Xero's gateway: problem details with capitals."""
    value: dict[str, Any] = {
        "Type": None,
        "Title": title,
        "Status": status,
        "Detail": detail,
        "Instance": request_id(),
        "Extensions": {},
    }
    return as_json(value, status)


def as_xml(status: int, number: int, kind: str, message: str) -> Answer:
    """Return an error of the accounting API as XML, which Xero speaks unless it is asked for JSON, and at times then."""
    text = f"<ApiException><ErrorNumber>{number}</ErrorNumber><Type>{kind}</Type><Message>{message}</Message></ApiException>"
    return as_text(text, status, "text/xml; charset=utf-8")


def invalid(message: str, number: int = 10) -> Answer:
    """Return a refusal of the accounting API."""
    elements = [{"ValidationErrors": [{"Message": message}]}]
    value = {"ErrorNumber": number, "Type": "ValidationException", "Message": message, "Elements": elements}
    return as_json(value, 400)


def _since(request: Request) -> datetime | None:
    """Read If-Modified-Since, an HTTP date or ISO without offset, to the second; what cannot be read is passed over."""
    text = request.headers.get("if-modified-since", "")
    if re.match(r"\d{4}-", text):
        time = datetime.fromisoformat(text)
    elif text:
        time = parsedate_to_datetime(text)
    else:
        return None
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).replace(microsecond=0)
