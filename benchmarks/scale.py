"""Many imports on PostgreSQL storage with several run workers: each once, and how many a minute.

Runs the code server and the daemon with the commands of ``deploy/compose.yaml`` and the instance
of ``deploy/postgresql`` or ``deploy/celery``, without containers: files are dropped into the
inbox, everything else happens by itself.

    python -m benchmarks.scale --imports 50 --workers 2 [--celery]
"""

import argparse
import csv
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import sqlalchemy as sa
import yaml

from benchmarks.databases import postgresql
from etl_customers.database.connect import connect, reading, upgrade
from etl_customers.database.tables import customers, imports
from etl_customers.settings.home import Home

DEPLOY = Path(__file__).parents[1] / "deploy"
_HEADER = ("first_name", "last_name", "email", "city", "country")
_ENDED = (dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED)
_UNFINISHED = [status for status in dg.DagsterRunStatus if status not in _ENDED]
_WORKER = "celery --app dagster_celery.app worker --queues dagster --concurrency 1 --hostname"


class NotAsPromised(RuntimeError):
    """An import was lost, doubled or did not end; says which."""


@dataclass(frozen=True)
class Load:
    """What is dropped, and who executes it."""

    files: int
    rows: int = 40
    """Customers of each file."""
    workers: int = 2
    """Imports at once."""
    celery: bool = False
    """Executed by Celery workers; else by processes that the code server starts."""


@dataclass(frozen=True)
class Outcome:
    """What became of it."""

    customers: int
    seconds: float
    """From the beginning of the first run to the end of the last."""
    at_once: int
    """The most runs that were executing at the same moment."""


def scale(folder: Path, target_url: str, dagster_url: str, load: Load, within: float) -> Outcome:
    """Import files through the inbox of a new home and see that each was imported exactly once.

    Args:
        folder: An empty folder of our own.
        target_url: A new PostgreSQL database for customers; migrated here.
        dagster_url: A new PostgreSQL database for Dagster, and for Celery's messages.
        load: What to do.
        within: Seconds until which all have to be imported.

    Raises:
        NotAsPromised: An import is missing, doubled or unfinished.
    """
    home = Home(folder / "home").make()
    environment = _environment(home, target_url, dagster_url)
    _write_instance(home, load)
    _write_files(folder / "made", load)
    target = connect(target_url)
    try:
        upgrade(target)
        with _processes(folder, environment, load) as processes:
            deadline = time.monotonic() + within
            for file in sorted((folder / "made").iterdir()):
                file.rename(home.inbox / file.name)
            _wait(target, load.files, deadline, processes)
            spans = _spans_of_runs(home, environment, load.files, deadline)
        seconds = max(end for _, end in spans) - min(start for start, _ in spans)
        return Outcome(_check_ledger(target, load), seconds, most_at_once(spans))
    finally:
        target.dispose()


def _environment(home: Home, target_url: str, dagster_url: str) -> dict[str, str]:
    storage = sa.make_url(dagster_url).set(drivername="postgresql+psycopg2").render_as_string(hide_password=False)
    return {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        "PYTHONPATH": str(DEPLOY / "celery"),
        "PYTHONSAFEPATH": "1",
        "PYTHONWARNINGS": "ignore",
        "ETL_CUSTOMERS_HOME": str(home.path),
        "ETL_CUSTOMERS_DATABASE_URL": target_url,
        "ETL_CUSTOMERS_INBOX__SETTLE_SECONDS": "0",
        "ETL_CUSTOMERS_COMPANY__COUNTRY": "AU",
        "DAGSTER_HOME": str(home.dagster),
        "DAGSTER_POSTGRES_URL": storage,
        # Celery's messages go through the database too: nobody has to have a broker for this.
        "DAGSTER_CELERY_BROKER_URL": f"sqla+{storage}",
        "DAGSTER_CELERY_BACKEND_URL": f"db+{storage}",
    }


def _write_instance(home: Home, load: Load) -> None:
    name = "celery" if load.celery else "postgresql"
    settings = yaml.safe_load((DEPLOY / name / "dagster.yaml").read_text("utf-8"))
    settings["concurrency"]["runs"]["max_concurrent_runs"] = load.workers
    (home.dagster / "dagster.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")


def _write_files(folder: Path, load: Load) -> None:
    folder.mkdir()
    for number in range(load.files):
        with (folder / f"{number:04d}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(_HEADER)
            writer.writerows(
                ("Ada", f"Number {row}", f"{number}.{row}@example.com", "Sydney", "AU") for row in range(load.rows)
            )


@contextmanager
def _processes(
    folder: Path, environment: Mapping[str, str], load: Load
) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """Run the code server, the daemon and, if wanted, Celery workers; each writes to a log in ``folder``."""
    commands = _commands(folder)
    if load.celery:
        commands |= {f"worker{number}": [*_WORKER.split(), f"worker{number}@here"] for number in range(load.workers)}
    processes: dict[str, subprocess.Popen[bytes]] = {}
    with ExitStack() as stack:
        stack.callback(_stop, processes)
        for name, command in commands.items():
            log = stack.enter_context((folder / f"{name}.log").open("wb"))
            processes[name] = subprocess.Popen(
                command, env=environment, cwd=folder, stdout=log, stderr=log, start_new_session=True
            )
        yield processes


def _commands(folder: Path) -> dict[str, list[str]]:
    """Return the commands of compose.yaml's code server and daemon, on this machine's loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    workspace = yaml.safe_load((DEPLOY / "workspace.yaml").read_text("utf-8"))
    workspace["load_from"][0]["grpc_server"] |= {"host": "127.0.0.1", "port": int(port)}
    (folder / "workspace.yaml").write_text(yaml.safe_dump(workspace), encoding="utf-8")
    here = {"0.0.0.0": "127.0.0.1", "4000": port, "/etc/etl-customers/workspace.yaml": str(folder / "workspace.yaml")}  # noqa: S104 - it is replaced
    services: dict[str, dict[str, Any]] = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))["services"]
    return {name: [here.get(word, word) for word in services[name]["command"]] for name in ("code", "daemon")}


def _stop(processes: Mapping[str, subprocess.Popen[bytes]]) -> None:
    for process in processes.values():
        process.send_signal(signal.SIGTERM)
    for process in processes.values():
        with suppress(subprocess.TimeoutExpired):
            process.wait(20)
        with suppress(ProcessLookupError):  # and what it had started
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait(target: sa.Engine, files: int, deadline: float, processes: Mapping[str, subprocess.Popen[bytes]]) -> None:
    while True:
        with reading(target) as connection:
            statuses = connection.scalars(sa.select(imports.c.status)).all()
        if len(statuses) >= files and "accepted" not in statuses:
            return
        if ended := [name for name, process in processes.items() if process.poll() is not None]:
            raise NotAsPromised(f"{', '.join(ended)} ended by itself")
        if time.monotonic() > deadline:
            raise NotAsPromised(f"{statuses.count('finished')} of {files} imports are finished, {len(statuses)} known")
        time.sleep(0.5)


def _check_ledger(target: sa.Engine, load: Load) -> int:
    """Return the number of customers, once each file was imported and each customer is there, all exactly once."""
    with reading(target) as connection:
        ended = connection.execute(sa.select(imports.c.status, imports.c.rows_loaded)).all()
        total, distinct = connection.execute(
            sa.select(sa.func.count(), sa.func.count(sa.distinct(customers.c.email)))
        ).one()
    if sorted(map(tuple, ended)) != [("finished", load.rows)] * load.files:
        raise NotAsPromised(f"not every file is one finished import of {load.rows} customers: {len(ended)} imports")
    if (total, distinct) != (load.files * load.rows,) * 2:
        raise NotAsPromised(
            f"{total} customers, {distinct} different ones, where {load.files * load.rows} were dropped"
        )
    return int(total)


def _spans_of_runs(
    home: Home, environment: Mapping[str, str], files: int, deadline: float
) -> list[tuple[float, float]]:
    """Return when each run began and ended, once each import had one run and that succeeded."""
    with _variables(environment), dg.DagsterInstance.from_config(str(home.dagster)) as instance:
        while instance.get_runs_count(dg.RunsFilter(statuses=_UNFINISHED)):
            if time.monotonic() > deadline:
                raise NotAsPromised("a run did not end although every import has")
            time.sleep(0.2)
        records = instance.get_run_records(dg.RunsFilter(job_name="import_csv"))
    partitions = {record.dagster_run.tags["dagster/partition"] for record in records}
    succeeded = [record for record in records if record.dagster_run.is_success]
    if not len(partitions) == len(succeeded) == len(records) == files:
        raise NotAsPromised(f"{len(records)} runs of {len(partitions)} imports, {len(succeeded)} succeeded")
    return [(record.start_time or 0.0, record.end_time or 0.0) for record in records]


@contextmanager
def _variables(environment: Mapping[str, str]) -> Iterator[None]:
    """Lend this process what ``dagster.yaml`` takes from the environment."""
    names = [name for name in environment if name.startswith("DAGSTER_")]
    before = {name: os.environ.get(name) for name in names}
    os.environ.update({name: environment[name] for name in names})
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


def most_at_once(spans: Sequence[tuple[float, float]]) -> int:
    """Return how many spans of time, each with its beginning and end, share one moment at most."""
    return max(sum(start <= moment < end for start, end in spans) for moment, _ in spans)


def main(arguments: Sequence[str] | None = None) -> int:
    """Import files on a PostgreSQL of its own and print what became of them; return 1 where it is not as promised."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=main.__doc__)
    parser.add_argument("--imports", type=int, default=50, help="how many files (50)")
    parser.add_argument("--rows", type=int, default=40, help="customers of each file (40)")
    parser.add_argument("--workers", type=int, default=2, help="imports at once (2)")
    parser.add_argument("--celery", action="store_true", help="by Celery workers instead of new processes")
    given = parser.parse_args(arguments)
    # Whoever ends this ends what it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    load = Load(given.imports, given.rows, given.workers, given.celery)
    folder = Path(tempfile.mkdtemp(prefix="scale-", dir="/tmp"))
    with postgresql(folder) as server:
        try:
            outcome = scale(folder, server.make_database(), server.make_database(), load, within=60 + 20 * load.files)
        except NotAsPromised as problem:
            print(f"not as promised: {problem}; logs are in {folder}", file=sys.stderr)
            return 1
    shutil.rmtree(folder)
    kind = "Celery workers" if load.celery else "run workers"
    print(
        f"{load.files} imports in {outcome.seconds:.0f} s with {load.workers} {kind}, {outcome.at_once} at once: "
        f"{load.files / outcome.seconds * 60:.0f} a minute; each imported once, {outcome.customers} customers, each once"
    )
    return 0 if outcome.at_once == load.workers else 1


if __name__ == "__main__":
    raise SystemExit(main())
