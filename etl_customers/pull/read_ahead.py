"""One item read ahead: the next page is fetched in a thread while this one is written."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

_Item = TypeVar("_Item")


@contextmanager
def read_ahead(items: Iterator[_Item], stop: Callable[[], None]) -> Iterator[Iterator[_Item]]:
    """Iterate over items of which each is made in one other thread, at most one before it is asked for.

    What making an item raises is raised where that item would have come, after all items
    before it. At the end of the block the thread is gone, whatever ended it.

    Args:
        items: Used in the other thread only.
        stop: Called where the block ends with an exception, to cut short what the thread waits for.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="read-ahead") as thread:
        try:
            yield _one_ahead(items, thread)
        except BaseException:
            stop()
            raise


def _one_ahead(items: Iterator[_Item], thread: ThreadPoolExecutor) -> Iterator[_Item]:
    upcoming: Future[_Item | None] = thread.submit(next, items, None)
    while (item := upcoming.result()) is not None:
        upcoming = thread.submit(next, items, None)
        yield item
