"""The points at which a process of a test can be disturbed: calls out of Python, counted as they happen.

Three kinds have a number: ``target`` (what the drivers of SQLite and PostgreSQL do), ``staging``
(functions of ``etl_customers.staging``, which call DuckDB) and ``disk`` (what the operating system
does with files), besides ``stages``, the functions of ``etl_customers.imports.stages``. Each call is two
points, before it and after it. Any other function of ours is a point by its name.
"""

import errno
import inspect
import os
import signal
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import duckdb
import psycopg

import etl_customers.imports.stages
import etl_customers.staging

TARGET, STAGING, DISK, STAGES = "target", "staging", "disk", "stages"
KILL, DISK_FULL, DISK_BROKEN = "kill", "ENOSPC", "EIO"
STOPS = ("SIGINT", "SIGTERM")

_FILES = {
    etl_customers.staging.__file__: STAGING,
    etl_customers.imports.stages.__file__: STAGES,
    psycopg.connection.__file__: TARGET,
}
_OWNERS = {
    ("Cursor", "execute"): TARGET,
    ("Cursor", "executemany"): TARGET,
    ("Connection", "commit"): TARGET,
    ("Connection", "rollback"): TARGET,
    ("Connection", "close"): TARGET,
    ("fcntl", "flock"): DISK,
    **{("posix", name): DISK for name in "open write fsync replace rename link unlink rmdir mkdir chmod".split()},
    **{(owner, name): DISK for owner in ("BufferedWriter", "TextIOWrapper") for name in ("write", "flush")},
}
"""Functions of C by the class or module that they belong to."""
_NAMES = {name for _, name in _OWNERS}


class Points:
    """A profile function (``sys.setprofile``) that notes every point and fails at one of them.

    ``labels`` has the points so far, such as ``target: before Cursor.execute``.
    """

    def __init__(self, kinds: set[str], at: int | str | None, failure: str) -> None:
        """Fail at the point of number ``at`` (from 1) of these kinds, or at one such as ``after ledger.finish_import``."""
        self.labels: list[str] = []
        self.is_reached = False
        self.is_counting = True
        """Otherwise what happens is not that of a test, but around it."""
        self._kinds, self._at, self._failure = kinds, at, failure
        self._function = at.rpartition(".")[2] if isinstance(at, str) else None
        self._lock = threading.Lock()

    def __call__(self, frame: FrameType, event: str, function: Any) -> None:
        """Note a point, where this is one; what is raised here is raised by the call itself."""
        if not self.is_counting:
            return
        if event in ("call", "return"):
            code = frame.f_code
            if code.co_filename in _FILES or code.co_name == self._function:
                self._note_python(code, "before" if event == "call" else "after")
        elif event != "c_exception" and (name := function.__name__) in _NAMES:
            owner = function.__self__
            kind = _OWNERS.get((owner.__name__ if inspect.ismodule(owner) else type(owner).__name__, name))
            if kind is not None:
                self._note(kind, "before" if event == "c_call" else "after", f"{_name_of(owner)}.{name}")

    def _note_python(self, code: CodeType, when: str) -> None:
        if code.co_name == self._function and f"{when} {Path(code.co_filename).stem}.{code.co_name}" == self._at:
            self._fail("")
        kind = _FILES.get(code.co_filename)
        if kind is None or code.co_name.startswith("<") or (kind == TARGET and code.co_name != "wait"):
            return
        self._note(kind, when, code.co_qualname)

    def _note(self, kind: str, when: str, name: str) -> None:
        comes_anywhere = self._failure == KILL or self._failure in STOPS
        if kind not in self._kinds or not (comes_anywhere or _can_fail(kind, when, name)):
            return
        with self._lock:
            self.labels.append(f"{kind}: {when} {name}")
            is_here = len(self.labels) == self._at
        if is_here:
            self._fail(kind)

    def _fail(self, kind: str) -> None:
        self.is_reached = True
        if self._failure == KILL:
            os.kill(os.getpid(), signal.SIGKILL)
        if self._failure in STOPS:
            os.kill(os.getpid(), signal.Signals[self._failure])
            return
        raise _ERRORS[kind](self._failure)


def _name_of(owner: Any) -> str:
    return str(owner.__name__) if inspect.ismodule(owner) else type(owner).__name__


def _can_fail(kind: str, when: str, name: str) -> bool:
    """Tell whether the call itself could fail there in life: not after it, and not between the lines of ours."""
    return (
        when == "before" and (kind != STAGING or name.startswith("Staging.") or name == "_connect") and kind != STAGES
    )


def _disk_error(failure: str) -> Exception:
    number = getattr(errno, failure)
    return OSError(number, os.strerror(number))


def _duckdb_error(failure: str) -> Exception:
    return duckdb.IOException(f'IO Error: Could not write file "canary": {os.strerror(getattr(errno, failure))}')


def _driver_error(failure: str) -> Exception:
    name = {DISK_FULL: "SQLITE_FULL", DISK_BROKEN: "SQLITE_IOERR_WRITE"}[failure]
    error = sqlite3.OperationalError("canary")
    error.sqlite_errorcode, error.sqlite_errorname = getattr(sqlite3, name), name
    return error


_ERRORS: dict[str, Callable[[str], Exception]] = {DISK: _disk_error, STAGING: _duckdb_error, TARGET: _driver_error}
