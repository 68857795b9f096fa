"""An upload as rows: numbered as a spreadsheet numbers them, each as wide as the header, up to the blank row.

The one way to a stored upload's rows, for the read stage and for passwords alike.
What is in a cell is not judged here.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

from etl_customers import settings
from etl_customers.fields import AccountFields
from etl_customers.invisible import are_blank, is_blank
from etl_customers.read.csv_files import count_filled, find_delimiter, find_encoding, open_text, read_records
from etl_customers.read.headers import KnownHeaders, Role, match_header
from etl_customers.read.kinds import find_kind
from etl_customers.read.refusals import CellWithoutColumn, EmptyFile, RaggedRow, RaggedRows, TooManyRows
from etl_customers.read.xlsx_files import open_workbook_records
from etl_customers.staging import UploadColumn

HEADER_ROW = 1
_MOST_RAGGED_SHOWN = 5

Record = tuple[int, list[str]]
"""Line on which it begins, and its cells."""


class UploadRows:
    """The rows of an open upload; iterate once, then ``read`` and ``unread`` are known."""

    def __init__(
        self,
        columns: tuple[UploadColumn, ...],
        records: Iterator[Record],
        max_rows: int,
        count_filled: Callable[[], int] | None = None,
    ) -> None:
        self.columns = columns
        self.read = 0
        self.unread = 0
        self.other_sheets: tuple[str, ...] = ()
        """Titles of the visible sheets with values that are not read."""
        self._records = records
        self._max_rows = max_rows
        self._count_filled = count_filled or (lambda: sum(not are_blank(cells) for _, cells in records))
        self._must_be_empty = [
            column.position
            for column in columns
            if column.role is Role.TEMPLATE or (column.role is Role.IGNORED and is_blank(column.header))
        ]

    def __iter__(self) -> Iterator[tuple[int, int, list[str]]]:
        """Yield (row, line, cells) until the row whose cells are all empty, which ends the file (R14).

        Empty cells past the header's last are dropped.

        Raises:
            RaggedRows: Rows of another width; the first are named.
            TooManyRows: All rows were counted, so that the message can say into how many files to break it.
            CellWithoutColumn: A filled cell where the header is empty or the template's stamp.
        """
        width, last_row, must_be_empty = len(self.columns), HEADER_ROW + self._max_rows, self._must_be_empty
        row = HEADER_ROW
        for line, cells in self._records:
            row += 1
            if are_blank(cells):
                self.unread = self._count_filled()
                row -= 1
                break
            if row > last_row:
                raise TooManyRows(self._count_rest(row) - HEADER_ROW, self._max_rows)
            if len(cells) != width:
                if len(cells) < width or not are_blank(cells[width:]):
                    raise self._ragged(row, line, cells)
                del cells[width:]
            for position in must_be_empty:
                if not is_blank(cells[position]):
                    raise CellWithoutColumn(row, line, position + 1)
            yield row, line, cells
        self.read = row - HEADER_ROW

    def _count_rest(self, row: int) -> int:
        for _, cells in self._records:
            if are_blank(cells):
                break
            row += 1
        return row

    def _ragged(self, row: int, line: int, cells: list[str]) -> RaggedRows:
        """Read on to the end of the data, for the count and the first few places."""
        width, total = len(self.columns), 0
        shown: list[RaggedRow] = []
        for number, (at, found) in enumerate(chain([(line, cells)], self._records), row):
            if are_blank(found):
                break
            if len(found) < width or not are_blank(found[width:]):
                total += 1
                if len(shown) < _MOST_RAGGED_SHOWN:
                    shown.append(RaggedRow(number, at, len(found)))
        return RaggedRows(width, shown, total)


@contextmanager
def open_upload(path: Path, fields: AccountFields, csv: settings.Csv, encoding: str | None) -> Iterator[UploadRows]:
    """Open a stored upload and match its header.

    Args:
        path: A regular file under a generated name.
        fields: The account's own columns.
        csv: Limits, required columns, aliases.
        encoding: The one that the user named; else ``csv.encoding``, else UTF-8 (or UTF-16 with its mark).

    Raises:
        UploadRefused: For the file's kind, encoding or header at once; for its rows in the ``with`` block.
    """
    if find_kind(path) == "xlsx":
        with open_workbook_records(path, csv.max_bytes) as records:
            rows = _match(records, fields, csv)
            rows.other_sheets = records.other_sheets
            yield rows
        return
    found = find_encoding(path, encoding or csv.encoding)
    delimiter = find_delimiter(path, found, KnownHeaders(fields, csv.aliases))
    with open_text(path, found) as text:
        yield _match(read_records(text, delimiter), fields, csv, lambda: count_filled(text, delimiter))


def _match(
    records: Iterable[Record],
    fields: AccountFields,
    csv: settings.Csv,
    count_filled: Callable[[], int] | None = None,
) -> UploadRows:
    rest = iter(records)
    header = next(rest, None)
    if header is None:
        raise EmptyFile
    return UploadRows(match_header(header[1], fields, csv), rest, csv.max_rows, count_filled)
