"""A copy of an upload without its passwords: every other cell is as it was.

Which column holds passwords is found as the import found it. What becomes of the
original is the caller's business.
"""

import csv as csv_module
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from etl_customers import settings
from etl_customers.fields import AccountFields
from etl_customers.read.csv_files import find_delimiter, find_encoding, open_text, read_records
from etl_customers.read.headers import KnownHeaders, Role, match_header
from etl_customers.read.kinds import find_kind
from etl_customers.read.refusals import EmptyFile
from etl_customers.read.xlsx_files import open_workbook_records

TEMPORARY = ".blanked-"
"""Begins the names of copies that are still being written."""

_ANY_TEXT = "utf-8-sig"
_Record = tuple[int, list[str]]


def write_blanked(
    upload: Path, folder: Path, fields: AccountFields, csv: settings.Csv, encoding: str | None
) -> Path | None:
    """Write a copy of an upload in which the cells of the password column are empty, in all rows.

    A CSV keeps its delimiter, and its encoding where that can write what it could read,
    else it becomes UTF-8. Of a workbook the sheet that was imported is written, as CSV.

    Args:
        upload: A regular file that was imported.
        folder: Where the copy goes, under a temporary name; mode 0600, on disk (fsync).
        fields: The account's own columns.
        csv: Aliases, required columns, limits.
        encoding: The one that the import noted.

    Returns:
        The copy; none where the upload has no column of passwords.

    Raises:
        UploadRefused: The upload cannot be read any more, by other settings for instance.
        OSError: The copy cannot be written.
    """
    if find_kind(upload) == "xlsx":
        with open_workbook_records(upload, csv.max_bytes) as records:
            return _write(records, folder, fields, csv, ",", _ANY_TEXT)
    found = find_encoding(upload, encoding or csv.encoding)
    delimiter = find_delimiter(upload, found, KnownHeaders(fields, csv.aliases))
    for codec in (found.codec, _ANY_TEXT):
        with open_text(upload, found) as text:
            records = read_records(text, delimiter)
            try:
                return _write(records, folder, fields, csv, delimiter, codec)
            except UnicodeEncodeError:
                continue
    raise AssertionError("UTF-8 can write whatever was read")


def _write(
    records: Iterable[_Record], folder: Path, fields: AccountFields, csv: settings.Csv, delimiter: str, codec: str
) -> Path | None:
    rest = iter(records)
    header = next(rest, None)
    if header is None:
        raise EmptyFile
    position = next((c.position for c in match_header(header[1], fields, csv) if c.role is Role.PASSWORD), None)
    if position is None:
        return None
    descriptor, name = tempfile.mkstemp(dir=folder, prefix=TEMPORARY)
    with _removed_on_error(Path(name)), os.fdopen(descriptor, "w", encoding=codec, newline="") as file:
        writer = csv_module.writer(file, delimiter=delimiter, lineterminator="\r\n")
        writer.writerow(header[1])
        for _, cells in rest:
            if position < len(cells):
                cells[position] = ""
            writer.writerow(cells)
        file.flush()
        os.fsync(file.fileno())
    return Path(name)


@contextmanager
def _removed_on_error(path: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        path.unlink(missing_ok=True)
        raise
