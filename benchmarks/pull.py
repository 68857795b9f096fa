"""Pulls beside the CSV import of as many customers, and beside the providers' limits."""

import tempfile
from collections.abc import Mapping
from pathlib import Path

from benchmarks.generate import Mix, write_file
from benchmarks.measure import Figure, Run, engine_environment, median, postgresql, run_engine, run_module
from benchmarks.provider import provider
from schemas.sources import LABELS, PROVIDERS, QUICKBOOKS, XERO

GOAL = 3.0
"""Times the CSV import that a pull may take, without the time of the provider."""
LIMIT_GOAL = 0.9
"""Of the pages a minute that the provider allows."""
ALLOWED_PER_MINUTE: Mapping[str, int] = {QUICKBOOKS: 500, XERO: 60}

_OWN = ("map", "validate", "deduplicate", "load", "failed rows")
_MIX = Mix(seed=7, bad=0, duplicates=0)


def pull(rows: int = 100_000, times: int = 3) -> list[Figure]:
    """Import a file and pull the same customers from each provider, by turns, each time into a new database.

    Raises:
        AssertionError: Not all customers came to the target: then no time means anything.
    """
    files: list[Run] = []
    pulls: dict[str, list[Run]] = {name: [] for name in PROVIDERS}
    with tempfile.TemporaryDirectory() as folder, postgresql() as make_database:
        file = write_file(Path(folder) / "customers.csv", rows, _MIX)
        for number in range(times):
            files.append(run_engine(file, make_database(), Path(folder) / f"file{number}"))
            for name, runs in pulls.items():
                runs.append(_pull(name, rows, make_database(), Path(folder) / f"{name}{number}"))
    figures = [Figure(f"{rows:,} customers into PostgreSQL, from a file", _seconds(files, files[0].stages))]
    for name, runs in pulls.items():
        figures += _figures(name, rows, files, runs)
    return figures


def limits(pages: Mapping[str, int] | None = None) -> list[Figure]:
    """Fetch small pages from providers that hold to their limits; say how much of the limit was used."""
    figures = []
    for name, count in (pages or {QUICKBOOKS: 120, XERO: 40}).items():
        with tempfile.TemporaryDirectory() as folder, provider(name, count * 10, _MIX, has_limits=True) as reach:
            run = run_module("benchmarks.fetch", name, str(Path(folder) / "home"), **reach)
        # The first page needs no wait, so that one page less stands for the time.
        share = (run.counts["pages"] - 1) / run.seconds * 60 / ALLOWED_PER_MINUTE[name]
        figures.append(
            Figure(
                f"{LABELS[name]}: {run.counts['pages']} pages of at most {ALLOWED_PER_MINUTE[name]} a minute",
                f"{share:.2f} of the limit, {run.counts['refused']} requests refused",
                f"at least {LIMIT_GOAL:.1f}",
                share >= LIMIT_GOAL,
            )
        )
    return figures


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


def _figures(name: str, rows: int, files: list[Run], runs: list[Run]) -> list[Figure]:
    again = tuple(f"again: {stage}" for stage in _OWN)
    ours, theirs = median(_own(run, _OWN) for run in runs), median(run.seconds for run in files)
    goal, is_reached = (f"at most {GOAL:.0f}", ours / theirs <= GOAL) if rows >= 100_000 else ("", None)
    return [
        Figure(f"  from {LABELS[name]}, without fetching", _seconds(runs, _OWN)),
        Figure("    times the file", f"{ours / theirs:.2f}", goal, is_reached),
        Figure("    once more, all unchanged", _seconds(runs, again)),
        Figure("    fetching, a stand-in without limits", _seconds(runs, ("fetch",))),
        Figure("    peak memory, beside the file", f"{_peak(runs):.0f} MB, {_peak(files):.0f} MB"),
    ]


def _seconds(runs: list[Run], stages: Mapping[str, float] | tuple[str, ...]) -> str:
    parts = ", ".join(
        f"{stage.removeprefix('again: ')} {median(run.stages[stage] for run in runs):.1f}" for stage in stages
    )
    return f"{median(_own(run, tuple(stages)) for run in runs):.1f} s ({parts})"


def _own(run: Run, stages: tuple[str, ...]) -> float:
    return sum(run.stages[stage] for stage in stages)


def _peak(runs: list[Run]) -> float:
    return median(run.peak_mb for run in runs)
