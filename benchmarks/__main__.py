"""Run the measurements and print one table: ``make bench``, or ``python -m benchmarks small compare``."""

import argparse
from collections.abc import Callable, Sequence

from rich.console import Console
from rich.table import Table

from benchmarks.compare import compare
from benchmarks.hashing import hashing
from benchmarks.measure import Figure
from benchmarks.memory import memory
from benchmarks.pull import limits, pull
from benchmarks.small import small
from schemas.sources import QUICKBOOKS, XERO

_MEASUREMENTS: dict[str, Callable[[], list[Figure]]] = {
    "small": small,
    "compare": compare,
    "hashing": hashing,
    "memory": memory,
    "pull": pull,
    "limits": limits,
}
_QUICK: dict[str, Callable[[], list[Figure]]] = {
    "small": lambda: small(times=1),
    "compare": lambda: compare(rows=2_500, times=1),
    "hashing": lambda: hashing(passwords=40, times=1),
    "memory": lambda: memory(rows=25_000),
    "pull": lambda: pull(rows=2_500, times=1),
    "limits": lambda: limits({QUICKBOOKS: 20, XERO: 5}),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what is named, all of it unless told; return 1 where a goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=main.__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(_MEASUREMENTS)}")
    parser.add_argument("--quick", action="store_true", help="small sizes, once: shows that everything runs")
    given = parser.parse_args(arguments)
    if unknown := sorted(set(given.names) - set(_MEASUREMENTS)):
        parser.error(f"there is no measurement {', '.join(unknown)}; there are {', '.join(_MEASUREMENTS)}")
    console, progress = Console(), Console(stderr=True)
    if not console.is_terminal:
        console = Console(width=120)
    table = Table("what", "measured", "goal", "")
    is_missed = False
    for name, measure in (_QUICK if given.quick else _MEASUREMENTS).items():
        if given.names and name not in given.names:
            continue
        progress.print(f"measuring: {name}")
        for line in measure():
            verdict = {True: "reached", False: "MISSED", None: ""}[line.is_reached]
            is_missed |= line.is_reached is False
            table.add_row(line.what, line.figure, line.goal, verdict)
    console.print(table)
    return int(is_missed)


if __name__ == "__main__":
    raise SystemExit(main())
