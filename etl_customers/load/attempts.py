"""How every load begins, and when it is tried again: alone where another was faster, later where the database gave way."""

import random
import time
from collections.abc import Callable
from typing import Protocol, TypeVar

from sqlalchemy import Connection, Engine

from etl_customers.base.errors import DatabaseUnavailable, NotFound, UsageError
from etl_customers.database.connect import writing
from etl_customers.database.driver_errors import DatabaseConflict, UniqueViolation
from etl_customers.database.ledger import ACCEPTED, FINISHED, ImportRecord, lock_import
from etl_customers.database.removals import keep_customers
from etl_customers.load.matches import MatchRemoved

_TRIES = 6
_FIRST_PAUSE_SECONDS = 0.05

_Counts = TypeVar("_Counts", covariant=True)


class Load(Protocol[_Counts]):
    """One transaction that loads an import whole."""

    def __call__(self, *, is_alone: bool) -> _Counts:
        """Load; ``is_alone``: keep all others from entering identity keys meanwhile."""
        ...


def load_whole(
    load: Load[_Counts], target: Engine, import_id: str, counts_of: Callable[[ImportRecord], _Counts]
) -> _Counts:
    """Call ``load`` until it is done, at most six times, and return its counts.

    Args:
        load: The transaction.
        target: Asked for the ledger where the answer to a commit never came.
        import_id: The import.
        counts_of: Makes the counts of a finished import.

    Raises:
        DatabaseUnavailable: Nothing was loaded, and loading again is safe.
    """
    for attempt in range(1, _TRIES + 1):
        try:
            return load(is_alone=attempt > 1)
        except (UniqueViolation, MatchRemoved):
            if attempt > 1:
                raise
        except DatabaseConflict:
            if attempt == _TRIES:
                raise
            # Random, so that two loads do not meet again.
            time.sleep(_FIRST_PAUSE_SECONDS * 2**attempt * random.random())  # noqa: S311
        except DatabaseUnavailable:
            record = _find_finished(target, import_id)
            if record is None:
                raise
            return counts_of(record)
    raise AssertionError("every try returns or raises")


def begin_load(connection: Connection, import_id: str, *, is_alone: bool, remedy: str) -> ImportRecord:
    """Lock an import and hold removals back until the load's transaction ends; return it accepted or finished.

    Args:
        connection: In the load's writing transaction.
        import_id: The import.
        is_alone: Keep all others from entering identity keys, too.
        remedy: What to do where it was refused or undone.

    Raises:
        NotFound: The ledger has no such import.
        UsageError: It was refused or undone.
    """
    record = lock_import(connection, import_id)
    if record is None:
        raise NotFound("import", import_id, "see: etl-customers imports")
    if record.status not in (ACCEPTED, FINISHED):
        raise UsageError(f"import {import_id} is {record.status}; nothing was loaded, {remedy}")
    keep_customers(connection)
    if is_alone and connection.dialect.name == "postgresql":
        connection.exec_driver_sql("lock table identity_keys in share row exclusive mode")
    return record


def _find_finished(target: Engine, import_id: str) -> ImportRecord | None:
    """Return an import that was committed although the answer never came."""
    try:
        # Locking waits for a transaction of ours that the server may still be committing.
        with writing(target) as connection:
            record = lock_import(connection, import_id)
    except DatabaseUnavailable:
        return None
    return record if record is not None and record.status == FINISHED else None
