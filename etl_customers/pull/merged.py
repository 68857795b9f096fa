"""Follows records that were merged into others to the one that is left in the end."""

from collections.abc import Mapping


def final_winners(merged_into: Mapping[str, str]) -> dict[str, str | None]:
    """Return the last of each chain of merges; None where a chain leads back into itself.

    Args:
        merged_into: Id of each merged record to the id of the one that it was merged into.
    """
    winners: dict[str, str | None] = {}
    for loser in merged_into:
        chain: dict[str, None] = {}
        present: str = loser
        while present in merged_into and present not in winners and present not in chain:
            chain[present] = None
            present = merged_into[present]
        winner = None if present in chain else winners.get(present, present)
        winners |= dict.fromkeys(chain, winner)
    return winners
