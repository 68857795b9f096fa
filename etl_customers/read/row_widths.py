"""How many cells a row of an upload may have: the width that lines up with the header, and rows of another one.

A delimiter too many or too few moves all cells after it into other columns, so a row
of another width is never read as if it fitted (R15).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from etl_customers.invisible import are_blank

MOST_RAGGED_SHOWN = 5


class RaggedCells(list[str]):
    """The cells of a row that does not line up with the header."""

    def __init__(self, cells: Sequence[str], expected: int) -> None:
        super().__init__(cells)
        self.expected = expected


@dataclass(frozen=True)
class RowWidth:
    """What fits: ``columns`` that have a header, and the ``delimited`` cells of each row, the rest of them empty.

    ``delimited`` is None where rows have no delimiters (a workbook): there nothing moves, and only a filled
    cell beyond the header does not fit.
    """

    columns: int
    delimited: int | None

    def fits(self, cells: list[str]) -> bool:
        """Tell whether a row lines up with the header."""
        width = len(cells)
        return width >= self.columns and (width == self.delimited or self.delimited is None) and self._ends_empty(cells)

    def _ends_empty(self, cells: list[str]) -> bool:
        return len(cells) == self.columns or are_blank(cells[self.columns :])


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


def possible_positions(position: int, moved: int) -> range:
    """Return where the cell of a column may stand in a row with so many cells more (or fewer) than the header."""
    return range(max(position + min(moved, 0), 0), position + max(moved, 0) + 1)


def describe_width(cells: RaggedCells) -> str:
    """Return in words what is wrong with a row, for its error."""
    if len(cells) < cells.expected:
        return f"too few cells, {len(cells)} instead of {cells.expected}: none from column {len(cells) + 1} on"
    return f"too many cells, {len(cells)} instead of {cells.expected}: from column {cells.expected + 1} on they have no header"
