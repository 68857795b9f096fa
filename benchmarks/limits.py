r"""The import beside what no import can beat: ``psql \copy`` of its rows when they are ready, and reading the file."""

import csv
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.figures import Goal, Number, Table
from benchmarks.measure import Run, run_module
from benchmarks.ready_rows import ReadyRows
from benchmarks.run_report import tell

_PROMISED_ROWS = 1_000_000
_WHOLE = Goal("1,000,000 rows into PostgreSQL: the whole import, beside psql \\copy of what it loads", at_most=2.0)
_LOAD = Goal("1,000,000 rows into PostgreSQL: the load stage, beside psql \\copy", at_most=1.2)


def limits(bench: Bench, sizes: Sequence[int], rounds: int) -> Table:
    """Import a file, copy what it loaded into the same tables of another database, and read the file; by turns."""
    (rows,) = sizes
    ours: list[Run] = []
    copied: list[float] = []
    read: list[float] = []
    file = bench.file(rows)
    ready: ReadyRows | None = None
    for number in range(rounds):
        bench.say(f"round {number + 1} of {rounds}")
        with bench.database() as url:
            ours.append(bench.engine_into(url, file))
            ready = ready or ReadyRows(url, bench.folder / "ready")
        with bench.database() as url:
            copied.append(ready.copy_into(url))
        read.append(run_module("benchmarks.limits", str(file)).seconds)
    assert ready is not None
    ready.forget()
    is_promised = rows >= _PROMISED_ROWS
    whole, load, stage = ([run.seconds for run in ours], *_stages(ours, "load", "read"))
    return Table(
        ("", f"{rows:,} rows", "times the limit"),
        (
            (f"psql \\copy of {', '.join(ready.tables)}", Number.of(copied, "s"), ""),
            (
                "whole import",
                Number.of(whole, "s"),
                Number.ratio(whole, copied, "times", _WHOLE if is_promised else None),
            ),
            ("load stage", Number.of(load, "s"), Number.ratio(load, copied, "times", _LOAD if is_promised else None)),
            ("bare strict csv", Number.of(read, "s"), ""),
            ("read stage", Number.of(stage, "s"), Number.ratio(stage, read, "times")),
        ),
    )


def _stages(runs: list[Run], *names: str) -> list[list[float]]:
    return [[run.stages[name] for run in runs] for name in names]


def main() -> None:
    """Read the CSV given first, strictly, and do nothing with it."""
    started = time.perf_counter()
    with Path(sys.argv[1]).open(encoding="utf-8", newline="") as file:
        count = sum(1 for _ in csv.reader(file, strict=True))
    tell({"read": count - 1}, {"read": time.perf_counter() - started})


if __name__ == "__main__":
    main()
