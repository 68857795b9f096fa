"""What the UI shows of a pull's worklist: whom to look at at the provider, with links; nothing of a customer."""

from itertools import chain, islice
from typing import Any

import dagster as dg

from etl_customers.database.connect import reading
from etl_customers.database.ledger import ImportRecord
from etl_customers.imports.installation import Installation
from etl_customers.report.worklist import WorkItem, work_items

_SHOWN = 100


def worklist_of(installation: Installation, record: ImportRecord) -> dict[str, Any]:
    """Return the first items of a pull's worklist and how many more there are; nothing of the import of a file.

    It is a Markdown list: Dagster's own tables take no links, and a table of five columns becomes too narrow to read.

    Raises:
        DatabaseUnavailable: The target does not answer.
    """
    if not record.is_pull:
        return {}
    with reading(installation.target) as connection:
        items = chain.from_iterable(work_items(connection, record, installation.settings))
        shown = list(islice(items, _SHOWN))
        more = sum(1 for _ in items)
    return {"worklist": dg.MetadataValue.md(_list(shown)), "worklist_not_shown": more}


def _list(items: list[WorkItem]) -> str:
    return "\n".join(map(_line, items)) if items else "There is nothing to do."


def _line(item: WorkItem) -> str:
    customer = f"`{item.provider_id}`" if item.provider_id else "without an id"
    # Who has vanished has an id, and no page that a link could lead to.
    if item.link:
        customer = f"[{customer}]({item.link})"
    column = f", `{item.column}`" if item.column else ""
    return f"- {customer}{'' if item.synced == 'yes' else ', not synced'}: {item.message} (`{item.code}`{column})"
