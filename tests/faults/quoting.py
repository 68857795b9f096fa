"""Errors of libraries whose texts quote customers, and where in an import each of them is raised."""

import errno
import sqlite3
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import argon2.exceptions
import duckdb
import pandera.errors
import polars as pl
import psycopg.errors
import pytest
import sqlalchemy as sa

import etl_customers
from tests.canaries import QUOTED
from tests.full_form import FULL

_ENGINE = str(Path(etl_customers.__file__).parent)


@dataclass(frozen=True)
class Quoting:
    """A library's function that fails with an error that quotes customers."""

    place: str
    """What is replaced, as ``pytest.MonkeyPatch.setattr`` takes it."""
    error: Callable[[], BaseException]
    is_told_as: str = "bug"
    """The code that a program reads of it."""
    is_loaded: bool = False
    """It fails after the commit."""

    @property
    def status(self) -> str:
        """Of the import, once it failed so."""
        if self.is_told_as == "not_utf8":
            return "refused"
        return "finished" if self.is_loaded else "accepted"

    @contextmanager
    def failing(self) -> Iterator[None]:
        """Let the function fail inside."""

        def quote(*_: object, **__: object) -> None:
            raise self.error()

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(self.place, quote)
            yield


class Saboteur:
    """Counts the functions of the engine in the order of their first calls, and makes one of them fail."""

    def __init__(self, point: int | None) -> None:
        self.point = point
        self.called: set[tuple[str, str]] = set()
        self.last: tuple[str, str] | None = None

    def watch(self, work: Callable[[], object]) -> None:
        """Do the work, in its threads too."""
        threading.setprofile(self)
        sys.setprofile(self)
        try:
            work()
        finally:
            sys.setprofile(None)
            threading.setprofile(None)

    def __call__(self, frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        point = (code.co_filename, code.co_qualname)
        if event != "call" or not code.co_filename.startswith(_ENGINE) or point in self.called:
            return
        self.called.add(point)
        self.last = point
        if len(self.called) == self.point:
            raise ValueError(QUOTED)


def _panic() -> BaseException:
    return pl.exceptions.PanicException(f"called `Option::unwrap()` on a `None` value: {QUOTED}")


def _refused_by_sqlalchemy() -> BaseException:
    return sa.exc.StatementError(f"(builtins.ValueError) {QUOTED}", "insert", {"email": QUOTED}, ValueError(QUOTED))


def _of_pandera() -> BaseException:
    error: BaseException = pandera.errors.SchemaError(None, QUOTED, f"expected {QUOTED}", QUOTED)  # type: ignore[no-untyped-call]
    return error


def befalling_in_turn(quotings: Mapping[str, Quoting]) -> pytest.MarkDecorator:
    """Parametrise a test with the errors that befall an import, one try after the other; in the full form each alone."""
    each = [[quoting] for quoting in quotings.values()] if FULL else [[*quotings.values()]]
    return pytest.mark.parametrize("quotings", each, ids=quotings if FULL else ["in turn"])


QUOTINGS = {
    "a cell that is no text": Quoting(
        "etl_customers.read.csv_files.csv.reader",
        lambda: UnicodeDecodeError("utf-8", QUOTED.encode(), 0, 1, QUOTED),
        "not_utf8",
    ),
    "a bug while reading": Quoting("etl_customers.read.csv_files.csv.reader", lambda: ValueError(QUOTED)),
    "a value that DuckDB cannot stage": Quoting(
        "etl_customers.staging.Staging.append",
        lambda: duckdb.ConversionException(f"Conversion Error: Could not convert string '{QUOTED}' to INT64"),
    ),
    "a file that DuckDB cannot read": Quoting(
        "etl_customers.staging.Staging.frame",
        lambda: duckdb.IOException(f"IO Error: Could not read '{QUOTED}'"),
        "disk_unavailable",
    ),
    "a frame that Pandera does not take": Quoting(
        "schemas.failures._answer",
        _of_pandera,
    ),
    "a panic of Polars": Quoting("etl_customers.validate.check.normalise_rows", _panic),
    "a number that phonenumbers cannot read": Quoting("phonenumbers.parse", lambda: ValueError(QUOTED)),
    "an address that email-validator cannot read": Quoting(
        "email_validator.validate_email", lambda: UnicodeError(f"label {QUOTED} too long")
    ),
    "a place that rapidfuzz cannot compare": Quoting("etl_customers.texts.nearness.extract", lambda: TypeError(QUOTED)),
    "a pair of rows that DuckDB cannot compare": Quoting(
        "etl_customers.imports.sources.deduplicate_customers",
        lambda: duckdb.ConstraintException(f'Constraint Error: Duplicate key "value: {QUOTED}"'),
    ),
    "a password that argon2 cannot hash": Quoting(
        "argon2.low_level.hash_secret", lambda: argon2.exceptions.HashingError(QUOTED)
    ),
    "a row that the driver of SQLite cannot write": Quoting(
        "etl_customers.load.load.append_frame", lambda: sqlite3.ProgrammingError(f"Error binding parameter: {QUOTED}")
    ),
    "a row that PostgreSQL refuses with DETAIL": Quoting(
        "etl_customers.load.load.append_frame",
        lambda: psycopg.errors.CheckViolation(f"new row violates\nDETAIL:  Failing row contains ({QUOTED})."),
    ),
    "a statement that SQLAlchemy prints": Quoting("etl_customers.load.load.finish_import", _refused_by_sqlalchemy),
    "a character that a driver cannot encode": Quoting(
        "etl_customers.load.load.append_frame", lambda: UnicodeEncodeError("utf-8", QUOTED, 0, 1, QUOTED)
    ),
    "a full disk under the failed-rows file": Quoting(
        "etl_customers.report.failed_rows.csv.writer",
        lambda: OSError(errno.ENOSPC, "No space left on device", QUOTED),
        "disk_unavailable",
        is_loaded=True,
    ),
    "a failed row that cannot be written": Quoting(
        "etl_customers.report.failed_rows.csv.writer",
        lambda: TypeError(f"cannot write {QUOTED}"),
        is_loaded=True,
    ),
}
"""In the order of the stages, so that all can befall one import."""
