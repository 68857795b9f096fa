"""Workbooks as rows of text: the first visible sheet, its cells as a person sees them.

Shown text means: dates as YYYY/MM/DD, whole numbers without a point, formats made of
zeros (``00000``, ``0000 000 000``) honoured, other number formats not: a currency
sign or thousands separator would only make a number unreadable.
"""

import datetime
import math
import re
import warnings
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from functools import cache
from itertools import repeat
from pathlib import Path
from typing import IO, Protocol, cast
from xml.etree.ElementTree import ParseError

from etl_customers.error_values import OTHER, error_value
from etl_customers.read.refusals import DamagedWorkbook, FormulaWithoutValue, NotCsv, UnpackedTooLarge

_Value = str | bool | int | float | datetime.datetime | datetime.date | datetime.time | datetime.timedelta | None


class _Cell(Protocol):
    """What is used of openpyxl's cells; its stubs describe those of sheets that are not read-only."""

    @property
    def value(self) -> _Value: ...
    @property
    def data_type(self) -> str: ...
    @property
    def number_format(self) -> str: ...


class _Sheet(Protocol):
    """What is used of openpyxl's read-only sheets."""

    def iter_rows(self, *, max_row: int) -> Iterator[tuple[_Cell, ...]]: ...
    def reset_dimensions(self) -> None: ...


_MAX_ROWS = 1_048_576
_ENCRYPTED = 0x1
_FORMULA = re.compile(rb"<(?:\w+:)?f[ />]")
_PLACE = re.compile(rb"<(?:\w+:)?(?:row|c)\s(?:[^<>]*?\s)?r\s*=\s*[\"']([A-Z]*)([0-9]+)[\"']")
_BLOCK_BYTES = 1024 * 1024
_LONGEST_TAG = 64 * 1024
_FORMAT_TOKEN = re.compile(r'0|\\.|"[^"]*"|\[[^\]]*\]|[ ()+-]')
_BROKEN = (
    ValueError,  # also what defusedxml raises for entities
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    RuntimeError,
    OSError,
    EOFError,
    ParseError,
    zipfile.BadZipFile,
    zlib.error,
)
"""What openpyxl and zipfile raise for files that are not what they say."""


@contextmanager
def open_workbook_records(path: Path, max_bytes: int) -> Iterator[Iterator[tuple[int, list[str]]]]:
    """Open the first visible sheet; yields (row, cells as text) for every row from the first on.

    Rows that the sheet leaves out are rows without cells; others are at least as long as the first.

    Args:
        path: An .xlsx by its content.
        max_bytes: Most bytes that all parts may have unpacked, and most characters that
            all cells may have together (a long text can be shared by many cells).

    Raises:
        UnpackedTooLarge: More than that; looked up before anything is unpacked.
        DamagedWorkbook: It cannot be read, or has no visible sheet.
        NotCsv: A part of it is encrypted.
        FormulaWithoutValue: A formula was never calculated, so its text is not known.
    """
    has_formulas = _inspect(path, max_bytes)
    with path.open("rb") as file, path.open("rb") as second, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # openpyxl's warnings hold cell values
        try:
            sheet = _first_sheet(file, data_only=True)
            formulas = _first_sheet(second, data_only=False) if has_formulas else None
        except _BROKEN:
            raise DamagedWorkbook from None
        yield _records(sheet, formulas, max_bytes)


def _inspect(path: Path, max_bytes: int) -> bool:
    """Refuse what is too large or encrypted by the directory alone, and what is not in order; tell whether a sheet has formulas.

    Python's zipfile never unpacks more of a part than the directory says.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
            if sum(part.file_size for part in parts) > max_bytes:
                raise UnpackedTooLarge(max_bytes)
            if any(part.flag_bits & _ENCRYPTED for part in parts):
                raise NotCsv("an encrypted workbook")
            sheets = [part for part in parts if part.filename.startswith("xl/worksheets/")]
            # All of them, even where the first has formulas.
            have_formulas = [_inspect_sheet(archive, part) for part in sheets]
            return any(have_formulas)
    except _BROKEN:
        raise DamagedWorkbook from None


def _inspect_sheet(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> bool:
    """Refuse a sheet whose rows or cells are not in order; tell whether it has formulas.

    Excel does not open such a file as it is either; openpyxl leaves out what comes too late.
    """
    has_formulas, place = False, (0, 0, b"")
    for text in _whole_tags(archive, part):
        has_formulas = has_formulas or _FORMULA.search(text) is not None
        for column, row in _PLACE.findall(text):
            here = int(row), len(column), column  # B comes before AA; a row has no letter and comes before its cells
            if here <= place:
                raise DamagedWorkbook
            place = here
    return has_formulas


def _whole_tags(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> Iterator[bytes]:
    """Yield a part in pieces of which none ends within the beginning of a tag."""
    with archive.open(part) as sheet:
        rest = b""
        while block := sheet.read(_BLOCK_BYTES):
            text, bracket, last = (rest + block).rpartition(b"<")
            # What is longer is a text; to carry it along would copy it again and again.
            rest = bracket + last if len(last) < _LONGEST_TAG else b""
            yield text if rest else text + bracket + last
        yield rest


def _first_sheet(file: IO[bytes], *, data_only: bool) -> _Sheet:
    import openpyxl  # a tenth of a second that an import of a CSV need not wait

    workbook = openpyxl.load_workbook(file, read_only=True, data_only=data_only, keep_links=False)
    for sheet in workbook.worksheets:
        if sheet.sheet_state == "visible":
            found = cast("_Sheet", sheet)
            found.reset_dimensions()  # what the file says of its size may be wrong
            return found
    raise DamagedWorkbook


def _records(sheet: _Sheet, formulas: _Sheet | None, max_characters: int) -> Iterator[tuple[int, list[str]]]:
    others = repeat(()) if formulas is None else formulas.iter_rows(max_row=_MAX_ROWS)
    left, width = max_characters, None
    try:
        for row, (cells, others_cells) in enumerate(zip(sheet.iter_rows(max_row=_MAX_ROWS), others, strict=False), 1):
            _refuse_uncalculated(row, cells, others_cells)
            texts = [_cell_text(cell) for cell in cells]
            width = len(texts) if width is None else width
            if texts:  # a sheet leaves out empty cells at the end of a row
                texts += [""] * (width - len(texts))
            left -= len(texts) + sum(map(len, texts))
            if left < 0:
                raise UnpackedTooLarge(max_characters)
            yield row, texts
    except _BROKEN:
        raise DamagedWorkbook from None


def _refuse_uncalculated(row: int, cells: Iterable[_Cell], formulas: Iterable[_Cell]) -> None:
    for column, (cell, formula) in enumerate(zip(cells, formulas, strict=False), 1):
        # An empty text as a result has the type "str"; a result that is missing has none.
        if formula.data_type == "f" and cell.value is None and cell.data_type == "n":
            raise FormulaWithoutValue(row, column)


def _cell_text(cell: _Cell) -> str:
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, str):
        return value if cell.data_type != "e" or error_value(value) else OTHER
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, (int, float)):
        return number_text(value, cell.number_format)
    if isinstance(value, datetime.datetime):
        day = f"{value.year:04d}/{value.month:02d}/{value.day:02d}"
        return day if value.time() == datetime.time() else f"{day} {value:%H:%M:%S}"
    if isinstance(value, datetime.date):
        return f"{value.year:04d}/{value.month:02d}/{value.day:02d}"
    return str(value)


def number_text(value: int | float, number_format: str) -> str:
    """Return a number as text, to the 15 digits that spreadsheets keep, without an exponent.

    >>> number_text(412345678, "0000 000 000"), number_text(5.0, "General"), number_text(0.1 + 0.2, "0.00")
    ('0412 345 678', '5', '0.3')
    """
    if not math.isfinite(value):
        return str(value)
    number = Decimal(f"{value:.15g}") if isinstance(value, float) else Decimal(value)
    plain = f"{number:f}"
    parts = _padding(number_format)
    return _padded(plain, parts) if parts and plain.isdigit() else plain


@cache
def _padding(number_format: str) -> tuple[str, ...]:
    """Return the zeros and literals of a format that consists of nothing else; else nothing."""
    positive = number_format.split(";", 1)[0]
    tokens = _FORMAT_TOKEN.findall(positive)
    if "".join(tokens) != positive or "0" not in tokens:
        return ()
    literals = (token.removeprefix("\\").strip('"') if token != '\\"' else '"' for token in tokens if token[0] != "[")
    return tuple(literals)


def _padded(digits: str, parts: tuple[str, ...]) -> str:
    """Put the digits into the zeros from the right; what is left over goes to the first zero."""
    left, text = digits, []
    first = parts.index("0")
    for place in range(len(parts) - 1, -1, -1):
        if parts[place] != "0":
            text.append(parts[place])
        elif place == first:
            text.append(left or "0")
        else:
            text.append(left[-1:] or "0")
            left = left[:-1]
    return "".join(reversed(text))
