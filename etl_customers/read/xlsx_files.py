"""Workbooks as rows of text: the first visible sheet, its cells as a person sees them.

Shown text means: dates as YYYY/MM/DD, whole numbers without a point, formats made of
zeros (``00000``, ``0000 000 000``) honoured, other number formats not: a currency
sign or thousands separator would only make a number unreadable.
"""

import datetime
import os
import warnings
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol
from xml.etree.ElementTree import Element

from etl_customers.base.errors import UploadRefused
from etl_customers.read.csv_files import LONGEST_CELL
from etl_customers.read.row_widths import ragged_rows
from etl_customers.read.workbook_parts import CheckedArchive
from etl_customers.read.workbook_texts import number_text, unescape
from etl_customers.texts.error_values import OTHER, error_value
from schemas.refusals import FileReason

# Where lxml happens to be installed, openpyxl would read some parts with it, and then no defusedxml refuses entities.
os.environ["OPENPYXL_LXML"] = "False"

_Value = str | bool | int | float | datetime.datetime | datetime.date | datetime.time | datetime.timedelta | None

_MAX_ROWS, _MAX_COLUMNS = 1_048_576, 16_384
_MOST_BEYOND = 256
"""Columns beyond the first row's at which a row is refused at once: a few, one may have by mistake."""

_ENCRYPTED = 0x1
_BROKEN = (
    ValueError,  # also what defusedxml raises for entities
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    RuntimeError,
    OSError,
    EOFError,
    SyntaxError,  # of XML
    zipfile.BadZipFile,
    zlib.error,
)
"""What openpyxl and zipfile raise for files that are not what they say."""


class _Style(Protocol):
    numFmtId: int  # noqa: N815 - openpyxl's name


class _Book(Protocol):
    """What is used of openpyxl's workbooks."""

    epoch: datetime.datetime
    _date_formats: set[int]
    _timedelta_formats: set[int]
    _number_formats: Sequence[str]
    _cell_styles: Sequence[_Style]


@dataclass(frozen=True)
class WorkbookRecords:
    """The rows of the first visible sheet, to be iterated once, and the titles of other visible sheets with values."""

    records: Iterator[tuple[int, list[str]]]
    other_sheets: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        """Yield (row, cells as text)."""
        return self.records


@contextmanager
def open_workbook_records(path: Path, max_bytes: int) -> Iterator[WorkbookRecords]:
    """Open the first visible sheet; yields (row, cells as text) for every row from the first on.

    Rows without a value are rows without cells; others are at least as long as the first.

    Args:
        path: An .xlsx by its content.
        max_bytes: Most bytes that all parts may have unpacked, and most characters that
            all cells may have together (a long text can be shared by many cells).

    Raises:
        UploadRefused: More than that (looked up before anything is unpacked); it cannot be read, has no visible sheet,
            or has what no workbook needs; a part of it is encrypted; a formula was never calculated, so its text is not
            known; a cell is longer than ``LONGEST_CELL``; or a row is hundreds of columns wider than the first.
    """
    with path.open("rb") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # openpyxl's warnings hold cell values
        try:
            archive = CheckedArchive(file)
            _refuse_by_directory(archive, max_bytes)
            archive.inspect_sheets()
            sheet, others = _open_sheet(file, archive)
        except _BROKEN:
            raise UploadRefused(FileReason.DAMAGED_WORKBOOK) from None
        yield WorkbookRecords(_records(sheet, max_bytes), others)


def _refuse_by_directory(archive: zipfile.ZipFile, max_bytes: int) -> None:
    """Refuse what is too large or encrypted; Python's zipfile never unpacks more of a part than the directory says."""
    parts = archive.infolist()
    if sum(part.file_size for part in parts) > max_bytes:
        raise UploadRefused(FileReason.UNPACKED_TOO_LARGE, max_bytes=max_bytes)
    if any(part.flag_bits & _ENCRYPTED for part in parts):
        raise UploadRefused(FileReason.NOT_CSV, kind="an encrypted workbook")


def _open_sheet(file: IO[bytes], archive: CheckedArchive) -> tuple["_Sheet", tuple[str, ...]]:
    """Read what the sheets need (texts, formats), and nothing else of the workbook."""
    from openpyxl.reader.excel import ExcelReader  # a tenth of a second that an import of a CSV need not wait
    from openpyxl.styles.stylesheet import apply_stylesheet
    from openpyxl.xml.constants import SHARED_STRINGS

    reader: Any = ExcelReader(file, read_only=True, data_only=True, keep_links=False)
    reader.archive = archive  # whose parts were looked at
    reader.read_manifest()
    reader.read_workbook()
    apply_stylesheet(archive, reader.wb)
    visible = [
        (sheet.name, relation.target)
        for sheet, relation in reader.parser.find_sheets()
        if sheet.state == "visible" and "chartsheet" not in relation.Type and relation.target in reader.valid_files
    ]
    if not visible:
        raise UploadRefused(FileReason.DAMAGED_WORKBOOK)
    (_, part), *others = visible
    archive.inspect_sheet(part)
    described = reader.package.find(SHARED_STRINGS)
    strings = [] if described is None else _read_strings(archive, described.PartName[1:])
    sheet = _Sheet(reader.wb, strings, archive, part)
    return sheet, tuple(title for title, other in others if archive.inspect_sheet(other).has_values)


def _read_strings(archive: CheckedArchive, part: str) -> list[str]:
    """Return the shared texts with their escapes, of which openpyxl would undo some."""
    from openpyxl.xml.constants import SHEET_MAIN_NS
    from openpyxl.xml.functions import iterparse

    item, run, text = (f"{{{SHEET_MAIN_NS}}}{name}" for name in ("si", "r", "t"))
    strings = []
    with archive.open(part) as source:
        for _, element in iterparse(source):
            if element.tag == item:
                parts = (part.find(text) if part.tag == run else part for part in element if part.tag in (run, text))
                strings.append("".join(part.text or "" for part in parts if part is not None))
                element.clear()
    return strings


class _Sheet:
    """A sheet, read row by row by openpyxl's own parser of cells."""

    def __init__(self, book: _Book, strings: list[str], archive: CheckedArchive, part: str) -> None:
        self._book, self._strings, self._archive, self._part = book, strings, archive, part
        self._formats: dict[int, str] = {}

    def rows(self) -> Iterator[tuple[int, list[tuple[int, str]]]]:
        """Yield the number of each row that is written down, and (column, text) of its cells that have a value."""
        from openpyxl.worksheet._reader import DATA_TAG, ROW_TAG, WorkSheetParser
        from openpyxl.xml.functions import iterparse

        book = self._book
        with self._archive.open(self._part) as source:
            parser = WorkSheetParser(
                source,
                self._strings,
                data_only=True,
                epoch=book.epoch,
                date_formats=book._date_formats,
                timedelta_formats=book._timedelta_formats,
            )
            sheet_data: Element | None = None
            for event, element in iterparse(source, ("start", "end")):
                if event == "start":
                    if element.tag == DATA_TAG:
                        sheet_data = element
                elif element.tag == ROW_TAG:
                    row, cells = parser.parse_row(element)
                    if row > _MAX_ROWS:
                        return
                    yield row, self._read_cells(row, cells, element)
                    element.clear()
                    if sheet_data is not None:
                        sheet_data.clear()  # else all rows stay in memory, empty as they are
                elif element.tag == DATA_TAG:
                    return  # what follows is no cell

    def _read_cells(self, row: int, cells: Iterable[Mapping[str, Any]], elements: Element) -> list[tuple[int, str]]:
        from openpyxl.worksheet._reader import FORMULA_TAG

        texts = []
        last = 0
        for cell, element in zip(cells, elements, strict=True):
            value, kind, column = cell["value"], cell["data_type"], cell["column"]
            if value is None:
                # An empty text as a result has the type "str"; a result that is missing has none.
                if kind == "n" and element.find(FORMULA_TAG) is not None:
                    raise UploadRefused(FileReason.FORMULA_WITHOUT_VALUE, row=row, column=column)
                continue
            if not last < column <= _MAX_COLUMNS:
                raise UploadRefused(FileReason.DAMAGED_WORKBOOK)
            last = column
            text = self._text(value, kind, cell["style_id"])
            if len(text) > LONGEST_CELL:
                raise UploadRefused(FileReason.CELL_TOO_LONG, line=row, longest=LONGEST_CELL)
            if text:
                texts.append((column, text))
        return texts

    def _text(self, value: _Value, kind: str, style: int) -> str:
        if isinstance(value, str):
            if kind == "e":
                return value if error_value(value) else OTHER
            return unescape(value) if "_x" in value else value
        if isinstance(value, bool):
            return "TRUE" if value else "FALSE"
        if isinstance(value, (int, float)):
            return number_text(value, self._format(style))
        if isinstance(value, datetime.datetime):
            day = f"{value.year:04d}/{value.month:02d}/{value.day:02d}"
            return day if value.time() == datetime.time() else f"{day} {value:%H:%M:%S}"
        if isinstance(value, datetime.date):
            return f"{value.year:04d}/{value.month:02d}/{value.day:02d}"
        return str(value)

    def _format(self, style: int) -> str:
        if style not in self._formats:
            from openpyxl.styles.numbers import BUILTIN_FORMATS, BUILTIN_FORMATS_MAX_SIZE

            number = self._book._cell_styles[style].numFmtId
            own = number - BUILTIN_FORMATS_MAX_SIZE
            self._formats[style] = (
                BUILTIN_FORMATS.get(number, "General") if own < 0 else self._book._number_formats[own]
            )
        return self._formats[style]


def _records(sheet: _Sheet, max_characters: int) -> Iterator[tuple[int, list[str]]]:
    left, width, following = max_characters, None, 1
    try:
        for row, cells in sheet.rows():
            if row < following:
                raise UploadRefused(FileReason.DAMAGED_WORKBOOK)
            for missing in range(following, row):
                width = width or 0
                yield missing, []
            following = row + 1
            last = cells[-1][0] if cells else 0
            width = last if width is None else width
            if last > width + _MOST_BEYOND:
                raise ragged_rows([f"row {row} (line {row}) has {last}"], 1, header=width, fitting=width)
            texts = [""] * (max(last, width) if cells else 0)
            for column, text in cells:
                texts[column - 1] = text
            left -= len(texts) + sum(map(len, texts))
            if left < 0:
                raise UploadRefused(FileReason.UNPACKED_TOO_LARGE, max_bytes=max_characters)
            yield row, texts
    except _BROKEN:
        raise UploadRefused(FileReason.DAMAGED_WORKBOOK) from None
