"""A connection to PostgreSQL that breaks at any message: all of an import is loaded or nothing, and it can be repeated."""

import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from etl_customers.database import first_load
from etl_customers.database.tables import identity_keys
from tests.faults.dumping import dump
from tests.faults.importing import (
    VALUES,
    StagedImport,
    Undisturbed,
    empty,
    installation_of,
    run_command,
    write_file,
)
from tests.faults.proxy import (
    AUTHENTICATION,
    BEGINNING,
    COMMIT,
    COMMITTED,
    COPY_DATA,
    FORGOTTEN_CURSORS,
    MODES,
    PASSWORD,
    Message,
    Mode,
    Point,
    before_postgresql,
    is_stopped_by,
    named,
    numbered,
    through_proxy,
)
from tests.full_form import FULL

pytestmark = FORGOTTEN_CURSORS
LOAD = 4
"""Which of the stages that is."""
UNFINISHED: tuple[tuple[str, Mode], ...] = (
    (COPY_DATA, "within"),
    (COPY_DATA, "after"),
    (COMMIT, "before"),
    (COMMIT, "within"),
)
"""After these the server cannot have committed."""


@pytest.mark.parametrize("turn", range(3) if FULL else [0])
def test_every_stage_that_was_cut_off_at_a_message_can_be_run_again(
    turn: int,
    postgresql_target: Engine,
    undisturbed_import: Undisturbed,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Else libpq makes a new connection once more where it broke off before it was said whether to encrypt.
    monkeypatch.setenv("PGSSLMODE", "disable")
    if turn == 2:
        load_as_if_there_were_many_rows(monkeypatch)
    stopped = Counter[int]()
    with through_proxy(postgresql_target) as (proxy, engine):
        one = StagedImport(installation_of(tmp_path / "home", engine), write_file(tmp_path))
        for stage in range(len(one.stages)):
            for number in range(1, 100_000, 1 if FULL else 13 if stage == LOAD else 31):
                engine.dispose()
                proxy.cut(numbered(number), MODES[(number + turn) % 3], stays_down=number % 2 == 0)
                is_stopped = is_stopped_by(proxy, one.stages[stage])
                undisturbed_import.assert_is_whole(postgresql_target)
                stopped[stage] += is_stopped
                if not proxy.has_cut:
                    break
                if stage == LOAD and not is_stopped:
                    # A connection that broke off while it was not in use was replaced without a word.
                    empty(postgresql_target)
                    one = StagedImport(installation_of(tmp_path / f"home {number}", engine), one.file)
                    one.go_on_to_the_load()
        undisturbed_import.assert_is_done(one.installation)
    assert stopped[LOAD] >= (100 if FULL else 8)
    assert stopped.total() >= (350 if FULL else 18)


@pytest.mark.parametrize("stays_down", [False, True])
def test_a_load_whose_commit_was_not_answered_is_known_to_be_done(
    stays_down: bool,
    postgresql_target: Engine,
    undisturbed_import: Undisturbed,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if stays_down:
        load_as_if_there_were_many_rows(monkeypatch)
    keys = keys_of(postgresql_target)
    with through_proxy(postgresql_target) as (proxy, engine):
        one = StagedImport(installation_of(tmp_path / "home", engine), write_file(tmp_path))
        one.go_on_to_the_load()
        for unfinished, mode in UNFINISHED if stays_down else []:
            proxy.cut(named(unfinished), mode)
            assert is_stopped_by(proxy, one.load)
            assert dump(postgresql_target) == undisturbed_import.accepted

        proxy.cut(named(COMMITTED), stays_down=stays_down)
        assert is_stopped_by(proxy, one.load) is stays_down
        assert proxy.has_cut
        assert dump(postgresql_target) == undisturbed_import.finished
        run_command(one.installation, one.file)
        undisturbed_import.assert_is_done(one.installation)
    assert keys_of(postgresql_target) == keys


def load_as_if_there_were_many_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a load take the table of keys apart, as only one of many rows does."""
    monkeypatch.setattr(first_load, "_FEWEST_ROWS", 1)


def keys_of(target: Engine) -> list[object]:
    """Return what the database holds the table of keys to."""
    inspector = sa.inspect(target)
    name = identity_keys.name
    return [inspector.get_pk_constraint(name), inspector.get_foreign_keys(name), inspector.get_indexes(name)]


def points_of_a_whole_import() -> Iterator[tuple[Point, Mode, bool]]:
    """Yield where to cut: at named messages, and in the full form at every fifth until none is left."""
    yield named(BEGINNING), "after", False
    yield named(AUTHENTICATION), "before", True
    yield named(COPY_DATA), "within", True
    if FULL:
        for number in range(1, 100_000, 5):
            yield numbered(number), MODES[number % 3], number % 2 == 0


def test_an_import_that_was_cut_off_at_a_message_ends_as_an_undisturbed_one_when_it_is_run_again(
    postgresql_target: Engine, undisturbed_import: Undisturbed, tmp_path: Path
) -> None:
    for number, (point, mode, stays_down) in enumerate(points_of_a_whole_import()):
        with through_proxy(postgresql_target) as (proxy, engine):
            installation, file = installation_of(tmp_path / f"home {number}", engine), write_file(tmp_path)
            proxy.cut(point, mode, stays_down=stays_down)
            is_stopped_by(proxy, lambda installation=installation, file=file: run_command(installation, file))  # type: ignore[misc]
            undisturbed_import.assert_is_whole(postgresql_target)
            run_command(installation, file)
            undisturbed_import.assert_is_done(installation)
            shutil.rmtree(installation.home.path)
        empty(postgresql_target)
        if not proxy.has_cut:
            break
    assert number >= (80 if FULL else 2)


def test_a_command_that_was_cut_off_ends_with_one_message(
    postgresql_target: Engine, undisturbed_import: Undisturbed, tmp_path: Path
) -> None:
    home, file = tmp_path / "home", write_file(tmp_path)
    said = stopped_command(postgresql_target, home, file, named(COPY_DATA), "within")
    assert "cannot be used now" in said
    run_command(installation_of(home, postgresql_target), file)
    undisturbed_import.assert_is_done(installation_of(home, postgresql_target))


def reading_the_result(message: Message) -> bool:
    """Tell whether the command asks for the warnings of the customers that were loaded."""
    return message.is_clients and b"warnings IS NOT NULL" in message.data


def test_a_command_whose_connection_breaks_while_it_reads_the_result_shows_it_nevertheless(
    postgresql_target: Engine, undisturbed_import: Undisturbed, tmp_path: Path
) -> None:
    home, file = tmp_path / "home", write_file(tmp_path)
    with before_postgresql(postgresql_target.url.render_as_string(hide_password=False)) as (proxy, through):
        proxy.cut(reading_the_result)
        done = import_by_command(home, file, through)
        assert proxy.has_cut
    assert done.returncode == 1, done.stderr
    assert done.stderr == ""
    assert "rows loaded" in done.stdout
    assert dump(postgresql_target)["customers"] == undisturbed_import.finished["customers"]


def test_a_command_that_cannot_read_its_result_any_more_says_that_it_is_done(
    postgresql_target: Engine, undisturbed_import: Undisturbed, tmp_path: Path
) -> None:
    home, file = tmp_path / "home", write_file(tmp_path)
    said = stopped_command(postgresql_target, home, file, reading_the_result, "before", stays_down=True)
    assert "has ended" in said
    assert dump(postgresql_target)["customers"] == undisturbed_import.finished["customers"]


def stopped_command(
    target: Engine, home: Path, file: Path, point: Point, mode: Mode, *, stays_down: bool = False
) -> str:
    """Return the one line that a command says whose connection was cut at a point."""
    with before_postgresql(target.url.render_as_string(hide_password=False)) as (proxy, through):
        proxy.cut(point, mode, stays_down=stays_down)
        done = import_by_command(home, file, through)
        assert proxy.has_cut
    assert done.returncode == 3, done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert not {found for found in (PASSWORD, VALUES, "Traceback") if found in done.stdout + done.stderr}
    return done.stderr


def import_by_command(home: Path, file: Path, url: str) -> "subprocess.CompletedProcess[str]":
    """Run the whole command, Dagster included."""
    home.mkdir()
    ours = {"HOME": str(home), "DATABASE_URL": url, "COMPANY__COUNTRY": "AU"}
    environment = {**os.environ, **{f"ETL_CUSTOMERS_{name}": value for name, value in ours.items()}, "COLUMNS": "500"}
    command = [str(Path(sys.executable).with_name("etl-customers")), "import", str(file)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
