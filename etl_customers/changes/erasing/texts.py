"""Looking for a person in CSV and Excel files, and taking their rows out of a CSV with all other bytes as they were.

Nothing is refused here as an import would refuse it: a file is read as far as it can
be, because the question is only whether a person is in it.
"""

import csv
import os
import re
import sys
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from etl_customers.base.errors import UploadRefused
from etl_customers.base.private_files import as_text, private_draft, sync_folder
from etl_customers.changes.erasing.person import Person
from etl_customers.read.csv_files import DELIMITERS, Encoding, find_encoding
from etl_customers.read.kinds import find_kind
from etl_customers.read.xlsx_files import open_workbook_records
from schemas.refusals import FileReason

_BREAKS = re.compile(r"[,;\t|\r\n\"<>]+")
_ANY_BYTES = Encoding("latin-1", is_named=False)
_BYTES_AT_A_TIME = 1024 * 1024


@dataclass(frozen=True)
class Record:
    """One record of a CSV: its number, the header being 1, its cells, and its text as it is in the file."""

    number: int
    cells: list[str]
    text: str


def holds(
    path: Path, person: Person, max_bytes: int, named_encoding: str | None = None, known: Collection[int] = ()
) -> bool | None:
    """Return whether a file has a row of the person's, by its cells or among ``known``; none where it cannot be read."""
    try:
        if not path.is_file() or path.is_symlink():
            return None
        if find_kind(path) == "xlsx":
            with open_workbook_records(path, max_bytes) as rows:
                return any(row in known or person.is_in(cells) for row, (_, cells) in enumerate(rows, start=1))
        return any(record.number in known or person.is_in(record.cells) for record in read_csv(path, named_encoding))
    except csv.Error:
        return person.is_in(_BREAKS.split(path.read_text(_encoding_of(path, named_encoding).codec, "replace")))
    except UploadRefused as refusal:
        return False if refusal.is_for(FileReason.EMPTY_FILE) else None
    except OSError:
        return None


def is_workbook(path: Path) -> bool:
    """Return whether a file is packed as Excel's are.

    Raises:
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        return file.read(2) == b"PK"


def read_csv(path: Path, named_encoding: str | None = None) -> Iterator[Record]:
    """Yield the records of a CSV, the header first; of unknown encoding it is read byte by byte.

    Raises:
        csv.Error: Its quotes are broken.
        OSError: It cannot be read.
    """
    csv.field_size_limit(sys.maxsize)
    encoding = _encoding_of(path, named_encoding)
    with path.open(encoding=encoding.codec, errors="strict", newline="") as file:
        taken: list[str] = []
        lines = _noted(file, taken)
        first = next(lines, "")
        delimiter = max(DELIMITERS, key=first.count)
        again = _chained(first, lines)
        for number, cells in enumerate(csv.reader(again, delimiter=delimiter, strict=True), start=1):
            yield Record(number, cells, "".join(taken))
            taken.clear()


def without_rows(path: Path, is_theirs: Callable[[Record], bool], named_encoding: str | None = None) -> list[Record]:
    """Take rows out of a CSV; the file is replaced whole, or deleted where no row is left, or not touched.

    All other rows keep their bytes, the file keeps its time.

    Args:
        path: A regular file.
        is_theirs: Whether a row is to go; asked for every record below the header.
        named_encoding: The one that the user had named.

    Returns:
        The rows that were taken out, without their texts.

    Raises:
        csv.Error: Its quotes are broken; it is as it was.
        OSError: It cannot be read or written; it is as it was.
    """
    gone = [
        Record(record.number, record.cells[:2], "")
        for record in read_csv(path, named_encoding)
        if record.number > 1 and is_theirs(record)
    ]
    if not gone:
        return []
    numbers = {record.number for record in gone}
    codec = _encoding_of(path, named_encoding).codec
    times = path.stat()
    with (
        private_draft(path.parent, f".{path.name[:40]}.") as (file, draft),
        as_text(file, codec) as text,
    ):
        left = _write(text.write, read_csv(path, named_encoding), numbers)
    try:
        os.utime(draft, ns=(times.st_atime_ns, times.st_mtime_ns))
        if left:
            draft.replace(path)
        else:
            path.unlink()
    finally:
        draft.unlink(missing_ok=True)
    sync_folder(path.parent)
    return gone


def _write(write: Callable[[str], object], records: Iterable[Record], without: Collection[int]) -> int:
    left = 0
    for record in records:
        if record.number not in without:
            write(record.text)
            left += record.number > 1 and any(map(str.strip, record.cells))
    return left


def _noted(file: Iterable[str], taken: list[str]) -> Iterator[str]:
    """Yield lines and note each one: the reader takes just those of the record that it gives next."""
    for line in file:
        taken.append(line)
        yield line


def _chained(first: str, rest: Iterator[str]) -> Iterator[str]:
    if first:
        yield first
        yield from rest


def _encoding_of(path: Path, named: str | None) -> Encoding:
    """Return an encoding that can read all bytes of the file."""
    try:
        encoding = find_encoding(path, named)
        with path.open(encoding=encoding.codec, errors="strict", newline="") as file:
            while file.read(_BYTES_AT_A_TIME):
                pass
    except UnicodeError:
        return _ANY_BYTES
    except UploadRefused as refusal:
        if not refusal.is_for(FileReason.NOT_UTF8):
            raise
        return _ANY_BYTES
    return encoding
