"""One company's customers in a fake, kept as the JSON text that is served: 100,000 of them are no burden.

What a record looks like is the business of ``quickbooks`` and ``xero``.
"""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tests.fakes.provider_server import Clock

Record = dict[str, Any]


@dataclass(frozen=True)
class Facts:
    """What requests select and order by."""

    is_active: bool
    updated_at: datetime | None
    name: str
    flags: frozenset[str] = frozenset()
    """Lower-case names of the yes-or-no fields that are true."""


class Records(Mapping[str, Record]):
    """The records by id, as they were put; each look makes a copy."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts

    def __getitem__(self, key: str) -> Record:
        record: Record = json.loads(self._texts[key])
        return record

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._texts))

    def __len__(self) -> int:
        return len(self._texts)


class Books:
    """The customers of one company; subclasses know the shape of a record."""

    id_field = ""
    status_fields: frozenset[str] = frozenset()
    """Fields whose change leaves the time of the last update as it was."""

    def __init__(self, tenant: str, name: str, clock: Clock, lock: threading.RLock) -> None:
        self.tenant, self.name, self.clock, self.lock = tenant, name, clock, lock
        self._texts: dict[str, str] = {}
        self._served: dict[str, str] = {}
        self._facts: dict[str, Facts] = {}
        self._selected: dict[object, list[str]] = {}
        self._added = 0

    @property
    def records(self) -> Records:
        """The records by id, as they were put."""
        return Records(self._texts)

    def add(self, count: int, is_plain: bool = False) -> list[str]:
        """Put the next ``count`` made-up records; return their ids.

        Of twenty, several are special: inactive ones, sub-customers and projects or suppliers,
        several e-mails, texts that are no number. ``is_plain`` leaves all of them ordinary.
        """
        with self.lock:
            first, self._added = self._added, self._added + count
            return [self.put(self.made_up(index, is_plain)) for index in range(first, first + count)]

    def put(self, record: Record) -> str:
        """Add a record, or replace the one of its id; served as given, id and time are filled in where absent."""
        with self.lock:
            record = self.stamped(record)
            key = str(record[self.id_field])
            self._keep(key, record)
            return key

    def change(self, key: str, **fields: Any) -> None:
        """Change fields of a record now; a field that becomes None is taken away. Without fields it is only touched."""
        with self.lock:
            record = {**self.records[key], **fields}
            for name in [name for name, value in fields.items() if value is None]:
                del record[name]
            if not fields or not set(fields) <= self.status_fields:
                self.touch(record)
            self._keep(key, record)

    def remove(self, key: str) -> None:
        """Take a record away without a trace."""
        with self.lock:
            for kept in (self._texts, self._served, self._facts):
                kept.pop(key, None)
            self._selected.clear()

    def deactivate(self, key: str) -> None:
        """Make a record inactive, as the provider calls it."""
        raise NotImplementedError

    def merge(self, loser: str, winner: str) -> None:
        """Merge one record into another."""
        raise NotImplementedError

    def made_up(self, index: int, is_plain: bool) -> Record:
        """Return the n-th made-up record."""
        raise NotImplementedError

    def stamped(self, record: Record) -> Record:
        """Return a record with an id and a time of its last update."""
        raise NotImplementedError

    def touch(self, record: Record) -> None:
        """Set the time of a record's last update to now."""
        raise NotImplementedError

    def as_served(self, record: Record) -> Record:
        """Return what requests get of a record."""
        return record

    def facts_of(self, record: Record) -> Facts:
        """Return what requests select and order a record by."""
        raise NotImplementedError

    def select(
        self, key: object, is_wanted: Callable[[str, Facts], bool], order: Callable[[str, Facts], Any]
    ) -> list[str]:
        """Return the ids of what is wanted, in order; kept under ``key`` until a record changes."""
        if key not in self._selected:
            wanted = [(order(name, facts), name) for name, facts in self._facts.items() if is_wanted(name, facts)]
            self._selected[key] = [name for _, name in sorted(wanted)]
        return self._selected[key]

    def render(self, keys: list[str]) -> str:
        """Return the records of these ids as the inside of a JSON array."""
        return ",".join([self._served.get(key) or self._texts[key] for key in keys])

    def _keep(self, key: str, record: Record) -> None:
        self._texts[key] = text = _dump(record)
        served = self.as_served(record)
        self._served.pop(key, None)
        if served is not record and (other := _dump(served)) != text:
            self._served[key] = other
        self._facts[key] = self.facts_of(record)
        self._selected.clear()


def _dump(record: Record) -> str:
    """Render as UTF-8 where it can be; a lone surrogate only travels as an escape."""
    text = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(record, separators=(",", ":"))
    return text
