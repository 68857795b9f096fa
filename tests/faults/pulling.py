"""A fake provider that is connected to a target, pulled as a scheduler would, and compared with what came of it.

What goes wrong meanwhile is in ``pull_mishaps``.
"""

import re
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from etl_customers.base.errors import EtlCustomersError, NotNow
from etl_customers.connections.callback import Consent, read_consent
from etl_customers.connections.connecting import connect_company
from etl_customers.connections.tokens import open_tokens
from etl_customers.database.connect import reading
from etl_customers.database.connections import list_connections
from etl_customers.database.ledger import ImportRecord, require_import
from etl_customers.database.tables import customers, provider_customers
from etl_customers.imports import accepting_pulls, whole
from etl_customers.imports.installation import Installation
from etl_customers.pull.pacing import Clock
from etl_customers.settings.home import Home
from etl_customers.settings.sections import Settings
from schemas.columns import CUSTOMER_COLUMNS
from tests.fakes.books import Record
from tests.fakes.loopback import Request
from tests.fakes.oauth import CLIENT_ID, CLIENT_SECRET
from tests.fakes.provider_server import running
from tests.fakes.quickbooks import FakeQuickBooks
from tests.fakes.xero import FakeXero

Fake = FakeQuickBooks | FakeXero
FAKES: dict[str, type[FakeQuickBooks] | type[FakeXero]] = {"quickbooks": FakeQuickBooks, "xero": FakeXero}
PAGE_SIZE = 3
_COMPARED = ("first_name", "last_name", "business_name", "email", "is_active")
_ALL_COLUMNS = (*CUSTOMER_COLUMNS, "is_active", "warnings", "parent_id")


class NoWait(Clock):
    """Time that passes at once when somebody waits."""

    def __init__(self) -> None:
        self.waited = 0.0

    def monotonic(self) -> float:
        """Return seconds, those that nobody waited among them."""
        return time.monotonic() + self.waited

    def utc_now(self) -> datetime:
        """Return the time after all that waiting."""
        return datetime.now(UTC) + timedelta(seconds=self.waited)

    def wait(self, seconds: float, stopped: threading.Event) -> None:  # noqa: ARG002 - nothing stops what is over
        """Wait for nothing."""
        self.waited += seconds


@dataclass
class World:
    """A provider, a target, and the connection between them."""

    fake: Fake
    installation: Installation
    messages: list[str] = field(default_factory=list)
    """Of everything that stopped a try."""
    clock: NoWait = field(default_factory=NoWait)
    _requests_before: int = 0
    """Those that had come when a person agreed last."""

    @property
    def provider(self) -> str:
        """Return ``quickbooks`` or ``xero``."""
        return self.fake.provider

    def connect(self) -> None:
        """Sign in as a user does."""
        self._requests_before = len(self.fake.requests)
        connect_company(
            self.installation.home,
            self.installation.settings,
            self.installation.target,
            self.provider,
            get_consent=_agree,
            tenant_id=None,
            choose=lambda _: None,
            connected_by="test",
        )

    def pull(self, *, is_full: bool = False, accepts_vanished: bool = False, tries: int = 9) -> ImportRecord:
        """Pull, again while that is "not now", and until a pull was complete; what else stops it is raised.

        Raises:
            PullRefused: The pull was refused.
            AssertionError: It does not come to an end.
        """
        for _ in range(tries):
            accepted = accepting_pulls.accept(
                self.installation,
                self.provider,
                None,
                is_full=is_full,
                accepts_vanished=accepts_vanished,
                accepted_by="test",
            )
            try:
                whole.run_pull(self.installation, accepted.record.import_id, clock=self.clock, page_size=PAGE_SIZE)
            except EtlCustomersError as error:
                self.messages.append(str(error))
                self._assert_the_sign_in_alone_ends_a_connection()
                if not isinstance(error, NotNow):
                    raise
                continue
            with reading(self.installation.target) as connection:
                record = require_import(connection, accepted.record.import_id)
            if record.is_complete:
                return record
        raise AssertionError(f"no pull was complete; stopped by {self.messages}")

    def pulled_anew(self, target: Engine) -> "World":
        """Pull the same provider into a target that is new, with a connection of its own."""
        home = Home(self.installation.home.path.parent / "undisturbed").make()
        other = World(self.fake, Installation(home, self.installation.settings, target))
        other.connect()
        assert other.pull(tries=1).is_full
        return other

    def synced(self, columns: Sequence[str] = _COMPARED) -> dict[str, Record]:
        """Return the target's customer of each provider's id, as far as it is compared."""
        query = (
            sa.select(provider_customers.c.provider_id, provider_customers.c.parent_id, customers)
            .join_from(provider_customers, customers, provider_customers.c.customer_id == customers.c.id)
            .where(provider_customers.c.provider == self.provider)
            .where(provider_customers.c.tenant_id == self.fake.tenant)
        )
        with reading(self.installation.target) as connection:
            rows = connection.execute(query).mappings().all()
            count = connection.scalar(sa.select(sa.func.count()).select_from(customers))
        found = {row["provider_id"]: {name: row[name] for name in columns} for row in rows}
        assert len({row["id"] for row in rows}) == len(rows) == count, "a customer is there twice, or without a link"
        return found

    def expected(self) -> dict[str, Record]:
        """Return what the target is to hold of each of the provider's records that is a customer."""
        describe = _of_quickbooks if self.provider == "quickbooks" else _of_xero
        described = {
            key: None if _is_unusable(record) else describe(record) for key, record in self.fake.records.items()
        }
        return {key: record for key, record in described.items() if record is not None}

    def assert_is_the_providers(self) -> None:
        """Compare: every customer of the provider is here as it is there, and what it has no more is inactive."""
        synced, expected = self.synced(), self.expected()
        assert {key: synced.get(key) for key in expected} == expected
        gone = {key: record["is_active"] for key, record in synced.items() if key not in expected}
        assert not any(gone.values()), f"{sum(gone.values())} customers are active that the provider has no more"

    def assert_is_as(self, undisturbed: "World") -> None:
        """Compare all columns with those of another target; whom only this one has is inactive."""
        here, there = self.synced(_ALL_COLUMNS), undisturbed.synced(_ALL_COLUMNS)
        different = {
            (key, name)
            for key, record in there.items()
            for name in _ALL_COLUMNS
            if key not in here or here[key][name] != record[name]
        }
        assert not different
        assert not any(here[key]["is_active"] for key in here.keys() - there.keys())

    def _assert_the_sign_in_alone_ends_a_connection(self) -> None:
        """See that the connection is to be made again where the token endpoint refused its token, and only there."""
        told = [request for request in self.fake.requests[self._requests_before :] if request.kind == "token"]
        is_ended = self._state() == "reconnect"
        assert is_ended is any(request.said == "invalid_grant" for request in told), "not the sign-in ended it"

    def _state(self) -> str:
        with reading(self.installation.target) as connection:
            (record,) = list_connections(connection)
        return record.state

    def assert_is_connected(self) -> None:
        """See that the connection stands and its token is one that the provider takes."""
        assert self._state() == "connected"
        token = self.tokens().access_token()
        request = Request("GET", "/", {}, {"authorization": f"Bearer {token}"}, b"")
        if self.fake.oauth.grant_of(request) is None:  # expired by the fake's clock, which is ahead
            token = self.tokens().refresh(token)
            request = Request("GET", "/", {}, {"authorization": f"Bearer {token}"}, b"")
        assert self.fake.oauth.grant_of(request) is not None

    def assert_nothing_was_told(self, log: str) -> None:
        """See that neither log nor messages hold a secret or a customer's value."""
        told = "\n".join([log, *self.messages])
        secrets = {CLIENT_SECRET, *self.fake.oauth.issued}
        assert not [secret for secret in secrets if secret in told], "a secret was told"
        assert not re.search(r"customer\.\d+@|555-01\d\d", told), "a customer's value was told"

    def tokens(self) -> Any:
        """Return the connection's tokens, as another process would open them."""
        shop = self.installation
        return open_tokens(shop.home, shop.settings, shop.target, self.provider, self.fake.tenant)


@contextmanager
def connected(provider: str, path: Path, target: Engine, count: int = 25, is_plain: bool = False) -> Iterator[World]:
    """Run a fake with so many customers, connected to a target that is new."""
    with running(FAKES[provider]()) as fake, pytest.MonkeyPatch.context() as patch:
        patch.setenv(f"ETL_CUSTOMERS_{provider.upper()}_CLIENT_ID", CLIENT_ID)
        patch.setenv(f"ETL_CUSTOMERS_{provider.upper()}_CLIENT_SECRET", CLIENT_SECRET)
        fake.add(count, is_plain)
        given: dict[str, Any] = {"company": {"country": "US"}, provider: fake.settings()}
        world = World(fake, Installation(Home(path / "home").make(), Settings(**given), target))
        world.connect()
        yield world


def _agree(provider: str, address: str, redirect_uri: str, state: str) -> Consent:
    """Open the address in the place of a browser; the fake agrees at once."""
    answer = requests.get(address, allow_redirects=False, timeout=5)
    return read_consent(provider, answer.headers["Location"], state)


def _of_quickbooks(record: Record) -> Record | None:
    first, last, suffix = (_text(record.get(name)) for name in ("GivenName", "FamilyName", "Suffix"))
    last = " ".join(part for part in (last, suffix) if part) or None
    display = _text(record.get("DisplayName"))
    business = _text(record.get("CompanyName")) or (None if first or last else display)
    if record.get("IsProject") or not (first or last or business):
        return None
    return {
        "first_name": first,
        "last_name": last,
        "business_name": business,
        "email": _first_email((record.get("PrimaryEmailAddr") or {}).get("Address")),
        "is_active": record.get("Active", True) is not False,
    }


def _of_xero(record: Record) -> Record | None:
    first, last, name = (_text(record.get(name)) for name in ("FirstName", "LastName", "Name"))
    is_supplier = record.get("IsSupplier") and not record.get("IsCustomer")
    is_gone = record.get("MergedToContactID") or record.get("ContactStatus") == "GDPRREQUEST"
    if is_supplier or is_gone or not (first or last or name):
        return None
    is_person = name == " ".join(part for part in (first, last) if part)
    return {
        "first_name": first,
        "last_name": last,
        "business_name": None if is_person else name,
        "email": _first_email(record.get("EmailAddress")),
        "is_active": record.get("ContactStatus") == "ACTIVE",
    }


def _is_unusable(record: Record) -> bool:
    """Whether no database can store its name, or it is no text."""
    names = [record.get(name) for name in ("GivenName", "FirstName")]
    return any(name is not None and (not isinstance(name, str) or not name.isprintable()) for name in names)


def _text(value: str | None) -> str | None:
    return " ".join((value or "").split()) or None


def _first_email(value: str | None) -> str | None:
    return next(iter(re.split(r"[,;\s]+", value.strip())), None) if value else None
