"""The whole import by size and target, stage by stage, with its memory."""

from collections.abc import Sequence

from benchmarks.bench import POSTGRESQL, SQLITE, Bench
from benchmarks.figures import Cell, Number, Table
from benchmarks.measure import Run


def stages(bench: Bench, sizes: Sequence[int], rounds: int) -> Table:
    """Import files of these sizes into both kinds of database, by turns."""
    kinds = [(size, kind) for size in sizes for kind in (SQLITE, POSTGRESQL)]
    runs: dict[tuple[int, str], list[Run]] = {kind: [] for kind in kinds}
    for number in range(rounds):
        bench.say(f"round {number + 1} of {rounds}")
        for size, kind in kinds:
            runs[size, kind].append(bench.engine(bench.file(size), kind))
    head = ["", *(f"{size:,} rows, {kind}" for size, kind in kinds)]
    rows: list[list[Cell]] = [
        ["whole import", *(Number.of([run.seconds for run in runs[kind]], "s") for kind in kinds)],
        ["a row", *(Number.of([per_row(run) for run in runs[kind]], "µs") for kind in kinds)],
        ["peak memory", *(Number.of([run.peak_mb for run in runs[kind]], "MB") for kind in kinds)],
    ]
    rows += [
        [stage, *(Number.of([run.stages[stage] for run in runs[kind]], "s") for kind in kinds)]
        for stage in runs[kinds[0]][0].stages
    ]
    return Table(tuple(head), tuple(map(tuple, rows)))


def per_row(run: Run) -> float:
    """Return the microseconds that a row of the file took."""
    return run.seconds / run.counts["read"] * 1e6
