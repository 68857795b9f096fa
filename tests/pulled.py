"""Pulls for tests that begin where one was fetched: staging filled by hand, mapped, validated and loaded."""

import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from etl_customers.columns.account_fields import load_fields
from etl_customers.database.connect import reading, writing
from etl_customers.database.pulls import accept_pull, find_cursor
from etl_customers.database.tables import provider_connections
from etl_customers.load.pulled import PullCounts, load_pulled
from etl_customers.mappings.kept import mapping_in_force
from etl_customers.pull.mapped_rows import map_records
from etl_customers.settings.sections import Company, Settings
from etl_customers.staging import Staging, open_staging
from etl_customers.validate.validate import validate_customers

START = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=7)
"""When all records of tests were last changed, unless they say otherwise; no cursor of theirs is too old for deletions."""

_FILLED: dict[str, bytes] = {}
"""Staging files by what was pulled: mapping and validating it once more takes longer than the load."""

_INSERT = (
    "insert into provider_records "
    "select unnest(?::bigint[]), unnest(?::varchar[]), unnest(?::timestamp[]), unnest(?::varchar[])"
)


@dataclass
class Books:
    """A company at a provider, and the target that its customers are pulled into."""

    target: Engine
    folder: Path
    provider: str = "xero"
    tenant_id: str = "company-1"
    settings: Settings = field(default_factory=lambda: Settings(company=Company(country="AU", city="Sydney")))

    def connect(self) -> "Books":
        """Enter the connection; no token belongs to it."""
        entry = {"provider": self.provider, "tenant_id": self.tenant_id, "state": "connected", "connected_at": START}
        with writing(self.target) as connection:
            connection.execute(provider_connections.insert().values(entry))
        return self

    def accept(self, *, is_full: bool = False, accepts_vanished: bool = False) -> str:
        """Accept a pull and return its id."""
        with writing(self.target) as connection:
            record, _ = accept_pull(
                connection,
                provider=self.provider,
                tenant_id=self.tenant_id,
                is_full=is_full,
                accepts_vanished=accepts_vanished,
                accepted_by="ada",
                mapping_digest=mapping_in_force(connection, self.provider).digest,
            )
        return record.import_id

    def stage(self, staging: Staging, records: Iterable[Mapping[str, Any]], *, is_complete: bool = True) -> None:
        """Fill a staging file up to the stage validate."""
        self.fetch(staging, records, is_complete=is_complete)
        with reading(self.target) as connection:
            fields, mapping = load_fields(connection), mapping_in_force(connection, self.provider)
        map_records(staging, self.provider, self.settings, mapping, fields)
        validate_customers(staging, fields, self.settings, self.provider)

    def fetch(self, staging: Staging, records: Iterable[Mapping[str, Any]], *, is_complete: bool = True) -> None:
        """Fill a staging file as the fetch does."""
        name = "ContactID" if self.provider == "xero" else "Id"
        all_of = [(dict(record), record[name]) for record in records]
        times = [(START + timedelta(minutes=record.pop("minutes", 0))).replace(tzinfo=None) for record, _ in all_of]
        texts = [json.dumps(record) for record, _ in all_of]
        if all_of:
            staging.execute(_INSERT, [list(range(len(all_of))), [one for _, one in all_of], times, texts])
        cursor = (START - timedelta(minutes=5)).isoformat()
        for fact, number, text in (
            ("pull_started_at", None, (START + timedelta(days=1)).isoformat()),
            ("pull_cursor", None, cursor),
            ("pull_is_complete", int(is_complete), None),
            ("pull_fetched", len(all_of), None),
        ):
            staging.execute("insert into facts values (?, ?, ?)", [fact, number, text])

    def load(self, import_id: str, records: Iterable[Mapping[str, Any]], *, is_complete: bool = True) -> PullCounts:
        """Take an accepted pull to its end."""
        path = self.folder / f"{import_id}.duckdb"
        self._fill(path, list(records), is_complete)
        with reading(self.target) as connection:
            cursor = find_cursor(connection, self.provider, self.tenant_id)
        with open_staging(path, 256) as staging:
            since = cursor.isoformat() if cursor else ""
            staging.execute("insert into facts (name, text) values ('pull_since', ?)", [since])
            return load_pulled(staging, self.target, import_id, None, self.settings)

    def _fill(self, path: Path, records: list[Mapping[str, Any]], is_complete: bool) -> None:
        with reading(self.target) as connection:
            digest = mapping_in_force(connection, self.provider).digest
        key = json.dumps([digest, self.provider, self.settings.model_dump(mode="json"), records, is_complete])
        if key in _FILLED:
            path.write_bytes(zlib.decompress(_FILLED[key]))
            return
        with open_staging(path, 256) as staging:
            self.stage(staging, records, is_complete=is_complete)
        _FILLED[key] = zlib.compress(path.read_bytes(), 1)

    def pull(
        self,
        *records: Mapping[str, Any],
        is_full: bool = False,
        accepts_vanished: bool = False,
        is_complete: bool = True,
    ) -> PullCounts:
        """Pull these records, all there are where ``is_full``."""
        import_id = self.accept(is_full=is_full, accepts_vanished=accepts_vanished)
        return self.load(import_id, records, is_complete=is_complete)


def contact(contact_id: str, first: str = "", last: str = "Example", **fields: Any) -> dict[str, Any]:
    """Return a contact of Xero with a person's name; ``mobile`` and ``minutes`` (after ``START``) are ours."""
    first = first or contact_id.title()
    record: dict[str, Any] = {"ContactID": contact_id, "Name": f"{first} {last}", "FirstName": first, "LastName": last}
    record |= {"ContactStatus": "ACTIVE", "EmailAddress": f"{contact_id}@example.com"}
    if "mobile" in fields:
        record["Phones"] = [{"PhoneType": "MOBILE", "PhoneNumber": fields.pop("mobile")}]
    return {name: value for name, value in (record | fields).items() if value is not None}


def rows(target: Engine, table: sa.Table) -> list[dict[str, Any]]:
    """Return all rows of a table."""
    with reading(target) as connection:
        query = sa.select(table).order_by(*table.primary_key)
        return [dict(row) for row in connection.execute(query).mappings()]
