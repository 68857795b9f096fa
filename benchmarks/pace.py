"""Pages a minute from providers that hold to their limits, beside what they allow."""

from collections.abc import Mapping, Sequence

from benchmarks.bench import Bench
from benchmarks.figures import Cell, Goal, Number, Table
from benchmarks.generate import Mix
from benchmarks.measure import run_module
from benchmarks.provider import provider
from schemas.sources import LABELS, QUICKBOOKS, XERO

ALLOWED_PER_MINUTE: Mapping[str, int] = {QUICKBOOKS: 500, XERO: 60}
_PAGE_SIZE = 10
_MIX = Mix(seed=7, bad=0, duplicates=0)


def pace(bench: Bench, sizes: Sequence[int], rounds: int) -> Table:
    """Fetch small pages, as many of each provider as ``sizes`` says; see how much of the limit was used."""
    table: list[tuple[Cell, ...]] = []
    for (name, allowed), pages in zip(ALLOWED_PER_MINUTE.items(), sizes, strict=True):
        shares: list[float] = []
        refused = 0
        for _ in range(rounds):
            bench.say(f"{pages} pages of {LABELS[name]}")
            with bench.home() as home, provider(name, pages * _PAGE_SIZE, _MIX, has_limits=True) as reach:
                run = run_module("benchmarks.fetch", name, str(home), str(_PAGE_SIZE), **reach)
            # The first page needs no wait, so that one page less stands for the time.
            shares.append((run.counts["pages"] - 1) / run.seconds * 60 / allowed)
            refused += run.counts["refused"]
        goal = Goal(f"pages a minute from {LABELS[name]}, beside what it allows", at_least=0.9)
        table.append((LABELS[name], str(pages), str(allowed), Number.of(shares, "of it", goal), str(refused)))
    return Table(("provider", "pages", "allowed a minute", "used of that", "requests refused"), tuple(table))
