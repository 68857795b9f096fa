"""A copy of an upload without its passwords: every other cell is as it was.

Which column holds passwords is found as the import found it, and held to what the
import noted of it. What becomes of the original is the caller's business.
"""

import csv as csv_module
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Literal

from etl_customers.base.errors import UploadRefused
from etl_customers.base.private_files import as_text, private_draft
from etl_customers.columns.account_fields import AccountFields
from etl_customers.columns.headers import KnownHeaders, Role, match_header, without_empty_end
from etl_customers.read.csv_files import find_dialect, find_encoding, open_text, read_records
from etl_customers.read.kinds import find_kind
from etl_customers.read.row_widths import possible_positions
from etl_customers.read.xlsx_files import open_workbook_records
from etl_customers.settings.sections import Csv
from etl_customers.staging import UploadColumn
from etl_customers.texts.formula_escapes import escape_formula
from etl_customers.texts.invisible import are_blank, is_blank
from schemas.refusals import FileReason

TEMPORARY = ".blanked-"
"""Begins the names of copies that are still being written."""

_ANY_TEXT = "utf-8-sig"
_Record = tuple[int, list[str]]


def write_blanked(
    upload: Path,
    folder: Path,
    fields: AccountFields,
    csv: Csv,
    encoding: str | None,
    noted: Sequence[UploadColumn] | None = None,
) -> Path | None:
    """Write a copy of an upload in which the cells of the password column are empty, in all rows.

    Of a row with more or fewer cells than the header, each cell that may be the password is empty.

    A CSV keeps its delimiter, and its encoding where that can write what it could read,
    else it becomes UTF-8. Of a workbook the sheet that was imported is written, as CSV;
    text that was no formula there is escaped, for in a CSV it would be one.

    Args:
        upload: A regular file that was imported.
        folder: Where the copy goes, under a temporary name; mode 0600, on disk (fsync).
        fields: The account's own columns.
        csv: Aliases, required columns, limits.
        encoding: The one that the import noted.
        noted: What the import took each column for; none where that is no longer kept.

    Returns:
        The copy; none where the upload has no column of passwords.

    Raises:
        UploadRefused: Other settings are in force than at the import, and a column may hold its passwords; or the
            upload can no longer be read.
        OSError: The copy cannot be written.
    """

    def find_position(header: list[str]) -> int | None:
        return _password_position(match_header(header, fields, csv), noted)

    if find_kind(upload) == "xlsx":
        with open_workbook_records(upload, csv.max_bytes) as records:
            return _write(records, find_position, folder, ",", _ANY_TEXT, escape_formula)
    found = find_encoding(upload, encoding or csv.encoding)
    dialect = find_dialect(upload, found, KnownHeaders(fields, csv.aliases))
    for codec in (found.codec, _ANY_TEXT):
        with open_text(upload, found) as text:
            try:
                return _write(read_records(text, dialect), find_position, folder, dialect.delimiter, codec, str)
            except UnicodeEncodeError:
                continue
    raise AssertionError("UTF-8 can write whatever was read")


def _password_position(columns: Sequence[UploadColumn], noted: Sequence[UploadColumn] | None) -> int | None:
    position = _find_password(columns)
    if noted is not None:
        if (position, len(columns)) != (_find_password(noted), len(noted)):
            raise UploadRefused(FileReason.PASSWORDS_NOT_FOUND)
    elif position is None and any(column.role == Role.IGNORED and not is_blank(column.header) for column in columns):
        raise UploadRefused(FileReason.PASSWORDS_NOT_FOUND)
    return position


def _find_password(columns: Sequence[UploadColumn]) -> int | None:
    return next((column.position for column in columns if column.role == Role.PASSWORD), None)


def _write(
    records: Iterable[_Record],
    find_position: Callable[[list[str]], int | None],
    folder: Path,
    delimiter: str,
    codec: str,
    as_written: Callable[[str], str],
) -> Path | None:
    rest = iter(records)
    header = next(rest, None)
    if header is None:
        raise UploadRefused(FileReason.EMPTY_FILE)
    position = find_position(header[1])
    if position is None:
        return None
    columns = len(without_empty_end(header[1]))
    # What a workbook held may be run as a formula, and opens in a spreadsheet again: no cell without quotes.
    quoting: Literal[0, 1] = csv_module.QUOTE_ALL if as_written is escape_formula else csv_module.QUOTE_MINIMAL
    with private_draft(folder, TEMPORARY) as (file, draft), as_text(file, codec) as text:
        writer = csv_module.writer(text, delimiter=delimiter, lineterminator="\r\n", quoting=quoting)
        writer.writerow(map(as_written, header[1]))
        for _, cells in rest:
            # In a row of another width the password may have moved as far as the widths differ.
            more = len(cells) - (len(header[1]) if are_blank(cells[columns:]) else columns)
            for moved in possible_positions(position, len(header[1]) - len(cells), more):
                if moved < len(cells):
                    cells[moved] = ""
            writer.writerow(map(as_written, cells))
    return draft
