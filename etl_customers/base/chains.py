"""Follows chains to their ends."""

from collections.abc import Mapping


def ends_of_chains(following: Mapping[str, str]) -> dict[str, str | None]:
    """Return the end of the chain from each key on; None where it leads into a circle.

    Args:
        following: What comes next after each key, such as into which record another was merged.
    """
    ends: dict[str, str | None] = {}
    for start in following:
        chain: dict[str, None] = {}
        present: str = start
        while present in following and present not in ends and present not in chain:
            chain[present] = None
            present = following[present]
        end = None if present in chain else ends.get(present, present)
        ends |= dict.fromkeys(chain, end)
    return ends
