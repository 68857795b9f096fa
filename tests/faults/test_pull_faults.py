"""Whatever goes wrong at a provider: in the end the target holds its customers, once each, and the connection stands.

The mishaps are in ``pull_mishaps``, each by its name.
"""

import logging
from math import inf
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from etl_customers.errors import PullRefused, ReconnectNeeded
from etl_customers.target.tables import imports, metadata, sync_cursors
from tests.fakes.oauth import CLIENT_ID, CLIENT_SECRET
from tests.fakes.provider_server import Fault
from tests.faults.pull_mishaps import FIRST_PULL, QUICKBOOKS, SECOND_PULL, XERO, Mishap, count_by
from tests.faults.pulling import World, connected

ON_POSTGRESQL = (
    "Xero: nulls, dates before 1970, half a surrogate pair, numbers for texts",
    "Xero: the new token is lost on its way, the refresh token has changed",
)


def endure(world: World, mishap: Mishap, caplog: pytest.LogCaptureFixture) -> None:
    """Pull with a mishap, as often as it takes, and see that nothing is left of it."""
    caplog.set_level(logging.DEBUG)
    mishap.prepare(world.fake)
    if mishap.change is not None:
        world.pull()
        world.assert_is_the_providers()
        mishap.change(world.fake)
    world.fake.fail(*mishap.script(world))
    if mishap.is_refused or mishap.is_reconnected:
        with pytest.raises(PullRefused) as refused:
            world.pull(is_full=mishap.is_full)
        assert isinstance(refused.value, ReconnectNeeded) is mishap.is_reconnected
        if mishap.is_reconnected:
            world.connect()
    world.pull(is_full=mishap.is_full)
    if mishap.is_repeated:
        world.pull(is_full=True)
    world.assert_is_the_providers()
    world.assert_is_connected()
    world.assert_nothing_was_told(caplog.text)
    assert all(request.path != "/elsewhere" for request in world.fake.requests)


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fakes' client, where the program looks for it."""
    for provider in (QUICKBOOKS, XERO):
        monkeypatch.setenv(f"ETL_CUSTOMERS_{provider.upper()}_CLIENT_ID", CLIENT_ID)
        monkeypatch.setenv(f"ETL_CUSTOMERS_{provider.upper()}_CLIENT_SECRET", CLIENT_SECRET)


@pytest.mark.parametrize("name", FIRST_PULL)
def test_a_first_pull_ends_with_the_providers_customers_in_spite_of(
    name: str, tmp_path: Path, sqlite_target: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    with connected(FIRST_PULL[name].provider, tmp_path, sqlite_target) as world:
        endure(world, FIRST_PULL[name], caplog)


@pytest.mark.parametrize("name", SECOND_PULL)
def test_a_later_pull_ends_with_the_providers_customers_in_spite_of(
    name: str, tmp_path: Path, sqlite_target: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    with connected(SECOND_PULL[name].provider, tmp_path, sqlite_target) as world:
        endure(world, SECOND_PULL[name], caplog)


@pytest.mark.parametrize("name", ON_POSTGRESQL)
def test_on_postgresql_a_first_pull_ends_with_the_providers_customers_in_spite_of(
    name: str, tmp_path: Path, postgresql_target: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    with connected(FIRST_PULL[name].provider, tmp_path, postgresql_target) as world:
        endure(world, FIRST_PULL[name], caplog)


def test_pulls_of_an_unchanged_provider_write_nothing_but_their_ledger_rows_and_the_cursor(
    tmp_path: Path, target: Engine
) -> None:
    with connected(XERO if target.name == "sqlite" else QUICKBOOKS, tmp_path, target, is_plain=True) as world:
        world.fake.deactivate(next(iter(world.fake.records)))
        world.pull()
        before = dump(target)
        for is_full in (False, True):
            record = world.pull(is_full=is_full)
            assert (record.rows_read, record.rows_unchanged) == (25, 25)
            after = dump(target)
            assert {name for name in after if after[name] != before[name]} == {imports.name, sync_cursors.name}


def test_nobody_is_taken_for_gone_where_the_count_is_wrong(tmp_path: Path, sqlite_target: Engine) -> None:
    with connected(QUICKBOOKS, tmp_path, sqlite_target) as world:
        world.pull()
        gone = next(iter(world.fake.records))
        world.fake.remove(gone)
        world.fake.fail(Fault("count", times=inf, edit=count_by(7)))
        with pytest.raises(AssertionError, match="no pull was complete"):
            world.pull(is_full=True, tries=1)
        assert world.synced()[gone]["is_active"]
        world.fake.mend()
        world.pull(is_full=True)
        world.assert_is_the_providers()


def test_a_pull_that_misses_many_customers_stops_and_asks(tmp_path: Path, sqlite_target: Engine) -> None:
    with connected(QUICKBOOKS, tmp_path, sqlite_target) as world:
        world.pull()
        before = dump(sqlite_target)
        for key in list(world.fake.records)[10:14]:
            world.fake.remove(key)
        with pytest.raises(PullRefused) as refused:
            world.pull(is_full=True)
        assert refused.value.code == "too_many_vanished"
        after = dump(sqlite_target)
        assert {name for name in after if after[name] != before[name]} == {imports.name}
        world.pull(is_full=True, accepts_vanished=True)
        world.assert_is_the_providers()


def dump(target: Engine) -> dict[str, list[str]]:
    """Return the rows of every table as text."""
    with target.connect() as connection:
        return {
            table.name: sorted(repr(row) for row in connection.execute(sa.select(table)))
            for table in metadata.sorted_tables
        }
