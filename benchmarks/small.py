"""A file of the usual size: the whole command as a person waits for it, and the engine's part of it."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.generate import Mix, write_file
from benchmarks.measure import Figure, engine_environment, median, run_engine

ROWS = 2_500
COMMAND_GOAL_SECONDS = 6.0
ENGINE_GOAL_SECONDS = 1.5


def small(times: int = 3) -> list[Figure]:
    """Import 2,500 rows without passwords into SQLite, each time into a new home."""
    command, engine, dagster = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        file = write_file(Path(folder) / "customers.csv", ROWS, Mix(seed=3))
        for number in range(times):
            command.append(_time_command(file, Path(folder) / f"command{number}"))
            dagster.append(_time([sys.executable, "-c", "import dagster"], dict(os.environ)))
            home = Path(folder) / f"engine{number}"
            engine.append(run_engine(file, f"sqlite:///{home / 'customers.db'}", home).seconds)
    return [
        Figure(
            f"{ROWS:,} rows into SQLite, etl-customers import",
            f"{median(command):.1f} s",
            f"at most {COMMAND_GOAL_SECONDS:.1f} s",
            median(command) <= COMMAND_GOAL_SECONDS,
        ),
        Figure("  importing Dagster and nothing else", f"{median(dagster):.1f} s"),
        Figure(
            "  the engine's part",
            f"{median(engine):.2f} s",
            f"at most {ENGINE_GOAL_SECONDS:.1f} s",
            median(engine) <= ENGINE_GOAL_SECONDS,
        ),
    ]


def _time_command(file: Path, home: Path) -> float:
    environment = os.environ | engine_environment() | {"ETL_CUSTOMERS_HOME": str(home)}
    environment.pop("ETL_CUSTOMERS_DATABASE_URL", None)
    command = [str(Path(sys.executable).with_name("etl-customers")), "import", str(file)]
    return _time(command, environment)


def _time(command: list[str], environment: dict[str, str]) -> float:
    started = time.perf_counter()
    done = subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=False)
    seconds = time.perf_counter() - started
    if done.returncode not in {0, 1}:  # 1: some rows failed, as they should
        raise subprocess.CalledProcessError(done.returncode, command)
    return seconds
