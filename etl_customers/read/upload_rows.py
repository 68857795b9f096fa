"""An upload as rows: numbered as a spreadsheet numbers them, each as wide as the header, up to the blank row.

The one way to a stored upload's rows, for the read stage and for passwords alike.
What is in a cell is not judged here.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path

from etl_customers.base.errors import UploadRefused
from etl_customers.columns.account_fields import AccountFields
from etl_customers.columns.header_refusals import show_header
from etl_customers.columns.headers import KnownHeaders, Role, find_header_row, match_header
from etl_customers.read.csv_files import count_filled, find_dialect, find_encoding, no_header, open_text, read_records
from etl_customers.read.kinds import find_kind
from etl_customers.read.row_widths import MOST_RAGGED_SHOWN, RaggedCells, RowWidth, find_width, ragged_rows
from etl_customers.read.xlsx_files import open_workbook_records
from etl_customers.settings.sections import Csv
from etl_customers.staging import UploadColumn
from etl_customers.texts.invisible import are_blank, is_blank
from schemas.refusals import FileReason

HEADER_ROW = 1

Record = tuple[int, list[str]]
"""Line on which it begins, and its cells."""


class UploadRows:
    """The rows of an open upload; iterate once, then ``read`` and ``unread`` are known."""

    def __init__(
        self,
        columns: tuple[UploadColumn, ...],
        records: Iterator[Record],
        max_rows: int,
        header: int,
        delimited: int | None,
        count_filled: Callable[[], int] | None = None,
    ) -> None:
        self.columns = columns
        self.read = 0
        self.unread = 0
        self.names: tuple[frozenset[str], ...] = ()
        """Of each column the normalised headers that mean it."""
        self.other_sheets: tuple[str, ...] = ()
        """Titles of the visible sheets with values that are not read."""
        self._records = records
        self._max_rows = max_rows
        self._width = RowWidth(len(columns), header, delimited)
        self._count_filled = count_filled or (lambda: sum(not are_blank(cells) for _, cells in records))
        self._must_be_empty = [
            column.position
            for column in columns
            if column.role is Role.TEMPLATE or (column.role is Role.IGNORED and is_blank(column.header))
        ]

    def __iter__(self) -> Iterator[tuple[int, int, list[str]]]:
        """Yield (row, line, cells) until the row whose cells are all empty, which ends the file (R14).

        Each has as many cells as there are columns, but for those that do not line up with the
        header: these are ``RaggedCells`` and have all of theirs.

        Raises:
            UploadRefused: Most rows are ragged, or it is not certain where a ragged one ends (the first are named).
                There are too many (all were counted, so that the message can say into how many files to break it).
                A filled cell stands where the header is empty or the template's stamp; where the empty ones are the
                header's last, only if most ragged rows have one.
        """
        width, last_row, must_be_empty = len(self.columns), HEADER_ROW + self._max_rows, self._must_be_empty
        delimited, ragged = self._width.delimited, _Ragged(self._width)
        row = HEADER_ROW
        for line, cells in self._records:
            row += 1
            if are_blank(cells):
                self.unread = self._count_filled()
                row -= 1
                break
            if row > last_row:
                raise self._too_many(self._count_rest(row) - HEADER_ROW)
            if len(cells) != width or delimited != width:
                if not self._width.fits(cells):
                    yield row, line, ragged.add(row, line, cells)
                    continue
                del cells[width:]
            for position in must_be_empty:
                if not is_blank(cells[position]):
                    raise _cell_without_column(row, line, position)
            yield row, line, cells
        self.read = row - HEADER_ROW
        if 2 * ragged.total > self.read:
            raise ragged.refusal()

    def _count_rest(self, row: int) -> int:
        for _, cells in self._records:
            if are_blank(cells):
                break
            row += 1
        return row

    def _too_many(self, rows: int) -> UploadRefused:
        files = -(-rows // self._max_rows)
        return UploadRefused(FileReason.TOO_MANY_ROWS, rows=rows, max_rows=self._max_rows, files=files)


def _cell_without_column(row: int, line: int, position: int) -> UploadRefused:
    return UploadRefused(FileReason.CELL_WITHOUT_COLUMN, row=row, line=line, column=position + 1)


class _Ragged:
    """Counts the rows that do not line up with the header, and remembers the first few."""

    def __init__(self, width: RowWidth) -> None:
        self.total = 0
        self._width = width
        self._shown: list[str] = []
        self._unnamed = 0
        self._first_unnamed: UploadRefused | None = None

    def add(self, row: int, line: int, cells: list[str]) -> RaggedCells:
        self.total += 1
        has = f"row {row} (line {line}) has {len(cells)}"
        unnamed = self._width.unnamed(cells)
        if unnamed is not None:
            self._unnamed += 1
            self._first_unnamed = self._first_unnamed or _cell_without_column(row, line, unnamed)
        elif len(self._shown) < MOST_RAGGED_SHOWN:
            self._shown.append(has)
        if self._width.delimited is not None and any("\n" in cell or "\r" in cell for cell in cells):
            # A quotation mark at the wrong place may have swallowed the rows up to the next one.
            if unnamed is not None:
                raise _cell_without_column(row, line, unnamed)
            raise self._refusal([has], 1, spans_lines=True)
        return RaggedCells(cells, self._width)

    def refusal(self) -> UploadRefused:
        if self._first_unnamed is not None and 2 * self._unnamed >= self.total:
            return self._first_unnamed
        return self._refusal(self._shown, self.total - self._unnamed)

    def _refusal(self, rows: list[str], total: int, *, spans_lines: bool = False) -> UploadRefused:
        width = self._width
        return ragged_rows(rows, total, header=width.header, fitting=width.expected, spans_lines=spans_lines)


@contextmanager
def open_upload(path: Path, fields: AccountFields, csv: Csv, encoding: str | None) -> Iterator[UploadRows]:
    """Open a stored upload and match its header.

    Args:
        path: A regular file under a generated name.
        fields: The account's own columns.
        csv: Limits, required columns, aliases.
        encoding: The one that the user named; else ``csv.encoding``, else UTF-8 (or UTF-16 with its mark).

    Raises:
        UploadRefused: For the file's kind, encoding or header at once; for its rows in the ``with`` block.
    """
    known = KnownHeaders(fields, csv.aliases)
    if find_kind(path) == "xlsx":
        with open_workbook_records(path, csv.max_bytes) as book:
            following = iter(book)
            columns, header = _match(following, fields, csv, known, book.other_sheets)
            rows = UploadRows(columns, following, csv.max_rows, header, None)
            rows.names = tuple(map(known.names_of, columns))
            rows.other_sheets = book.other_sheets
            yield rows
        return
    found = find_encoding(path, encoding or csv.encoding)
    dialect = find_dialect(path, found, known)

    def count_widths() -> Mapping[int, int]:
        with open_text(path, found) as again:
            return count_row_widths(cells for _, cells in islice(read_records(again, dialect), 1, None))

    with open_text(path, found) as text:
        rest: Iterator[Record] = read_records(text, dialect)
        columns, header = _match(rest, fields, csv, known)
        first = next(rest, None)
        records = rest if first is None else chain([first], rest)
        delimited = find_width(header, len(columns), first[1] if first else (), count_widths)
        rows = UploadRows(columns, records, csv.max_rows, header, delimited, lambda: count_filled(text, dialect))
        rows.names = tuple(map(known.names_of, columns))
        yield rows


def count_row_widths(records: Iterable[list[str]]) -> Mapping[int, int]:
    """Return how many rows there are of each width, up to the row whose cells are all empty."""
    widths: Counter[int] = Counter()
    for cells in records:
        if are_blank(cells):
            break
        widths[len(cells)] += 1
    return widths


def _match(
    records: Iterator[Record],
    fields: AccountFields,
    csv: Csv,
    known: KnownHeaders,
    other_sheets: tuple[str, ...] = (),
) -> tuple[tuple[UploadColumn, ...], int]:
    """Return what the columns are, and the number of cells of the header with the empty ones at its end."""
    header = next(records, None)
    if header is None:
        if other_sheets:
            raise UploadRefused(FileReason.EMPTY_SHEET, other=show_header(other_sheets[0]))
        raise UploadRefused(FileReason.EMPTY_FILE)
    try:
        return match_header(header[1], fields, csv), len(header[1])
    except UploadRefused as refusal:
        if not refusal.is_for(FileReason.NO_HEADER):
            raise
        raise no_header(find_header_row((cells for _, cells in records), known)) from None
