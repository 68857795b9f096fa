"""A load of a pull that is killed at any statement leaves the target as before, and the next one finishes it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from etl_customers.load.pulled import PullCounts, load_pulled
from etl_customers.settings import Company, Home, Settings
from etl_customers.staging import open_staging
from etl_customers.target.connect import connect, reading
from etl_customers.target.tables import (
    customer_changes,
    customers,
    failed_rows,
    identity_keys,
    imports,
    provider_customers,
    sync_cursors,
)
from etl_customers.workshop import Workshop
from schemas.columns import CUSTOMER_COLUMNS
from tests.imported import load
from tests.pulled import Books, contact

FULL = "ETL_CUSTOMERS_FULL_FAULTS"
BEFORE_COMMIT, AFTER_COMMIT, NEVER = -1, -2, 0
KILLED = """
import os, signal, sys
from pathlib import Path
import sqlalchemy as sa
from etl_customers.load.pulled import load_pulled
from etl_customers.settings import Company, Settings
from etl_customers.staging import open_staging
from etl_customers.target.connect import connect
path, url, import_id, *points = sys.argv[1:]
passed = 0

def load(point):
    def kill():
        os.kill(os.getpid(), signal.SIGKILL)
    def count(*_):
        global passed
        passed += 1
        if passed == point:
            kill()
    def count_bulk(frame, happened, _):
        if happened == "call" and frame.f_code.co_name == "append_frame":
            count()
    engine = connect(url)
    sa.event.listen(engine, "before_cursor_execute", count)
    if point == -1:
        sa.event.listen(engine, "commit", lambda _: kill())
    with open_staging(Path(path), 256) as staging:
        sys.setprofile(count_bulk)
        load_pulled(staging, engine, import_id, None, Settings(company=Company(country="AU", city="Sydney")))
        sys.setprofile(None)
        if point == -2:
            kill()
    engine.dispose()
    return passed

# A fork for each: loading all of Python anew takes longer than the load.
for point in map(int, points):
    pid = os.fork()
    if pid == 0:
        print(load(point), flush=True)
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    assert point == 0 or os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL, point
"""
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
    workshop = Workshop(Home(folder).make(), settings, target)
    load(workshop, "first_name,last_name,email,city\nAda,Other,ada@example.com,Sydney\n")
    books = Books(target, workshop.home.staging, settings=settings).connect()
    books.pull(*FIRST)
    import_id = books.accept(is_full=True)
    with open_staging(path_of(books, import_id), 256) as staging:
        books.stage(staging, SECOND)
    return books, import_id


def path_of(books: Books, import_id: str) -> Path:
    """Return the staging file of a pull."""
    return books.folder / f"{import_id}.duckdb"


def run(books: Books, import_id: str, points: Sequence[int]) -> int:
    """Load in a process of its own for each point, which is killed there; return the statements of one that is not."""
    url = books.target.url.render_as_string(hide_password=False)
    command = [sys.executable, "-c", KILLED, str(path_of(books, import_id)), url, import_id, *map(str, points)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return int(done.stdout.split()[-1]) if done.stdout else 0


def finish(books: Books, import_id: str) -> PullCounts:
    """Load without being killed."""
    with open_staging(path_of(books, import_id), 256) as staging:
        return load_pulled(staging, books.target, import_id, None, books.settings)


def dump(target: Engine) -> dict[str, list[str]]:
    """Return all that pulls write, but for times and the ids of customers, which a killed load uses up."""
    link = provider_customers.c
    ended = [column.is_not(None) for column in (link.vanished_at, link.erasure_asked_at, link.erased_at)]
    queries: dict[str, sa.Select[Any]] = {
        "customers": sa.select(*(customers.c[name] for name in (*CUSTOMER_COLUMNS, "is_active", "import_row"))),
        "keys": sa.select(identity_keys.c.kind, identity_keys.c.value, customers.c.email).join_from(
            identity_keys, customers
        ),
        "links": sa.select(
            link.provider_id, link.content_hash, link.merged_into, *ended, customers.c.email, imports.c.rows_read
        )
        .join_from(provider_customers, customers, isouter=True)
        .join(imports, imports.c.import_id == link.import_id),
        "changes": sa.select(
            customers.c.email,
            customer_changes.c.column,
            customer_changes.c.old_value,
            customer_changes.c.new_value,
        ).join_from(customer_changes, customers),
        "failed": sa.select(failed_rows.c.row, failed_rows.c.provider_id, failed_rows.c.errors),
        "imports": sa.select(imports.c.status, imports.c.rows_read, imports.c.rows_loaded, imports.c.rows_vanished),
        "cursors": sa.select(sync_cursors.c.cursor, imports.c.is_full).join_from(sync_cursors, imports),
    }
    with reading(target) as connection:
        return {name: sorted(map(repr, connection.execute(query))) for name, query in queries.items()}


def test_a_load_that_is_killed_at_any_statement_changes_nothing_and_can_be_repeated(
    target: Engine, undisturbed: Engine, tmp_path: Path
) -> None:
    whole, whole_id = prepare(undisturbed, tmp_path / "undisturbed")
    statements = run(whole, whole_id, [NEVER])
    books, import_id = prepare(target, tmp_path / "killed")
    before = dump(target)

    step = 1 if os.environ.get(FULL) else statements // (8 if target.dialect.name == "sqlite" else 5)
    run(books, import_id, [*range(1, statements + 1, step), BEFORE_COMMIT])

    assert dump(target) == before
    assert finish(books, import_id) == COUNTS
    assert dump(target) == dump(undisturbed)


def test_a_load_that_is_killed_after_its_commit_is_finished(sqlite_target: Engine, tmp_path: Path) -> None:
    books, import_id = prepare(sqlite_target, tmp_path / "killed")
    run(books, import_id, [AFTER_COMMIT])
    after = dump(sqlite_target)
    assert finish(books, import_id) == COUNTS
    assert dump(sqlite_target) == after
