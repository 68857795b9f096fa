"""Who was deleted at QuickBooks, or merged away: no page of customers tells of that, its change data capture does.

It is asked after the pages of a pull that is not full; a full one sees by itself who is missing.
What becomes of the customers is the load's business.
"""

import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from etl_customers.base.errors import ProviderUnavailable
from etl_customers.connections.sending import MINOR_VERSION
from etl_customers.pull.answers import UNEXPECTED, Document
from etl_customers.pull.client import Client, Request, RequestRefused
from etl_customers.pull.pages import as_count, usable_id
from etl_customers.staging import Staging
from schemas.sources import LABELS, QUICKBOOKS

_FACT = "pull_deletions"
_LOOKS_BACK = timedelta(days=30) - timedelta(hours=1)
"""Intuit's thirty days; less than its clock may differ from this machine's."""
_MOST_CHANGES = 1_000
"""In one answer, and there is no second one."""
_DELETED = "Deleted"
_FULL_NEXT, _SAME_NEXT = "the next pull is a full pull", "the next pull asks for the same again"
_log = logging.getLogger("etl_customers.pull")


@dataclass(frozen=True)
class Deletions:
    """Customers whom the provider says it has deleted."""

    ids: tuple[str, ...] = ()
    """The provider's, each once."""
    why_unknown: str | None = None
    """Why there may be others, and what finds them; None: these are all."""
    is_next_full: bool = False
    """Only a full pull finds the others; otherwise asking again does."""


def keep_deletions(staging: Staging, client: Client, since: datetime | None) -> Deletions:
    """Ask who was deleted, and keep the answer in staging; what was asked already is not asked again.

    A pull goes on without an answer: then it is kept that nobody knows.

    Args:
        staging: The pull's, with all of its pages.
        client: The connection's.
        since: Since when the pull asks for changes; None: it is a full one, and nothing is asked.

    Raises:
        ReconnectNeeded: The provider no longer accepts the connection.
    """
    kept = find_deletions(staging)
    if kept is not None:
        return kept
    if since is None or client.provider != QUICKBOOKS:
        return Deletions()
    deletions = _ask(client, since)
    _log.info("%s: %d deleted; not known: %s", LABELS[client.provider], len(deletions.ids), deletions.why_unknown)
    staging.execute("insert into facts (name, text) values (?, ?)", [_FACT, json.dumps(asdict(deletions))])
    return deletions


def find_deletions(staging: Staging) -> Deletions | None:
    """Return what a pull has learnt; none where it did not ask."""
    kept = staging.rows("select text from facts where name = ?", [_FACT])
    if not kept:
        return None
    found = json.loads(kept[0][0])
    return Deletions(**found | {"ids": tuple(found["ids"])})


def _ask(client: Client, since: datetime) -> Deletions:
    """Ask once.

    Source:
        https://developer.intuit.com/app/developer/qbo/docs/learn/explore-the-quickbooks-online-api/change-data-capture
        (read December 2026).
    """
    if client.utc_now() - since > _LOOKS_BACK:
        why = f"it reports only the last thirty days, and the last pull was earlier; {_FULL_NEXT}"
        return Deletions(why_unknown=why, is_next_full=True)
    path = f"/v3/company/{quote(client.tenant_id, safe='')}/cdc"
    parameters: dict[str, str | int] = {
        "entities": "Customer",
        "changedSince": since.astimezone(UTC).isoformat(timespec="seconds"),
        "minorversion": MINOR_VERSION,
    }
    try:
        answer = client.get(Request("changes", path, parameters, lambda document: _changes(document) or []))
    except (ProviderUnavailable, RequestRefused) as error:
        request = f", request {error.request_id}" if error.request_id else ""
        return Deletions(why_unknown=f"it gave no answer to use ({error.reason}{request}); {_SAME_NEXT}")
    changes = _changes(answer.document)
    if changes is None:
        return Deletions(why_unknown=f"{UNEXPECTED}; {_SAME_NEXT}")
    ids = tuple(dict.fromkeys(_deleted(changes)))
    if max(len(changes), _counted(answer.document)) >= _MOST_CHANGES:
        why = f"more customers changed than the {_MOST_CHANGES:,} that it reports at once; {_FULL_NEXT}"
        return Deletions(ids, why, is_next_full=True)
    return Deletions(ids)


def _deleted(changes: list[object]) -> Iterator[str]:
    for change in changes:
        if isinstance(change, dict) and change.get("status") == _DELETED and (found := usable_id(change.get("Id"))):
            yield found


def _changes(document: Document) -> list[object] | None:
    """Find the changed customers, deleted ones among them; none where the answer has not its shape.

    Where nothing was changed, the response is there and empty.
    """
    responses = _responses(document)
    if not responses:
        return None
    changes: list[object] = []
    for response in responses:
        customers = response.get("Customer", [])
        if not isinstance(customers, list):
            return None
        changes += customers
    return changes


def _counted(document: Document) -> int:
    counts = (
        as_count(response.get(name)) for response in _responses(document) for name in ("maxResults", "totalCount")
    )
    return max((count for count in counts if count is not None), default=0)


def _responses(document: Document) -> list[Mapping[str, Any]]:
    """Return all responses within the answer; nothing where it has not its shape."""
    try:
        responses = [one for outer in document["CDCResponse"] for one in outer["QueryResponse"]]
    except (KeyError, TypeError):
        return []
    return responses if all(isinstance(one, dict) for one in responses) else []
