"""What a section measured: numbers with their spread and goals, in tables; and the file that keeps them.

How they look lives in ``benchmarks.page``.
"""

import dataclasses
import json
import os
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("figures.json")


@dataclass(frozen=True)
class Goal:
    """What a number has to reach."""

    what: str
    """The promise in words, for the table of goals."""
    at_most: float | None = None
    at_least: float | None = None

    def is_reached(self, value: float) -> bool:
        """Tell whether a value is as promised."""
        return value <= self.at_most if self.at_most is not None else value >= (self.at_least or 0.0)


@dataclass(frozen=True)
class Number:
    """The median of several rounds, with the least and the most of them."""

    value: float
    unit: str
    """One of ``s``, ``µs``, ``MB``, ``times``, ``a second`` and ``of it``."""
    low: float
    high: float
    goal: Goal | None = None

    @classmethod
    def of(cls, values: Iterable[float], unit: str, goal: Goal | None = None) -> "Number":
        """Make a number of what the rounds gave."""
        given = list(values)
        return cls(statistics.median(given), unit, min(given), max(given), goal)

    @classmethod
    def ratio(cls, values: Sequence[float], others: Sequence[float], unit: str, goal: Goal | None = None) -> "Number":
        """Divide round by round: the two of one round ran one after the other, on the same mood of the machine."""
        return cls.of((value / other for value, other in zip(values, others, strict=True)), unit, goal)


Cell = str | Number


@dataclass(frozen=True)
class Table:
    """What one section has to show."""

    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()
    """What could not be measured and why, and other things that a reader of this run has to know."""

    def goals(self) -> list[Number]:
        """Return the numbers that have a goal."""
        return [cell for row in self.rows for cell in row if isinstance(cell, Number) and cell.goal is not None]


@dataclass(frozen=True)
class Measured:
    """A section's table, and where and when it was made."""

    date: str
    machine: Mapping[str, str]
    rounds: int
    minutes: float
    """How long the section took, all its rounds and preparations."""
    table: Table


def read_figures(path: Path = FILE) -> dict[str, Measured]:
    """Return what is kept, by section."""
    if not path.exists():
        return {}
    return {name: _measured(record) for name, record in json.loads(path.read_text("utf-8")).items()}


def keep_figures(name: str, measured: Measured, path: Path = FILE) -> None:
    """Replace one section's figures; the file is whole at any moment."""
    records = {kept: dataclasses.asdict(record) for kept, record in (read_figures(path) | {name: measured}).items()}
    text = json.dumps(records, indent=1, ensure_ascii=False, default=str)
    write_whole(path, text + "\n")


def write_whole(path: Path, text: str) -> None:
    """Write a file beside the one that it then replaces."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)


def _measured(record: dict[str, Any]) -> Measured:
    table = record.pop("table")
    rows = tuple(tuple(_cell(cell) for cell in row) for row in table["rows"])
    return Measured(**record, table=Table(tuple(table["head"]), rows, tuple(table["notes"])))


def _cell(cell: Any) -> Cell:  # noqa: ANN401 - JSON
    if isinstance(cell, str):
        return cell
    goal = cell.pop("goal")
    return Number(**cell, goal=None if goal is None else Goal(**goal))
