"""Tokens of a connection: valid when handed out, renewed once by whoever comes first, never lost, never told."""

import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from etl_customers.base.errors import ProviderUnavailable, ReconnectNeeded, UsageError, error_code
from etl_customers.connections.keep_alive import keep_alive
from etl_customers.connections.sending import Patience
from etl_customers.connections.tokens import REJECTED_LONG, Tokens, open_tokens
from etl_customers.database.connect import writing
from etl_customers.database.connections import CONNECTED, RECONNECT, note_rejections
from etl_customers.settings.home import Home
from etl_customers.settings.sections import Settings
from schemas.sources import QUICKBOOKS, XERO
from tests.connected import connect_fake, connection_of, stored_tokens
from tests.fakes.loopback import Answer, as_json, as_text
from tests.fakes.provider_server import Fault, running
from tests.fakes.quickbooks import FakeQuickBooks
from tests.fakes.xero import FakeXero

QUICK = Patience(connect_seconds=2, answer_seconds=2, pauses=(0, 0))
LONG_AGO = timedelta(hours=2)


class Connected:
    """A connection to the fake Xero, with all that its tokens need."""

    def __init__(self, home: Home, target: Engine, fake: FakeXero) -> None:
        self.home, self.target, self.fake = home, target, fake

    def connect(self, ago: timedelta = timedelta(0)) -> Tokens:
        connect_fake(self.fake, self.home, self.target, ago=ago)
        return self.open()

    def open(self) -> Tokens:
        return open_tokens(self.home, Settings(), self.target, XERO, self.fake.tenant, QUICK)

    def first_rejected(self, ago: timedelta) -> None:
        """Put the first of the rejections further into the past."""
        with writing(self.target) as connection:
            number = connection_of(self.target, XERO).rejections
            note_rejections(connection, XERO, self.fake.tenant, number, datetime.now(UTC) - ago)

    @property
    def state(self) -> str:
        return connection_of(self.target, XERO).state

    @property
    def stored(self) -> str:
        return stored_tokens(self.home, self.target, XERO).access_token


@pytest.fixture
def here(home: Home, sqlite_target: Engine, xero: FakeXero) -> Connected:
    return Connected(home, sqlite_target, xero)


@pytest.fixture
def everywhere(home: Home, target: Engine, xero: FakeXero) -> Connected:
    """The same, once for each kind of database."""
    return Connected(home, target, xero)


def test_a_valid_token_is_handed_out_as_it_is(everywhere: Connected) -> None:
    tokens = everywhere.connect()
    assert tokens.access_token() == tokens.access_token() == everywhere.stored
    assert everywhere.fake.count("token") == 0


def test_a_token_that_has_less_than_a_minute_left_is_renewed_and_stored(everywhere: Connected) -> None:
    tokens = everywhere.connect(ago=timedelta(minutes=29, seconds=5))
    before = everywhere.stored
    token = tokens.access_token()
    assert token == tokens.access_token() == everywhere.open().access_token() == everywhere.stored != before
    assert everywhere.fake.count("token") == 1
    record = connection_of(everywhere.target, XERO)
    assert record.age_share(datetime.now(UTC)) < 0.001
    assert record.refreshed_at is not None
    assert record.refreshed_at > record.connected_at


def test_many_at_once_make_one_renewal(everywhere: Connected) -> None:
    everywhere.connect(ago=LONG_AGO)
    everywhere.fake.fail(Fault(kind="token", pause=0.2))
    several = [everywhere.open() for _ in range(4)]
    with ThreadPoolExecutor(8) as pool:
        given = set(pool.map(lambda tokens: tokens.access_token(), several * 2))
    assert given == {everywhere.stored}
    assert everywhere.fake.count("token") == 1


def test_a_rejected_token_is_renewed_once_by_whoever_comes_first(everywhere: Connected) -> None:
    first, second = everywhere.connect(), everywhere.open()
    rejected = first.access_token()
    second.access_token()
    renewed = first.refresh(rejected)
    assert renewed != rejected
    assert second.refresh(rejected) == first.refresh(rejected) == renewed
    assert everywhere.fake.count("token") == 1


def test_a_new_token_that_is_rejected_asks_for_a_person_after_several_tries_over_hours_only(
    everywhere: Connected,
) -> None:
    tokens = everywhere.connect()

    def reject(reason: str = "status 401") -> None:
        tokens.note_rejected(reason, "1-abc")

    for _ in range(5):
        with pytest.raises(ProviderUnavailable, match="status 401, request 1-abc"):
            reject()
    assert everywhere.state == CONNECTED
    everywhere.first_rejected(REJECTED_LONG)
    with pytest.raises(ReconnectNeeded, match="etl-customers connect xero"):
        reject()
    assert everywhere.state == RECONNECT
    with pytest.raises(ReconnectNeeded):
        everywhere.open().access_token()
    assert everywhere.fake.count("token") == 0
    everywhere.connect()
    with pytest.raises(ProviderUnavailable):
        reject()


def test_rejections_long_ago_count_no_more_once_a_token_was_accepted(everywhere: Connected) -> None:
    tokens = everywhere.connect()
    for is_accepted in (False, False, True, False, False):
        if is_accepted:
            tokens.note_accepted()
            continue
        with pytest.raises(ProviderUnavailable):
            tokens.note_rejected("status 401", None)
        everywhere.first_rejected(REJECTED_LONG)
    assert (everywhere.state, connection_of(everywhere.target, XERO).rejections) == (CONNECTED, 2)


def test_a_grant_that_is_gone_makes_the_state_reconnect_and_no_further_request(everywhere: Connected) -> None:
    tokens = everywhere.connect(ago=LONG_AGO)
    everywhere.fake.oauth.forget_grants()
    for one in (tokens, tokens, everywhere.open()):
        with pytest.raises(ReconnectNeeded):
            one.access_token()
    assert everywhere.state == RECONNECT
    assert everywhere.fake.count("token") == 1


LOST: dict[str, dict[str, Any]] = {
    "cut before it is done": {"cut": "before"},
    "cut after it is done": {"cut": "after"},
    "cut in the body": {"cut": "body"},
    "half of the JSON": {"edit_bytes": lambda body: body[: len(body) // 2]},
    "no token in it": {"edit": lambda value: value.pop("access_token") and None},
    "a token of another kind": {"edit": lambda value: {**value, "access_token": ["x"]}},
    "a token with a line break": {"edit": lambda value: {**value, "access_token": "a\r\nX-Header: b"}},
    "a list": {"edit": lambda value: [value]},
    "a page of HTML": {"answer": as_text("<html>Sorry</html>", 200, "text/html")},
    "an error of the server": {"answer": as_text("", 503)},
}


@pytest.mark.parametrize("mishap", LOST.values(), ids=LOST)
def test_where_the_answer_is_lost_the_same_token_is_sent_again(here: Connected, mishap: dict[str, Any]) -> None:
    tokens = here.connect(ago=LONG_AGO)
    here.fake.fail(Fault(kind="token", **mishap))
    assert tokens.access_token() == here.stored
    assert here.fake.count("token") == 2
    assert here.state == CONNECTED


def test_what_was_given_is_stored_even_if_the_database_breaks_off_meanwhile(
    home: Home, postgresql_target: Engine, xero: FakeXero
) -> None:
    here = Connected(home, postgresql_target, xero)
    tokens = here.connect(ago=LONG_AGO)
    others = "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"

    def restart() -> None:
        with sa.create_engine(postgresql_target.url, poolclass=sa.NullPool).connect() as connection:
            connection.exec_driver_sql(others)

    xero.fail(Fault(kind="token", after=restart))
    assert tokens.access_token() == here.stored == here.open().access_token()
    assert xero.count("token") == 1


def test_a_provider_that_does_not_answer_is_asked_three_times_and_the_connection_stays(here: Connected) -> None:
    tokens = here.connect(ago=LONG_AGO)
    here.fake.fail(Fault(kind="token", cut="after", times=3))
    with pytest.raises(ProviderUnavailable, match="nothing is half done") as failed:
        tokens.access_token()
    assert (failed.value.exit_code, error_code(failed.value)) == (3, "provider_unavailable")
    assert here.fake.count("token") == 3
    assert tokens.access_token() == here.stored
    assert here.state == CONNECTED


@pytest.mark.parametrize(
    "answer",
    [
        as_text("Rate limit exceeded", 429),
        as_json({"error": "invalid_request"}, 400),
        as_text("<html>Forbidden</html>", 403, "text/html"),
        Answer(302, b"", headers={"Location": "http://127.0.0.1:9/"}),
    ],
    ids=["too many requests", "another error", "forbidden", "redirect"],
)
def test_what_is_no_answer_to_a_renewal_is_not_repeated_at_once(here: Connected, answer: Answer) -> None:
    tokens = here.connect(ago=LONG_AGO)
    here.fake.fail(Fault(kind="token", answer=answer))
    with pytest.raises(ProviderUnavailable):
        tokens.access_token()
    assert here.fake.count("token") == 1
    assert here.state == CONNECTED
    assert tokens.access_token() == here.stored


def test_a_wrong_secret_is_the_users_to_correct_and_ends_no_connection(
    here: Connected, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.connect(ago=LONG_AGO)
    monkeypatch.setenv("ETL_CUSTOMERS_XERO_CLIENT_SECRET", "canary-secret")
    with pytest.raises(UsageError, match="ETL_CUSTOMERS_XERO_CLIENT_ID and ETL_CUSTOMERS_XERO_CLIENT_SECRET") as failed:
        here.open().access_token()
    assert "canary" not in str(failed.value)
    assert here.state == CONNECTED


def test_an_application_without_a_secret_renews_by_its_id_alone(
    home: Home, sqlite_target: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(FakeXero(is_public=True)) as fake:
        for name, value in fake.environment().items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("ETL_CUSTOMERS_XERO_CLIENT_SECRET")
        here = Connected(home, sqlite_target, fake)
        assert here.connect(ago=LONG_AGO).access_token() == here.stored
        assert not [request for request in fake.requests if request.is_authorised]


def test_a_missing_client_id_is_named(here: Connected, monkeypatch: pytest.MonkeyPatch) -> None:
    here.connect()
    monkeypatch.delenv("ETL_CUSTOMERS_XERO_CLIENT_ID")
    with pytest.raises(UsageError, match="ETL_CUSTOMERS_XERO_CLIENT_ID is not set"):
        here.open()


def test_quickbooks_needs_a_secret_and_neither_may_hold_odd_characters(
    home: Home, sqlite_target: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ETL_CUSTOMERS_QUICKBOOKS_CLIENT_ID", "canary–id")
    with pytest.raises(
        UsageError, match=r"SECRET is not set.*CLIENT_ID holds characters that are not plain ASCII"
    ) as failed:
        open_tokens(home, Settings(), sqlite_target, QUICKBOOKS, "1")
    assert "canary" not in str(failed.value)


@pytest.mark.parametrize("life", [None, "soon", -5, 0, {}], ids=str)
def test_a_token_whose_life_is_not_told_counts_as_valid_for_half_an_hour(here: Connected, life: object) -> None:
    tokens = here.connect(ago=LONG_AGO)
    here.fake.fail(Fault(kind="token", edit=lambda value: value | {"expires_in": life}))
    tokens.access_token()
    stored = stored_tokens(here.home, here.target, XERO)
    assert stored.expires_at - stored.received_at == timedelta(minutes=30)


def test_an_answer_without_a_refresh_token_keeps_the_one_that_was_sent(here: Connected) -> None:
    tokens = here.connect(ago=LONG_AGO)
    before = stored_tokens(here.home, here.target, XERO).refresh_token
    here.fake.fail(Fault(kind="token", edit=lambda value: value.pop("refresh_token") and None))
    tokens.access_token()
    assert stored_tokens(here.home, here.target, XERO).refresh_token == before


def test_quickbooks_tells_how_long_its_refresh_token_lives_and_when_it_dies_for_good(
    home: Home, sqlite_target: Engine, quickbooks: FakeQuickBooks
) -> None:
    connect_fake(quickbooks, home, sqlite_target, ago=timedelta(days=60))
    assert 0.5 < connection_of(sqlite_target, QUICKBOOKS).age_share(datetime.now(UTC)) < 0.7
    week = 7 * 24 * 3600
    quickbooks.fail(Fault(kind="token", edit=lambda value: value | {"x_refresh_token_hard_expires_in": week}))
    open_tokens(home, Settings(), sqlite_target, QUICKBOOKS, quickbooks.realm, QUICK).access_token()
    assert connection_of(sqlite_target, QUICKBOOKS).age_share(datetime.now(UTC)) == pytest.approx(0.93, abs=0.01)


def test_quickbooks_is_asked_when_a_connection_ends_for_good_and_what_it_said_is_kept(
    home: Home, target: Engine, quickbooks: FakeQuickBooks
) -> None:
    connect_fake(quickbooks, home, target, ago=LONG_AGO)
    assert connection_of(target, QUICKBOOKS).hard_expires_at is None
    tokens = open_tokens(home, Settings(), target, QUICKBOOKS, quickbooks.realm, QUICK)
    first = tokens.access_token()
    record = connection_of(target, QUICKBOOKS)
    assert record.hard_expires_at is not None
    years = (record.hard_expires_at - datetime.now(UTC)) / timedelta(days=365)
    assert years == pytest.approx(5, abs=0.01)
    assert [record.ends_soon(record.hard_expires_at - timedelta(days=days)) for days in (61, 59)] == [False, True]
    assert stored_tokens(home, target, QUICKBOOKS).hard_expires_at == record.hard_expires_at
    quickbooks.fail(Fault(kind="token", edit=lambda value: value.pop("x_refresh_token_hard_expires_in") and None))
    assert tokens.refresh(first) != first
    assert connection_of(target, QUICKBOOKS).hard_expires_at == record.hard_expires_at


def test_no_token_and_no_secret_is_ever_logged_or_told(here: Connected, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    tokens = here.connect(ago=LONG_AGO)
    here.fake.fail(Fault(kind="token", cut="body"), Fault(kind="token", nth=3, times=3, answer=as_text("", 500)))
    tokens.access_token()
    with pytest.raises(ProviderUnavailable) as failed:
        tokens.refresh(tokens.access_token())
    told = f"{caplog.text} {failed.value!r} {failed.value} {failed.value.__context__!r}"
    assert "request" in told
    assert not [secret for secret in (*here.fake.oauth.issued, "fake-client-secret") if secret in told]


@pytest.fixture
def both(home: Home, target: Engine, xero: FakeXero, quickbooks: FakeQuickBooks) -> tuple[FakeXero, FakeQuickBooks]:
    """One connection to each provider, neither used for eight days."""
    for fake in (xero, quickbooks):
        connect_fake(fake, home, target, ago=timedelta(days=8))
    return xero, quickbooks


def test_connections_that_nobody_used_for_a_week_are_renewed_once(
    home: Home, target: Engine, both: tuple[FakeXero, FakeQuickBooks]
) -> None:
    now = datetime.now(UTC)
    kept = keep_alive(home, Settings(), target, now, QUICK)
    assert [(one.provider, one.problem) for one in kept] == [(QUICKBOOKS, None), (XERO, None)]
    assert keep_alive(home, Settings(), target, now + timedelta(days=6), QUICK) == []
    assert [fake.count("token") for fake in both] == [1, 1]


def test_one_connection_that_cannot_be_renewed_does_not_stop_the_others(
    home: Home, target: Engine, both: tuple[FakeXero, FakeQuickBooks]
) -> None:
    both[1].oauth.forget_grants()
    kept = keep_alive(home, Settings(), target, datetime.now(UTC), QUICK)
    assert [type(one.problem) for one in kept] == [ReconnectNeeded, type(None)]
    assert keep_alive(home, Settings(), target, datetime.now(UTC), QUICK) == []
