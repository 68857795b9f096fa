"""Rows whose cells stand in no certain column: ragged ones, and headers that come again among the customers (R15).

Each fails, and all its cells are kept for the failed-rows file; those beyond the header
come back from there under ``beyond_1``, ``beyond_2`` and so on.
"""

import hashlib
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from string import ascii_letters, digits

import polars as pl

from etl_customers.columns.header_names import normalise_header
from etl_customers.columns.headers import UNSTAGED_ROLES, Role, is_own_file
from etl_customers.read.row_widths import RaggedCells, describe_width, moved_positions
from etl_customers.staging import UploadColumn
from etl_customers.texts.formula_escapes import unescape_formula
from etl_customers.texts.invisible import is_blank, visible
from schemas.codes import HEADER_AGAIN, RAGGED_ROW

_UNCORRECTED = re.compile(r"\(not corrected ([0-9a-f]{8})\)")
_LETTERS = frozenset(ascii_letters + digits)
"""A first cell that begins with another one of these than its header is none: most rows need no other look."""
_CERTAIN = 2
"""Cells that are headers, from which on a row is one and no customer's."""
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

    def __init__(self, columns: Sequence[UploadColumn], names: Sequence[Collection[str]]) -> None:
        """Take the columns, and of each the normalised headers that mean it."""
        self._columns = columns
        self._names = names
        self._is_own = is_own_file(columns)
        self._beyond = [column.position for column in columns if column.role is Role.BEYOND]
        self._password = next((column.position for column in columns if column.role is Role.PASSWORD), None)
        begins = {sign for name in names[0] for sign in (name[:1].lower(), name[:1].upper())} if names else set()
        self._begins_otherwise = _LETTERS - begins

    def find(self, block: Sequence[_Row]) -> Misplaced | None:
        """Return the misplaced rows of a block; None, at next to no cost, where there is none."""
        found = Misplaced()
        begins_otherwise = self._begins_otherwise
        for row, _, cells in block:
            if type(cells) is RaggedCells:
                self._add_ragged(found, row, cells)
            elif cells[0][:1] not in begins_otherwise and self._is_header(cells):
                found.reasons[row] = (HEADER_AGAIN, None)
        if self._beyond:
            for row, _, cells in block:
                if row not in found.reasons:
                    self._add_uncorrected(found, row, cells)
        return found if found.reasons else None

    def _is_header(self, cells: Sequence[str]) -> bool:
        """Tell whether each filled cell means the column that it stands in, in whichever of its words."""
        matched = 0
        for names, cell in zip(self._names, cells, strict=False):
            if is_blank(cell):
                continue
            if normalise_header(self._plain(cell)) not in names:
                return False
            matched += 1
        return matched >= min(_CERTAIN, len(self._columns))

    def _plain(self, cell: str) -> str:
        return unescape_formula(cell) if self._is_own else cell

    def _add_ragged(self, found: Misplaced, row: int, cells: RaggedCells) -> None:
        kept, width = self._without_password(cells), len(self._columns)
        hidden = " (its password may be among them and was not kept: type the password again)" if kept != cells else ""
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
            for position in moved_positions(self._password, cells):
                if position < len(kept):
                    kept[position] = ""
        return kept

    def _add_uncorrected(self, found: Misplaced, row: int, cells: list[str]) -> None:
        """Add a row of a failed-rows file that still has cells beyond the header."""
        beyond = [self._plain(cells[position]) for position in self._beyond]
        first = self._columns[self._beyond[0]].header
        reference = f"too many cells: those from {first} on have no header"
        if (mark := _UNCORRECTED.fullmatch(visible(beyond[0]).strip())) is not None:
            beyond[0] = ""
            if all(map(is_blank, beyond)):
                if mark[1] != digest(self._plain(cells[position]) for position in staged(self._columns)):
                    return
                reference = f"too many or too few cells and was not corrected; if it is right as it is, empty {first}"
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
