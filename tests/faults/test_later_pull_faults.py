"""Whatever goes wrong in a pull after the first: the target follows the provider, and nobody is taken for gone wrongly.

The mishaps are in ``pull_mishaps``, each by its name.
"""

from collections.abc import Sequence
from math import inf
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from etl_customers.base.errors import PullRefused
from etl_customers.database.tables import imports, metadata, sync_cursors
from schemas.sources import QUICKBOOKS, XERO
from tests.fakes.provider_server import Fault
from tests.faults.enduring import Mishap, befalling, endure
from tests.faults.pull_mishaps import FIRST_PULL, LATER_PULL
from tests.faults.pull_scripts import count_by
from tests.faults.pulling import connected


@befalling(LATER_PULL)
def test_a_later_pull_ends_with_the_providers_customers_in_spite_of(
    mishaps: Sequence[Mishap],
    tmp_path: Path,
    sqlite_target: Engine,
    undisturbed_target: Engine,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with connected(mishaps[0].provider, tmp_path, sqlite_target) as world:
        endure(world, mishaps, caplog, undisturbed_target)


@pytest.mark.parametrize("together", ["Xero: odd records", "Xero: tokens"])
def test_postgresql_ends_with_the_providers_customers_in_spite_of(
    together: str, tmp_path: Path, postgresql_target: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    with connected(XERO, tmp_path, postgresql_target) as world:
        endure(world, [*FIRST_PULL[together].values()], caplog)


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


def test_nobody_is_taken_for_gone_by_a_wrong_count_and_many_only_after_somebody_was_asked(
    tmp_path: Path, sqlite_target: Engine
) -> None:
    with connected(QUICKBOOKS, tmp_path, sqlite_target) as world:
        world.pull()
        gone, *more = list(world.fake.records)[10:14]
        world.fake.remove(gone)
        world.fake.fail(Fault("count", times=inf, edit=count_by(7)))
        with pytest.raises(AssertionError, match="no pull was complete"):
            world.pull(is_full=True, tries=1)
        assert world.synced()[gone]["is_active"]
        world.fake.mend()
        for key in more:
            world.fake.remove(key)
        before = dump(sqlite_target)
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
