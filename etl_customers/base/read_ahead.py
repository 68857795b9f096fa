"""One thread beside this one: what comes next is made, and what was made is written, while this one works."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

_Item = TypeVar("_Item")
_Made = TypeVar("_Made")


@contextmanager
def read_ahead(items: Iterator[_Item], stop: Callable[[], None] | None = None) -> Iterator[Iterator[_Item]]:
    """Iterate over items of which each is made in one other thread, at most one before it is asked for.

    What making an item raises is raised where that item would have come, after all items
    before it. At the end of the block the thread is gone, whatever ended it.

    Args:
        items: Used in the other thread only.
        stop: Called where the block ends with an exception, to cut short what the thread waits for.
    """
    with _thread("read-ahead") as thread:
        try:
            yield _one_ahead(items, thread)
        except BaseException:
            if stop is not None:
                stop()
            raise


def work_between(
    items: Iterator[_Item], work: Callable[[_Item], _Made], write: Callable[[_Made], None], name: str = "beside"
) -> None:
    """Turn each item into something here, while the other thread makes the next item and writes the last result.

    Results are written in the order of the items, each before the one after the next is
    made: at most three are in memory. What any of the three raises is raised here, and
    then nothing more is written.

    Args:
        items: Used in the other thread only.
        work: Called in this thread.
        write: Called in the other thread.
        name: Of the thread.
    """
    with _thread(name) as thread:
        written: Future[None] | None = None
        for item in _one_ahead(items, thread):
            made = work(item)
            if written is not None:
                written.result()
            written = thread.submit(write, made)
        if written is not None:
            written.result()


def _one_ahead(items: Iterator[_Item], thread: ThreadPoolExecutor) -> Iterator[_Item]:
    upcoming: Future[_Item | None] = thread.submit(next, items, None)
    while (item := upcoming.result()) is not None:
        upcoming = thread.submit(next, items, None)
        yield item


def _thread(name: str) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix=name)
