"""What the UI shows of a pull's worklist: whom to look at at the provider, with links; nothing of a customer."""

from itertools import chain, islice
from typing import Any

import dagster as dg

from etl_customers.report.worklist import WorkItem, work_items
from etl_customers.target.connect import reading
from etl_customers.target.ledger import ImportRecord
from etl_customers.workshop import Workshop
from schemas.sources import PROVIDERS

_SHOWN = 100
_NAMES = ("customer", "synced", "code", "column", "what")


def worklist_of(workshop: Workshop, record: ImportRecord) -> dict[str, Any]:
    """Return the first items of a pull's worklist and how many more there are; nothing of the import of a file.

    It is a Markdown table, because Dagster's own tables take no links.

    Raises:
        DatabaseUnavailable: The target does not answer.
    """
    if record.source not in PROVIDERS:
        return {}
    with reading(workshop.target) as connection:
        items = chain.from_iterable(work_items(connection, record, workshop.settings))
        shown = list(islice(items, _SHOWN))
        more = sum(1 for _ in items)
    return {"worklist": dg.MetadataValue.md(_table(shown)), "worklist_not_shown": more}


def _table(items: list[WorkItem]) -> str:
    if not items:
        return "Nobody has to do anything."
    lines = [_NAMES, ["---"] * len(_NAMES), *map(_cells, items)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _cells(item: WorkItem) -> tuple[str, ...]:
    customer = f"`{item.provider_id}`" if item.provider_id else "without an id"
    # Who has vanished has an id, and no page that a link could lead to.
    if item.link:
        customer = f"[{customer}]({item.link})"
    return customer, item.synced, item.code, f"`{item.column}`" if item.column else "", item.message
