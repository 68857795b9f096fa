"""A connection to a fake: tokens without a database, a clock that does not wait, settings that lead there."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

from etl_customers.base.errors import ProviderUnavailable
from etl_customers.pull.client import Client
from etl_customers.pull.pacing import Clock
from etl_customers.settings.sections import Settings
from tests.fakes.quickbooks import FakeQuickBooks
from tests.fakes.xero import FakeXero

Fake = FakeQuickBooks | FakeXero

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


class HastyClock(Clock):
    """Counts what it was asked to wait and moves its hands instead; it begins at noon."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    def monotonic(self) -> float:
        return sum(self.waits)

    def utc_now(self) -> datetime:
        return NOON + timedelta(seconds=self.monotonic())

    def wait(self, seconds: float, stopped: threading.Event) -> None:  # noqa: ARG002 - nothing stops what is over
        self.waits.append(seconds)

    @property
    def long_waits(self) -> list[float]:
        """Waits that pacing alone does not ask for: a second or more where requests come every tenth of one."""
        return [seconds for seconds in self.waits if seconds >= 1]


class SignedIn:
    """Tokens of a fake's connection, kept in memory."""

    def __init__(self, fake: Fake) -> None:
        self.fake = fake
        self.tokens = [str(fake.sign_in()["access_token"])]
        self.rejections = 0

    def access_token(self) -> str:
        return self.tokens[-1]

    def refresh(self, rejected: str) -> str:
        assert rejected == self.tokens[-1]
        self.tokens.append(str(self.fake.sign_in()["access_token"]))
        return self.tokens[-1]

    def note_accepted(self) -> None:
        self.rejections = 0

    def note_rejected(self, reason: str, request_id: str | None) -> NoReturn:
        self.rejections += 1
        raise ProviderUnavailable(self.fake.provider, reason, request_id)


def settings_of(fake: Fake, **section: Any) -> Settings:
    """Return settings whose requests go to the fake, ten a second."""
    return Settings.model_validate({fake.provider: {"requests_per_minute": 600, **fake.settings(), **section}})


def client_of(fake: Fake, clock: Clock | None = None, tokens: SignedIn | None = None, **section: Any) -> Client:
    """Return a client of a fake's first company; close it."""
    settings = settings_of(fake, **section)
    return Client(fake.provider, fake.tenant, tokens or SignedIn(fake), settings, clock or HastyClock())
