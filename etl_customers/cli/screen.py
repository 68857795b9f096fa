"""What commands print: tables, JSON and safe text. Values of customers are data here, never markup."""

import json
import re
import shutil
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Literal

from etl_customers.cli.pasting import runnable
from etl_customers.texts.controls import escape_json

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_WIDEST, _WIDTH_OF_A_PIPE = 160, 120
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])?|\x9b[0-?]*[ -/]*[@-~]")
_DIRECTION = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")


def clean(value: object, keep_lines: bool = False) -> str:
    """Return a value as text that cannot steer a terminal: no escapes, control or direction characters."""
    text = _ANSI.sub("", str(value))
    return "".join(
        character if not _steers(character) or (keep_lines and character == "\n") else " " for character in text
    )


def show(value: object) -> str:
    """Return a value as a person reads it: empty for null, yes or no, times in UTC."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    if isinstance(value, (list, tuple)):
        return ", ".join(show(item) for item in value)
    if isinstance(value, dict):
        return ", ".join(f"{key}: {show(item)}" for key, item in value.items())
    return clean(value)


def as_json(value: object) -> object:
    """Return a value in JSON's types: times as ISO 8601 in UTC."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, dict):
        return {str(key): as_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_json(item) for item in value]
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)


def print_json(record: dict[str, Any]) -> None:
    """Print one JSON object on standard output: nothing in it steers a terminal; ASCII where that is all it takes."""
    text = escape_json(json.dumps(as_json(record), ensure_ascii=False, indent=2))
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = escape_json(json.dumps(as_json(record), indent=2))
    sys.stdout.write(text + "\n")


def console(error: bool = False, least: int = 0) -> "Console":
    """Return a console that takes text as it is; without colours unless it is a terminal.

    Args:
        error: Standard error instead of standard output.
        least: Fewest columns, also of a pipe; a narrower terminal breaks the lines by itself.
    """
    from rich.console import Console

    stream = sys.stderr if error else sys.stdout
    columns = shutil.get_terminal_size((_WIDTH_OF_A_PIPE, 25)).columns
    width = min(max(columns, least, 0 if stream.isatty() else _WIDTH_OF_A_PIPE), _WIDEST)
    return Console(file=stream, width=width, markup=False, emoji=False, highlight=False)


def table(
    headers: Sequence[str], rows: Iterable[Sequence[object]], right: Sequence[str] = (), whole: Sequence[str] = ()
) -> "Table":
    """Return a table without frames; long cells are folded, never cut.

    Args:
        headers: Of the columns.
        rows: Cells as values.
        right: Headers of columns of numbers.
        whole: Headers of columns whose cells stay in one piece, so that they can be copied.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for header in headers:
        justify: Literal["left", "right"] = "right" if header in right else "left"
        made.add_column(header, justify=justify, overflow="fold", no_wrap=header in whole)
    for row in rows:
        made.add_row(*(Text(show(value)) for value in row))
    return made


def pairs(rows: Iterable[tuple[str, object]]) -> "Table":
    """Return names with their values, one line each, without a header."""
    from rich.table import Table
    from rich.text import Text

    made = Table.grid(padding=(0, 3))
    made.add_column(no_wrap=True)
    made.add_column(overflow="fold")
    for name, value in rows:
        made.add_row(Text(name, style="dim"), Text(show(value)))
    return made


def say(*lines: str, error: bool = False) -> None:
    """Print lines on standard output, or on standard error; a long path stays in one piece, commands can be pasted."""
    stream = sys.stderr if error else sys.stdout
    for line in lines:
        stream.write(clean(runnable(line), keep_lines=True) + "\n")
    stream.flush()  # through a pipe too, a line is read when it is said


def _steers(character: str) -> bool:
    return character in _DIRECTION or unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")
