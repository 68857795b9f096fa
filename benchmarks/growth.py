"""How time per row and memory grow from ten thousand rows to ten million."""

from collections.abc import Sequence

from benchmarks.bench import Bench
from benchmarks.figures import Cell, Goal, Number, Table
from benchmarks.measure import Run
from benchmarks.stages import per_row

_BASE = 100_000
_ONCE_FROM = 5_000_000
"""As large a file is imported once only: minutes each."""
_TIME = {10_000_000: Goal("10,000,000 rows: time per row, beside 100,000 rows", at_most=1.3)}
_MEMORY = {
    1_000_000: Goal("1,000,000 rows: peak memory", at_most=1536),
    10_000_000: Goal("10,000,000 rows: peak memory", at_most=2048),
}


def growth(bench: Bench, sizes: Sequence[int], rounds: int) -> Table:
    """Import files of these sizes into PostgreSQL, by turns, the largest in the first round only."""
    for size in sizes:
        bench.file(size)
    runs: dict[int, list[Run]] = {size: [] for size in sizes}
    for number in range(rounds):
        bench.say(f"round {number + 1} of {rounds}")
        for size in sizes if number == 0 else [size for size in sizes if size < _ONCE_FROM]:
            runs[size].append(bench.engine(bench.file(size)))
    base = runs.get(_BASE, runs[sizes[0]])
    usual = Number.of([per_row(run) for run in base], "µs").value
    rows = [_row(size, runs[size], usual) for size in sizes]
    beside = f"{_BASE if _BASE in runs else sizes[0]:,} rows"
    return Table(("rows", "whole import", "a row", f"time per row, beside {beside}", "peak memory"), tuple(rows))


def _row(size: int, runs: list[Run], usual: float) -> tuple[Cell, ...]:
    spent = [per_row(run) for run in runs]
    return (
        f"{size:,}",
        Number.of([run.seconds for run in runs], "s"),
        Number.of(spent, "µs"),
        # Beside the median, since the largest has one round and the others' first is no better than their last.
        Number.of([microseconds / usual for microseconds in spent], "times", _TIME.get(size)),
        Number.of([run.peak_mb for run in runs], "MB", _MEMORY.get(size)),
    )
