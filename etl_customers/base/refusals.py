"""Why a file as a whole is refused: one class per reason, each with its own code.

    UploadRefused
    ├── FileNotThere, FileUnreadable, NotARegularFile, FileChanged, TooLarge, EmptyFile, PartExists
    ├── NotCsv, UnpackedTooLarge, DamagedWorkbook, FormulaWithoutValue
    ├── UnknownEncoding, NotText, BrokenQuotes, CellTooLong, RaggedRows, TooManyRows, CellWithoutColumn
    ├── CountryNotSet, NoHeader, DuplicateColumns, UnknownColumns, MissingColumns, NotTitles, StaleTemplate,
    │   TooManyColumns
    └── SeveralParentImports, UnknownParentImport, NothingToSplit, NotSplitExactly, Abandoned

Messages say "the file", never its path. They may name a header, cut short and
without control characters, but never a cell below the header.
"""

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from etl_customers.base.command_wording import SET_COUNTRY
from etl_customers.base.errors import UploadRefused
from schemas.columns import TITLES

_LONGEST_HEADER = 40
_MOST_NAMED = 10


def show_header(header: str) -> str:
    """Return a header in quotes, fit for a terminal: printable characters only, at most 40."""
    text = "".join(c if c.isprintable() else " " for c in header[: 4 * _LONGEST_HEADER])
    text = " ".join(text.split())
    return f"'{text[:_LONGEST_HEADER]}…'" if len(text) > _LONGEST_HEADER else f"'{text}'"


def _quoted(word: str) -> str:
    """Return a word of a command as a shell takes it, such that its end is no end of a sentence either."""
    quoted = shlex.quote(word)
    return quoted if quoted[-1].isalnum() or quoted.endswith("'") else f"'{quoted}'"


def _listed(items: Iterable[str]) -> str:
    shown = list(items)
    rest = len(shown) - _MOST_NAMED
    return ", ".join(shown[:_MOST_NAMED]) + (f" and {rest} more" if rest > 0 else "")


class FileNotThere(UploadRefused):
    """There is no file of that name."""

    code = "file_not_found"

    def __str__(self) -> str:
        """Say so, and what to check."""
        return "the file is not there; check its name and folder"


class FileUnreadable(UploadRefused):
    """The operating system does not let us read it."""

    code = "unreadable_file"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        """Give the operating system's reason."""
        return f"the file cannot be read ({self.reason}); check its permissions or copy it to another folder"


class NotARegularFile(UploadRefused):
    """A link, folder, pipe or device."""

    code = "not_a_regular_file"

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind

    def __str__(self) -> str:
        """Name what it is instead."""
        return f"the file is {self.kind}; name a regular file (links, pipes and devices are not followed)"


class FileChanged(UploadRefused):
    """Another program wrote to the file while it was copied."""

    code = "changed_while_copied"

    def __str__(self) -> str:
        """Say to wait for the other program."""
        return "the file changed while it was copied; import it again when the program that writes it has finished"


class TooLarge(UploadRefused):
    """More bytes than ``csv.max_bytes``."""

    code = "too_large"

    def __init__(self, max_bytes: int) -> None:
        super().__init__(max_bytes)
        self.max_bytes = max_bytes

    def __str__(self) -> str:
        """Name the limit, the setting and the command that helps."""
        return (
            f"the file is larger than {self.max_bytes:,} bytes; break it up with: etl-customers split FILE "
            "(or raise the limit: etl-customers settings set csv.max_bytes NUMBER)"
        )


class EmptyFile(UploadRefused):
    """No bytes, or only a byte order mark; of a workbook: nothing in the one sheet that is read."""

    code = "empty_file"

    def __init__(self, other_sheets: tuple[str, ...] = ()) -> None:
        super().__init__(other_sheets)
        self.other_sheets = other_sheets

    def __str__(self) -> str:
        """Say what the first row must be."""
        if self.other_sheets:
            return (
                f"the first sheet is empty, and only the first is read; make {show_header(self.other_sheets[0])} the first "
                "one, or delete the empty one"
            )
        return "the file is empty; its first row must be the header, see: etl-customers template"


class PartExists(UploadRefused):
    """A part that ``split`` would write is there already."""

    code = "part_exists"

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        """Name the part; nothing was written."""
        return f"{self.name} exists already and is not overwritten; move it away, or split into another folder"


class NotCsv(UploadRefused):
    """The content is of another kind, whatever the file's name says."""

    code = "not_csv"

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind

    def __str__(self) -> str:
        """Name the kind and how to get a CSV."""
        return f"the file is {self.kind}, not CSV; open it in its program and save it as CSV (UTF-8) or as .xlsx"


class UnpackedTooLarge(UploadRefused):
    """A workbook that would unpack to more than ``csv.max_bytes``."""

    code = "unpacked_too_large"

    def __init__(self, max_bytes: int) -> None:
        super().__init__(max_bytes)
        self.max_bytes = max_bytes

    def __str__(self) -> str:
        """Name the limit and the other way."""
        return (
            f"the workbook unpacks to more than {self.max_bytes:,} bytes; save its first sheet as CSV (UTF-8) "
            "and import that (or raise the setting csv.max_bytes)"
        )


class DamagedWorkbook(UploadRefused):
    """An .xlsx that cannot be read as one."""

    code = "damaged_workbook"

    def __str__(self) -> str:
        """Say how to mend it."""
        return (
            "the workbook is damaged, has no visible sheet, or has what no spreadsheet writes; open it in its program and "
            "save it again, or as CSV"
        )


class CellTooLong(UploadRefused):
    """A cell that is longer than any text of a customer, by far."""

    code = "cell_too_long"

    def __init__(self, line: int, longest: int) -> None:
        super().__init__(line, longest)
        self.line, self.longest = line, longest

    def __str__(self) -> str:
        """Name the line, and what it mostly is."""
        return (
            f"the row that begins on line {self.line} is too long (a cell has at most {self.longest:,} characters); "
            "shorten it, or close the quotation mark with which its cell begins"
        )


class FormulaWithoutValue(UploadRefused):
    """A formula whose result is not kept in the workbook: its text is not known."""

    code = "formula_without_value"

    def __init__(self, row: int, column: int) -> None:
        super().__init__(row, column)
        self.row, self.column = row, column

    def __str__(self) -> str:
        """Name the cell and how to have it calculated."""
        return (
            f"row {self.row}, column {self.column} of the workbook is a formula without a stored result; "
            "open the workbook in a spreadsheet program and save it, then import it again"
        )


class UnknownEncoding(UploadRefused):
    """The named encoding does not exist, or is none that text files have."""

    code = "unknown_encoding"

    def __init__(self, encoding: str) -> None:
        super().__init__(encoding)
        self.encoding = encoding

    def __str__(self) -> str:
        """Name it and give examples."""
        return f"{show_header(self.encoding)} is not a text encoding; use one like utf-8, windows-1252 or shift_jis"


class NotText(UploadRefused):
    """Bytes that the encoding does not have."""

    code = "not_utf8"

    def __init__(self, encoding: str, line: int, is_named: bool, option: str = "windows-1252") -> None:
        super().__init__(encoding, line, is_named, option)
        self.encoding, self.line, self.is_named, self.option = encoding, line, is_named, option

    def __str__(self) -> str:
        """Name the line and the option to try."""
        if self.is_named:
            remedy = "name the encoding that the file was saved in, or save it as CSV UTF-8"
        else:
            remedy = f"save it as CSV UTF-8, or name its encoding, for example: --encoding {self.option}"
        return f"line {self.line} of the file is not {self.encoding} text; {remedy}"


class Quoting(StrEnum):
    """What is wrong with quotation marks, in words that follow those that name the row."""

    OPEN = (
        'has a quotation mark that is not closed, or text after a closing one; inside a quoted cell write each " twice'
    )
    AFTER_BLANK = "has a quotation mark after a tab or a special blank; remove the blanks before it"
    SINGLE = (
        "has all cells between quotation marks that are none in a CSV, such as ' or typographic ones: only \" is one; save "
        'the file with " around its cells, or without any'
    )


class BrokenQuotes(UploadRefused):
    """A quotation mark that is not closed, is followed by text, or is none."""

    code = "broken_quotes"

    def __init__(self, line: int, quoting: Quoting = Quoting.OPEN) -> None:
        super().__init__(line, quoting)
        self.line, self.quoting = line, quoting

    def __str__(self) -> str:
        """Name the line on which the row begins."""
        return f"the row that begins on line {self.line} {self.quoting}"


@dataclass(frozen=True)
class RaggedRow:
    """A row whose number of cells is not the header's."""

    row: int
    line: int | None
    """None where it was not counted."""
    cells: int

    def __str__(self) -> str:
        """Name its place."""
        return f"row {self.row}" if self.line is None else f"row {self.row} (line {self.line})"


class RaggedRows(UploadRefused):
    """Most rows have more or fewer cells than the header, or one of them does not say where it ends."""

    code = "ragged_rows"

    def __init__(
        self, header: int, rows: Sequence[RaggedRow], total: int, spans_lines: bool = False, fitting: int | None = None
    ) -> None:
        super().__init__(header, rows, total, spans_lines, fitting)
        self.header, self.rows, self.total, self.spans_lines = header, tuple(rows), total, spans_lines
        self.fitting = header if fitting is None else fitting
        """Cells of the rows that line up with the header: fewer where they do not have its empty end."""

    def __str__(self) -> str:
        """Name the first rows with their counts, and the usual cause."""
        has = f"the header has {self.header} cells"
        if self.fitting < self.header:
            has = f"the header has {self.fitting} cells and an empty end that more rows leave out than have"
        if self.spans_lines:
            row = self.rows[0]
            return (
                f"{has}, but {row} has {row.cells} and a line "
                "break within a cell: a quotation mark may be missing there, so that it is not certain where the row "
                "ends; look at the quotation marks of that row and the one before"
            )
        first = ", ".join(f"{r} has {r.cells}" for r in self.rows)
        rest = f" and {self.total - len(self.rows)} more rows are like this" if self.total > len(self.rows) else ""
        return (
            f"{has}, but {first}{rest}; quote a cell that holds the "
            "delimiter or a line break, and give every column a header"
        )


class TooManyRows(UploadRefused):
    """More data rows than ``csv.max_rows`` (R13)."""

    code = "too_many_rows"

    def __init__(self, rows: int, max_rows: int) -> None:
        super().__init__(rows, max_rows)
        self.rows, self.max_rows = rows, max_rows

    @property
    def files(self) -> int:
        """Into how many files to break it."""
        return -(-self.rows // self.max_rows)

    def __str__(self) -> str:
        """Name both numbers, and into how many files to break the file."""
        return (
            f"the file has {self.rows:,} rows, at most {self.max_rows:,} are imported at once; break it into "
            f"{self.files:,} files with: etl-customers split FILE (or raise the limit: etl-customers settings set csv.max_rows NUMBER)"
        )


class CellWithoutColumn(UploadRefused):
    """A filled cell in a column that has no name in the header, or only the template's stamp."""

    code = "cell_without_column"

    def __init__(self, row: int, line: int, column: int) -> None:
        super().__init__(row, line, column)
        self.row, self.line, self.column = row, line, column

    def __str__(self) -> str:
        """Name the cell by its place."""
        return (
            f"row {self.row} (line {self.line}) has a cell in column {self.column}, which has no name in the header; "
            "name the column or clear the cell"
        )


class CountryNotSet(UploadRefused):
    """A row does not say its country, and nobody has said what the company's is."""

    code = "country_not_set"

    def __init__(self, row: int, line: int, has_column: bool) -> None:
        super().__init__(row, line, has_column)
        self.row, self.line, self.has_column = row, line, has_column

    def __str__(self) -> str:
        """Name the row, and the command that settles it for all files."""
        where = (
            f"row {self.row} (line {self.line}) does not say its country"
            if self.has_column
            else "it has no country column"
        )
        return (
            f"{where}, and the country of your company is not set; numbers and states would be read wrongly. "
            f"Set it once, then import the file again: {SET_COUNTRY}"
        )


class NoHeader(UploadRefused):
    """Nothing in the first row is a column's name; its cells may be a customer's."""

    code = "no_header"

    def __init__(self, row: int | None = None) -> None:
        super().__init__(row)
        self.row = row

    def __str__(self) -> str:
        """Say what the first row must be, or which row looks like it, and print none of it."""
        first = "the first row is not a header: no cell of it is the name of a column"
        if self.row is not None:
            return (
                f"{first}; row {self.row} looks like the header: delete the rows above it, then import the file again"
            )
        return f"{first}; see: etl-customers template"


class TooManyColumns(UploadRefused):
    """More columns than a spreadsheet has."""

    code = "too_many_columns"

    def __init__(self, columns: int, max_columns: int) -> None:
        super().__init__(columns, max_columns)
        self.columns, self.max_columns = columns, max_columns

    def __str__(self) -> str:
        """Name both numbers."""
        return f"the header has {self.columns:,} columns, at most {self.max_columns:,} can be read; remove some"


class DuplicateColumns(UploadRefused):
    """Two headers mean the same column."""

    code = "duplicate_columns"

    def __init__(self, duplicates: Sequence[tuple[str, Sequence[int]]]) -> None:
        super().__init__(duplicates)
        self.duplicates = tuple((name, tuple(positions)) for name, positions in duplicates)

    def __str__(self) -> str:
        """Name each column with the places that claim it."""
        named = _listed(
            f"{name} (columns {' and '.join(str(place) for place in places)})" for name, places in self.duplicates
        )
        return f"more than one header means the same column: {named}; rename or remove all but one"


@dataclass(frozen=True)
class UnknownHeader:
    """A header that no column has; ``position`` counts from 1."""

    position: int
    header: str | None
    """None where the row may be no header at all, so that no customer's value is printed."""
    suggestion: str | None
    removed_at: datetime | None

    def __str__(self) -> str:
        """Name it by text or place, with what is known of it."""
        named = (
            f"column {self.position}" if self.header is None else f"{show_header(self.header)} (column {self.position}"
        )
        hint = ""
        if self.removed_at is not None:
            hint = f"removed from the account on {self.removed_at:%Y/%m/%d}"
        elif self.suggestion is not None:
            hint = f"did you mean {self.suggestion}?"
        if self.header is None:
            return f"{named} ({hint})" if hint else named
        return f"{named}; {hint})" if hint else f"{named})"


class AmbiguousColumns(UploadRefused):
    """A header may mean one column of the account or another."""

    code = "ambiguous_columns"

    def __init__(self, header: str, position: int, meanings: Sequence[str]) -> None:
        super().__init__(header, position, meanings)
        self.header, self.position, self.meanings = header, position, tuple(meanings)

    def __str__(self) -> str:
        """Name the header and what it may mean."""
        return (
            f"the header {show_header(self.header)} (column {self.position}) may mean {' or '.join(self.meanings)}; "
            "give one of the two property types another label"
        )


class UnknownColumns(UploadRefused):
    """The header has columns that the account does not have; it may lack others as well."""

    code = "unknown_columns"

    def __init__(self, unknown: Sequence[UnknownHeader], missing: Sequence[str] = ()) -> None:
        super().__init__(unknown, missing)
        self.unknown, self.missing = tuple(unknown), tuple(missing)

    def __str__(self) -> str:
        """Name the columns, the nearest known ones and what is missing."""
        lacks = f"; it lacks {_listed(self.missing)}" if self.missing else ""
        return (
            f"the header has columns that are not known: {_listed(str(u) for u in self.unknown)}{lacks}; rename or "
            "remove them (etl-customers template lists all), or map one: etl-customers settings set csv.aliases.HEADER COLUMN, "
            "or leave them all out: etl-customers settings set csv.ignore_unknown_columns true"
        )


class MissingColumns(UploadRefused):
    """The header lacks required columns."""

    code = "missing_columns"

    def __init__(self, missing: Sequence[str]) -> None:
        super().__init__(missing)
        self.missing = tuple(missing)

    def __str__(self) -> str:
        """Name the columns."""
        return f"the header lacks the required columns {_listed(self.missing)}; add them, see: etl-customers template"


class NotTitles(UploadRefused):
    """Most cells of the column that is read as a person's title are none: job titles, as a rule."""

    code = "not_titles"

    def __init__(self, header: str) -> None:
        super().__init__(header)
        self.header = header

    def __str__(self) -> str:
        """Name the header and the command that leaves it out."""
        return (
            f"most cells under {show_header(self.header)} are not one of {', '.join(TITLES)}; if they are job titles, "
            f"leave the column out: etl-customers settings set {_quoted(f'csv.aliases.{self.header.strip()}')} '', "
            "then import the file again; else correct them"
        )


class StaleTemplate(UploadRefused):
    """The file was made from a template that is no longer the account's, and it shows."""

    code = "stale_template"

    def __init__(self, unknown: Sequence[UnknownHeader], missing: Sequence[str]) -> None:
        super().__init__(unknown, missing)
        self.unknown, self.missing = tuple(unknown), tuple(missing)

    def __str__(self) -> str:
        """Name what was removed or added since, and how to get today's template."""
        gone = f": not known any more {_listed(str(u) for u in self.unknown)}" if self.unknown else ""
        lacks = f"; required since {_listed(self.missing)}" if self.missing else ""
        return (
            f"the file was made from an older template of the account{gone}{lacks}; "
            "change these columns, or copy the rows into today's: etl-customers template"
        )


class SeveralParentImports(UploadRefused):
    """Failed rows of several imports in one file."""

    code = "several_parent_imports"

    def __init__(self, row: int, line: int) -> None:
        super().__init__(row, line)
        self.row, self.line = row, line

    def __str__(self) -> str:
        """Name the first row of another import."""
        return (
            f"row {self.row} (line {self.line}) has another import_id than the rows before it; "
            "upload the failed rows of each import as a file of their own"
        )


class UnknownParentImport(UploadRefused):
    """A failed-rows file of an import that this installation does not know."""

    code = "unknown_parent_import"

    def __init__(self, row: int, line: int) -> None:
        super().__init__(row, line)
        self.row, self.line = row, line

    def __str__(self) -> str:
        """Say where, and how to import the rows all the same."""
        return (
            f"the import_id in row {self.row} (line {self.line}) is not an import of this target database; to import "
            "the rows as a new file, remove the columns import_id, row and errors"
        )


class NothingToSplit(UploadRefused):
    """``split`` was asked for a file that is short enough."""

    code = "nothing_to_split"

    def __init__(self, rows: int, max_rows: int) -> None:
        super().__init__(rows, max_rows)
        self.rows, self.max_rows = rows, max_rows

    def __str__(self) -> str:
        """Name both numbers."""
        return f"the file has {self.rows:,} rows, at most {self.max_rows:,} are imported at once: import it as it is"


class NotSplitExactly(UploadRefused):
    """The encoding writes the same text in several ways, so parts would not be byte for byte the file's."""

    code = "not_split_exactly"

    def __init__(self, encoding: str) -> None:
        super().__init__(encoding)
        self.encoding = encoding

    def __str__(self) -> str:
        """Name the encoding and the way round."""
        return f"the file cannot be split byte for byte in {self.encoding}; save it as CSV UTF-8 first"


class Abandoned(UploadRefused):
    """The import had not ended after the retention time, and nobody carried it on."""

    code = "abandoned"

    def __init__(self, days: int) -> None:
        super().__init__(days)
        self.days = days

    def __str__(self) -> str:
        """Say how long it was waited for, and what to do."""
        return (
            f"the import was not carried on for {self.days} days and what it had here was deleted; "
            "import the file, or pull, again"
        )
