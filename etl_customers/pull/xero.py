"""The pages of Xero's contacts; archived ones are among them, and what is no customer is told apart later."""

import re
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from etl_customers.pull.answers import Document
from etl_customers.pull.client import Answer, Client, Request
from etl_customers.pull.pages import Checkpoint, Page, Record, as_count, keep
from schemas.xero_contacts import ALWAYS_READ, TO_ERASE

_PATH = "/api.xro/2.0/Contacts"
_DATE = re.compile(r"/Date\((-?[0-9]{1,15})(?:[+-][0-9]{4})?\)/")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def read_pages(
    client: Client, since: datetime | None, page_size: int, checkpoint: Checkpoint | None, fields: Collection[str]
) -> Iterator[Page]:
    """Read contacts page by page in the order of their ids, which never change.

    Contacts are never taken away at Xero; should the number of contacts fall between two
    pages all the same, others may have slipped by, and the page is torn. A page that ends
    with the contact of the one before is the last one, whatever the number of pages says.

    Args:
        client: The connection's.
        since: Only contacts that changed since then, in UTC; None: all of them.
        page_size: Contacts per page, 1 to 1,000.
        checkpoint: ``following`` of the last page that was kept; None: begin.
        fields: Those of a contact that are kept, besides what says which one it is.

    Raises:
        EtlCustomersError: See ``Client.get``.

    Source:
        https://developer.xero.com/documentation/api/accounting/contacts and
        https://developer.xero.com/documentation/api/requests-and-responses (read November 2026).
    """
    kept = tuple(dict.fromkeys((*ALWAYS_READ, *fields)))
    here = checkpoint or {"page": 1, "last": None, "counted": None}
    while True:
        answer = client.get(_request(client, since, page_size, here["page"]))
        records = [
            keep(contact, _fields_of(contact, kept), "ContactID", _updated_at(contact)) for contact in answer.records
        ]
        counted = _pagination(answer, "itemCount")
        is_torn = counted is not None and here["counted"] is not None and counted < here["counted"]
        if _is_last(answer, records, here, page_size):
            yield Page(records, _server_time(answer), None, is_torn, counted)
            return
        here = {"page": here["page"] + 1, "last": records[-1].key, "counted": counted}
        yield Page(records, _server_time(answer), here, is_torn)


def read_date(value: object) -> datetime | None:
    """Read Xero's ``/Date(1439434356790+1300)/``: milliseconds of UTC, whatever the offset behind them says.

    Returns:
        The time in UTC; none where the value is no such date, or one that no calendar has.
    """
    found = _DATE.fullmatch(value) if isinstance(value, str) else None
    try:
        return None if found is None else _EPOCH + timedelta(milliseconds=int(found[1]))
    except OverflowError:
        return None


def _is_last(answer: Answer, records: list[Record], here: Checkpoint, page_size: int) -> bool:
    pages = _pagination(answer, "pageCount")
    if not records or records[-1].key == here["last"]:
        return True
    return len(records) < page_size if pages is None else here["page"] >= pages


def _request(client: Client, since: datetime | None, page_size: int, page: int) -> Request:
    headers = {"xero-tenant-id": client.tenant_id}
    if since is not None:
        headers["If-Modified-Since"] = f"{since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    parameters: dict[str, str | int] = {
        "page": page,
        "pageSize": page_size,
        "order": "ContactID",
        "includeArchived": "true",
    }
    return Request(f"page {page}", _PATH, parameters, _contacts, headers)


def _contacts(document: Document) -> list[object] | None:
    contacts = document.get("Contacts")
    return contacts if isinstance(contacts, list) else None


def _pagination(answer: Answer, name: str) -> int | None:
    pagination = answer.document.get("pagination")
    return as_count(pagination.get(name)) if isinstance(pagination, dict) else None


def _server_time(answer: Answer) -> datetime | None:
    return read_date(answer.document.get("DateTimeUTC")) or answer.date


def _fields_of(contact: object, kept: Sequence[str]) -> Sequence[str]:
    """Return what is kept of a contact: of one whose person is to be forgotten, only that this is so."""
    is_to_erase = isinstance(contact, dict) and contact.get("ContactStatus") == TO_ERASE
    return ("ContactID", "ContactStatus") if is_to_erase else kept


def _updated_at(contact: object) -> datetime | None:
    return read_date(contact.get("UpdatedDateUTC")) if isinstance(contact, dict) else None
