"""Connecting to a target: what is accepted, what is private, what a failure says."""

import sqlite3
import stat
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection, Engine, make_url

from etl_customers.base.errors import DatabaseNotMigrated, DatabaseUnavailable, SettingsInvalid
from etl_customers.database.bulk import append_frame
from etl_customers.database.connect import (
    connect,
    current_version,
    ensure_migrated,
    reading,
    target_name,
    upgrade,
    writing,
)
from etl_customers.database.driver_errors import UnexpectedDatabaseError, UniqueViolation
from etl_customers.database.migrations import HEAD, VERSIONS
from etl_customers.database.migrations.run import migration_config
from etl_customers.database.tables import (
    custom_fields,
    failed_rows,
    identity_keys,
    imports,
    matched_customers,
    metadata,
)

CANARY = "canary-9f31@example.com"


def test_the_migrations_make_exactly_the_declared_tables(target: Engine) -> None:
    with reading(target) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})

        assert compare_metadata(context, metadata) == []


def test_the_known_versions_are_those_of_the_migrations() -> None:
    scripts = ScriptDirectory.from_config(migration_config())

    assert scripts.get_heads() == [HEAD]
    assert [script.revision for script in scripts.walk_revisions()] == list(reversed(VERSIONS))


def test_an_empty_database_of_ones_own_is_not_migrated_by_itself(empty_url: str) -> None:
    engine = connect(empty_url)

    with pytest.raises(DatabaseNotMigrated, match="has no tables of etl-customers"):
        ensure_migrated(engine, embedded=False)

    assert current_version(engine) is None
    engine.dispose()


def test_the_embedded_database_is_migrated_by_itself(empty_sqlite_url: str) -> None:
    engine = connect(empty_sqlite_url)

    ensure_migrated(engine, embedded=True)

    assert current_version(engine) == HEAD
    engine.dispose()


def test_tables_of_a_newer_program_are_left_alone(target: Engine) -> None:
    with writing(target) as connection:
        connection.execute(sa.text("update alembic_version set version_num = '9999'"))

    with pytest.raises(DatabaseNotMigrated, match="is at version 9999"):
        ensure_migrated(target, embedded=True)
    with pytest.raises(DatabaseNotMigrated, match="is at version 9999"):
        upgrade(target)


def test_processes_that_migrate_at_once_wait_for_each_other(empty_url: str) -> None:
    engines = [connect(empty_url) for _ in range(4)]
    threads = [threading.Thread(target=upgrade, args=(engine,)) for engine in engines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [current_version(engine) for engine in engines] == [HEAD] * 4
    for engine in engines:
        engine.dispose()


def test_the_server_is_told_to_notice_that_this_machine_is_gone(empty_postgresql_url: str) -> None:
    engine = connect(empty_postgresql_url)

    with reading(engine) as connection:
        connection.rollback()
        # Of a connection by a socket's file, as here, PostgreSQL shows 0 whatever was set.
        asked = sa.text("select name from pg_settings where source = 'session' order by name")
        settings = connection.scalars(asked).all()

    assert settings == ["tcp_keepalives_count", "tcp_keepalives_idle", "tcp_keepalives_interval"]
    engine.dispose()


def test_many_that_open_a_new_sqlite_file_at_once_all_get_it(tmp_path: Path) -> None:
    found: list[str | None] = []
    for number in range(10):
        engines = [connect(f"sqlite:///{tmp_path}/{number}.db") for _ in range(6)]
        barrier = threading.Barrier(len(engines))

        def look(engine: Engine, barrier: threading.Barrier = barrier) -> None:
            barrier.wait()
            found.append(current_version(engine))

        threads = [threading.Thread(target=look, args=(engine,)) for engine in engines]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for engine in engines:
            engine.dispose()

    assert found == [None] * 60


def test_upgrading_twice_changes_nothing(target: Engine) -> None:
    with writing(target) as connection:
        connection.execute(custom_fields.insert().values(_field("a")))

    upgrade(target)

    with reading(target) as connection:
        assert connection.scalar(sa.select(custom_fields.c.id)) == "a"


def test_a_database_of_the_first_version_learns_whom_its_failed_rows_matched(empty_url: str) -> None:
    engine = connect(empty_url)
    taken = {"column": "email", "code": "already_exists", "suggestion": None}
    now, rows = datetime(2026, 1, 31, tzinfo=UTC), 2_500
    with writing(engine) as connection:
        command.upgrade(migration_config(connection), "0001")
        first = sa.MetaData()
        first.reflect(connection)
        entry = {"import_id": "one", "source": "csv", "status": "finished", "content_key": "one", "accepted_at": now}
        connection.execute(first.tables["imports"].insert().values(entry))
        customer = {"import_id": "one", "is_active": True, "created_at": now, "updated_at": now}
        connection.execute(
            first.tables["customers"].insert(), [{**customer, "id": n, "import_row": n} for n in range(1, rows + 1)]
        )
        failed = [
            (n, [{**taken, "message": f"email belongs to customer {n} already"}, {"code": "invalid", "message": "no"}])
            for n in range(1, rows + 2)
        ]
        connection.execute(
            failed_rows.insert().inline(),
            [{"import_id": "one", "row": row, "line": row, "errors": errors} for row, errors in failed],
        )

    upgrade(engine)

    with reading(engine) as connection:
        assert current_version(engine) == HEAD
        matches = connection.execute(sa.select(matched_customers).order_by(matched_customers.c.row)).all()
    # Customer 2501 is not there any more.
    assert matches == [("one", n, n) for n in range(1, rows + 1)]
    engine.dispose()


def test_what_is_written_stands_together_or_not_at_all(target: Engine) -> None:
    with pytest.raises(UniqueViolation):
        _write_fields(target, "a", "b", "a")

    with reading(target) as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(custom_fields)) == 0


def test_what_is_written_while_reading_is_taken_back(target: Engine) -> None:
    with reading(target) as connection:
        connection.execute(custom_fields.insert().values(_field("a")))

    with reading(target) as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(custom_fields)) == 0


@pytest.mark.parametrize(
    "url",
    [
        "postgres://ada:s3cret@db/shop",
        "postgresql://ada:s3cret@db/shop",
        "postgresql+psycopg://ada:s3cret@db/shop",
        "postgresql+psycopg2://ada:s3cret@db/shop",
    ],
)
def test_any_postgresql_url_is_understood_and_named_without_its_user(url: str) -> None:
    engine = connect(url)

    assert engine.url.drivername == "postgresql+psycopg"
    assert target_name(engine) == "postgresql://db/shop"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "s3cret",
        "mysql://ada:s3cret@db/shop",
        "postgresql://ada:s3cret@db:port/shop",
        "sqlite://",
        "sqlite:///:memory:",
    ],
)
def test_another_url_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(SettingsInvalid, match="ETL_CUSTOMERS_DATABASE_URL") as caught:
        connect(url)

    assert "s3cret" not in str(caught.value)


def test_a_sqlite_database_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    engine = connect(f"sqlite:///{tmp_path / 'new.db'}")
    with writing(engine) as connection:
        connection.exec_driver_sql("create table t (a)")
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}

    assert modes == {"new.db": 0o600, "new.db-wal": 0o600, "new.db-shm": 0o600}
    engine.dispose()


def test_sqlite_keeps_foreign_keys_and_survives_a_power_cut(sqlite_target: Engine) -> None:
    with reading(sqlite_target) as connection:
        settings = [connection.exec_driver_sql(f"pragma {name}").scalar() for name in _PRAGMAS]

    assert dict(zip(_PRAGMAS, settings, strict=True)) == _PRAGMAS


_PRAGMAS = {"foreign_keys": 1, "journal_mode": "wal", "synchronous": 2, "busy_timeout": 60_000}


def test_a_missing_folder_is_said_with_the_path(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "customers.db"

    with pytest.raises(DatabaseUnavailable, match=f"{path}.*No such file or directory"):
        current_version(connect(f"sqlite:///{path}"))


def test_a_file_that_is_no_database_is_said_to_be_none(tmp_path: Path) -> None:
    path = tmp_path / "customers.db"
    path.write_text("first_name,last_name\n" * 1000)

    with pytest.raises(DatabaseUnavailable, match="not a SQLite database"):
        current_version(connect(f"sqlite:///{path}"))


def test_a_database_that_is_locked_for_too_long_is_unavailable(sqlite_target: Engine) -> None:
    other = sqlite3.connect(str(sqlite_target.url.database), isolation_level=None)
    other.execute("begin immediate")

    with reading(sqlite_target) as connection:
        connection.exec_driver_sql("pragma busy_timeout = 50")  # of the one connection that the pool keeps

    with pytest.raises(DatabaseUnavailable, match="another process"):
        _write_fields(sqlite_target, "a")
    other.close()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"port": 1, "query": {}, "host": "127.0.0.1"}, "connection refused"),
        ({"host": "no.such.host.invalid", "query": {}}, "host name is unknown"),
        ({"database": "no_such_database"}, "does not exist"),
        ({"username": "no_such_user"}, "does not exist"),
        ({"query": {"host": "/no/such/folder"}}, "nothing listens there"),
    ],
)
def test_a_server_that_cannot_be_reached_is_named_with_a_reason(
    postgresql_url: str, change: dict[str, object], reason: str
) -> None:
    url = make_url(postgresql_url).set(password="s3cret")
    url = url.set(**change)  # type: ignore[arg-type]

    with pytest.raises(DatabaseUnavailable, match=reason) as caught:
        current_version(connect(url.render_as_string(hide_password=False)))

    assert "s3cret" not in str(caught.value)
    assert "no_such_user" not in str(caught.value)


def test_a_connection_that_breaks_off_is_unavailable(postgresql_target: Engine) -> None:
    with pytest.raises(DatabaseUnavailable), writing(postgresql_target) as connection:
        connection.exec_driver_sql("select pg_terminate_backend(pg_backend_pid())")

    assert current_version(postgresql_target) == HEAD


def test_the_commit_of_a_connection_that_broke_off_is_unavailable(postgresql_target: Engine) -> None:
    with pytest.raises(DatabaseUnavailable), writing(postgresql_target) as connection:
        _terminate(postgresql_target, connection)


def test_a_read_only_database_is_unavailable(postgresql_url: str) -> None:
    engine = connect(f"{postgresql_url}&options=-cdefault_transaction_read_only%3Don")

    with pytest.raises(DatabaseUnavailable, match="read-only"):
        _write_fields(engine, "a")
    engine.dispose()


def test_a_database_whose_tables_were_dropped_is_unavailable(empty_postgresql_url: str) -> None:
    engine = connect(empty_postgresql_url)

    with pytest.raises(DatabaseUnavailable, match="a table of etl-customers is missing"):
        _write_fields(engine, "a")
    engine.dispose()


def test_no_message_contains_a_value_that_is_there_already(target: Engine) -> None:
    with pytest.raises(UniqueViolation) as caught:
        _write_fields(target, CANARY, CANARY)

    _assert_silent(caught.value)


def test_no_message_contains_a_value_with_a_nul(postgresql_target: Engine) -> None:
    with pytest.raises(UnexpectedDatabaseError) as caught:
        _write_fields(postgresql_target, f"{CANARY}\0")

    _assert_silent(caught.value)


def test_no_message_contains_a_value_with_a_lone_surrogate(target: Engine) -> None:
    with pytest.raises(UnexpectedDatabaseError) as caught:
        _write_fields(target, f"{CANARY}\udc80")

    _assert_silent(caught.value)


def test_no_message_contains_a_value_that_refers_to_nothing(target: Engine) -> None:
    with pytest.raises(UnexpectedDatabaseError) as caught, writing(target) as connection:
        connection.execute(identity_keys.insert().values(kind="email", value=CANARY, customer_id=77))

    _assert_silent(caught.value)


def test_no_message_contains_a_value_that_a_copy_sent(postgresql_target: Engine) -> None:
    frame = pl.DataFrame({"import_id": [CANARY]})

    with pytest.raises(UnexpectedDatabaseError) as caught, writing(postgresql_target) as connection:
        append_frame(connection, "imports", frame)

    _assert_silent(caught.value)
    with reading(postgresql_target) as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(imports)) == 0


def _write_fields(engine: Engine, *ids: str) -> None:
    with writing(engine) as connection:
        for id_ in ids:
            connection.execute(custom_fields.insert().values(_field(id_)))


def _terminate(engine: Engine, victim: Connection) -> None:
    pid = victim.exec_driver_sql("select pg_backend_pid()").scalar()
    with reading(engine) as connection:
        connection.exec_driver_sql(f"select pg_terminate_backend({pid}, 5000)")


def _field(id_: str) -> dict[str, object]:
    return {
        "id": id_,
        "label": "Label",
        "type": "text",
        "is_required": False,
        "position": 1,
        "created_at": sa.func.current_timestamp(),
    }


def _assert_silent(error: BaseException) -> None:
    assert CANARY not in str(error)
    assert error.__cause__ is None
    assert error.__suppress_context__


def test_another_connection_of_this_process_leaves_the_locks_of_the_first_in_place(sqlite_target: Engine) -> None:
    # POSIX drops all locks of a process on a file as soon as it closes any descriptor of it. Another
    # process would then take itself for the last one, and delete the write-ahead log on leaving.
    database = str(sqlite_target.url.database)
    visit = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('create table t (x)'); c.close()"
    with reading(sqlite_target) as first, reading(sqlite_target) as second:
        for connection in (first, second):
            connection.execute(sa.text("select count(*) from imports"))
        subprocess.run([sys.executable, "-c", visit, database], check=True)
        assert Path(f"{database}-wal").exists()
