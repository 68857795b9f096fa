"""Why a file or a pull as a whole is refused: the catalogue of codes, of what is wrong where, and of what to do about it.

A reason is raised with the facts that its sentences name, as ``UploadRefused(FileReason.TOO_LARGE, max_bytes=5)``;
one that has several wordings stands here once for each, with the same code.

Messages say "the file", never its path. They may name a header, cut short and without
control characters, but never a cell below the header; of a provider they have the number
of its error and our words, never its text: that echoes tokens and values.
"""

from enum import Enum
from string import Formatter

from schemas.columns import TITLES
from schemas.sources import LABELS

SET_COUNTRY = "etl-customers settings set company.country AU (or your country, by name or code)"
"""The command that says in which country the company is, for messages."""

_SPLIT = "split it with: etl-customers split FILE (or raise the limit: etl-customers settings set csv.max_bytes NUMBER)"
_ROW = "row {row} (line {line})"
_RECORD = "the row that begins on line {line}"
_NO_HEADER = "the first row is not a header: no cell of it is the name of a column"
_NOT_TEXT = "line {line} of the file is not {encoding} text"
_COUNTRY = "and the country of your company is not set"
_SET_COUNTRY = f"numbers and states would be read wrongly. Set it once, then import the file again: {SET_COUNTRY}"
_NOT_GIVEN = "{label} refuses to give the customers of the connection {tenant} ({reason}); nothing was loaded"


class Reason(Enum):
    """A code, what is wrong and where, and what to do; ``{label}`` is what people call the ``provider``."""

    def __init__(self, code: str, what: str, remedy: str = "") -> None:
        self.code = code
        self.text = f"{what}; {remedy}" if remedy else what
        places = {name for _, name, _, _ in Formatter().parse(self.text) if name}
        self.facts = frozenset(places - {"label"} | ({"provider"} if "label" in places else set()))
        """Names of the facts that the message needs, no more and no less."""

    def message(self, **facts: str | int) -> str:
        """Return what is wrong, where, and what to do.

        Raises:
            TypeError: A fact that the message names is not given, or one is given that it does not name.
        """
        if facts.keys() != self.facts:
            raise TypeError(f"{self} takes the facts {sorted(self.facts)}, not {sorted(facts)}")
        return self.text.format(**facts, label=LABELS.get(str(facts.get("provider")), ""))


class FileReason(Reason):
    """Why a file is refused."""

    FILE_NOT_FOUND = "file_not_found", "the file is not there", "check its name and folder"
    UNREADABLE_FILE = (
        "unreadable_file",
        "the file cannot be read ({reason})",
        "check its permissions or copy it to another folder",
    )
    NOT_A_REGULAR_FILE = (
        "not_a_regular_file",
        "the file is {kind}",
        "give a regular file (links, pipes and devices are not followed)",
    )
    CHANGED_WHILE_COPIED = (
        "changed_while_copied",
        "the file changed while it was copied",
        "import it again when the program that writes it has finished",
    )
    TOO_LARGE = "too_large", "the file is larger than {max_bytes:,} bytes", _SPLIT
    EMPTY_FILE = "empty_file", "the file is empty", "its first row must be the header, see: etl-customers template"
    EMPTY_SHEET = (
        "empty_file",
        "the first sheet is empty, and only the first is read",
        "make {other} the first one, or delete the empty one",
    )
    PART_EXISTS = (
        "part_exists",
        "{part} already exists and is not overwritten",
        "move it away, or split into another folder",
    )
    NOT_CSV = (
        "not_csv",
        "the file is {kind}, not CSV",
        "open it in its program and save it as CSV (UTF-8) or as .xlsx",
    )
    UNPACKED_TOO_LARGE = (
        "unpacked_too_large",
        "the workbook unpacks to more than {max_bytes:,} bytes",
        "save its first sheet as CSV (UTF-8) and import that (or raise the setting csv.max_bytes)",
    )
    DAMAGED_WORKBOOK = (
        "damaged_workbook",
        "the workbook is damaged, has no visible sheet, or has content that no spreadsheet program writes",
        "open it in its program and save it again, or as CSV",
    )
    CELL_TOO_LONG = (
        "cell_too_long",
        f"{_RECORD} is too long (a cell has at most {{longest:,}} characters)",
        "shorten it, or close the quotation mark at the start of its cell",
    )
    FORMULA_WITHOUT_VALUE = (
        "formula_without_value",
        "row {row}, column {column} of the workbook is a formula without a stored result",
        "open the workbook in a spreadsheet program and save it, then import it again",
    )
    UNKNOWN_ENCODING = (
        "unknown_encoding",
        "{encoding} is not a text encoding",
        "use one like utf-8, windows-1252 or shift_jis",
    )
    NOT_UTF8 = (
        "not_utf8",
        _NOT_TEXT,
        "save it as CSV UTF-8, or name its encoding, for example: --encoding {option}",
    )
    NOT_AS_NAMED = (
        "not_utf8",
        _NOT_TEXT,
        "name the encoding that the file was saved in, or save it as CSV UTF-8",
    )
    BROKEN_QUOTES = (
        "broken_quotes",
        f"{_RECORD} has a quotation mark that is not closed, or text after a closing one",
        'inside a quoted cell write each " twice',
    )
    QUOTE_AFTER_BLANK = (
        "broken_quotes",
        f"{_RECORD} has a quotation mark after a tab or a special blank",
        "remove the blanks before it",
    )
    OTHER_QUOTES = (
        "broken_quotes",
        f"{_RECORD} has its cells in quotation marks that CSV does not use, such as ' or typographic ones: only \" is one",
        'save the file with " around its cells, or without any',
    )
    RAGGED_ROWS = (
        "ragged_rows",
        "the header has {header}, but {rows}",
        "quote a cell that holds the delimiter or a line break, and give every column a header",
    )
    RAGGED_OVER_LINES = (
        "ragged_rows",
        (
            "the header has {header}, but {rows} and a line break within a cell: a quotation mark may be missing there, so "
            "it is not certain where the row ends"
        ),
        "check the quotation marks in that row and the one before",
    )
    TOO_MANY_ROWS = (
        "too_many_rows",
        "the file has {rows:,} rows, at most {max_rows:,} are imported at once",
        (
            "split it into {files:,} files with: etl-customers split FILE "
            "(or raise the limit: etl-customers settings set csv.max_rows NUMBER)"
        ),
    )
    CELL_WITHOUT_COLUMN = (
        "cell_without_column",
        f"{_ROW} has a cell in column {{column}}, which has no name in the header",
        "name the column or clear the cell",
    )
    COUNTRY_NOT_SET = "country_not_set", f"it has no country column, {_COUNTRY}", _SET_COUNTRY
    ROW_WITHOUT_COUNTRY = "country_not_set", f"{_ROW} has no country, {_COUNTRY}", _SET_COUNTRY
    NO_HEADER = "no_header", _NO_HEADER, "see: etl-customers template"
    HEADER_BELOW = (
        "no_header",
        _NO_HEADER,
        "row {row} looks like the header: delete the rows above it, then import the file again",
    )
    TOO_MANY_COLUMNS = (
        "too_many_columns",
        "the header has {columns:,} columns, at most {max_columns:,} can be read",
        "remove some",
    )
    DUPLICATE_COLUMNS = (
        "duplicate_columns",
        "more than one header means the same column: {columns}",
        "rename or remove all but one",
    )
    AMBIGUOUS_COLUMNS = (
        "ambiguous_columns",
        "the header {header} (column {column}) may mean {meanings}",
        "give one of the two property types another label",
    )
    UNKNOWN_COLUMNS = (
        "unknown_columns",
        "the header has unknown columns: {columns}",
        (
            "rename or remove them (etl-customers template lists all), or map one: etl-customers settings set "
            "csv.aliases.HEADER COLUMN, or leave them all out: etl-customers settings set csv.ignore_unknown_columns true"
        ),
    )
    MISSING_COLUMNS = (
        "missing_columns",
        "the header lacks the required columns {columns}",
        "add them, see: etl-customers template",
    )
    STALE_TEMPLATE = (
        "stale_template",
        "the file was made from an older template of the account{changes}",
        "change these columns, or copy the rows into a new template: etl-customers template",
    )
    NOT_TITLES = (
        "not_titles",
        f"most cells under {{header}} are not one of {', '.join(TITLES)}",
        (
            "if they are job titles, leave the column out: etl-customers settings set {setting} '', then import the file again; "
            "otherwise correct them"
        ),
    )
    SEVERAL_PARENT_IMPORTS = (
        "several_parent_imports",
        f"{_ROW} has another import_id than the rows before it",
        "import the failed rows of each import as a separate file",
    )
    UNKNOWN_PARENT_IMPORT = (
        "unknown_parent_import",
        f"the import_id in {_ROW} is not an import of this target database",
        "to import the rows as a new file, remove the columns import_id, row and errors",
    )
    NOTHING_TO_SPLIT = (
        "nothing_to_split",
        "the file has {rows:,} rows, at most {max_rows:,} are imported at once: import it as it is",
    )
    NOT_SPLIT_EXACTLY = (
        "not_split_exactly",
        "the file cannot be split byte for byte in {encoding}",
        "save it as CSV UTF-8 first",
    )
    ABANDONED = (
        "abandoned",
        "the import was not continued for {days} days, and its files were deleted",
        "import the file, or pull, again",
    )
    HOSTILE_NAME = "hostile_name", "{problem}", "give the file a plain name"
    NOT_MOVED = (
        "not_moved",
        "the file cannot be moved to inbox/accepted/ ({reason})",
        "give this program's user permission to do so",
    )
    PASSWORDS_NOT_FOUND = (
        "passwords_not_found",
        "it is no longer certain which column the import read as passwords",
    )
    """Of a file that was imported; the code that blanks its passwords says what to do."""


class PullReason(Reason):
    """Why a pull is refused: the provider refuses what we ask for, and would refuse it again, or a person must decide."""

    RECONNECT = (
        "reconnect",
        "{label} no longer accepts the connection {tenant}; customers and links are unchanged",
        "to connect again, run: etl-customers connect {provider}",
    )
    WRONG_ENVIRONMENT = (
        "wrong_environment",
        _NOT_GIVEN,
        (
            "the connection is of a sandbox company and {provider}.api_url is the production address, or the other way round: "
            "correct the setting, or run: etl-customers connect {provider}"
        ),
    )
    NO_SUBSCRIPTION = (
        "no_subscription",
        _NOT_GIVEN,
        "the company's subscription has ended: renew it there, then pull again",
    )
    FORBIDDEN = (
        "forbidden",
        _NOT_GIVEN,
        "the app may not read customers: allow it its scopes there, then run: etl-customers connect {provider}",
    )
    NOT_FOUND = (
        "not_found",
        _NOT_GIVEN,
        "check that {provider}.api_url is the provider's address: etl-customers settings",
    )
    INVALID_REQUEST = (
        "invalid_request",
        _NOT_GIVEN,
        "it does not accept our request: report the error with its number",
    )
    QUERY_FAILED = (
        "query_failed",
        _NOT_GIVEN,
        (
            "it understood the query, but could not process it, usually because of a record there that it finds wrong, "
            "such as one with a broken e-mail address: ask its support, with the number of the request"
        ),
    )
    TOO_MANY_PAGES = (
        "too_many_pages",
        "{label} has sent {pages:,} pages of the connection {tenant} and still says that there are more; nothing was loaded",
        "report this: it is a bug of the provider or of this program",
    )
    TOO_MANY_VANISHED = (
        "too_many_vanished",
        (
            "{vanished} of {links} customers no longer exist at {label}, which is more than {provider}.vanished_share allows; "
            "nothing was changed"
        ),
        (
            "check there, and if that is right, run: "
            "etl-customers pull {provider} --tenant {tenant} --full --accept-vanished"
        ),
    )
