"""The worklist of a pull: what a person should do something about at the provider, by ids and links; nothing of a customer.

Customers that were not synced come first, then those that were, but of whom something
could not be taken over, and those whom the provider has no more. Who was left out on purpose is no work, and is listed by ``pull
--json`` and ``imports show`` alone.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass, fields
from itertools import chain
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection

from etl_customers.base.errors import DiskUnavailable
from etl_customers.database.ledger import ImportRecord, failed_rows_of
from etl_customers.database.pulls import vanished_of_pull, warned_of_pull
from etl_customers.report.failed_rows import write_whole
from etl_customers.settings.sections import Settings
from etl_customers.texts.formula_escapes import escape_formula
from schemas.codes import LEFT_OUT_CODES, VANISHED, message
from schemas.sources import QUICKBOOKS

_FILLED_IN = ("_defaulted", "_defaulted_to_company")
"""How the codes of warnings end that ask nobody to correct anything."""


@dataclass(frozen=True)
class WorkItem:
    """One thing to correct; the fields are the columns of the file."""

    provider_id: str
    """Empty where the provider's record has none."""
    code: str
    message: str
    column: str
    """Ours; of a record that the provider does not describe so, its own field."""
    synced: str
    """yes or no."""
    link: str
    """To the customer at the provider."""


def work_items(connection: Connection, record: ImportRecord, settings: Settings) -> Iterator[list[WorkItem]]:
    """Yield for each customer of a pull what there is to do about it, an item for each reason, in the ledger's order.

    Args:
        connection: To the target.
        record: The pull.
        settings: Say where the provider is: links into a sandbox go to the sandbox.

    Raises:
        DatabaseUnavailable: The target does not answer.
    """
    for row in failed_rows_of(connection, record.import_id):
        if row.is_erased or {error["code"] for error in row.errors} <= LEFT_OUT_CODES:
            continue
        provider_id = row.provider_id or ""
        link = record_link(record.source, provider_id, settings)
        yield [
            WorkItem(provider_id, error["code"], error["message"], error.get("column") or "", "no", link)
            for error in row.errors
        ]
    for provider_id, warnings in warned_of_pull(connection, record):
        link = record_link(record.source, provider_id, settings)
        said = dict.fromkeys((warning["column"], warning["code"]) for warning in warnings)
        items = [
            WorkItem(provider_id, code, message(code, column), column, "yes", link)
            for column, code in said
            if not code.endswith(_FILLED_IN)
        ]
        if items:
            yield items
    for provider_id in vanished_of_pull(connection, record):
        # Its page is gone with it.
        yield [WorkItem(provider_id, VANISHED, message(VANISHED, ""), "", "yes", "")]


def record_link(provider: str, provider_id: str, settings: Settings) -> str:
    """Return the address of a customer's page at the provider, nothing where the record has no id.

    Whoever opens it must be signed in to the company there.

    Source:
        Xero's page on deep links (2026-11); QuickBooks Online's own address of a customer's page, which
        Intuit does not describe.
    """
    if not provider_id:
        return ""
    name = quote(provider_id, safe="")
    if provider == QUICKBOOKS:
        sandbox = "sandbox." if "sandbox" in (settings.quickbooks.api_url.host or "") else ""
        return f"https://app.{sandbox}qbo.intuit.com/app/customerdetail?nameId={name}"
    return f"https://go.xero.com/Contacts/View/{name}"


def write_worklist(path: Path, customers: Iterable[Sequence[WorkItem]]) -> int:
    """Write a worklist as UTF-8 CSV, a line for each item.

    The file is for people to look at and is never uploaded: the records are to be
    corrected at the provider. It appears whole or not at all.

    Args:
        path: Where the file goes; replaced if it is there, deleted if there is nothing to do. Mode 0600.
        customers: The items of each.

    Returns:
        Number of customers in the file that were not synced; with nothing to write there is no file.

    Raises:
        DiskUnavailable: The file cannot be written or deleted.
    """
    not_synced = 0
    remaining = iter(customers)
    first = next(remaining, None)

    def records() -> Iterator[list[str]]:
        nonlocal not_synced
        yield [column.name for column in fields(WorkItem)]
        for items in chain([first] if first else [], remaining):
            not_synced += items[0].synced == "no"
            for item in items:
                yield [escape_formula(cell) for cell in astuple(item)]

    try:
        if first is None:
            path.unlink(missing_ok=True)
        else:
            write_whole(path, records())
    except OSError as error:
        raise DiskUnavailable(path, error.strerror or "cannot be written") from None
    return not_synced
