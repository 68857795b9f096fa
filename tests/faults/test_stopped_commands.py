"""A command that is stopped (Ctrl-C, SIGTERM) at any call ends as stopped, with one true sentence, and can be repeated.

The whole command runs, Dagster and all; the signal comes at a call, before it or after it, wherever that is made.
"""

import re
import shutil
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from sqlalchemy.engine import Engine

from etl_customers.database.connect import connect, reading, writing
from etl_customers.database.ledger import UNDONE, list_imports, require_import
from etl_customers.database.removals import find_removed
from etl_customers.database.tables import imports
from etl_customers.settings.home import Home
from tests.faults.dumping import dump
from tests.faults.killing import Fault, Outcome, Processes, processes
from tests.faults.points import DISK, STAGES, STAGING, STOPS, TARGET
from tests.faults.pulling import connected
from tests.faults.sweeping import Sweep, numbered
from tests.full_form import FULL

KINDS = (TARGET, STAGING, DISK, STAGES)
PARTS = 6 if FULL else 1
_QUICK = {"import": 8, "undo": 3, "erase": 3, "split": 2, "pull": 3}
_FULL = {"import": 240, "undo": 60, "erase": 60, "split": 30, "pull": 60}
STOPPED_AT = _FULL if FULL else _QUICK
"""At how many points: an import passes some thousand, Dagster's among them."""
SENTENCES = {
    "import": r"stopped; nothing was loaded; you can run the same command again"
    r"|stopped, but import \S+ was loaded; see: \S+ imports show \S+",
    "undo": r"stopped; nothing was taken back; you can run the same command again|stopped, but import \S+ was undone",
    "erase": r"stopped; customer 1 is (still in|gone from) the target database; files may still hold the person; "
    r"run the same command again to finish",
    "pull": r"stopped; nothing of this pull was loaded; the same command continues it"
    r"|stopped, but pull \S+ has finished; see: \S+ imports show \S+"
    r"|stopped; pull \S+, which had to end first, has finished, but nothing of the full pull was loaded; "
    r"run the same command again",
    "split": "",
}
ANYWHERE = "stopped; you can run the same command again"
FINISHED = "finished"


@pytest.fixture(scope="module")
def commands() -> Iterator[Processes]:
    """Processes that have the command and Dagster loaded."""
    with processes(
        modules=[
            "etl_customers.cli.app",
            "assets.automation.launch",
            "assets.display.tags",
            "assets.automation.pulling",
        ]
    ) as started:
        yield started


@pytest.fixture(scope="module")
def sweep(migrated_sqlite_file: Path, tmp_path_factory: pytest.TempPathFactory, commands: Processes) -> Iterator[Sweep]:
    """An import that can be stopped again and again."""
    folder = tmp_path_factory.mktemp("stopped")
    target = connect(f"sqlite:///{shutil.copy(migrated_sqlite_file, folder / 'customers.db')}")
    yield Sweep(folder, target, commands)
    target.dispose()


def forget_discarded(target: Engine) -> None:
    """Delete the imports that a stop has discarded: of each nothing but its entry in the ledger is left."""
    with writing(target) as connection:
        connection.execute(imports.delete().where(imports.c.status == UNDONE, imports.c.rows_read.is_(None)))


def points_of(commands: Processes, home: Path, target: Engine, words: Sequence[str]) -> list[str]:
    """Run a command that nothing stops, and return the points that it passes."""
    outcome = commands.run(home, target, "command", *words, fault=Fault(0, KINDS))
    assert not outcome.crash, outcome.crash
    assert outcome.result["exit_code"] in (0, 1), outcome.result
    return outcome.points


def stop_at(commands: Processes, home: Path, target: Engine, words: Sequence[str], at: int) -> str:
    """Stop a command at a point; see that it ended as stopped, with one sentence, or had done everything; return that."""
    stop = STOPS[at % 2]
    outcome: Outcome = commands.run(home, target, "command", *words, fault=Fault(at, KINDS, stop))
    assert not outcome.crash, outcome.crash
    code, said = outcome.result["exit_code"], outcome.result["error"]
    if code in (0, 1):
        return FINISHED
    assert code == 128 + signal.Signals[stop], outcome.result
    (sentence,) = said.strip().splitlines()
    assert re.fullmatch(f"{SENTENCES[words[0]]}|{ANYWHERE}", sentence), sentence
    return str(sentence)


def some(points: Sequence[str], command: str, part: int = 0, parts: int = 1) -> list[int]:
    """Return the numbers of the points at which a command is stopped."""
    return numbered(points, STOPPED_AT[command], part, parts)


@pytest.mark.parametrize("part", range(PARTS))
def test_an_import_that_is_stopped_at_any_call_says_what_is_the_case_and_leaves_no_password(
    part: int, sweep: Sweep, commands: Processes, subtests: pytest.Subtests
) -> None:
    words = ("import", str(sweep.file))
    sweep.reset()
    points = points_of(commands, sweep.home, sweep.target, words)
    assert len(points) >= 500
    for at in some(points, "import", part, PARTS):
        with subtests.test(f"point {at}, {points[at - 1]}"):
            sweep.reset()
            said = stop_at(commands, sweep.home, sweep.target, words, at)
            forget_discarded(sweep.target)
            assert sweep.is_before_or_after()
            assert (dump(sweep.target) == sweep.after) == (said == FINISHED or said.startswith("stopped, but"))
            assert [path.name for path in Home(sweep.home).uploads.iterdir()] == []
            sweep.run_again()
            assert dump(sweep.target) == sweep.after


def test_an_undo_that_is_stopped_at_any_call_is_done_whole_or_not_at_all(
    sweep: Sweep, commands: Processes, subtests: pytest.Subtests
) -> None:
    words = undo_of(sweep)
    points = points_of(commands, sweep.home, sweep.target, words)
    undone = dump(sweep.target)
    for at in some(points, "undo"):
        with subtests.test(f"point {at}, {points[at - 1]}"):
            words = undo_of(sweep)
            said = stop_at(commands, sweep.home, sweep.target, words, at)
            with reading(sweep.target) as connection:
                is_undone = require_import(connection, words[1]).status == UNDONE
            assert dump(sweep.target) == (undone if is_undone else sweep.after)
            assert said == ANYWHERE or is_undone == (said == FINISHED or said.startswith("stopped, but"))
            points_of(commands, sweep.home, sweep.target, words)
            assert dump(sweep.target) == undone


def undo_of(sweep: Sweep) -> tuple[str, str]:
    """Import the file anew, and return the command that takes it back."""
    sweep.reset()
    sweep.run_again()
    with reading(sweep.target) as connection:
        return "undo", next(iter(list_imports(connection, 1))).import_id


def test_an_erasure_that_is_stopped_at_any_call_says_where_the_person_is_and_is_finished_by_the_next(
    sweep: Sweep, commands: Processes, subtests: pytest.Subtests
) -> None:
    words = ("erase", "1", "--yes")
    sweep.reset()
    points = points_of(commands, sweep.home, sweep.target, words)
    erased = dump(sweep.target)
    for at in some(points, "erase"):
        with subtests.test(f"point {at}, {points[at - 1]}"):
            sweep.reset()
            said = stop_at(commands, sweep.home, sweep.target, words, at)
            with reading(sweep.target) as connection:
                is_gone = find_removed(connection, 1) is not None
            assert said == ANYWHERE or is_gone == (said == FINISHED or "gone from" in said)
            points_of(commands, sweep.home, sweep.target, words)
            assert dump(sweep.target) == erased


def test_a_split_that_is_stopped_at_any_call_leaves_all_parts_or_none(
    sweep: Sweep, commands: Processes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, subtests: pytest.Subtests
) -> None:
    monkeypatch.setenv("ETL_CUSTOMERS_CSV__MAX_ROWS", "2")
    file, parts = tmp_path / "long.csv", tmp_path / "parts"
    file.write_text("first_name,last_name\n" + "Ada,Example\n" * 7, encoding="utf-8")
    words = ("split", str(file), "--folder", str(parts))
    parts.mkdir()
    points = points_of(commands, sweep.home, sweep.target, words)
    names = {path.name for path in parts.iterdir()}
    assert len(names) == 4
    for at in some(points, "split"):
        with subtests.test(f"point {at}, {points[at - 1]}"):
            for path in parts.iterdir():
                path.unlink()
            stop_at(commands, sweep.home, sweep.target, words, at)
            assert {path.name for path in parts.iterdir()} in (set(), names)


def test_a_pull_that_is_stopped_at_any_call_goes_on_with_the_same_command(
    sqlite_target: Engine,
    tmp_path: Path,
    commands: Processes,
    monkeypatch: pytest.MonkeyPatch,
    subtests: pytest.Subtests,
) -> None:
    with connected("xero", tmp_path, sqlite_target, count=8, is_plain=True) as world:
        for name, value in world.fake.environment().items():
            monkeypatch.setenv(name, value)
        home, words = world.installation.home.path, ("pull", "xero", "--full")
        points = points_of(commands, home, sqlite_target, words)
        for at in some(points, "pull"):
            with subtests.test(f"point {at}, {points[at - 1]}"):
                world.fake.add(1, is_plain=True)
                before = dump(sqlite_target)["customers"]
                said = stop_at(commands, home, sqlite_target, words, at)
                if said == FINISHED or said.startswith("stopped, but"):
                    world.assert_is_the_providers()
                else:
                    assert dump(sqlite_target)["customers"] == before
                points_of(commands, home, sqlite_target, words)
                world.assert_is_the_providers()
