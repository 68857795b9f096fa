"""Doing a transaction again that the database broke off in favour of another one.

The loads have a way of their own, because they also lock out others once they have lost.
"""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from etl_customers.database.driver_errors import DatabaseConflict

_TRIES = 5
_FIRST_PAUSE_SECONDS = 0.05

_Done = TypeVar("_Done")


def repeat_in_conflict(transaction: Callable[[], _Done]) -> _Done:
    """Call what is one transaction until the database lets it through, five times at most; return what it returns.

    Raises:
        DatabaseConflict: It gave way each time; nothing was changed.
    """
    for attempt in range(1, _TRIES):
        try:
            return transaction()
        except DatabaseConflict:
            # Random, so that two transactions do not meet again.
            time.sleep(_FIRST_PAUSE_SECONDS * 2**attempt * random.random())  # noqa: S311
    return transaction()
