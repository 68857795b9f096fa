"""Breaking a file that is too long into parts that are short enough to import (R13).

The parts hold the file's own bytes: nothing is decoded into something else, and what
stands after the blank row goes with the last part. A workbook becomes CSV parts.
"""

import csv as csv_module
import io
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from etl_customers.base.errors import DiskUnavailable, UploadRefused
from etl_customers.base.private_files import private_file
from etl_customers.columns.account_fields import NO_FIELDS
from etl_customers.columns.header_names import fixed_names, normalise_header
from etl_customers.columns.headers import KnownHeaders, without_empty_end
from etl_customers.read.csv_files import (
    Dialect,
    Encoding,
    byte_order_mark,
    find_dialect,
    find_encoding,
    open_text,
    read_records,
)
from etl_customers.read.kinds import find_kind
from etl_customers.read.row_widths import MOST_RAGGED_SHOWN, ragged_rows, settle_width
from etl_customers.read.uploads import open_regular_file
from etl_customers.read.xlsx_files import open_workbook_records
from etl_customers.settings.sections import Csv
from etl_customers.texts.invisible import are_blank
from schemas.refusals import FileReason

_Record = tuple[list[str], bytes]
"""The cells, and the record's bytes with its line end."""


def split_file(source: Path, csv: Csv, encoding: str | None, folder: Path) -> list[Path]:
    """Write a file as parts of at most ``csv.max_rows`` rows, each with the header.

    Parts of a CSV have its encoding, byte order mark, delimiter and line ends: without
    their headers and put together they are the file, byte for byte. Parts of a workbook
    are CSV (UTF-8 with a byte order mark) of its first visible sheet. All parts are
    there at the end, or none.

    Args:
        source: A regular file of any size.
        csv: ``max_rows``, ``max_bytes`` (of an unpacked workbook), aliases, usual encoding.
        encoding: The one that the user named.
        folder: Where the parts go, as ``customers-1-of-3.csv``; nothing is overwritten.

    Returns:
        The parts, in order.

    Raises:
        UploadRefused: It is short enough, or cannot be read as rows; or a part is there already.
        DiskUnavailable: A part cannot be written.
    """
    descriptor = open_regular_file(source)
    os.close(descriptor)
    if find_kind(source) == "xlsx":
        read, suffix = _workbook_reader(source, csv.max_bytes), ".csv"
    else:
        read, suffix = _csv_reader(source, csv, encoding), source.suffix
    rows = _count_rows(read(), csv.max_rows)
    total = -(-rows // csv.max_rows)
    if total < 2:
        raise UploadRefused(FileReason.NOTHING_TO_SPLIT, rows=rows, max_rows=csv.max_rows)
    parts = [folder / f"{source.stem}-{number}-of-{total}{suffix}" for number in range(1, total + 1)]
    _write_parts(read(), parts, csv.max_rows)
    return parts


def _csv_reader(source: Path, csv: Csv, encoding: str | None) -> Callable[[], Iterator[_Record]]:
    fixed = fixed_names()
    aliases = {alias: column for alias, column in csv.aliases.items() if normalise_header(column) in fixed}
    found = find_encoding(source, encoding or csv.encoding)
    dialect = find_dialect(source, found, KnownHeaders(NO_FIELDS, aliases))
    return lambda: _csv_records(source, found, dialect)


def _csv_records(source: Path, encoding: Encoding, dialect: Dialect) -> Iterator[_Record]:
    """Yield each record with the bytes that it was read from; the first with the byte order mark."""
    mark, codec = byte_order_mark(source, encoding)
    with open_text(source, encoding) as text, source.open("rb") as original:
        lines: list[str] = []
        for _, cells in read_records(_remember(text, lines), dialect):
            record = mark + "".join(lines).encode(codec)
            if original.read(len(record)) != record:
                raise UploadRefused(FileReason.NOT_SPLIT_EXACTLY, encoding=encoding.shown)
            yield cells, record
            lines.clear()
            mark = b""


def _remember(text: Iterable[str], lines: list[str]) -> Iterator[str]:
    for line in text:
        lines.append(line)
        yield line


def _workbook_reader(source: Path, max_bytes: int) -> Callable[[], Iterator[_Record]]:
    def read() -> Iterator[_Record]:
        mark = "\ufeff"
        with open_workbook_records(source, max_bytes) as records:
            width = 0
            for _, cells in records:
                width = width or len(cells)
                if are_blank(cells[width:]):
                    del cells[width:]  # in a workbook white space there moves nothing
                line = io.StringIO()
                csv_module.writer(line, lineterminator="\r\n", quoting=csv_module.QUOTE_ALL).writerow(cells)
                yield cells, (mark + line.getvalue()).encode()
                mark = ""

    return read


def _count_rows(records: Iterator[_Record], max_rows: int) -> int:
    """Count the rows; refuse a file of which parts would be read in another way than the whole.

    Raises:
        UploadRefused: Most rows have not as many cells as the header, or all rows of a part have more.
    """
    header, _ = next(records, ([], b""))
    columns = len(without_empty_end(header))
    parts: list[Counter[int]] = []
    first: dict[int, str] = {}
    rows = 0
    for cells, _ in records:
        if are_blank(cells):
            break
        if rows % max_rows == 0:
            parts.append(Counter())
        rows += 1
        parts[-1][len(cells)] += 1
        first.setdefault(len(cells), f"row {rows + 1} has {len(cells)}")
    widths = sum(parts, Counter[int]())
    expected = settle_width(len(header), columns, widths)
    ragged = rows - widths[expected]
    if 2 * ragged > rows or any(settle_width(len(header), columns, part) != expected for part in parts):
        shown = [row for width, row in first.items() if width != expected]
        raise ragged_rows(shown[:MOST_RAGGED_SHOWN], ragged, header=len(header), fitting=expected)
    return rows


def _write_parts(records: Iterator[_Record], parts: list[Path], max_rows: int) -> None:
    for part in parts:
        if part.exists() or part.is_symlink():
            raise UploadRefused(FileReason.PART_EXISTS, part=part.name)
    _, header = next(records)
    made: list[Path] = []
    try:
        for part in parts:
            made.append(part)  # before it has its name: a stop may come right after
            with private_file(part, replaces=False) as file:
                file.write(header)
                left = None if part is parts[-1] else max_rows
                for _, record in records:
                    file.write(record)
                    left = None if left is None else left - 1
                    if left == 0:
                        break
    except BaseException as error:
        taken = made.pop() if isinstance(error, FileExistsError) else None
        for part in made:
            part.unlink(missing_ok=True)
        if taken is not None:
            raise UploadRefused(FileReason.PART_EXISTS, part=taken.name) from None
        if isinstance(error, OSError):
            raise DiskUnavailable(parts[0].parent, error.strerror or "cannot be written") from None
        raise
