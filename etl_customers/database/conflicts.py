"""Doing a transaction again that the database broke off in favour of another one.

The loads have a way of their own, because they also lock out others once they have lost.
"""

from collections.abc import Callable
from typing import TypeVar

from etl_customers.base.tries import Tries
from etl_customers.database.driver_errors import DatabaseConflict

_TRIES = Tries((0.1, 0.2, 0.4, 0.8), is_random=True)

_Done = TypeVar("_Done")


def repeat_in_conflict(transaction: Callable[[], _Done]) -> _Done:
    """Call what is one transaction until the database lets it through, five times at most; return what it returns.

    Raises:
        DatabaseConflict: It gave way each time; nothing was changed.
    """
    return _TRIES.repeat(transaction, DatabaseConflict)
