"""The parts of a workbook before a parser sees them: each is looked at once, in blocks, in time that grows with its size.

Parsers of XML take a time that grows with the square of one long tag, attribute or
comment (expat before 2.6), and memory for every element. No workbook needs what is
refused here; what its cells say is not read here.
"""

import codecs
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Literal

from etl_customers.base.errors import UploadRefused
from schemas.refusals import FileReason

LONGEST_TAG = 64 * 1024
"""Bytes of a tag with its attributes, of a comment or of a processing instruction."""

LONGEST_TEXT = 1024 * 1024
"""Bytes between two tags: a cell has at most 32,767 characters, of ten bytes each at most."""

DEEPEST = 64
"""Elements within one another; a sheet has some eight."""

MOST_TAGS, MOST_TAGS_OF_A_SHEET = 300_000, 1_000_000
"""A workbook has at most 65,490 formats; openpyxl takes some 20 µs for each element that is no cell."""

TAGS_OF_A_CELL = 64
"""So many more for each row, cell and shared text, which may be of many fonts."""

_BLOCK_BYTES = 1024 * 1024
_PIECE_BYTES = 16 * 1024
_SPECIAL = re.compile(rb"<!--|<!\[CDATA\[|<\?|<!")
_SPECIAL_ENDS = {b"<!--": (b"-->", LONGEST_TAG), b"<![CDATA[": (b"]]>", LONGEST_TEXT), b"<?": (b"?>", LONGEST_TAG)}
_TAG = re.compile(rb"<(?:[^<>\"']++|\"[^<\"]*+\"|'[^<']*+')*+>")
_PLACE = re.compile(rb"<(?:\w+:)?(?:row|c)\s(?:[^<>]*?\s)?r\s*=\s*[\"']([A-Z]*)([0-9]+)[\"']")
_PREFIXED = re.compile(rb"<\w+:(?:c[ >]|row|si>)")
_VALUE = re.compile(rb"<(?:\w+:)?(?:v|t)[ >]")
_SHEETS = "xl/worksheets/"


@dataclass
class Part:
    """What is known of a part so far."""

    is_sheet: bool
    tags: int = 0
    cells: int = 0
    depth: int = 0
    place: tuple[int, int, bytes] = (0, 0, b"")
    has_values: bool = False
    """Any cell of a sheet has a value."""


class CheckedArchive(zipfile.ZipFile):
    """A workbook's archive, every part of which is looked at before the first byte of it is given out."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(file)
        self.bytes_scanned = 0
        self._parts: dict[str, Part] = {}

    def inspect_sheets(self) -> None:
        """Look at all sheets, also at those that are not read: a file that is not in order is not read in part.

        Raises:
            UploadRefused: One has what no workbook needs, or its rows or cells are not in order.
        """
        for name in self.namelist():
            if name.startswith(_SHEETS) and not name.endswith(".rels"):
                self.inspect_sheet(name)

    def inspect_sheet(self, name: str) -> Part:
        """Look at a sheet, wherever in the archive it is.

        Raises:
            UploadRefused: See ``inspect_sheets``.
            KeyError: There is no such part.
        """
        return self._inspect(name, is_sheet=True)

    def open(
        self,
        name: str | zipfile.ZipInfo,
        mode: Literal["r", "w"] = "r",
        pwd: bytes | None = None,
        *,
        force_zip64: bool = False,
    ) -> IO[bytes]:
        """Open a part that was looked at.

        Raises:
            UploadRefused: It has what no workbook needs.
        """
        self._inspect(name.filename if isinstance(name, zipfile.ZipInfo) else name, is_sheet=False)
        return super().open(name, mode, pwd, force_zip64=force_zip64)

    def _inspect(self, name: str, *, is_sheet: bool) -> Part:
        part = self._parts.get(name)
        if part is None or (is_sheet and not part.is_sheet):
            part = self._parts[name] = Part(is_sheet)
            with super().open(name) as file:
                for block in _whole_tags(file, part):
                    self.bytes_scanned += len(block)
                    if is_sheet:
                        _look_at_cells(block, part)
        return part


def _whole_tags(file: IO[bytes], part: Part) -> Iterator[bytes]:
    """Yield a part in blocks that do not end within a tag, and raise where it has what no workbook needs."""
    rest = b""
    for block in _as_utf8(file):
        data = rest + block
        end = _look_at_markup(data, part)
        yield data[:end]
        rest = data[end:]
    yield rest


def _as_utf8(file: IO[bytes]) -> Iterator[bytes]:
    """Yield blocks of a part; one in UTF-16, which parsers take too, as UTF-8."""
    block = file.read(_BLOCK_BYTES)
    if b"\0" in block[:2] or block.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        codec = "utf-16-be" if block.startswith((codecs.BOM_UTF16_BE, b"\0")) else "utf-16-le"
        decoder = codecs.getincrementaldecoder(codec)("replace")
        while block:
            yield decoder.decode(block).encode("utf-8", "replace")
            block = file.read(_BLOCK_BYTES)
        return
    while block:
        yield block
        block = file.read(_BLOCK_BYTES)


def _look_at_markup(data: bytes, part: Part) -> int:
    """Refuse what is too long, too deep or too much; return the place up to which all is known."""
    at, end = 0, len(data)
    while (special := _SPECIAL.search(data, at)) is not None:
        _look_at_tags(data, at, special.start(), part)
        if special[0] == b"<!":  # the beginning of one of the others, or a DTD, which no workbook may have
            _refuse(end - special.start() >= len(b"<![CDATA["))
            return special.start()
        closing, longest = _SPECIAL_ENDS[special[0]]
        close = data.find(closing, special.end())
        _refuse((end if close < 0 else close) - special.start() > longest)
        if close < 0:
            return special.start()
        at = close + len(closing)
    # The last tag, or the text behind it, may go on in the next block.
    last = max(data.rfind(b"<", at), at)
    _look_at_tags(data, at, last, part)
    if end - last > LONGEST_TAG:
        _look_at_gap(data[last:])
    return last


def _look_at_tags(data: bytes, start: int, end: int, part: Part) -> None:
    """Look at a stretch of whole tags and texts, some thousand bytes at a time."""
    count = data.count
    most = MOST_TAGS_OF_A_SHEET if part.is_sheet else MOST_TAGS
    while start < end:
        stop = data.find(b"<", min(start + _PIECE_BYTES, end), end)
        stop = end if stop < 0 else stop
        if stop - start > LONGEST_TAG:
            _look_at_gap(data[max(data.rfind(b"<", start, start + _PIECE_BYTES), start) : stop])
        tags = count(b"<", start, stop)
        part.tags += tags
        # Only where each > ends a tag, every /> is the end of an element.
        is_plain = count(b">", start, stop) == tags
        alone = count(b"/>", start, stop) if is_plain else _count_alone(data[start:stop])
        part.cells += _count_cells(data, start, stop, part.is_sheet)
        part.depth += tags - 2 * count(b"</", start, stop) - alone
        _refuse(part.depth > DEEPEST or part.tags > most + TAGS_OF_A_CELL * part.cells)
        start = stop


def _count_cells(data: bytes, start: int, stop: int, is_sheet: bool) -> int:
    """Count the rows and cells, or the shared texts, of a stretch; in texts there is no <."""
    names = (b"c ", b"c>", b"row") if is_sheet else (b"si>",)
    found = sum(data.count(b"<" + name, start, stop) for name in names)
    if any(data.find(b":" + name, start, stop) >= 0 for name in names):
        found += len(_PREFIXED.findall(data, start, stop))
    return found


def _count_alone(piece: bytes) -> int:
    return sum(tag.endswith(b"/>") for tag in _TAG.findall(piece))


def _look_at_gap(gap: bytes) -> None:
    """Refuse a tag, or a text behind it, that is longer than a workbook needs."""
    tag = _TAG.match(gap)
    length = tag.end() if tag else len(gap) if gap.startswith(b"<") else 0
    _refuse(length > LONGEST_TAG or len(gap) - length > LONGEST_TEXT)


def _look_at_cells(block: bytes, part: Part) -> None:
    """Refuse a sheet whose rows or cells are not in order: Excel does not open it, openpyxl leaves out what comes too late."""
    place = part.place
    for column, row in _PLACE.findall(block):
        here = int(row), len(column), column  # B comes before AA; a row has no letter and comes before its cells
        _refuse(here <= place)
        place = here
    part.place = place
    part.has_values = part.has_values or _VALUE.search(block) is not None


def _refuse(is_refused: bool) -> None:
    if is_refused:
        raise UploadRefused(FileReason.DAMAGED_WORKBOOK)
