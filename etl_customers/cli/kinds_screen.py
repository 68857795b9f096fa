"""Kinds of a provider's records on a terminal: how many there are of each, and what becomes of them."""

from collections.abc import Sequence

from etl_customers.cli.screen import console, say, table
from schemas.record_kinds import KINDS
from schemas.sources import LABELS


def print_kinds(provider: str, counted: Sequence[tuple[str, int, bool]]) -> None:
    """Print kinds of which there are some; nothing where all are of one kind that nobody has to think about.

    Args:
        provider: ``quickbooks`` or ``xero``.
        counted: Name, number and whether it is taken of each.
    """
    found = {name: (number, is_taken) for name, number, is_taken in counted if number}
    rows = [
        (found[kind.name][0], kind.label, "" if kind.is_part else _becomes(provider, kind.setting, found[kind.name][1]))
        for kind in KINDS[provider]
        if kind.name in found
    ]
    if len(rows) > 1 or not all(is_taken for _, is_taken in found.values()):
        say("", f"What {LABELS[provider]} has")
        console().print(table(("number", "what", "here"), rows, right=("number",)))


def _becomes(provider: str, setting: str | None, is_taken: bool) -> str:
    becomes = "taken" if is_taken else "left out"
    return becomes if setting is None else f"{becomes}, because {provider}.{setting} = {str(is_taken).lower()}"
