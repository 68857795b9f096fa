"""How many cells a row of an upload may have: the width that lines up with the header, and rows of another one.

A delimiter too many or too few moves all cells after it into other columns, so a row
of another width is never read as if it fitted (R15).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from etl_customers.base.errors import UploadRefused
from etl_customers.texts.invisible import are_blank, is_blank
from schemas.refusals import FileReason

MOST_RAGGED_SHOWN = 5


@dataclass(frozen=True)
class RowWidth:
    """What fits: ``columns`` that have a header, and the ``delimited`` cells of each row, the rest of them empty.

    ``header`` counts the empty cells at the header's end, too. ``delimited`` is None where rows have no
    delimiters (a workbook): there nothing moves, and only a filled cell beyond the columns does not fit.
    """

    columns: int
    header: int
    delimited: int | None

    @property
    def expected(self) -> int:
        """How many cells a row should have."""
        return self.delimited or self.columns

    def fits(self, cells: list[str]) -> bool:
        """Tell whether a row lines up with the header."""
        width = len(cells)
        if width < self.columns or not are_blank(cells[self.columns :]):
            return False
        return self.delimited in (None, width) or self._lacks_only_its_end(cells)

    def _lacks_only_its_end(self, cells: list[str]) -> bool:
        """Tell whether the row has all cells but those at the end that are empty in each row.

        With some of those, it may have a delimiter too many or too few further ahead; with a line break in a cell,
        nobody knows where it ends.
        """
        return (
            len(cells) == self.columns
            and not is_blank(cells[self.columns - 1])
            and not any("\n" in cell or "\r" in cell for cell in cells)
        )

    def unnamed(self, cells: Sequence[str]) -> int | None:
        """Return where a row no wider than the header has its first cell under none; None: that is not what is wrong."""
        beyond = range(self.columns, len(cells) if len(cells) <= self.header else 0)
        return next((position for position in beyond if not is_blank(cells[position])), None)


class RaggedCells(list[str]):
    """The cells of a row that does not line up with the header."""

    def __init__(self, cells: Sequence[str], width: RowWidth) -> None:
        super().__init__(cells)
        self.width = width


def find_width(header: int, columns: int, first: Sequence[str], count_widths: Callable[[], Mapping[int, int]]) -> int:
    """Return what ``settle_width`` does; the file is looked through only where its first row leaves it open.

    Args:
        header: Cells of the header, empty ones at its end included.
        columns: Cells of the header up to the last that is filled.
        first: The first row.
        count_widths: Looks through the file: how many rows there are of each width.
    """
    if header == columns and len(first) <= columns:
        return columns
    return settle_width(header, columns, count_widths())


def settle_width(header: int, columns: int, widths: Mapping[int, int]) -> int:
    """Return how many cells each row of a file with delimiters must have.

    That is the number of columns, and more only where it is certain that the cells after
    them are empty throughout: where every row has them, or where the header has them too
    and most rows that line up with it do.
    """
    narrowest = min(widths, default=columns)
    if narrowest >= header:
        return narrowest
    if header == columns:
        return columns
    return header if widths.get(header, 0) >= widths.get(columns, 0) else columns


def possible_positions(position: int, fewer: int, more: int) -> range:
    """Return where the cell of a column may stand in a row that lacks so many cells, or has so many too many."""
    return range(max(position - max(fewer, 0), 0), position + max(more, 0) + 1)


def moved_positions(position: int, cells: RaggedCells) -> range:
    """Return where the cell of a column may stand in a ragged row."""
    width = cells.width
    return possible_positions(position, max(width.header, width.expected) - len(cells), len(cells) - width.columns)


def describe_width(cells: RaggedCells) -> str:
    """Return in words what is wrong with a row, for its error."""
    width, has = cells.width, len(cells)
    unnamed = width.unnamed(cells)
    if unnamed is not None:
        return f"a filled cell in column {unnamed + 1}, which has no header"
    if has < width.expected:
        return f"too few cells, {has} instead of {width.expected}: the cells from column {has + 1} on are missing"
    # The rows may have more than the header, all of them empty; where these are filled, the header's number says more.
    instead = width.expected if width.expected < has else width.header
    return f"too many cells, {has} instead of {instead}: the cells from column {width.columns + 1} on have no header"


def ragged_rows(
    rows: Sequence[str], total: int, *, header: int, fitting: int, spans_lines: bool = False
) -> UploadRefused:
    """Refuse rows of other widths than the header's.

    Args:
        rows: The first few, each by its number and with its number of cells.
        total: How many there are.
        header: Cells of the header.
        fitting: Cells of the rows that line up with it: fewer where they do not have its empty end.
        spans_lines: The one row that is named has a line break within a cell.
    """
    width = f"{header} cells"
    if fitting < header:
        width = f"{fitting} cells and an empty end that more rows leave out than have"
    reason = FileReason.RAGGED_OVER_LINES if spans_lines else FileReason.RAGGED_ROWS
    rest = f" and {total - len(rows)} more rows are like this" if total > len(rows) else ""
    return UploadRefused(reason, header=width, rows=", ".join(rows) + rest)
