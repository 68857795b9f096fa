"""The read stage: an upload's cells into staging as they are, in chunks, and passwords from the upload when asked.

Passwords never enter staging; only whether a row has one does.
"""

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import polars as pl

from etl_customers.base.errors import UploadRefused
from etl_customers.base.read_ahead import read_ahead
from etl_customers.columns.account_fields import AccountFields
from etl_customers.columns.header_names import normalise_header
from etl_customers.columns.header_refusals import not_titles, show_header
from etl_customers.columns.headers import UNSTAGED_ROLES, Role, is_own_file, is_without_column
from etl_customers.read.misplaced import Misplaced, MisplacedRows
from etl_customers.read.row_widths import RaggedCells
from etl_customers.read.upload_rows import open_upload
from etl_customers.settings.sections import Csv
from etl_customers.staging import Staging, UploadColumn
from etl_customers.texts.error_values import error_value
from etl_customers.texts.formula_escapes import ESCAPED_PATTERN
from etl_customers.texts.invisible import is_blank, visible
from etl_customers.texts.text_formulas import plain_text
from schemas.codes import COLUMN_LEFT_OUT, CONTACT_LEFT_OUT, ERROR_VALUE, OTHER_SHEET
from schemas.columns import COLUMN_BY_NAME, TITLES
from schemas.refusals import FileReason

_BLOCK_ROWS = 1_000
"""Rows turned into a frame at once: few enough to stay in the processor's cache (half the time of 25,000)."""

_CHUNK_BLOCKS = 25
"""Blocks appended to staging at once: 25,000 rows are in memory at a time."""

_CONTACT = r"^\s*([^@\s]+@[^@\s]+\.[^@\s]+|[+(]?[0-9][0-9 ().+/-]{6,18}[0-9])\s*$"
_TITLE = "customer_title"
_OUR_TITLE = normalise_header(_TITLE)
_TITLES = rf"(?i)^\W*({'|'.join(TITLES)})\W*$"
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_ROW_NUMBER = re.compile(r"[0-9]{1,18}")
_NOT_A_ROW = -1
_FILE_WARNINGS = "file_warnings"

_NUMBERED = {"row": pl.Int64, "line": pl.Int64, "parent_row": pl.Int64, "password_state": pl.String}

_Row = tuple[int, int, list[str]]


@dataclass(frozen=True)
class ReadCounts:
    """Rows ``read`` into staging, non-empty rows ``unread`` after the blank one, and the import that is corrected."""

    read: int
    unread: int
    parent_import_id: str | None
    warnings: Sequence[Mapping[str, str | None]] = ()
    """Of the file as a whole: column (none where it is about no column), code and reference."""


def read_raw_csv(
    staging: Staging,
    upload: Path,
    fields: AccountFields,
    csv: Csv,
    encoding: str | None,
    find_parent: Callable[[str], bool],
    *,
    needs_country: bool = False,
) -> ReadCounts:
    """Read an upload into ``raw_csv``, ``upload_columns`` and ``facts``; repeatable.

    Strict: what cannot be read without guessing is refused, and then staging is as it
    was before. Rows pass in chunks, so memory does not grow with the file.

    Args:
        staging: The import's staging file.
        upload: The stored copy, CSV or .xlsx.
        fields: The account's own columns.
        csv: Limits, required columns, aliases, the usual encoding.
        encoding: The one that the user named, which goes before the setting's.
        find_parent: Tells whether an import of this id is in the ledger.
        needs_country: Refuse a file of which a row does not say its country: there is none to take for it (R10).

    Returns:
        read + unread are all rows of the file that have a filled cell.

    Raises:
        UploadRefused: See ``schemas.refusals``.
        SettingsInvalid: An alias of the settings leads nowhere.

    Source:
        docs/rules.md: R3, R13, R14, R19, R20.
    """
    with open_upload(upload, fields, csv, encoding) as rows, staging.transaction():
        _clear(staging)
        stager = _Stager(rows.columns, rows.names, find_parent, needs_country=needs_country)
        _make_tables(staging, rows.columns, stager.staged)
        numbered = iter(rows)
        blocks = iter(lambda: list(islice(numbered, _BLOCK_ROWS)), [])
        staged = (stager.stage(block) for block in blocks)
        # DuckDB writes a chunk while Python reads the next.
        with read_ahead(iter(lambda: list(islice(staged, _CHUNK_BLOCKS)), [])) as chunks:
            for chunk in chunks:
                staging.append("raw_csv", pl.concat([block.cells for block in chunk], rechunk=False))
                for block in chunk:
                    if block.misplaced is not None:
                        staging.append("row_errors", block.misplaced.errors())
                        staging.append("overflowing_cells", block.misplaced.overflow())
        _refuse_what_are_no_titles(staging, rows.columns)
        counts = ReadCounts(
            rows.read, rows.unread, stager.parent_import_id, _file_warnings(rows.other_sheets, staging, rows.columns)
        )
        has_password = any(column.role is Role.PASSWORD for column in rows.columns)
        for name, number, text in (
            ("rows_read", counts.read, None),
            ("rows_unread", counts.unread, None),
            ("parent_import_id", None, counts.parent_import_id),
            ("header_has_password", int(has_password), None),
            *([(_FILE_WARNINGS, None, json.dumps(counts.warnings))] if counts.warnings else []),
        ):
            staging.execute("insert into facts values (?, ?, ?)", [name, number, text])
    return counts


def read_file_warnings(staging: Staging) -> list[dict[str, str | None]]:
    """Return the warnings of the file as a whole that the read stage noted: column, code and reference."""
    found = staging.rows("select text from facts where name = ?", [_FILE_WARNINGS])
    warnings: list[dict[str, str | None]] = json.loads(found[0][0]) if found else []
    return warnings


def _file_warnings(
    other_sheets: Sequence[str], staging: Staging, columns: Sequence[UploadColumn]
) -> tuple[dict[str, str | None], ...]:
    """Name the sheets that are not read and the columns that are left out, never a cell of them."""
    found: list[dict[str, str | None]] = [
        {"column": None, "code": OTHER_SHEET, "reference": show_header(title)} for title in other_sheets
    ]
    for column in filter(is_without_column, columns):
        named = show_header(column.header)
        found.append({"column": named, "code": COLUMN_LEFT_OUT, "reference": None})
        looks = f"regexp_matches({column.cell}, ?)"
        query = f"select 2 * count(*) filter ({looks}) > count(*) from raw_csv where trim({column.cell}) <> ''"  # noqa: S608 (c0, c1 …)
        if staging.number(query, [_CONTACT]):
            found.append({"column": named, "code": CONTACT_LEFT_OUT, "reference": None})
    return tuple(found)


def _refuse_what_are_no_titles(staging: Staging, columns: Sequence[UploadColumn]) -> None:
    """Refuse a file whose column "Title" has job titles; under our own name for it, and in our own files, rows fail."""
    if is_own_file(columns):
        return
    for column in columns:
        if column.key == _TITLE and column.role is Role.COLUMN and normalise_header(column.header) != _OUR_TITLE:
            none = f"not regexp_matches({column.cell}, ?)"
            query = f"select 2 * count(*) filter ({none}) > count(*) from raw_csv where trim({column.cell}) <> ''"  # noqa: S608 (c0, c1 …)
            if staging.number(query, [_TITLES]):
                raise not_titles(column.header)


def read_passwords(upload: Path, fields: AccountFields, csv: Csv, encoding: str | None) -> Iterator[tuple[int, str]]:
    """Yield (row, plain text) of every row whose ``password_state`` is ``given``.

    The arguments are those of ``read_raw_csv``; the same bytes give the same rows.

    Raises:
        UploadRefused: The upload cannot be read; only where it is not the one that was staged.
    """
    with open_upload(upload, fields, csv, encoding) as rows:
        position = _password_position(rows.columns)
        if position is None:
            return
        for row, _, cells in rows:
            # Where a row does not line up with the header, nobody knows which cell is its password.
            if not isinstance(cells, RaggedCells) and password_state(cells[position]) == "given":
                yield row, cells[position]


def password_state(text: str) -> str | None:
    """Return None (nothing that anybody sees), ``given``, ``too_long``, ``unprintable`` or ``error_value`` and which one."""
    if is_blank(text):
        return None
    if len(text) > COLUMN_BY_NAME["password"].max_length:
        return "too_long"
    if error := error_value(visible(text).strip()):
        return f"{ERROR_VALUE} {error}"
    return "unprintable" if _UNPRINTABLE.search(text) else "given"


@dataclass(frozen=True)
class _Staged:
    """A block of rows as ``raw_csv`` has them, and those that do not line up with the header."""

    cells: pl.DataFrame
    misplaced: Misplaced | None


class _Stager:
    """Turns blocks of rows into frames of ``raw_csv``, and watches the columns of our own files."""

    def __init__(
        self,
        columns: Sequence[UploadColumn],
        names: Sequence[Collection[str]],
        find_parent: Callable[[str], bool],
        *,
        needs_country: bool,
    ) -> None:
        self.staged = [column.position for column in columns if column.role not in UNSTAGED_ROLES]
        self.parent_import_id: str | None = None
        self._password = _password_position(columns)
        self._misplaced = MisplacedRows(columns, names)
        self._is_own = is_own_file(columns)
        self._find_parent = find_parent
        self._needs_country = needs_country
        is_country = (c.position for c in columns if c.role is Role.COLUMN and c.key == "country")
        self._country = next(is_country, None)

    def stage(self, block: Sequence[_Row]) -> _Staged:
        """Return the frame of a block of rows, and what there is to say of rows that do not line up with the header."""
        misplaced = self._misplaced.find(block)
        if misplaced is not None:
            block = misplaced.straightened(block)
        return _Staged(self._frame(block, misplaced.rows if misplaced else frozenset()), misplaced)

    def _frame(self, block: Sequence[_Row], passed_over: Collection[int]) -> pl.DataFrame:
        rows, lines, records = zip(*block, strict=True)
        columns = list(zip(*records, strict=True))
        if self._needs_country:
            self._refuse_open_country(rows, lines, columns, passed_over)
        nothing = [None] * len(rows)
        parent_rows = self._parent_rows(block, passed_over) if self._is_own else nothing
        states = nothing if self._password is None else list(map(password_state, columns[self._password]))
        numbers = (rows, lines, parent_rows, states)
        series = [
            pl.Series(name, values, kind) for (name, kind), values in zip(_NUMBERED.items(), numbers, strict=True)
        ]
        series += [_text_series(f"c{position}", columns[position]) for position in self.staged]
        frame = pl.DataFrame(series)
        return frame.with_columns(self._unescaped()) if self._is_own else frame

    def _unescaped(self) -> list[pl.Expr]:
        return [pl.col(f"c{position}").str.replace(ESCAPED_PATTERN, "${1}") for position in self.staged]

    def _refuse_open_country(
        self, rows: Sequence[int], lines: Sequence[int], columns: Sequence[Sequence[str]], passed_over: Collection[int]
    ) -> None:
        if self._country is None:
            raise UploadRefused(FileReason.COUNTRY_NOT_SET)
        for row, line, cell in zip(rows, lines, columns[self._country], strict=True):
            if is_blank(plain_text(cell)) and row not in passed_over:
                raise UploadRefused(FileReason.ROW_WITHOUT_COUNTRY, row=row, line=line)

    def _parent_rows(self, block: Sequence[_Row], passed_over: Collection[int]) -> list[int | None]:
        """Read the ``row`` cells; all ``import_id`` cells that are filled must name one known import."""
        parent_rows: list[int | None] = []
        for row, line, cells in block:
            if row in passed_over:
                parent_rows.append(self._parent_row_of_failed(cells))
                continue
            import_id, number = visible(cells[0]).strip(), visible(cells[1]).strip()
            if import_id and import_id != self.parent_import_id:
                if self.parent_import_id is not None:
                    raise UploadRefused(FileReason.SEVERAL_PARENT_IMPORTS, row=row, line=line)
                if not self._find_parent(import_id):
                    raise UploadRefused(FileReason.UNKNOWN_PARENT_IMPORT, row=row, line=line)
                self.parent_import_id = import_id
            is_number = _ROW_NUMBER.fullmatch(number) is not None
            parent_rows.append(int(number) if is_number else _NOT_A_ROW if number else None)
        return parent_rows

    def _parent_row_of_failed(self, cells: Sequence[str]) -> int | None:
        """Read the ``row`` cell of a row that fails in any case, as far as it is one."""
        number = visible(cells[1]).strip()
        is_same = visible(cells[0]).strip() == self.parent_import_id
        return int(number) if is_same and _ROW_NUMBER.fullmatch(number) else None


def _text_series(name: str, texts: Sequence[str]) -> pl.Series:
    # Many columns of a sheet are empty, and one look costs a quarter of copying them.
    if any(texts):
        return pl.Series(name, texts, pl.String)
    return pl.Series(name, [""], pl.String).new_from_index(0, len(texts))


def _password_position(columns: Sequence[UploadColumn]) -> int | None:
    return next((column.position for column in columns if column.role is Role.PASSWORD), None)


def _clear(staging: Staging) -> None:
    """Delete what an earlier try of this stage has left."""
    staging.execute("drop table if exists raw_csv")
    staging.execute("delete from upload_columns")
    staging.execute("delete from facts")
    staging.execute("delete from overflowing_cells")
    staging.execute("delete from row_errors where stage = 'read'")


def _make_tables(staging: Staging, columns: Sequence[UploadColumn], staged: Sequence[int]) -> None:
    cells = "".join(f", c{position} varchar" for position in staged)
    staging.execute(
        f'create table raw_csv ("row" bigint, line bigint, parent_row bigint, password_state varchar{cells})'
    )
    described = [
        (c.position, c.header, str(c.role), c.key, c.property_type, c.property_number, c.field) for c in columns
    ]
    schema = {
        "position": pl.Int32,
        "header": pl.String,
        "role": pl.String,
        "key": pl.String,
        "property_type": pl.String,
        "property_number": pl.Int32,
        "field": pl.String,
    }
    staging.append("upload_columns", pl.DataFrame(described, schema=schema, orient="row"))
