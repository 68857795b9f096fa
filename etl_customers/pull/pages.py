"""A page of customers as both providers' readers hand it on: what is kept of it, and where the next one begins."""

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from etl_customers.pull.answers import Document

Checkpoint = dict[str, Any]
"""Where to go on, as JSON can keep it; each reader knows its own."""

_MOST = 10**12
_USABLE_ID = re.compile(r"[0-9A-Za-z._:-]{1,64}")


@dataclass(frozen=True)
class Record:
    """What is kept of one customer as the provider has it."""

    provider_id: str
    """Empty: it has none that can be used."""
    updated_at: datetime | None
    """UTC, without zone as staging keeps it."""
    text: str
    """JSON of the known fields that it has, in ASCII: half characters stay apart from the database."""

    @property
    def key(self) -> str:
        """Tells this record from others, whether it has an id or not."""
        return self.provider_id or hashlib.sha256(self.text.encode("ascii")).hexdigest()


@dataclass(frozen=True)
class Page:
    """One page, in the provider's order."""

    records: list[Record]
    server_time: datetime | None
    """When the provider answered, in UTC; None: it does not say."""
    following: Checkpoint | None
    """Where the next page begins; None: this is the last one."""
    is_torn: bool = False
    """Customers were taken away before it: some may have slipped by unseen."""
    counted: int | None = None
    """Of the last page: how many customers the provider says there are."""


def keep(record: object, fields: Iterable[str], id_field: str, updated_at: datetime | None) -> Record:
    """Reduce a customer to the known fields.

    Args:
        record: As it came; what is no object has no field.
        fields: The known ones.
        id_field: The one that holds the id.
        updated_at: In UTC, aware; None: the record does not say.
    """
    customer: Document = record if isinstance(record, dict) else {}
    kept = {name: customer[name] for name in fields if name in customer}
    return Record(
        usable_id(customer.get(id_field)),
        None if updated_at is None else updated_at.replace(tzinfo=None),
        json.dumps(kept, ensure_ascii=True),
    )


def usable_id(value: object) -> str:
    """Return a provider's id of a customer; an empty text where it is none that can be used."""
    return value if isinstance(value, str) and _USABLE_ID.fullmatch(value) else ""


def as_count(value: object) -> int | None:
    """Return a number of customers or pages; none where it is none, or one that nobody can count to."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST else None
