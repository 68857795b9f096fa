"""A load of a pull that is killed at any call of the target's driver is there whole or not at all, and can be repeated."""

import shutil
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy.engine import Engine

from etl_customers.database.connect import connect
from etl_customers.imports.installation import Installation
from etl_customers.load.pulled import PullCounts, load_pulled
from etl_customers.settings.home import Home
from etl_customers.settings.sections import Company, Settings
from etl_customers.staging import open_staging
from tests.faults.dumping import dump
from tests.faults.killing import Fault, Processes
from tests.faults.points import TARGET
from tests.full_form import FULL
from tests.imported import load
from tests.pulled import Books, contact

TASK = "load pulled"
FIRST = [contact(name) for name in ("a", "b", "c", "d", "e", "f")]
SECOND = [
    contact("a", last="Newname", EmailAddress="new@example.com", minutes=1),
    contact("b", MergedToContactID="g", minutes=1),
    contact("c", ContactStatus="GDPRREQUEST", minutes=1),
    contact("d"),
    contact("e", ContactStatus="ARCHIVED", mobile="0491570156", minutes=1),
    contact("g", EmailAddress="a@example.com"),
    contact("h", EmailAddress="ada@example.com"),
    contact("i", mobile="0491570156"),
]
COUNTS = PullCounts(fetched=8, created=2, updated=2, unchanged=1, not_synced=3, vanished=1)


@pytest.fixture
def undisturbed(migrated_sqlite_file: Path, tmp_path: Path) -> Iterator[Engine]:
    """Another target, for the pull that nobody kills."""
    engine = connect(f"sqlite:///{shutil.copy(migrated_sqlite_file, tmp_path / 'undisturbed.db')}")
    yield engine
    engine.dispose()


def prepare(target: Engine, folder: Path) -> tuple[Books, str]:
    """Import a file, pull once, and bring a second, full pull up to its load."""
    settings = Settings(company=Company(country="AU", city="Sydney"))
    installation = Installation(Home(folder).make(), settings, target)
    load(installation, "first_name,last_name,email,city\nAda,Other,ada@example.com,Sydney\n")
    books = Books(target, installation.home.staging, settings=settings).connect()
    books.pull(*FIRST)
    import_id = books.accept(is_full=True)
    with open_staging(path_of(books, import_id), 256) as staging:
        books.stage(staging, SECOND)
    return books, import_id


def path_of(books: Books, import_id: str) -> Path:
    """Return the staging file of a pull."""
    return books.folder / f"{import_id}.duckdb"


def finish(books: Books, import_id: str) -> PullCounts:
    """Load without being killed."""
    with open_staging(path_of(books, import_id), 256) as staging:
        return load_pulled(staging, books.target, import_id, None, books.settings)


def test_a_load_of_a_pull_that_is_killed_at_any_call_is_there_whole_or_not_at_all_and_can_be_repeated(
    target: Engine, undisturbed: Engine, tmp_path: Path, disturbed: Processes
) -> None:
    whole, whole_id = prepare(undisturbed, tmp_path / "undisturbed")
    calls = len(disturbed.run(whole.folder.parent, undisturbed, TASK, whole_id, fault=Fault(0, [TARGET])).points)
    books, import_id = prepare(target, tmp_path / "killed")
    states = [dump(target)]

    for number in count(1, 1 if FULL else calls // 8):
        if not disturbed.run(books.folder.parent, target, TASK, import_id, fault=Fault(number, [TARGET])).is_killed:
            break
        states += [state for state in [dump(target)] if state != states[-1]]

    assert len(states) <= 2
    assert finish(books, import_id) == COUNTS
    assert dump(target) == dump(undisturbed)
    assert states[1:] in ([], [dump(undisturbed)])


def test_a_load_of_a_pull_that_is_killed_after_its_commit_is_finished(
    sqlite_target: Engine, tmp_path: Path, disturbed: Processes
) -> None:
    books, import_id = prepare(sqlite_target, tmp_path / "killed")
    disturbed.kill(books.folder.parent, sqlite_target, TASK, import_id, at="after pulled.load_pulled")
    after = dump(sqlite_target)
    assert finish(books, import_id) == COUNTS
    assert dump(sqlite_target) == after
