"""A load of a pull whose connection breaks at any message is there whole or not at all, and can be repeated."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.engine import Engine

from etl_customers.database.connect import connect
from tests.faults.dumping import differences, dump
from tests.faults.proxy import (
    COMMIT,
    COMMITTED,
    FORGOTTEN_CURSORS,
    MODES,
    Mode,
    Point,
    is_stopped_by,
    named,
    numbered,
    through_proxy,
)
from tests.faults.test_killed_pulls import COUNTS, finish, prepare
from tests.full_form import FULL

pytestmark = FORGOTTEN_CURSORS

PARTS = 6 if FULL else 1


@pytest.fixture
def undisturbed(migrated_sqlite_file: Path, tmp_path: Path) -> Iterator[Engine]:
    """Another target, for the pull that nothing disturbs."""
    engine = connect(f"sqlite:///{shutil.copy(migrated_sqlite_file, tmp_path / 'undisturbed.db')}")
    yield engine
    engine.dispose()


def cuts(part: int) -> Iterator[tuple[Point, Mode, bool]]:
    """Yield where to break: in the full form at every message, by parts, until a load is done."""
    for number in range(1 + part, 100_000, PARTS) if FULL else (40, 131):
        yield numbered(number), MODES[number % 3], number % 2 == 0
    yield named(COMMIT), "within", False
    yield named(COMMITTED), "before", False


@pytest.mark.parametrize("part", range(PARTS))
def test_a_load_of_a_pull_that_was_cut_off_at_any_message_changed_all_or_nothing_and_can_be_repeated(
    part: int, postgresql_target: Engine, undisturbed: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Else libpq makes a new connection once more where it broke off before it was said whether to encrypt.
    monkeypatch.setenv("PGSSLMODE", "disable")
    finish(*prepare(undisturbed, tmp_path / "undisturbed"))
    books, import_id = prepare(postgresql_target, tmp_path / "cut")
    before, after = dump(postgresql_target), dump(undisturbed)
    stopped = 0
    with through_proxy(postgresql_target) as (proxy, books.target):
        for point, mode, stays_down in cuts(part):
            proxy.cut(point, mode, stays_down=stays_down)
            is_done = not is_stopped_by(proxy, lambda: finish(books, import_id))
            assert dump(postgresql_target) in ((after,) if is_done else (before, after))
            if is_done and not proxy.has_cut:
                break
            stopped += 1
        assert finish(books, import_id) == COUNTS
    assert differences(dump(postgresql_target), after) == {}
    assert stopped >= (600 // PARTS if FULL else 4)
