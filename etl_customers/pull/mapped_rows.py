"""The stage that maps what was fetched: every record becomes a row of ``raw_csv``, or an error that says why not.

Fetching is in ``fetch``, which field goes where in ``map_quickbooks`` and ``map_xero``;
whether a row keeps the rules is asked later, by ``validate``.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from etl_customers.base.chains import ends_of_chains
from etl_customers.columns.account_fields import NO_FIELDS, AccountFields
from etl_customers.mappings.document import Mapping as FieldMapping
from etl_customers.mappings.document import Plan, plan_of
from etl_customers.mappings.kept import shipped_mapping
from etl_customers.pull.flat_records import FlatRecord, read_record
from etl_customers.pull.map_quickbooks import map_quickbooks
from etl_customers.pull.map_xero import map_xero
from etl_customers.pull.mapped_record import LeftOut, MappedRecord
from etl_customers.settings.sections import Settings
from etl_customers.staging import Staging
from schemas.codes import ERASED, INVALID_RECORD, MERGED
from schemas.columns import CUSTOMER_COLUMNS
from schemas.failures import find_failures
from schemas.provider_records import RecordShape
from schemas.quickbooks_customers import QUICKBOOKS_CUSTOMERS
from schemas.record_kinds import KINDS, PULL_KINDS, kinds_of
from schemas.sources import PROVIDERS, QUICKBOOKS
from schemas.xero_contacts import XERO_CONTACTS

_BLOCK_RECORDS = 2_000
"""Records that are in memory at once."""

_FIRST_ROW = 2
_STAGE = "read"
_GONE = (MERGED, ERASED)
"""Why a record is no customer of any kind any more: the list of who was left out names it."""
_RECORDS = """
    select nullif(provider_id, ''), updated_at, record from provider_records
    order by coalesce(provider_id, ''), "position"
"""
_PULLED = {
    "row": pl.Int64,
    "provider_id": pl.String,
    "provider_updated_at": pl.Datetime("us"),
    "is_active": pl.Boolean,
    "parent_id": pl.String,
    "merged_into": pl.String,
}
_NAMES = {"row": pl.Int64, "display_name": pl.String, "qualified_name": pl.String}
_ERRORS = {"stage": pl.String, "row": pl.Int64, "column": pl.String, "code": pl.String, "reference": pl.String}
_WARNINGS = {"row": pl.Int64, "column": pl.String, "code": pl.String}

_Record = tuple[str | None, datetime | None, str]
_Error = tuple[str, int, str, str, str | None]


@dataclass(frozen=True)
class MapCounts:
    """Records that were ``fetched``, and those of them that go no further.

    ``left_out`` are no customers to be synced, ``invalid`` have not the form that the
    provider describes.
    """

    fetched: int
    left_out: int
    invalid: int = 0


@dataclass(frozen=True)
class _Provider:
    shape: RecordShape
    map_record: Callable[[FlatRecord], MappedRecord]


@dataclass(frozen=True)
class _Merged:
    """A record that was merged into another, which may have been merged itself."""

    row: int
    provider_id: str
    updated_at: datetime | None
    mapped: MappedRecord
    left_out: LeftOut


def map_records(
    staging: Staging,
    provider: str,
    settings: Settings,
    mapping: FieldMapping | None = None,
    fields: AccountFields = NO_FIELDS,
) -> MapCounts:
    """Make a row of every fetched record, in the order of the provider's ids; repeatable.

    Fills ``raw_csv``, ``upload_columns``, ``pulled_rows``, ``pulled_names``, ``pulled_warnings``, the
    errors of the stage read, and the facts rows_read, rows_unread and ``PULL_KINDS``; what the fetch noted stays.
    A row with an error has no cells: nothing of it is to be read.

    Args:
        staging: Holds ``provider_records`` of a complete fetch.
        provider: One of ``schemas.sources.PROVIDERS``.
        settings: What of the provider's customers is to be synced.
        mapping: Which field becomes which column; None: the one that is shipped.
        fields: The account's own columns.

    Raises:
        MappingInvalid: It names a custom field or property that the account no longer has.

    Source:
        docs/providers.md; docs/rules.md, R25.
    """
    if provider not in PROVIDERS:
        raise ValueError(f"{provider} is no provider")
    plan = plan_of(mapping or shipped_mapping(provider), fields)
    described = _describe(provider, settings, plan)
    columns = [*CUSTOMER_COLUMNS, *plan.custom, *(one.column.key for one in plan.properties)]
    with staging.transaction():
        _clear(staging)
        _make_tables(staging, columns, plan)
        mapper = _Mapper(staging, provider, described, columns)
        row = _FIRST_ROW
        for block in _blocks(staging):
            mapper.map_block(row, block)
            row += len(block)
        mapper.finish()
        fetched = row - _FIRST_ROW
        kinds = [
            [kind.name, mapper.kinds[kind.name], kind.is_taken_by(settings.provider(provider))]
            for kind in KINDS[provider]
        ]
        staging.execute("insert into facts values (?, null, ?)", [PULL_KINDS, json.dumps(kinds)])
        for name, number in (("rows_read", fetched), ("rows_unread", 0)):
            staging.execute("insert into facts values (?, ?, null)", [name, number])
    return MapCounts(fetched, mapper.left_out, mapper.invalid)


def _describe(provider: str, settings: Settings, plan: Plan) -> _Provider:
    if provider == QUICKBOOKS:
        return _Provider(QUICKBOOKS_CUSTOMERS, lambda record: map_quickbooks(record, settings.quickbooks, plan))
    return _Provider(XERO_CONTACTS, lambda record: map_xero(record, settings.xero, plan))


class _Mapper:
    """Maps blocks of records and appends them to staging; merged ones last, when all of them are known."""

    def __init__(self, staging: Staging, name: str, provider: _Provider, columns: Sequence[str]) -> None:
        self.left_out = self.invalid = 0
        self._columns = columns
        self.kinds: Counter[str] = Counter()
        self._staging, self._provider = staging, name
        self._shape = provider.shape
        self._map_record = provider.map_record
        self._merged: list[_Merged] = []

    def map_block(self, first: int, block: Sequence[_Record]) -> None:
        """Map some records to the rows from ``first`` on."""
        flats = [read_record(text, self._shape) for _, _, text in block]
        self.kinds.update(kind for flat in flats for kind in kinds_of(self._provider, flat.flags))
        failures = self._failures(first, block, flats)
        cells: list[Mapping[str, str]] = []
        pulled: list[tuple[object, ...]] = []
        names: list[tuple[object, ...]] = []
        errors: list[_Error] = []
        warnings: list[tuple[int, str, str]] = []
        for row, (provider_id, updated_at, _), flat in zip(range(first, first + len(block)), block, flats, strict=True):
            fields = failures.get(row, ())
            mapped = MappedRecord() if provider_id is None else self._map(flat, fields)
            left_out = mapped.left_out
            if left_out is not None and left_out.code in _GONE:
                self.kinds.subtract(kinds_of(self._provider, flat.flags))
            is_sound = left_out is None and not fields
            cells.append(mapped.cells if is_sound else {})
            if provider_id is not None and left_out is not None and left_out.code == MERGED:
                self._merged.append(_Merged(row, provider_id, updated_at, mapped, left_out))
                continue
            pulled.append((row, provider_id, updated_at, mapped.is_active, mapped.parent_id, None))
            errors += self._errors(row, left_out, fields)
            if is_sound:
                names.append((row, mapped.names.display, mapped.names.qualified))
                warnings += [(row, *warning) for warning in mapped.warnings]
        self._append_cells(first, cells)
        self._append("pulled_rows", pulled, _PULLED)
        self._append("pulled_names", names, _NAMES)
        self._append("row_errors", errors, _ERRORS)
        self._append("pulled_warnings", warnings, _WARNINGS)

    def finish(self) -> None:
        """Append the merged records, each with the one that it has become in the end."""
        self.left_out += len(self._merged)
        winners = ends_of_chains({merged.provider_id: _winner(merged) for merged in self._merged})
        for start in range(0, len(self._merged), _BLOCK_RECORDS):
            pulled: list[tuple[object, ...]] = []
            errors: list[_Error] = []
            for merged in self._merged[start : start + _BLOCK_RECORDS]:
                winner = winners[merged.provider_id] or _winner(merged)
                is_active, field = merged.mapped.is_active, merged.left_out.field
                pulled.append((merged.row, merged.provider_id, merged.updated_at, is_active, None, winner))
                errors.append((_STAGE, merged.row, field, MERGED, winner))
            self._append("pulled_rows", pulled, _PULLED)
            self._append("row_errors", errors, _ERRORS)

    def _map(self, flat: FlatRecord, fields: Sequence[str]) -> MappedRecord:
        for field in fields:
            flat.texts.pop(field, None)  # the mapping relies on what the contract says
        return self._map_record(flat)

    def _errors(self, row: int, left_out: LeftOut | None, fields: Sequence[str]) -> list[_Error]:
        """Return why a record goes no further: what is no customer of ours need not have the right form."""
        if left_out is not None:
            self.left_out += 1
            return [(_STAGE, row, left_out.field, left_out.code, left_out.reference)]
        self.invalid += bool(fields)
        return [(_STAGE, row, field, INVALID_RECORD, None) for field in fields]

    def _failures(self, first: int, block: Sequence[_Record], flats: Sequence[FlatRecord]) -> dict[int, list[str]]:
        """Return the fields of each row that have not the form of the contract."""
        shape, rows = self._shape, range(first, first + len(block))
        columns = {
            "row": pl.Series(rows, dtype=pl.Int64),
            shape.identity: pl.Series([provider_id for provider_id, _, _ in block], dtype=pl.String),
            # Of all others nothing is asked but their JSON type, which the misfits tell.
            **{name: _texts([flat.texts.get(name) for flat in flats]) for name in shape.references},
        }
        misfits = sorted({name for flat in flats for name in flat.misfits})
        for name in misfits:
            columns[f"{name}:{INVALID_RECORD}"] = pl.Series([name in flat.misfits for flat in flats])
        failures: dict[int, list[str]] = {}
        for row, column, _ in find_failures(shape.contract, pl.DataFrame(columns)).iter_rows():
            fields = failures.setdefault(row, [])
            if column not in fields:
                fields.append(column)
        return failures

    def _append_cells(self, first: int, cells: Sequence[Mapping[str, str]]) -> None:
        rows = pl.Series(range(first, first + len(cells)), dtype=pl.Int64)
        filled = set[str]().union(*cells)
        nobody = pl.repeat(None, len(cells), dtype=pl.String, eager=True)
        columns = {
            f"c{position}": _texts([row.get(name) for row in cells]) if name in filled else nobody
            for position, name in enumerate(self._columns)
        }
        nothing = {"parent_row": pl.lit(None, pl.Int64), "password_state": pl.lit(None, pl.String)}
        frame = pl.DataFrame({"row": rows, "line": rows, **columns}).with_columns(**nothing)
        self._staging.append("raw_csv", frame)

    def _append(self, table: str, rows: Sequence[tuple[object, ...]], schema: Mapping[str, Any]) -> None:
        if rows:
            self._staging.append(table, pl.DataFrame(rows, schema=schema, orient="row"))


def _winner(merged: _Merged) -> str:
    return merged.left_out.reference or ""


def _blocks(staging: Staging) -> Iterator[list[_Record]]:
    # On a cursor of its own, because DuckDB refuses other work while a result has rows left.
    with staging.cursor() as cursor:
        cursor.execute(_RECORDS)
        while block := cursor.fetchmany(_BLOCK_RECORDS):
            yield block


def _texts(texts: Sequence[str | None]) -> pl.Series:
    return pl.Series(texts, dtype=pl.String)


def _clear(staging: Staging) -> None:
    """Delete what an earlier try of this stage has left, and nothing that the fetch noted."""
    staging.execute("drop table if exists raw_csv")
    staging.forget(_STAGE, "upload_columns", "pulled_rows", "pulled_names", "pulled_warnings")
    staging.execute("delete from facts where name in ('rows_read', 'rows_unread', ?)", [PULL_KINDS])


def _make_tables(staging: Staging, columns: Sequence[str], plan: Plan) -> None:
    cells = "".join(f", c{position} varchar" for position, _ in enumerate(columns))
    staging.execute(
        f'create table raw_csv ("row" bigint, line bigint, parent_row bigint, password_state varchar{cells})'
    )
    of_properties = {one.column.key: one.column for one in plan.properties}
    for position, name in enumerate(columns):
        column = of_properties.get(name)
        role = "column" if column is None else column.role
        found = [position, name, "custom_field" if name in plan.custom else role, name]
        found += [None] * 3 if column is None else [*column.of_property, column.field]
        staging.execute("insert into upload_columns values (?, ?, ?, ?, ?, ?, ?)", found)
