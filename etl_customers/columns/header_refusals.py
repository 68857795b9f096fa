"""Why a header is refused, in words: headers are shown short and without control characters, and only the first ten."""

import shlex
from collections.abc import Iterable, Sequence
from datetime import datetime

from etl_customers.base.errors import UploadRefused
from etl_customers.texts.listing import listed
from schemas.refusals import FileReason

_LONGEST_HEADER = 40
_MOST_NAMED = 10


def show_header(header: str) -> str:
    """Return a header in quotes, fit for a terminal: printable characters only, at most 40."""
    text = "".join(c if c.isprintable() else " " for c in header[: 4 * _LONGEST_HEADER])
    text = " ".join(text.split())
    return f"'{text[:_LONGEST_HEADER]}…'" if len(text) > _LONGEST_HEADER else f"'{text}'"


def describe_unknown(position: int, header: str | None, suggestion: str | None, removed_at: datetime | None) -> str:
    """Return what is known of a header that no column has.

    Args:
        position: Counts from 0.
        header: None where the row may be no header at all, so that no customer's value is printed.
        suggestion: The column that it may mean.
        removed_at: When the account lost the column that it meant.
    """
    hints = []
    if removed_at is not None:
        hints = [f"removed from the account on {removed_at:%Y/%m/%d}"]
    elif suggestion is not None:
        hints = [f"did you mean {suggestion}?"]
    place = f"column {position + 1}"
    if header is None:
        return f"{place} ({hints[0]})" if hints else place
    return f"{show_header(header)} ({'; '.join([place, *hints])})"


def unfit_columns(unknown: Sequence[str], missing: Sequence[str], *, is_stale: bool) -> UploadRefused:
    """Refuse a header that has columns which the account has not, or lacks required ones, or both.

    Args:
        unknown: See ``describe_unknown``.
        missing: Names of columns.
        is_stale: The file was made from an older template.
    """
    if is_stale:
        gone = f": no longer known {listed(unknown, _MOST_NAMED)}" if unknown else ""
        lacks = f"; required since {listed(missing, _MOST_NAMED)}" if missing else ""
        return UploadRefused(FileReason.STALE_TEMPLATE, changes=gone + lacks)
    if not unknown:
        return UploadRefused(FileReason.MISSING_COLUMNS, columns=listed(missing, _MOST_NAMED))
    lacks = f"; it lacks {listed(missing, _MOST_NAMED)}" if missing else ""
    return UploadRefused(FileReason.UNKNOWN_COLUMNS, columns=listed(unknown, _MOST_NAMED) + lacks)


def duplicate_columns(places: Iterable[tuple[str, Sequence[int]]]) -> UploadRefused:
    """Refuse a header in which several cells, at places that count from 1, mean the same column."""
    named = (f"{name} (columns {' and '.join(map(str, found))})" for name, found in places)
    return UploadRefused(FileReason.DUPLICATE_COLUMNS, columns=listed(named, _MOST_NAMED))


def not_titles(header: str) -> UploadRefused:
    """Refuse a column of job titles, with the command that leaves it out, as a shell takes it."""
    setting = shlex.quote(f"csv.aliases.{header.strip()}")
    if not (setting[-1].isalnum() or setting.endswith("'")):  # it would be the end of a sentence, too
        setting = f"'{setting}'"
    return UploadRefused(FileReason.NOT_TITLES, header=show_header(header), setting=setting)
