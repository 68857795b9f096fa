"""CSV as text: its encoding, its delimiter, its records with the lines on which they begin.

Strict: what cannot be read without guessing is refused. Whether a record fits the
header is not known here.
"""

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from etl_customers.base.errors import UploadRefused
from etl_customers.columns.header_refusals import show_header
from etl_customers.columns.headers import MAX_COLUMNS, KnownHeaders, count_known, find_header_row
from etl_customers.texts.invisible import are_blank
from schemas.refusals import FileReason

_USUAL = "windows-1252"
"""The encoding that files have as a rule that are not UTF-8."""
DELIMITERS = (",", ";", "\t", "|")
"""In this order where the header fits several equally well."""

LONGEST_CELL = 1_000_000
"""Characters; a longer cell is refused while it is read. Shorter ones fail their row, where the column takes fewer."""

_LONGEST_LINE = 8 * LONGEST_CELL
"""Bytes without a line end: more would be in memory at once before any cell is known."""

_BLOCK_BYTES = 256 * 1024
_BLOCK_CHARACTERS = 1024 * 1024
_OTHER_QUOTES = frozenset(
    (
        *("''", "\u2018\u2019", "\u2019\u2019", "\u201a\u2018", "\u201a\u2019"),
        *("\u201c\u201d", "\u201d\u201d", "\u201e\u201c", "\u201e\u201d", '\u201e"'),
        *("\u00ab\u00bb", "\u00bb\u00ab", "\u00bb\u00bb", "\u2039\u203a", "\u203a\u2039"),
    )
)
"""Pairs of marks that only look like quotation marks to whoever reads a CSV."""
_FEW = 100
"""A mark in so many bytes is looked at by itself: one look takes as long as a search through them."""
_BLANKS_BEFORE_QUOTE = re.compile(r'(\s+)"')
_EMPTY_LINES = re.compile(r"[\r\n](?:[ \t]*+[\r\n])++")
_NO_TEXT_FILES = frozenset(
    {"idna", "mbcs", "oem", "punycode", "raw-unicode-escape", "undefined", "unicode-escape", "utf-7"}
)
"""Codecs that Python calls text but that no spreadsheet writes; some make what UTF-8 cannot hold."""

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

_AFTER_MARK = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}


@dataclass(frozen=True)
class Encoding:
    """How bytes become text; ``is_named`` when the user said so, not the file."""

    codec: str
    is_named: bool

    @property
    def shown(self) -> str:
        """The name as users know it."""
        return "UTF-8" if self.codec in ("utf-8", "utf-8-sig") else self.codec.upper()


class BrokenRecord(UploadRefused):
    """A record that cannot be read to its end; another delimiter may read it."""


def no_header(row: int | None) -> UploadRefused:
    """Refuse a file whose first row is no header; its cells may be a customer's, so that none is printed."""
    if row is None:
        return UploadRefused(FileReason.NO_HEADER)
    return UploadRefused(FileReason.HEADER_BELOW, row=row)


def find_encoding(path: Path, named: str | None) -> Encoding:
    """Return the encoding: that of the byte order mark, else the named one, else UTF-8. Never guessed.

    Raises:
        UploadRefused: The named encoding is none of text files; or UTF-16 without a byte order mark, which must be named.
    """
    with path.open("rb") as file:
        head = file.read(200)
    chosen = None if named is None else checked_codec(named)
    for mark, codec in _BOMS:
        if head.startswith(mark):
            return Encoding(codec, is_named=False)
    if chosen is not None:
        return Encoding(chosen, is_named=True)
    even, odd = head[0::2], head[1::2]
    for nul_bytes, option in ((odd, "utf-16-le"), (even, "utf-16-be")):
        if len(head) >= 4 and nul_bytes.count(0) > len(nul_bytes) * 0.7:
            raise UploadRefused(FileReason.NOT_UTF8, line=1, encoding="UTF-8", option=option)
    return Encoding("utf-8", is_named=False)


@dataclass(frozen=True)
class Dialect:
    """How the cells of a file are written."""

    delimiter: str
    skips_blanks: bool = False
    """Spaces before a cell count nowhere: in this file some stand before quotation marks."""

    @property
    def options(self) -> dict[str, Any]:
        """What Python's ``csv.reader`` is told of it."""
        return {"delimiter": self.delimiter, "skipinitialspace": self.skips_blanks, "strict": True}


def find_dialect(path: Path, encoding: Encoding, known: KnownHeaders) -> Dialect:
    """Return the delimiter with which most cells of the first row are headers, and what blanks before cells mean.

    Raises:
        UploadRefused: With none of them any cell is a header; there is no first row; or its cells are in other
            quotation marks than ``"``.
        BrokenRecord: It cannot be read with any of them.
    """
    counts: dict[str, int] = {}
    broken: BrokenRecord | None = None
    for delimiter in DELIMITERS:
        try:
            with open_text(path, encoding) as text:
                # In a header blanks count nowhere, before quotation marks or not.
                header = next(read_records(text, Dialect(delimiter, skips_blanks=True)), None)
        except BrokenRecord as error:
            broken = broken or error
            continue
        if header is None:
            raise UploadRefused(FileReason.EMPTY_FILE)
        counts[delimiter] = count_known(header[1][:MAX_COLUMNS], known)
    best = max(counts, key=lambda delimiter: counts[delimiter], default=None)
    if best is None:
        raise broken or UploadRefused(FileReason.NO_HEADER)
    if counts[best] == 0:
        if broken is not None and broken.is_for(FileReason.CELL_TOO_LONG):
            raise broken
        raise no_header(_row_like_a_header(path, encoding, list(counts), known))
    dialect = Dialect(best, skips_blanks=_has_blanks_before_quotes(path, encoding, best))
    _refuse_other_quotes(path, encoding, dialect)
    return dialect


def _row_like_a_header(path: Path, encoding: Encoding, delimiters: Iterable[str], known: KnownHeaders) -> int | None:
    for delimiter in delimiters:
        with open_text(path, encoding) as text, suppress(BrokenRecord):
            records = islice(read_records(text, Dialect(delimiter, skips_blanks=True)), 1, None)
            if row := find_header_row((cells for _, cells in records), known):
                return row
    return None


def _has_blanks_before_quotes(path: Path, encoding: Encoding, delimiter: str) -> bool:
    """Tell whether cells of a file are in quotation marks that stand after spaces.

    To a strict reader the marks would be part of the cell, and the delimiters within them its end.

    Raises:
        UploadRefused: The blank is another than a space, which no reader passes over.
    """
    if not _may_have_blanks_before_quotes(path, encoding, delimiter):
        return False
    as_written = re.compile(rf'(?:^|[\r\n]|{re.escape(delimiter)})[^\S\r\n{re.escape(delimiter)}]+"')
    with open_text(path, encoding) as text:
        lines: list[str] = []
        reader = csv.reader(_noted(text, lines), delimiter=delimiter)
        line = 1
        try:
            for cells in reader:
                for cell in cells:
                    # The blank may as well be the first character of a cell that is in quotation marks itself.
                    if (
                        '"' in cell
                        and (blanks := _BLANKS_BEFORE_QUOTE.match(cell))
                        and as_written.search("".join(lines))
                    ):
                        if blanks[1].strip(" "):
                            raise UploadRefused(FileReason.QUOTE_AFTER_BLANK, line=line)
                        return True
                line = reader.line_num + 1
                lines.clear()
        except csv.Error:
            pass  # whoever reads the rows says where
    return False


def _noted(text: Iterable[str], lines: list[str]) -> Iterator[str]:
    for line in text:
        lines.append(line)
        yield line


def _may_have_blanks_before_quotes(path: Path, encoding: Encoding, delimiter: str) -> bool:
    """Look at the bytes, which costs next to nothing: hardly any file has a blank before a quotation mark."""
    _, codec = byte_order_mark(path, encoding)
    if codec.startswith("utf-16"):
        codec = "utf-16-le"  # whose bytes are those of the other one, moved by one
    blanks = []
    for blank in {" ", "\t", "\u00a0"} - {delimiter}:
        with suppress(UnicodeError):
            blanks.append(blank.encode(codec))
    quote = '"'.encode(codec)
    end = b""
    with path.open("rb") as file:
        while block := file.read(_BLOCK_CHARACTERS):
            block = end + block
            if _has_one_before(block, quote, tuple(blanks)):
                return True
            end = block[-8:]
    return False


def _has_one_before(block: bytes, mark: bytes, before: tuple[bytes, ...]) -> bool:
    """Tell whether a mark stands right behind one of the others; few marks are looked at one by one, many in one go."""
    if _FEW * block.count(mark) > len(block):
        return any(one + mark in block for one in before)
    place = block.find(mark)
    while place >= 0:
        if block.endswith(before, 0, place):
            return True
        place = block.find(mark, place + 1)
    return False


def _refuse_other_quotes(path: Path, encoding: Encoding, dialect: Dialect) -> None:
    """Refuse a file of which all filled cells of the header or of the first row stand between marks that are none."""
    with open_text(path, encoding) as text:
        try:
            for line, cells in islice(read_records(text, dialect), 2):
                filled = [cell.strip() for cell in cells if cell.strip()]
                if len(filled) > 1 and all(len(cell) > 1 and cell[0] + cell[-1] in _OTHER_QUOTES for cell in filled):
                    raise UploadRefused(FileReason.OTHER_QUOTES, line=line)
        except BrokenRecord as broken:
            if not broken.is_for(FileReason.CELL_TOO_LONG):
                raise


def _refuse_long_lines(path: Path) -> None:
    """Refuse a line that would be in memory as a whole, and more than once, before any cell of it is known."""
    if path.stat().st_size <= _LONGEST_LINE:
        return
    length = place = 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            last = max(block.rfind(b"\n"), block.rfind(b"\r"))
            length = length + len(block) if last < 0 else len(block) - last - 1
            place += len(block)
            if length > _LONGEST_LINE:
                file.seek(0)
                before = file.read(place - length)
                line = 1 + max(before.count(b"\n"), before.count(b"\r"))
                raise BrokenRecord(FileReason.CELL_TOO_LONG, line=line, longest=LONGEST_CELL)


@contextmanager
def open_text(path: Path, encoding: Encoding) -> Iterator[TextIO]:
    """Open a file as text with its line ends as they are.

    Raises:
        UploadRefused: Raised in the ``with`` block where bytes are not of the encoding; names the line.
        BrokenRecord: A line is longer than cells and their number can make it.
    """
    csv.field_size_limit(LONGEST_CELL)
    try:
        _refuse_long_lines(path)
        with path.open(encoding=encoding.codec, errors="strict", newline="") as text:
            yield text
    except UnicodeError:  # its text would hold the bytes
        line = _line_of_bad_byte(path, encoding.codec)
        if encoding.is_named:
            raise UploadRefused(FileReason.NOT_AS_NAMED, line=line, encoding=encoding.shown) from None
        raise UploadRefused(FileReason.NOT_UTF8, line=line, encoding=encoding.shown, option=_USUAL) from None


def read_records(text: Iterable[str], dialect: Dialect) -> Iterator[tuple[int, list[str]]]:
    """Yield each record with the line on which it begins; an empty line is a record without cells.

    Args:
        text: Lines with their ends as they are; CRLF, LF and bare CR all end a line.
        dialect: Of the file.

    Raises:
        BrokenRecord: A quoted cell that does not end, or is followed by text; or a cell is longer than
            ``LONGEST_CELL``; no more of it is read.

    Source:
        RFC 4180; Python's csv in strict mode.
    """
    reader = csv.reader(text, **dialect.options)
    line = 1
    try:
        for cells in reader:
            yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        if "field larger" in str(error):
            raise BrokenRecord(FileReason.CELL_TOO_LONG, line=line, longest=LONGEST_CELL) from None
        raise BrokenRecord(FileReason.BROKEN_QUOTES, line=line) from None


def count_filled(text: TextIO, dialect: Dialect) -> int:
    """Count the records with a filled cell in the rest of an open text; what is empty passes in blocks.

    Raises:
        BrokenRecord: See ``read_records``.
    """
    try:
        return sum(not are_blank(cells) for cells in csv.reader(_filled_lines(text), **dialect.options))
    except csv.Error:
        text.seek(0)
        for _ in read_records(text, dialect):  # says on which line
            pass
        raise AssertionError("records that could not be counted can be read") from None


def _filled_lines(text: TextIO) -> Iterator[str]:
    """Yield the lines that are not empty; of a quoted cell, that leaves out white space only."""
    rest = ""
    while block := text.read(_BLOCK_CHARACTERS):
        block = rest + block
        end = max(block.rfind("\n"), block.rfind("\r")) + 1
        lines, rest = block[:end], block[end:]
        if not lines.isspace():
            yield from io.StringIO(_EMPTY_LINES.sub("\n", lines), newline="")
    yield rest


def checked_codec(name: str) -> str:
    """Return Python's name of an encoding.

    Raises:
        UploadRefused: There is none of this name, or it is none of text files.
    """
    try:
        found = codecs.lookup(name)
        if found.name.replace("_", "-") in _NO_TEXT_FILES:
            raise UploadRefused(FileReason.UNKNOWN_ENCODING, encoding=show_header(name))
        io.TextIOWrapper(io.BytesIO(), encoding=name)
    except (LookupError, ValueError, UnicodeError):  # ValueError: a NUL in the name
        raise UploadRefused(FileReason.UNKNOWN_ENCODING, encoding=show_header(name)) from None
    return found.name


def _line_of_bad_byte(path: Path, codec: str) -> int:
    """Decode again, piece by piece, counting line ends up to the first byte that is not text."""
    decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder(codec)("strict"), translate=True)
    line, block = 1, b""
    with path.open("rb") as file:
        while True:
            block = file.read(_BLOCK_BYTES)
            state = decoder.getstate()
            try:
                line += decoder.decode(block, final=not block).count("\n")
            except UnicodeError:
                break
            if not block:
                return line
    decoder.setstate(state)
    for place in range(len(block)):
        try:
            line += decoder.decode(block[place : place + 1]).count("\n")
        except UnicodeError:
            break
    # A CR right before the bad byte is still held back, for it might have been half of a CRLF.
    return line + (decoder.getstate()[1] & 1)


def byte_order_mark(path: Path, encoding: Encoding) -> tuple[bytes, str]:
    """Return the file's byte order mark (or nothing) and the codec of the bytes after it."""
    with path.open("rb") as file:
        head = file.read(4)
    for mark, codec in _BOMS:
        if encoding.codec == codec and head.startswith(mark):
            return mark, _AFTER_MARK[mark]
    return b"", encoding.codec
