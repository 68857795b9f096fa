"""Rows whose cells stand in no certain column: ragged ones, and headers that come again among the customers (R15).

Each fails, and all its cells are kept for the failed-rows file; those beyond the header
come back from there under ``beyond_1``, ``beyond_2`` and so on.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from string import ascii_letters, digits

import polars as pl

from etl_customers.invisible import is_blank, visible
from etl_customers.names import normalise_header
from etl_customers.read.formulas import unescape_formula
from etl_customers.read.headers import UNSTAGED_ROLES, Role, is_own_file
from etl_customers.read.row_widths import RaggedCells, describe_width, possible_positions
from etl_customers.staging import UploadColumn
from schemas.codes import HEADER_AGAIN, RAGGED_ROW

_UNCORRECTED = re.compile(r"\(not corrected ([0-9a-f]{8})\)")
_LETTERS = frozenset(ascii_letters + digits)
"""A cell that begins with another one of these than the header is not the header: most rows need no pattern."""
_ERRORS: dict[str, type[pl.DataType]] = {
    "row": pl.Int64,
    "column": pl.String,
    "code": pl.String,
    "reference": pl.String,
    "stage": pl.String,
}

_Row = tuple[int, int, list[str]]


@dataclass
class Misplaced:
    """The misplaced rows of a block."""

    reasons: dict[int, tuple[str, str | None]] = field(default_factory=dict)
    """Row to code and reference."""
    cells: dict[int, list[str]] = field(default_factory=dict)
    """Ragged row to its cells under the header."""
    beyond: dict[int, list[str]] = field(default_factory=dict)
    """Ragged row to its cells beyond the header; one empty cell where it has too few."""

    @property
    def rows(self) -> frozenset[int]:
        """Numbers of the rows."""
        return frozenset(self.reasons)

    def straightened(self, block: Sequence[_Row]) -> list[_Row]:
        """Return the block with as many cells in each row as there are columns."""
        return [(row, line, self.cells.get(row, cells)) for row, line, cells in block]

    def errors(self) -> pl.DataFrame:
        """Return the rows of ``row_errors``."""
        described = [(row, "row", code, reference, "read") for row, (code, reference) in self.reasons.items()]
        return pl.DataFrame(described, schema=_ERRORS, orient="row")

    def overflow(self) -> pl.DataFrame:
        """Return the rows of ``overflowing_cells``."""
        return pl.DataFrame(
            [
                pl.Series("row", list(self.beyond), pl.Int64),
                pl.Series("cells", list(self.beyond.values()), pl.List(pl.String)),
            ]
        )


class MisplacedRows:
    """Finds them, a block of rows at a time."""

    def __init__(self, columns: Sequence[UploadColumn]) -> None:
        self._columns = columns
        self._is_own = is_own_file(columns)
        self._beyond = [column.position for column in columns if column.role is Role.BEYOND]
        self._password = next((column.position for column in columns if column.role is Role.PASSWORD), None)

    def find(self, block: Sequence[_Row]) -> Misplaced | None:
        """Return the misplaced rows of a block; None, at next to no cost, where there is none."""
        found = Misplaced()
        position, begins_otherwise, _ = self._pivot
        suspected = []
        for row, _, cells in block:
            if type(cells) is RaggedCells:
                self._add_ragged(found, row, cells)
            elif cells[position][:1] not in begins_otherwise:
                suspected.append((row, cells))
        for row, cells in self._like_the_header(suspected):
            if [normalise_header(self._plain(cell)) for cell in cells] == self._header:
                found.reasons[row] = (HEADER_AGAIN, None)
        if self._beyond:
            for row, _, cells in block:
                if row not in found.reasons:
                    self._add_uncorrected(found, row, cells)
        return found if found.reasons else None

    @cached_property
    def _header(self) -> list[str]:
        return [normalise_header(column.header) for column in self._columns]

    @cached_property
    def _pivot(self) -> tuple[int, frozenset[str], str]:
        """The column with the longest header, what its cell does not begin with and a pattern that it matches there."""
        position = max(range(len(self._header)), key=lambda place: len(self._header[place]))
        header = self._header[position][:20]
        begins = {header[:1].lower(), header[:1].upper()}
        letters = r"[^\pL\pN]*".join(map(re.escape, header))
        return position, frozenset({*_LETTERS, ""} - begins), f"(?i)^[^\\pL\\pN]*{letters}"

    def _like_the_header(self, rows: Sequence[tuple[int, list[str]]]) -> list[tuple[int, list[str]]]:
        if not rows:
            return []
        position, _, pattern = self._pivot
        texts = pl.Series([cells[position] for _, cells in rows], dtype=pl.String)
        return [rows[place] for place in texts.str.contains(pattern).arg_true()]

    def _plain(self, cell: str) -> str:
        return unescape_formula(cell) if self._is_own else cell

    def _add_ragged(self, found: Misplaced, row: int, cells: RaggedCells) -> None:
        kept, width = self._without_password(cells), len(self._columns)
        hidden = " (cells that may be its password are not kept)" if kept != cells else ""
        found.reasons[row] = (RAGGED_ROW, describe_width(cells) + hidden)
        found.cells[row] = kept[:width] + [""] * (width - len(kept))
        # Those of an earlier file's row that was not corrected go before the new ones.
        earlier = [self._plain(found.cells[row][position]) for position in self._beyond]
        beyond = (earlier if any(earlier) else []) + kept[width:]
        # A row with too few cells has none beyond; filled up in the failed-rows file, it would else load as it is.
        found.beyond[row] = beyond or [""]

    def _without_password(self, cells: RaggedCells) -> list[str]:
        """Return the cells with nothing in those that may be the password's, which is kept nowhere."""
        kept = list(cells)
        if self._password is not None:
            for position in possible_positions(self._password, len(cells) - cells.expected):
                if position < len(kept):
                    kept[position] = ""
        return kept

    def _add_uncorrected(self, found: Misplaced, row: int, cells: list[str]) -> None:
        """Add a row of a failed-rows file that still has cells beyond the header."""
        beyond = [self._plain(cells[position]) for position in self._beyond]
        first = self._columns[self._beyond[0]].header
        reference = f"too many cells: what stands under {first} and after it has no header"
        if (mark := _UNCORRECTED.fullmatch(visible(beyond[0]).strip())) is not None:
            beyond[0] = ""
            if all(map(is_blank, beyond)):
                if mark[1] != digest(self._plain(cells[position]) for position in staged(self._columns)):
                    return
                reference = f"too many or too few cells, and was not corrected since; if it is right, empty {first}"
        elif all(map(is_blank, beyond)):
            return
        while len(beyond) > 1 and is_blank(beyond[-1]):
            beyond.pop()
        found.reasons[row] = (RAGGED_ROW, reference)
        found.beyond[row] = beyond


def beyond_cells(cells: Sequence[str], beyond: Sequence[str], most: int) -> list[str]:
    """Return the cells beyond the header as a failed-rows file has them, ``most`` of them.

    Where all are empty, or where the row had too few cells, nobody would see what was wrong with
    it: the first one says that it was not corrected, until another cell of the row is, or this one is emptied.

    Args:
        cells: Those of the row under the header.
        beyond: Those beyond it, one empty one for a row with too few; none for a row that has as many as it should.
        most: Columns that the file has for them.
    """
    shown = list(beyond)
    if shown and all(map(is_blank, shown)):
        shown[0] = f"(not corrected {digest(cells)})"
    return shown + [""] * (most - len(shown))


def staged(columns: Iterable[UploadColumn]) -> list[int]:
    """Return the positions of the columns whose cells are staged."""
    return [column.position for column in columns if column.role not in UNSTAGED_ROLES]


def digest(cells: Iterable[str]) -> str:
    """Return eight characters that are others as soon as one of the cells is."""
    return hashlib.sha256("\x1f".join(cells).encode("utf-8", "surrogatepass")).hexdigest()[:8]
