"""The checks of the contracts, each named by the code of the error that it stands for.

A check of a column is about a cell that is there: an empty one never breaks it, because whether a
cell may be empty is said by ``nullable``. A check of the frame may look at everything; its name is
the column in which a person mends what it finds. All are expressions: a check that
runs in Python for each cell takes as long as all others together.
"""

from collections.abc import Callable, Collection

import pandera.polars as pa
import polars as pl
from pandera.api.polars.types import PolarsData

from schemas.columns import UNPRINTABLE

E164 = r"^\+[1-9][0-9]{1,14}$"
"""ITU-T E.164: a plus sign, no leading zero, at most 15 digits."""

EMAIL = r"^[^\s@\x00-\x1F\x7F-\x9F]{1,64}@[^\s@.A-Z\x00-\x1F\x7F-\x9F]+(?:\.[^\s@.A-Z\x00-\x1F\x7F-\x9F]+)+$"
"""One mailbox at a domain of two parts or more, which is in lower case; in any alphabet, nothing quoted."""

_TEXT = r'"(?:[^"\\\x00-\x1F]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"'
_VALUE = rf"(?:{_TEXT}|-?[0-9]+(?:\.[0-9]+)?|true|false|\[{_TEXT}(?:, {_TEXT})*\])"
JSON_FIELDS = rf"^\{{{_TEXT}: {_VALUE}(?:, {_TEXT}: {_VALUE})*\}}$"
"""A JSON object of texts, numbers, yes or no, and lists of texts, at least one; a tenth of the time of a parser."""

_WARNING = rf'\{{"column": {_TEXT}, "code": "[a-z_]+"\}}'
JSON_WARNINGS = rf"^\[{_WARNING}(?:, {_WARNING})*\]$"
"""A JSON list of column and code, at least one."""


def cell_check(code: str, keeps: Callable[[str], pl.Expr]) -> pa.Check:
    """Return a check of a column: ``keeps`` takes its name and is true where the cell keeps the rule."""

    def look(data: PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(keeps(data.key) | pl.col(data.key).is_null())

    return pa.Check(look, error=code, n_failure_cases=1)


def row_check(column: str, code: str, keeps: pl.Expr) -> pa.Check:
    """Return a check of the frame: ``keeps`` is true where a row keeps the rule, ``column`` is where to mend it."""

    def look(data: PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(keeps.fill_null(True))

    return pa.Check(look, name=column, error=code, n_failure_cases=1)


def longest(length: int) -> pa.Check:
    """Return the check that a text has at most so many characters."""
    return cell_check("too_long", lambda name: pl.col(name).str.len_chars() <= length)


def printable() -> pa.Check:
    """Return the check that a text has no control characters but tabs and line ends.

    PostgreSQL cannot hold NUL; the others steer a terminal that shows them.
    """
    return cell_check("unprintable_character", lambda name: ~pl.col(name).str.contains(UNPRINTABLE))


def trimmed() -> pa.Check:
    """Return the check that a text has no white space around it, and is not empty."""
    return cell_check(
        "not_trimmed", lambda name: (pl.col(name) != "") & (pl.col(name) == pl.col(name).str.strip_chars())
    )


def matching(pattern: str, code: str) -> pa.Check:
    """Return the check that a text has a form."""
    return cell_check(code, lambda name: pl.col(name).str.contains(pattern))


def one_of(values: Collection[str], code: str) -> pa.Check:
    """Return the check that a text is one of a few."""
    return cell_check(code, lambda name: pl.col(name).is_in(list(values)))


def nothing(code: str) -> pa.Check:
    """Return the check that a column is empty: whatever stands there is a reason for the error."""
    return cell_check(code, lambda name: pl.col(name).is_null())
