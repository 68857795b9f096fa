"""Pulls beside the CSV import of as many customers; the provider's own time and memory are not ours."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.figures import Cell, Goal, Number, Table
from benchmarks.generate import Mix
from benchmarks.measure import Run, engine_environment, run_module
from benchmarks.provider import provider
from schemas.sources import LABELS, PROVIDERS

_PROMISED_ROWS = 100_000
_OWN = ("map", "validate", "deduplicate", "load", "failed rows")
_MIX = Mix(seed=7, bad=0, duplicates=0)


def pull(bench: Bench, sizes: Sequence[int], rounds: int) -> Table:
    """Import a file and pull the same customers from each provider, by turns.

    Raises:
        AssertionError: Not all customers came to the target: then no time means anything.
    """
    (rows,) = sizes
    files: list[Run] = []
    pulls: dict[str, list[Run]] = {name: [] for name in PROVIDERS}
    file = bench.file(rows, _MIX)
    for number in range(rounds):
        bench.say(f"round {number + 1} of {rounds}")
        files.append(bench.engine(file))
        for name, runs in pulls.items():
            with bench.database() as url, bench.home() as home:
                runs.append(_pull(name, rows, url, home))
    base = [run.seconds for run in files]
    table: list[tuple[Cell, ...]] = [
        (f"{rows:,} customers from a file", Number.of(base, "s"), "", Number.of([run.peak_mb for run in files], "MB"))
    ]
    for name, runs in pulls.items():
        table += _rows(name, rows, base, runs)
    return Table(("into PostgreSQL", "seconds", "beside the file", "peak memory"), tuple(table))


def _pull(name: str, rows: int, url: str, home: Path) -> Run:
    fast = {f"ETL_CUSTOMERS_{name.upper()}__REQUESTS_PER_MINUTE": "1000000"}
    with provider(name, rows, _MIX, has_limits=False) as reach:
        target = {"ETL_CUSTOMERS_DATABASE_URL": url}
        run = run_module("benchmarks.pull_engine", name, str(home), **engine_environment(), **reach, **fast, **target)
    expected = (rows, rows, rows, rows)
    counted = tuple(
        run.counts[key] for key in ("rows_read", "rows_loaded", "again: rows_read", "again: rows_unchanged")
    )
    if counted != expected:
        raise AssertionError(f"the pull from {name} brought {run.counts}")
    return run


def _rows(name: str, rows: int, base: list[float], runs: list[Run]) -> list[tuple[Cell, ...]]:
    label = LABELS[name]
    goal = Goal(f"100,000 customers from {label} without fetching, beside the file", at_most=3.0)
    first, again = (_own(runs, prefix) for prefix in ("", "again: "))
    return [
        (
            f"from {label}, without fetching",
            Number.of(first, "s"),
            Number.ratio(first, base, "times", goal if rows >= _PROMISED_ROWS else None),
            Number.of([run.peak_mb for run in runs], "MB"),
        ),
        (f"from {label} again, all unchanged", Number.of(again, "s"), Number.ratio(again, base, "times"), ""),
        (f"fetching from a stand-in of {label}", Number.of([run.stages["fetch"] for run in runs], "s"), "", ""),
    ]


def _own(runs: list[Run], prefix: str) -> list[float]:
    return [sum(run.stages[prefix + stage] for stage in _OWN) for run in runs]
