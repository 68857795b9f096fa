"""A process that is killed around the renewal of a token leaves a connection that the next one can use."""

from datetime import timedelta

import pytest
from sqlalchemy.engine import Engine

from etl_customers.base.errors import ReconnectNeeded
from etl_customers.connections.tokens import open_tokens
from etl_customers.database.connections import CONNECTED, RECONNECT
from etl_customers.settings.home import Home
from etl_customers.settings.sections import Settings
from schemas.sources import QUICKBOOKS, XERO
from tests.connected import connect_fake, connection_of, stored_tokens
from tests.fakes.provider_server import Fault
from tests.fakes.quickbooks import FakeQuickBooks
from tests.fakes.xero import FakeXero
from tests.faults.killing import Processes

RENEW = "access token"
BEFORE_SENDING = "before sending.send"
AFTER_SENDING = "after sending.send"
BEFORE_THE_COMMIT = "after connections.store_token"
AFTER_THE_COMMIT = "after tokens._renew"
LONG_AGO = timedelta(hours=2)


@pytest.mark.parametrize(
    ("target_url", "point", "requests"),
    [
        pytest.param("sqlite", BEFORE_SENDING, 1, id="sqlite before sending"),
        pytest.param("postgresql", AFTER_SENDING, 2, id="postgresql after sending"),
        pytest.param("sqlite", BEFORE_THE_COMMIT, 2, id="sqlite before the commit"),
        pytest.param("postgresql", AFTER_THE_COMMIT, 1, id="postgresql after the commit"),
    ],
    indirect=["target_url"],
)
def test_whoever_comes_after_a_killed_renewal_gets_a_valid_token(
    home: Home, target: Engine, xero: FakeXero, point: str, requests: int, disturbed: Processes
) -> None:
    connect_fake(xero, home, target, ago=LONG_AGO)
    disturbed.kill(home.path, target, RENEW, XERO, xero.tenant, at=point)
    tokens = open_tokens(home, Settings(), target, XERO, xero.tenant)
    assert tokens.access_token() == stored_tokens(home, target, XERO).access_token
    assert xero.count("token") == requests
    assert tokens.refresh(tokens.access_token()) == stored_tokens(home, target, XERO).access_token
    assert connection_of(target, XERO).state == CONNECTED


def test_where_quickbooks_has_given_another_refresh_token_a_person_is_asked_for_and_nobody_else(
    home: Home, sqlite_target: Engine, quickbooks: FakeQuickBooks, disturbed: Processes
) -> None:
    connect_fake(quickbooks, home, sqlite_target, ago=LONG_AGO)
    quickbooks.clock.advance(hours=25)
    disturbed.kill(home.path, sqlite_target, RENEW, QUICKBOOKS, quickbooks.realm, at=AFTER_SENDING)
    for _ in range(3):
        with pytest.raises(ReconnectNeeded, match="etl-customers connect quickbooks"):
            open_tokens(home, Settings(), sqlite_target, QUICKBOOKS, quickbooks.realm).access_token()
    assert quickbooks.count("token") == 2
    assert connection_of(sqlite_target, QUICKBOOKS).state == RECONNECT


def test_two_processes_that_renew_at_once_make_one_request(
    home: Home, target: Engine, xero: FakeXero, disturbed: Processes
) -> None:
    connect_fake(xero, home, target, ago=LONG_AGO)
    # Long enough for the second process to come while the first one waits.
    xero.fail(Fault(kind="token", pause=0.5))
    both = disturbed.run_at_once(home.path, target, RENEW, XERO, xero.tenant, times=2)
    given = {outcome.result for outcome in both}
    assert given == {stored_tokens(home, target, XERO).access_token}
    assert xero.count("token") == 1
