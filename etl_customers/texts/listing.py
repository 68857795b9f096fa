"""Lists in sentences: the first few by name, the others by their number."""

from collections.abc import Iterable


def listed(items: Iterable[str], most: int) -> str:
    """Return the items with commas between them, and how many more there are than ``most``.

    >>> listed(["email", "phone", "city"], 2)
    'email, phone and 1 more'
    """
    found = list(items)
    more = len(found) - most
    return ", ".join(found[:most]) + (f" and {more} more" if more > 0 else "")
