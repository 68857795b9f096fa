"""Measure, print, keep: ``make bench``, or ``python -m benchmarks small peers``.

What is measured lives in ``benchmarks.sections``. Figures of a full run go to
``figures.json`` and from there into docs/performance.md, section by section.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from benchmarks.bench import Bench, open_bench
from benchmarks.environments import DEFAULT
from benchmarks.figures import Measured, Number, keep_figures, read_figures
from benchmarks.machine import describe_machine
from benchmarks.measure import CannotMeasure
from benchmarks.page import goal_table, is_missed, section_table, write_page
from benchmarks.sections import SECTIONS, TITLES

_SCREEN_WIDTH = 200


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure the sections named, all of them unless told; return 1 where a goal is missed or nothing could be measured.

    A section at its own sizes is kept in benchmarks/figures.json and written into docs/performance.md.
    """
    parser = _parser()
    given = parser.parse_args(arguments)
    if unknown := sorted(set(given.names) - set(SECTIONS)):
        parser.error(f"there is no section {', '.join(unknown)}; there are {', '.join(SECTIONS)}")
    if given.write:
        write_page(TITLES, read_figures())
        return 0
    names = [name for name in SECTIONS if not given.names or name in given.names]
    with open_bench(given.folder, given.peers, installs=not given.quick) as bench:
        return measure(bench, names, given)


def measure(bench: Bench, names: Sequence[str], given: argparse.Namespace) -> int:
    """Measure sections one after the other, show and keep each at once, and the goals of all at the end."""
    screen = Console(width=None if sys.stdout.isatty() else _SCREEN_WIDTH)
    goals: list[Number] = []
    is_whole = True
    for name in names:
        print(f"measuring: {name}", file=sys.stderr, flush=True)
        try:
            measured = _measure(bench, name, given)
        except (CannotMeasure, AssertionError, subprocess.CalledProcessError) as problem:
            # An hour of other sections is not lost for this one.
            print(f"not measured: {name}: {problem}", file=sys.stderr, flush=True)
            is_whole = False
            continue
        screen.print(section_table(f"{name}, {measured.minutes:.1f} min", measured.table))
        for note in measured.table.notes:
            screen.print(note)
        goals += [] if given.quick else measured.table.goals()
        if not given.quick and not given.rows:
            keep_figures(name, measured)
            write_page(TITLES, read_figures())
    if goals:
        screen.print(goal_table(goals))
    return int(not is_whole or any(map(is_missed, goals)))


def _measure(bench: Bench, name: str, given: argparse.Namespace) -> Measured:
    section = SECTIONS[name]
    sizes = given.rows or (section.quick if given.quick else section.sizes)
    if not section.takes_any_sizes and len(sizes) != len(section.sizes):
        raise CannotMeasure(f"it takes {len(section.sizes)} numbers with --rows, {len(sizes)} are given")
    rounds = given.rounds or (1 if given.quick else section.rounds)
    started = time.monotonic()
    try:
        table = section.measure(bench, sizes, rounds)
    finally:
        bench.forget_files()
    minutes = round((time.monotonic() - started) / 60, 2)
    return Measured(datetime.now(UTC).date().isoformat(), describe_machine(), rounds, minutes, table)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=main.__doc__)
    parser.add_argument("names", nargs="*", metavar="SECTION", help=f"of {', '.join(SECTIONS)}")
    parser.add_argument("--quick", action="store_true", help="small sizes, once: shows that everything runs")
    parser.add_argument("--rounds", type=int, help="how often each thing is measured")
    parser.add_argument("--rows", type=_numbers, metavar="N,N", help="other sizes; such figures are not kept")
    parser.add_argument(
        "--write", action="store_true", help="write docs/performance.md from the figures, measure nothing"
    )
    # Not the TMPDIR of a machine, whose path may be too long for a socket's.
    parser.add_argument("--folder", type=Path, default=Path("/tmp"), help="where databases and files go (/tmp)")  # noqa: S108
    parser.add_argument(
        "--peers", type=Path, default=DEFAULT, metavar="FOLDER", help=f"environments of peers ({DEFAULT})"
    )
    return parser


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in text.replace("_", "").split(","))


if __name__ == "__main__":
    raise SystemExit(main())
