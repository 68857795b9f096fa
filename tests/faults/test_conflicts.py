"""PostgreSQL gives a load up in the middle: for another transaction, or because it cannot go on.

Real ones where two connections can be made to bring one about, and errors of a trigger elsewhere.
"""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from etl_customers.base.errors import DatabaseUnavailable
from etl_customers.database.connect import connect, reading
from etl_customers.database.driver_errors import DatabaseConflict
from tests.faults.dumping import differences, dump
from tests.faults.importing import (
    VALUES,
    StagedImport,
    Undisturbed,
    empty,
    installation_of,
    run_command,
    write_file,
)
from tests.faults.proxy import FORGOTTEN_CURSORS
from tests.full_form import FULL

pytestmark = FORGOTTEN_CURSORS

SERIALIZATION, DEADLOCK = CONFLICTS = ("40001", "40P01")
ENDED = "the server ends the connection"
REASONS = {
    SERIALIZATION: "another transaction had precedence",
    DEADLOCK: "another transaction had precedence",
    "55P03": "locked",
    "57014": "cancelled",
    "53100": "disk is full",
    "53300": "connections",
    "57P01": "shut down",
    ENDED: "shut down|connection broke off",
}
TRIES = 6
"""That a load takes where the database gives way; for another reason it is not tried again."""
AT_COMMIT = "imports, at the commit"
TABLES = ["customers", "identity_keys", "failed_rows", AT_COMMIT] if FULL else ["identity_keys", AT_COMMIT]
_CLAIM = """
    with an_import as (
        insert into imports (import_id, source, status, content_key, accepted_at)
        values (:email, 'csv', 'accepted', :email, now()) returning import_id
    ), customer as (
        insert into customers (is_active, import_id, import_row, created_at, updated_at)
        select true, import_id, 2, now(), now() from an_import returning id
    )
    insert into identity_keys select 'email', :email, id from customer
"""
_SERIALIZABLE = "default_transaction_isolation=serializable"
_WAITING = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"


@pytest.fixture
def one(postgresql_target: Engine, tmp_path: Path) -> StagedImport:
    """An import that has come as far as the load."""
    staged = StagedImport(installation_of(tmp_path / "home", postgresql_target), write_file(tmp_path))
    staged.go_on_to_the_load()
    return staged


class Failing:
    """A trigger that makes writing to a table fail with an error of PostgreSQL's, the first few times."""

    def __init__(self, target: Engine) -> None:
        """Make what counts: a sequence, which no rollback sets back."""
        self._target = target
        self._run("create sequence times_failed")

    def begin(self, table: str, state: str, times: int) -> None:
        """Fail so often from now on."""
        act = "perform pg_terminate_backend(pg_backend_pid())" if state == ENDED else _RAISE.format(state=state)
        event = "after update on imports deferrable initially deferred"
        if table != AT_COMMIT:
            event = f"after insert on {table}"
        self._run(
            "alter sequence times_failed restart",
            _FUNCTION.format(times=times, act=act),
            f"create constraint trigger failing {event} for each row execute function failing()",
        )

    def end(self) -> None:
        """Fail no more."""
        self._run("drop function failing cascade")

    def _run(self, *statements: str) -> None:
        with self._target.begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)


_RAISE = "raise exception 'a message with a customer''s values: p1@example.com' using errcode = '{state}'"
_FUNCTION = """
create function failing() returns trigger language plpgsql as $$
begin
    if nextval('times_failed') <= {times} then
        {act};
    end if;
    return null;
end $$
"""


def test_a_load_that_gave_way_is_tried_again_until_it_is_done(
    one: StagedImport, undisturbed_import: Undisturbed
) -> None:
    failing = Failing(one.installation.target)
    for number, table in enumerate(TABLES):
        failing.begin(table, (SERIALIZATION, DEADLOCK)[number % 2], TRIES - 1)
        one.load()
        assert differences(dump(one.installation.target), undisturbed_import.finished) == {}
        failing.end()
        empty(one.installation.target)
        one.go_on_to_the_load()


def test_a_load_that_the_database_stopped_loads_nothing_says_why_and_can_be_repeated(
    one: StagedImport, undisturbed_import: Undisturbed
) -> None:
    failing = Failing(one.installation.target)
    for number, (state, reason) in enumerate(REASONS.items()):
        for table in TABLES if FULL else [TABLES[number % 2]]:
            failing.begin(table, state, TRIES if state in CONFLICTS else 1)
            with pytest.raises(DatabaseUnavailable, match=reason) as stopped:
                one.load()
            assert isinstance(stopped.value, DatabaseConflict) is (state in CONFLICTS)
            assert stopped.value.exit_code == 3
            assert VALUES not in str(stopped.value)
            assert dump(one.installation.target) == undisturbed_import.accepted
            failing.end()
    one.load()
    run_command(one.installation, one.file)
    undisturbed_import.assert_is_done(one.installation)


def test_the_victim_of_a_deadlock_loads_all_the_same(one: StagedImport, undisturbed_import: Undisturbed) -> None:
    target = one.installation.target
    with ThreadPoolExecutor(1) as pool, another_connection(target) as other:
        # The load claims its keys in their order and comes to this one last.
        claim(other, "p8@example.com")
        loading = pool.submit(one.load)
        wait_for_lock(target)
        # The load began to wait first: it is the one to find the deadlock and to give way.
        other.exec_driver_sql("set deadlock_timeout = '30s'")
        claim(other, "p0@example.com")
        other.rollback()
        loading.result(timeout=60)
    assert deadlocks_of(target) == 1
    undisturbed_import.assert_is_whole(target)
    run_command(one.installation, one.file)
    undisturbed_import.assert_is_done(one.installation)


def test_a_load_that_cannot_be_serialized_is_repeated_by_itself(
    one: StagedImport, undisturbed_import: Undisturbed
) -> None:
    target = one.installation.target
    strict = connect(f"{target.url.render_as_string(hide_password=False)}&options=-c%20{_SERIALIZABLE}")
    broken_off: list[str] = []
    sa.event.listen(strict, "handle_error", lambda context: broken_off.append(context.original_exception.sqlstate))
    one.installation = installation_of(one.installation.home.path, strict)
    with ThreadPoolExecutor(1) as pool, another_connection(target) as other:
        other.execute(sa.text("update imports set run_id = 'another'"))
        loading = pool.submit(one.load)
        wait_for_lock(target)
        other.commit()
        loading.result(timeout=60)
    assert broken_off == [SERIALIZATION]
    run_command(one.installation, one.file)
    undisturbed_import.assert_is_done(one.installation)
    strict.dispose()


@contextmanager
def another_connection(target: Engine) -> Iterator[Connection]:
    """Open a connection in whose way a load can get."""
    engine = sa.create_engine(target.url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        yield connection


def claim(connection: Connection, email: str) -> None:
    """Enter an identity key, as the transaction of another import would."""
    connection.execute(sa.text(_CLAIM), {"email": email})


def wait_for_lock(target: Engine) -> None:
    """Wait until somebody waits for a lock."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with reading(target) as connection:
            if connection.scalar(sa.text(_WAITING)):
                return
        time.sleep(0.01)
    raise AssertionError("the load waits for nobody")


def deadlocks_of(target: Engine) -> int:
    """Return how many deadlocks the database has counted; a backend tells of its own when it is idle or ends."""
    target.dispose()
    query = sa.text("select deadlocks from pg_stat_database where datname = current_database()")
    deadline = time.monotonic() + 10
    found = 0
    while not found and time.monotonic() < deadline:
        with reading(target) as connection:
            found = connection.scalar(query) or 0
    return found
