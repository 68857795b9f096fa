"""The target database: connecting, transactions and the version of its tables.

The one place where drivers' errors become ours. What drivers print holds customers'
values (DETAIL on PostgreSQL) and passwords of connections; nothing of it goes on.
"""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection

from etl_customers.base.errors import DatabaseNotMigrated, DatabaseUnavailable, SettingsInvalid
from etl_customers.base.tries import Tries
from etl_customers.database import driver_errors
from etl_customers.database.migrations import HEAD, VERSIONS
from etl_customers.database.text_search import teach_sqlite
from etl_customers.settings.environment import DATABASE_VARIABLE

_EXAMPLE = "postgresql://user:password@host/database or sqlite:////path/customers.db"
_BUSY_SECONDS = 60
_PAUSE_SECONDS = 0.05
_READ_AGAIN = Tries((0.1, 2))
"""What was only read is read again: after a connection broke, and while a server starts anew."""

_Read = TypeVar("_Read")

_KEEPALIVES = {"keepalives_idle": "30", "keepalives_interval": "10", "keepalives_count": "3"}
"""Seconds, seconds and a number: who vanished without a word is noticed after a minute, not after two hours."""

_POSTGRESQL_DEFAULTS = {
    "connect_timeout": "10",
    "client_encoding": "utf8",
    "application_name": "etl-customers",
    **_KEEPALIVES,
}
_MIGRATION_LOCK = 5_107_342_606
"""Any fixed number: PostgreSQL's advisory lock that lets one process migrate at a time."""


def connect(url: str) -> Engine:
    """Return the engine of a target database; no connection is made yet.

    Args:
        url: Any SQLAlchemy URL of SQLite (a file) or PostgreSQL. ``postgres://`` and
            other drivers' names are understood; psycopg 3 is taken always.

    Raises:
        SettingsInvalid: Not such a URL. The message does not repeat it: it holds a password.

    Source:
        SQLAlchemy 2.1, "Enabling Non-Legacy SQLite Transactional Modes".
    """
    parsed = _parse(url)
    if parsed.drivername.startswith("sqlite"):
        engine = sa.create_engine(parsed, hide_parameters=True, connect_args={"timeout": _BUSY_SECONDS})
        event.listen(engine, "do_connect", _make_private_file)
        event.listen(engine, "connect", _configure_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    engine = sa.create_engine(parsed, hide_parameters=True, pool_pre_ping=True)
    event.listen(engine, "connect", _configure_postgresql)
    return engine


def target_name(engine: Engine) -> str:
    """Return the target as messages name it: without user, password and options."""
    url = engine.url
    if engine.dialect.name == "sqlite":
        return str(url.database)
    host = url.host or url.query.get("host") or "localhost"
    port = f":{url.port}" if url.port else ""
    return f"postgresql://{host if isinstance(host, str) else ','.join(host)}{port}/{url.database or ''}"


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Open a transaction that is rolled back at its end: it sees the target and changes nothing.

    Raises:
        DatabaseUnavailable: The database did not answer or broke off.
        UnexpectedDatabaseError: A statement of ours is wrong for this database.
    """
    with driver_errors.translated(engine.dialect, target_name(engine)), engine.connect() as connection:
        yield connection
        connection.rollback()


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """Open a transaction that is committed at its end, or rolled back when anything is raised.

    On SQLite the write lock is taken at once, so what is read inside cannot change.

    Raises:
        DatabaseUnavailable: The database did not answer or broke off; at the commit, it
            may have been done nevertheless.
        DatabaseConflict: The database broke the transaction off in favour of another; repeat it.
        UniqueViolation: A key exists already.
        UnexpectedDatabaseError: A statement of ours is wrong for this database.
    """
    with driver_errors.translated(engine.dialect, target_name(engine)), engine.connect() as connection:
        connection.execution_options(sqlite_begin="immediate")
        with connection.begin():
            yield connection


def read_patiently(read: Callable[[], _Read]) -> _Read:
    """Call a function that only reads from a target, again where the database gives way, three times at most.

    For what a command has to say at its end: that a connection broke must not hide what was done.

    Raises:
        DatabaseUnavailable: The last time, too.
    """
    return _READ_AGAIN.repeat(read, DatabaseUnavailable)


def empty_log(engine: Engine) -> bool:
    """Bring SQLite's write-ahead log into the database file and empty it; nothing is to be done on PostgreSQL.

    Returns:
        False where another process keeps on reading what is in it.

    Raises:
        DatabaseUnavailable: The database cannot be written.
    """
    if engine.dialect.name != "sqlite":
        return True
    with driver_errors.translated(engine.dialect, target_name(engine)):
        connection = engine.raw_connection()
        try:
            cursor = connection.cursor()
            is_busy = bool(cursor.execute("pragma wal_checkpoint(truncate)").fetchone()[0])
            cursor.close()
        finally:
            connection.close()
    return not is_busy


def current_version(engine: Engine) -> str | None:
    """Return the version of the target's tables, none where it has none of ours.

    Raises:
        DatabaseUnavailable: The database did not answer.
    """
    with reading(engine) as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return None
        version: str | None = connection.scalar(sa.text("select version_num from alembic_version"))
        return version


def ensure_migrated(engine: Engine, *, embedded: bool) -> None:
    """Check that the target has exactly the tables that this program knows.

    Args:
        engine: The target.
        embedded: It is the home's own SQLite file, which is brought up to date here.

    Raises:
        DatabaseNotMigrated: Older (and not embedded), newer or no tables.
        DatabaseUnavailable: The database did not answer.
    """
    found = current_version(engine)
    if found == HEAD:
        return
    if not embedded or (found is not None and found not in VERSIONS):
        raise DatabaseNotMigrated(target_name(engine), found, HEAD)
    upgrade(engine)


def upgrade(engine: Engine) -> None:
    """Make or change the target's tables in one transaction; one process at a time, others wait.

    Raises:
        DatabaseNotMigrated: The tables are those of a newer program.
        DatabaseUnavailable: The database did not answer.
    """
    # Alembic takes a third of a second to import and is needed once in a database's life.
    from etl_customers.database.migrations.run import upgrade_connection

    found = current_version(engine)
    if found is not None and found not in VERSIONS:
        raise DatabaseNotMigrated(target_name(engine), found, HEAD)
    with writing(engine) as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
        upgrade_connection(connection)


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (sa.exc.ArgumentError, ValueError):
        raise SettingsInvalid((f"{DATABASE_VARIABLE} is not a database URL such as {_EXAMPLE}",)) from None
    dialect = parsed.drivername.partition("+")[0].lower()
    if dialect == "sqlite":
        return _parse_sqlite(parsed)
    if dialect in ("postgres", "postgresql"):
        options = {name: value for name, value in _POSTGRESQL_DEFAULTS.items() if name not in parsed.query}
        return parsed.set(drivername="postgresql+psycopg").update_query_dict(options)
    raise SettingsInvalid((f"{DATABASE_VARIABLE} is neither a PostgreSQL nor a SQLite URL, such as {_EXAMPLE}",))


def _parse_sqlite(url: URL) -> URL:
    if url.database in (None, "", ":memory:") or url.host or url.query or str(url.database).startswith("file:"):
        raise SettingsInvalid((f"{DATABASE_VARIABLE} must name a SQLite file and no options, such as {_EXAMPLE}",))
    return url.set(drivername="sqlite+pysqlite")


def _configure_postgresql(connection: DBAPIConnection, _record: object) -> None:
    # The server too is to notice that this machine is gone: its session holds the import's lock.
    # Not among the options of the connection, which PgBouncer refuses; and a transaction's settings end with it.
    connection.autocommit = True
    cursor = connection.cursor()
    for option, value in _KEEPALIVES.items():
        cursor.execute("select set_config(%s, %s, false)", (f"tcp_{option}", value))
    cursor.close()
    connection.autocommit = False


def _make_private_file(_dialect: object, _record: object, arguments: list[str], _options: object) -> None:
    # SQLite gives its journal files the mode of the database itself.
    # A file that is there must not be opened here: closing it would drop the locks that another
    # connection of this process holds on it (POSIX), and two writers would damage it.
    path = arguments[0]
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDONLY | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        pass
    except OSError as error:
        raise DatabaseUnavailable(path, error.strerror or "the file cannot be opened") from None


def _configure_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None
    teach_sqlite(connection)
    cursor = connection.cursor()
    _write_ahead(cursor)
    # What is deleted or replaced is overwritten with zeros: who is erased must not be in free pages.
    for pragma in ("foreign_keys = on", "synchronous = full", "secure_delete = on"):
        cursor.execute(f"pragma {pragma}")
    cursor.close()


def _write_ahead(cursor: sqlite3.Cursor) -> None:
    """Turn the write-ahead log on; of several processes that do so on a new file, SQLite lets none wait for another."""

    def is_busy(error: sqlite3.OperationalError) -> bool:
        return error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY

    tries = Tries((_PAUSE_SECONDS,), is_random=True, is_repeated=True, within_seconds=_BUSY_SECONDS)
    tries.repeat(partial(cursor.execute, "pragma journal_mode = wal"), sqlite3.OperationalError, is_busy)


def _begin_sqlite(connection: Connection) -> None:
    mode = connection.get_execution_options().get("sqlite_begin", "deferred")
    connection.exec_driver_sql(f"begin {mode}")
