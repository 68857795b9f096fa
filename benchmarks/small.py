"""A file of the usual size as a person waits for it, beside the least that Dagster can do; and ``--help``."""

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from assets.runtime.instance import make_dagster_home
from benchmarks.bench import SQLITE, Bench
from benchmarks.environments import python_of_users
from benchmarks.figures import Goal, Number, Table
from benchmarks.generate import Mix
from benchmarks.measure import engine_environment, time_command
from etl_customers.settings.home import Home

_PROMISED_ROWS = 2_500
_FAILED_ROWS = 1
"""Exit code where some rows failed, as they should."""


@dataclass
class _Times:
    """Seconds, by round."""

    help: list[float] = field(default_factory=list)
    engine: list[float] = field(default_factory=list)
    first: list[float] = field(default_factory=list)
    later: list[float] = field(default_factory=list)
    dagster_first: list[float] = field(default_factory=list)
    dagster_later: list[float] = field(default_factory=list)


def small(bench: Bench, sizes: Sequence[int], rounds: int) -> Table:
    """Import a file without passwords into SQLite from a new home, another one from the same home, and do the rest."""
    (rows,) = sizes
    files = [bench.file(rows, Mix(seed=3), start) for start in (0, 10 * rows)]
    python = python_of_users(bench.peers, installs=True) if bench.installs else sys.executable
    command = str(Path(python).with_name("etl-customers"))
    times = _Times()
    for number in range(rounds):
        bench.say(f"round {number + 1} of {rounds}")
        with bench.home() as home, bench.home() as dagster:
            times.help.append(time_command([command, "--help"], _environment(home)))
            times.engine.append(bench.engine(files[0], SQLITE).seconds)
            make_dagster_home(Home(dagster))
            times.dagster_first.append(_four_steps(python, dagster))
            times.first.append(_import(command, files[0], home))
            times.dagster_later.append(_four_steps(python, dagster))
            times.later.append(_import(command, files[1], home))
    return _table(rows, times)


def _table(rows: int, times: _Times) -> Table:
    def promised(goal: Goal) -> Goal | None:
        return goal if rows >= _PROMISED_ROWS else None

    first = promised(Goal("2,500 rows, the whole command in a new home, beside four empty steps", at_most=1.5))
    later = promised(Goal("2,500 rows, the whole command in a home in use, beside four empty steps", at_most=1.5))
    engine = promised(Goal("2,500 rows into SQLite: the engine's part", at_most=1.0))
    return Table(
        ("", "seconds", "beside Dagster's four empty steps"),
        (
            ("etl-customers --help", Number.of(times.help, "s", Goal("etl-customers --help", at_most=0.5)), ""),
            (f"{rows:,} rows into SQLite, the engine's part", Number.of(times.engine, "s", engine), ""),
            (
                "etl-customers import, the first in a new home",
                Number.of(times.first, "s"),
                Number.ratio(times.first, times.dagster_first, "times", first),
            ),
            (
                "etl-customers import, the second",
                Number.of(times.later, "s"),
                Number.ratio(times.later, times.dagster_later, "times", later),
            ),
            ("Dagster's four empty steps, in a new home", Number.of(times.dagster_first, "s"), ""),
            ("Dagster's four empty steps, a second time", Number.of(times.dagster_later, "s"), ""),
        ),
    )


def _import(command: str, file: Path, home: Path) -> float:
    return time_command([command, "import", str(file)], _environment(home), may_return=(0, _FAILED_ROWS))


def _four_steps(python: str, home: Path) -> float:
    command = [python, "-m", "benchmarks.four_steps", str(Home(home).dagster)]
    return time_command(command, os.environ | {"PYTHONWARNINGS": "ignore"})


def _environment(home: Path) -> Mapping[str, str]:
    environment = os.environ | engine_environment() | {"ETL_CUSTOMERS_HOME": str(home)}
    environment.pop("ETL_CUSTOMERS_DATABASE_URL", None)
    return environment
