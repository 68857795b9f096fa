"""What the drivers of PostgreSQL and SQLite raise, in words that hold no customer's value.

DatabaseUnavailable (etl_customers.base.errors)
└── DatabaseConflict       the database gave way to another transaction; repeat
RuntimeError
└── UnexpectedDatabaseError  a statement or value of ours is wrong: a bug
    └── UniqueViolation    a key exists already
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy.engine import Dialect

from etl_customers.base.errors import DatabaseUnavailable

_CONFLICTS = ("40001", "40P01")
_UNIQUE_VIOLATION = "23505"
_POSTGRESQL_REASONS = {
    "08": "the connection broke off",
    "22P05": "its encoding cannot hold every character; create it with the encoding UTF8",
    "25006": "it is read-only",
    "28": "it refused the user or the password",
    "3D": "it does not exist",
    "40": "another transaction had precedence",
    "42501": "its user lacks a permission",
    "42P01": "a table of etl-customers is missing in it",
    "53100": "its disk is full",
    "53": "it is out of memory, disk or connections",
    "55": "it is locked",
    "57": "it was shut down or cancelled the statement",
    "58": "its disk failed",
    "XX": "it reports damage",
}
_NO_CONNECTION_REASONS = {
    # libpq gives no SQLSTATE for a connection that was never made, only this text.
    "password authentication failed": "it refused the user or the password",
    "no password supplied": "it asks for a password",
    "no pg_hba.conf entry": "it refused the user or this host",
    "too many": "it has too many connections",
    "starting up": "it is starting up",
    "shutting down": "it is shutting down",
    "does not exist": "it, or its user, does not exist",
    "connection refused": "connection refused",
    "could not translate host name": "its host name is unknown",
    "failed to resolve host": "its host name is unknown",
    "name or service not known": "its host name is unknown",
    "no such file or directory": "nothing listens there",
    "timeout": "it did not answer in time",
    "ssl": "no encrypted connection could be made",
}
_SQLITE_REASONS = {
    "SQLITE_BUSY": "another process has been writing to it for too long",
    "SQLITE_LOCKED": "another process has been writing to it for too long",
    "SQLITE_FULL": "the disk is full",
    "SQLITE_READONLY": "it is read-only",
    "SQLITE_CANTOPEN": "the file cannot be opened",
    "SQLITE_IOERR": "the disk failed or is full",
    "SQLITE_PERM": "permission denied",
    "SQLITE_AUTH": "permission denied",
    "SQLITE_CORRUPT": "the file is damaged",
    "SQLITE_NOTADB": "the file is not a SQLite database",
    "SQLITE_NOMEM": "out of memory",
    "SQLITE_NOLFS": "the file system cannot hold a file of this size",
    "SQLITE_PROTOCOL": "another process has been holding its locks",
    "SQLITE_INTERRUPT": "the statement was interrupted",
}


class DatabaseConflict(DatabaseUnavailable):
    """The database broke the transaction off in favour of another one; repeating it is right."""


class UnexpectedDatabaseError(RuntimeError):
    """The target rejected a statement or a value that this program should not have sent."""

    def __init__(self, target: str, code: str) -> None:
        super().__init__(target, code)
        self.target, self.code = target, code

    def __str__(self) -> str:
        """Name the target and the database's own code, and no value."""
        return (
            f"the target database {self.target} rejected a statement ({self.code}); nothing was loaded; "
            "this is a bug in etl-customers, please report it"
        )


class UniqueViolation(UnexpectedDatabaseError):
    """A row with the same key exists already; ``code`` tells the database's code, not the key."""


@contextmanager
def translated(dialect: Dialect, target: str) -> Iterator[None]:
    """Turn what the driver and SQLAlchemy raise inside into the errors above, without a cause.

    Args:
        dialect: Of the engine in use; its driver's errors are caught too, as bulk
            writes go through the driver.
        target: The database as messages name it.
    """
    driver_error: type[Exception] = dialect.loaded_dbapi.Error
    try:
        yield
    except driver_error as error:
        raise _translate(error, target) from None
    except sa.exc.DBAPIError as error:
        raise _translate(error.orig, target) from None
    except sa.exc.TimeoutError:
        raise DatabaseUnavailable(target, "all of this program's connections are in use") from None
    except sa.exc.SQLAlchemyError as error:
        raise UnexpectedDatabaseError(target, type(error).__name__) from None
    except UnicodeEncodeError:
        raise UnexpectedDatabaseError(target, "a character that no database can store") from None


def _translate(error: BaseException | None, target: str) -> Exception:
    if isinstance(error, sqlite3.Error):
        return _translate_sqlite(error, target)
    return _translate_postgresql(error, target)


def _translate_sqlite(error: sqlite3.Error, target: str) -> Exception:
    name: str = getattr(error, "sqlite_errorname", None) or type(error).__name__
    if name in ("SQLITE_CONSTRAINT_PRIMARYKEY", "SQLITE_CONSTRAINT_UNIQUE"):
        return UniqueViolation(target, name)
    reason = _SQLITE_REASONS.get("_".join(name.split("_")[:2]))
    return DatabaseUnavailable(target, reason) if reason else UnexpectedDatabaseError(target, name)


def _translate_postgresql(error: BaseException | None, target: str) -> Exception:
    state: str | None = getattr(error, "sqlstate", None)
    if state is None:
        return _translate_without_sqlstate(error, target)
    if state == _UNIQUE_VIOLATION:
        return UniqueViolation(target, f"SQLSTATE {state}")
    reason = _POSTGRESQL_REASONS.get(state) or _POSTGRESQL_REASONS.get(state[:2])
    if reason is None:
        return UnexpectedDatabaseError(target, f"SQLSTATE {state}")
    kind = DatabaseConflict if state in _CONFLICTS else DatabaseUnavailable
    return kind(target, reason)


def _translate_without_sqlstate(error: BaseException | None, target: str) -> Exception:
    name = type(error).__name__
    if name in ("OperationalError", "ConnectionTimeout", "InterfaceError"):
        text = str(error).lower()
        reasons = (reason for phrase, reason in _NO_CONNECTION_REASONS.items() if phrase in text)
        return DatabaseUnavailable(target, next(reasons, "it does not answer or the connection broke off"))
    return UnexpectedDatabaseError(target, name)
