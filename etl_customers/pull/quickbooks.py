"""The pages of QuickBooks Online's customers, by its query language; inactive customers are among them."""

from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from urllib.parse import quote

from etl_customers.connections.sending import MINOR_VERSION
from etl_customers.pull.answers import Document
from etl_customers.pull.client import Answer, Client, Request
from etl_customers.pull.pages import Checkpoint, Page, Record, as_count, keep
from schemas.quickbooks_customers import ALWAYS_READ


def read_pages(
    client: Client, since: datetime | None, page_size: int, checkpoint: Checkpoint | None, fields: Collection[str]
) -> Iterator[Page]:
    """Read customers page by page in the order of their ids, which never change.

    Pages overlap by one record: where the last one of a page is not in the next, customers
    before it were merged away, others have moved up, and the page is torn. The last page
    brings nothing new; with it the customers are counted.

    Args:
        client: The connection's.
        since: Only customers that changed since then, in UTC; None: all of them.
        page_size: Records per page, 2 to 1,000.
        checkpoint: ``following`` of the last page that was kept; None: begin.
        fields: Those of a customer that are kept, besides what says which one it is.

    Raises:
        EtlCustomersError: See ``Client.get``.

    Source:
        https://developer.intuit.com/app/developer/qbo/docs/learn/explore-the-quickbooks-online-api/data-queries
        (read November 2026).
    """
    kept = tuple(dict.fromkeys((*ALWAYS_READ, *fields)))
    start, last = (1, None) if checkpoint is None else (int(checkpoint["start"]), str(checkpoint["last"]))
    while True:
        query = f"select * {_customers_since(since)} orderby Id startposition {start} maxresults {page_size}"
        answer = client.get(_request(client, f"page from {start} on", query))
        records = [keep(customer, kept, "Id", _updated_at(customer)) for customer in answer.records]
        is_torn = last is not None and all(record.key != last for record in records)
        records = _without_overlap(records, last)
        if not records or records[-1].key == last:
            yield Page(records, _server_time(answer), None, is_torn, _count(client, since))
            return
        start, last = start + len(answer.records) - 1, records[-1].key
        yield Page(records, _server_time(answer), {"start": start, "last": last}, is_torn)


def _without_overlap(records: list[Record], last: str | None) -> list[Record]:
    """Leave the record out that the page before ended with: it is kept already."""
    return records[1:] if records and records[0].key == last else records


def _customers_since(since: datetime | None) -> str:
    # Without the condition on Active only active customers are answered.
    customers = "from Customer where Active in (true, false)"
    if since is None:
        return customers
    return f"{customers} and MetaData.LastUpdatedTime >= '{since.astimezone(UTC).isoformat(timespec='seconds')}'"


def _request(client: Client, what: str, query: str) -> Request:
    path = f"/v3/company/{quote(client.tenant_id, safe='')}/query"
    return Request(what, path, {"query": query, "minorversion": MINOR_VERSION}, _customers)


def _customers(document: Document) -> list[object] | None:
    """Find the customers; an empty page has no such key."""
    response = document.get("QueryResponse")
    customers = response.get("Customer", []) if isinstance(response, dict) else None
    return customers if isinstance(customers, list) else None


def _count(client: Client, since: datetime | None) -> int:
    answer = client.get(_request(client, "count", f"select count(*) {_customers_since(since)}"))
    counted = as_count(answer.document["QueryResponse"].get("totalCount"))
    return client.unexpected(answer) if counted is None else counted


def _server_time(answer: Answer) -> datetime | None:
    return _time(answer.document.get("time")) or answer.date


def _updated_at(customer: object) -> datetime | None:
    meta = customer.get("MetaData") if isinstance(customer, dict) else None
    return _time(meta.get("LastUpdatedTime")) if isinstance(meta, dict) else None


def _time(value: object) -> datetime | None:
    """Read a time with its offset, which changes with daylight saving; in UTC."""
    try:
        time = datetime.fromisoformat(value) if isinstance(value, str) else None
        return None if time is None or time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
