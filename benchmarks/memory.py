"""A million rows: how long, and how much memory at most."""

import tempfile
from pathlib import Path

from benchmarks.generate import Mix, write_file
from benchmarks.measure import Figure, postgresql, run_engine

GOAL_MB = 1536


def memory(rows: int = 1_000_000) -> list[Figure]:
    """Import a generated file into PostgreSQL once; the server's memory is not counted."""
    with tempfile.TemporaryDirectory() as folder, postgresql() as make_database:
        file = write_file(Path(folder) / "customers.csv", rows, Mix(seed=11))
        run = run_engine(file, make_database(), Path(folder) / "home")
    stages = ", ".join(f"{stage} {seconds:.1f}" for stage, seconds in run.stages.items())
    return [
        Figure(f"{rows:,} rows into PostgreSQL", f"{run.seconds:.0f} s ({stages})"),
        Figure("  peak memory", f"{run.peak_mb:,.0f} MB", f"at most {GOAL_MB:,} MB", run.peak_mb <= GOAL_MB),
    ]
