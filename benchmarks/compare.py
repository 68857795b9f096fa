"""The engine and a plain ORM loop, the same file into the same PostgreSQL, by turns."""

import tempfile
from pathlib import Path

from benchmarks.generate import Mix, write_file
from benchmarks.measure import Figure, Run, median, postgresql, run_engine, run_module

GOAL = 8.0
"""Times faster than the loop that the engine has to be at 100,000 rows."""


def compare(rows: int = 100_000, times: int = 3) -> list[Figure]:
    """Import a generated file by both, ``times`` times in turn.

    Raises:
        AssertionError: The two did not load the same number of rows: then no time means anything.
    """
    engine: list[Run] = []
    loop: list[Run] = []
    with tempfile.TemporaryDirectory() as folder, postgresql() as make_database:
        file = write_file(Path(folder) / "customers.csv", rows, Mix(seed=7))
        for number in range(times):
            engine.append(run_engine(file, make_database(), Path(folder) / f"home{number}"))
            loop.append(run_module("benchmarks.orm_loop", str(file), make_database()))
    counts = {tuple(run.counts.items()) for run in engine + loop}
    if len(counts) > 1:
        raise AssertionError(f"engine and loop disagree on what to load: {counts}")
    return _figures(rows, engine, loop)


def _figures(rows: int, engine: list[Run], loop: list[Run]) -> list[Figure]:
    ours, theirs = median(run.seconds for run in engine), median(run.seconds for run in loop)
    ratio, counts = theirs / ours, engine[0].counts
    figures = [
        Figure(f"{rows:,} rows into PostgreSQL", f"{counts['loaded']:,} loaded, {counts['failed']:,} failed"),
        Figure("  SQLAlchemy ORM loop", f"{theirs:.1f} s, {median(run.peak_mb for run in loop):.0f} MB"),
        Figure("  the engine", f"{ours:.1f} s, {median(run.peak_mb for run in engine):.0f} MB"),
    ]
    for stage in engine[0].stages:
        seconds = median(run.stages[stage] for run in engine)
        figures.append(Figure(f"    {stage}", f"{seconds:.2f} s, {seconds / ours:.0%}"))
    # The promise is about 100,000 rows; fewer only show that the comparison runs.
    goal, is_reached = (f"at least {GOAL:.0f}", ratio >= GOAL) if rows >= 100_000 else ("", None)
    return [*figures, Figure("  times faster than the loop", f"{ratio:.1f}", goal, is_reached)]
