"""A file of the usual size into a target that has a million customers already, beside the same into an empty one."""

from collections.abc import Sequence

from benchmarks.bench import POSTGRESQL, SQLITE, Bench
from benchmarks.figures import Cell, Goal, Number, Table
from benchmarks.measure import Run

_PROMISED = (1_000_000, 2_500)
_APART = 10_000
"""Rows between two files: a repetition goes back at most 5,000 rows, so none repeats another file's customer."""


def crowded(bench: Bench, sizes: Sequence[int], rounds: int) -> Table:
    """Import files of new customers, and of customers who are all there, by turns with the same into an empty target.

    Args:
        bench: To work at.
        sizes: Customers of the crowd, and rows of a file.
        rounds: How many files of each sort.

    Raises:
        AssertionError: A file did not meet the customers that it should meet: then no time means anything.
    """
    crowd, rows = sizes
    goal_of = _goal if (crowd, rows) == _PROMISED else lambda _kind, _sort: None
    table: list[tuple[Cell, ...]] = []
    for kind in (POSTGRESQL, SQLITE):
        with bench.database(kind) as url:
            bench.say(f"filling {kind} with {crowd:,} rows")
            bench.engine_into(url, bench.file(crowd))
            if kind == POSTGRESQL:
                # What its autovacuum does a little later, in the midst of what is measured.
                bench.server.settle(url)
            starts = {
                "new customers": [crowd + _APART * (number + 1) for number in range(rounds)],
                "customers all there": [number * rows % crowd for number in range(rounds)],
            }
            for sort, at in starts.items():
                empty, full = _compare(bench, kind, url, [(rows, start) for start in at], sort)
                ratio = Number.ratio(full, empty, "times", goal_of(kind, sort))
                table.append((f"{kind}, {sort}", Number.of(empty, "s"), Number.of(full, "s"), ratio))
    head = (f"{rows:,} rows into", "an empty target", f"one with {crowd:,} rows imported", "beside the empty one")
    return Table(head, tuple(table))


def _compare(
    bench: Bench, kind: str, url: str, files: list[tuple[int, int]], sort: str
) -> tuple[list[float], list[float]]:
    empty: list[Run] = []
    full: list[Run] = []
    for rows, start in files:
        file = bench.file(rows, start=start)
        empty.append(bench.engine(file, kind))
        full.append(bench.engine_into(url, file))
        expected = empty[-1].counts["loaded"] if sort == "new customers" else 0
        if full[-1].counts["loaded"] != expected:
            raise AssertionError(f"of {sort}, {full[-1].counts} in the crowd, {empty[-1].counts} in the empty target")
    return [run.seconds for run in empty], [run.seconds for run in full]


def _goal(kind: str, sort: str) -> Goal:
    return Goal(f"2,500 rows ({sort}) with a million in {kind}, beside an empty target", at_most=1.2)
