"""What a merge asks of the target: links, owners of identity keys, customers, and what people edited.

Only temporary tables are written; what is found goes into frames of bounded size.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any

import polars as pl
import sqlalchemy as sa
from sqlalchemy import BigInteger, Boolean, Column, Connection, MetaData, String, Table
from sqlalchemy.schema import CreateTable, DropTable

from etl_customers.database.bulk import append_frame
from etl_customers.database.removals import UNDO_OF
from etl_customers.database.tables import (
    customer_changes,
    customers,
    identity_keys,
    imports,
    properties,
    provider_customers,
)
from schemas.columns import COLUMN_BY_NAME, CUSTOMER_COLUMNS, Kind

_ROWS_AT_A_TIME = 50_000

_temporary = MetaData()
# With a key, because SQLite would else go through all of it for each link of the connection.
_sought_links = Table(
    "sought_links", _temporary, Column("provider_id", String, primary_key=True), prefixes=["TEMPORARY"]
)
_sought_keys = Table(
    "sought_keys",
    _temporary,
    Column("kind", String),
    Column("value", String),
    Column("is_needed", Boolean),
    prefixes=["TEMPORARY"],
)
_released_keys = Table(
    "released_keys",
    _temporary,
    Column("kind", String),
    Column("value", String),
    Column("customer_id", BigInteger),
    prefixes=["TEMPORARY"],
)
_sought_customers = Table("sought_customers", _temporary, Column("customer_id", BigInteger), prefixes=["TEMPORARY"])

LINKS = {
    "provider_id": pl.String,
    "customer_id": pl.Int64,
    "content_hash": pl.String,
    "provider_updated_at": pl.Datetime("us"),
    "is_gone": pl.Boolean,
}
KEYS = {"kind": pl.String, "value": pl.String, "customer_id": pl.Int64, "is_own": pl.Boolean}
EDITED = {"customer_id": pl.Int64, "column": pl.String, "provided": pl.String, "is_provided": pl.Boolean}
"""``provided`` is the value that was there before the person set another, as JSON; null for none. Where it
``is_provided``, the provider had that value then."""
CUSTOMERS = {
    "customer_id": pl.Int64,
    **{name: pl.Date if COLUMN_BY_NAME[name].kind is Kind.DATE else pl.String for name in CUSTOMER_COLUMNS},
    "is_active": pl.Boolean,
    "warnings": pl.String,
    "custom_fields": pl.String,
}

PROPERTIES = {
    "customer_id": pl.Int64,
    "property_type": pl.String,
    "number": pl.Int32,
    "provided_number": pl.Int32,
    "field_values": pl.String,
}
"""Of a property that is not of the connection's pulls ``provided_number`` is null."""


def find_links(
    target: Connection, provider: str, tenant_id: str, provider_ids: Iterable[pl.DataFrame]
) -> Iterator[pl.DataFrame]:
    """Yield the links that a connection has of some of its customers, as ``LINKS``; times in UTC without zone."""
    with _filled(target, _sought_links, provider_ids):
        link = provider_customers.c
        gone = sa.or_(link.erased_at.is_not(None), link.erasure_asked_at.is_not(None))
        columns = (link.provider_id, link.customer_id, link.content_hash, _utc(target, link.provider_updated_at), gone)
        same = sa.and_(
            link.provider == provider, link.tenant_id == tenant_id, link.provider_id == _sought_links.c.provider_id
        )
        yield from _frames(target, sa.select(*columns).join_from(_sought_links, provider_customers, same), LINKS)


def find_owners(
    target: Connection, provider: str, tenant_id: str, keys: Iterable[pl.DataFrame]
) -> Iterator[pl.DataFrame]:
    """Yield what has to be known of identity keys, as ``KEYS``.

    Of those that are needed the ones with an owner, and whether the owner is a customer of the
    connection; of the others the ones without, and there ``customer_id`` is null.

    Args:
        target: A connection in a transaction.
        provider: ``quickbooks`` or ``xero``.
        tenant_id: QuickBooks realm or Xero tenant.
        keys: kind, value, is_needed; each key once.
    """
    with _filled(target, _sought_keys, keys):
        key, sought = identity_keys.c, _sought_keys.c
        # A list, because SQLite would else go through all of the connection's links for each key.
        own = sa.select(provider_customers.c.customer_id).where(
            provider_customers.c.provider == provider,
            provider_customers.c.tenant_id == tenant_id,
            provider_customers.c.customer_id.is_not(None),
        )
        is_own = key.customer_id.in_(own)
        same = sa.and_(key.kind == sought.kind, key.value == sought.value)
        columns = (sought.kind, sought.value, key.customer_id)
        owned = sa.select(*columns, is_own).join_from(_sought_keys, identity_keys, same).where(sought.is_needed)
        yield from _frames(target, owned, KEYS)
        free = sa.select(*columns, sa.false()).join_from(_sought_keys, identity_keys, same, isouter=True)
        yield from _frames(target, free.where(~sought.is_needed, key.customer_id.is_(None)), KEYS)


def find_owned(target: Connection, keys: pl.DataFrame) -> pl.DataFrame:
    """Return those of some (kind, value, customer_id) that are in the target: keys that those customers have."""
    if not keys.height:
        return keys
    with _filled(target, _released_keys, [keys.unique(maintain_order=True)]):
        key, released = identity_keys.c, _released_keys.c
        same = (key.kind == released.kind, key.value == released.value, key.customer_id == released.customer_id)
        query = sa.select(key.kind, key.value, key.customer_id).join_from(_released_keys, identity_keys, sa.and_(*same))
        found = [tuple(row) for row in target.execute(query)]
    return pl.DataFrame(found, schema=keys.schema, orient="row")


def find_present(target: Connection, customer_ids: Sequence[int], *, is_locking: bool) -> pl.DataFrame:
    """Return customers as they stand, as ``CUSTOMERS``, and keep others from changing them if asked to."""
    with _filled(target, _sought_customers, [_ids(customer_ids)]):
        as_written = sa.cast(customers.c.custom_fields, sa.Text)
        columns = (customers.c.id, *(customers.c[name] for name in list(CUSTOMERS)[1:-1]), as_written)
        query = sa.select(*columns).join_from(
            _sought_customers, customers, customers.c.id == _sought_customers.c.customer_id
        )
        query = query.order_by(customers.c.id)
        found = target.execute(query.with_for_update(of=customers) if is_locking else query).all()
    rows = [(*row[:-2], warnings_text(row[-2]), row[-1]) for row in found]
    return pl.DataFrame(rows, schema=CUSTOMERS, orient="row")


def find_properties(target: Connection, provider: str, tenant_id: str, customer_ids: Sequence[int]) -> pl.DataFrame:
    """Return all properties of customers, as ``PROPERTIES``, and which of them pulls of this connection made."""
    with _filled(target, _sought_customers, [_ids(customer_ids)]):
        one = properties.c
        is_own = sa.and_(one.provider == provider, one.tenant_id == tenant_id)
        query = sa.select(
            one.customer_id,
            one.property_type_id,
            one.number,
            sa.case((is_own, one.provided_number)),
            sa.cast(one.field_values, sa.Text),
        ).join_from(_sought_customers, properties, one.customer_id == _sought_customers.c.customer_id)
        found = [tuple(row) for row in target.execute(query)]
    return pl.DataFrame(found, schema=PROPERTIES, orient="row")


def find_edited(target: Connection, provider: str, tenant_id: str, customer_ids: Sequence[int]) -> pl.DataFrame:
    """Return the values that a person set and no import has changed since, as ``EDITED``.

    The value before was the provider's where the customer was linked by then, unless another import set it later:
    whoever is linked is as the provider has it.
    """
    with _filled(target, _sought_customers, [_ids(customer_ids)]):
        change = customer_changes.c
        is_edit = sa.and_(change.import_id.is_(None), sa.func.coalesce(change.changed_by, "").not_like(f"{UNDO_OF}%"))
        imported = sa.func.coalesce(sa.func.max(sa.case((~is_edit, change.id))), 0).label("imported")
        last = (
            sa.select(change.customer_id, change.column, imported, sa.func.max(change.id).label("latest"))
            .join_from(_sought_customers, customer_changes, change.customer_id == _sought_customers.c.customer_id)
            .group_by(change.customer_id, change.column)
            .subquery()
        )
        same = sa.and_(change.customer_id == last.c.customer_id, change.column == last.c.column)
        first = (
            sa.select(sa.func.min(change.id).label("id"), last.c.imported)
            .join_from(last, customer_changes, same)
            .where(last.c.latest > last.c.imported, change.id > last.c.imported)
            .group_by(change.customer_id, change.column, last.c.imported)
            .subquery()
        )
        linked = _linked(provider, tenant_id)
        setter, by = customer_changes.alias(), imports.alias()
        is_own = sa.and_(by.c.source == provider, by.c.tenant_id == tenant_id)
        # What an undo put back has no import.
        is_as_linked = sa.or_(setter.c.import_id.is_(None), is_own, setter.c.changed_at <= linked.c.linked_at)
        is_provided = sa.func.coalesce(sa.and_(linked.c.linked_at <= change.changed_at, is_as_linked), sa.false())
        query = (
            sa.select(change.customer_id, change.column, change.old_value, is_provided)
            .join_from(first, customer_changes, change.id == first.c.id)
            .outerjoin(linked, linked.c.customer_id == change.customer_id)
            .outerjoin(setter, setter.c.id == first.c.imported)
            .outerjoin(by, by.c.import_id == setter.c.import_id)
        )
        found = [(*row[:2], json_text(row[2]), bool(row[3])) for row in target.execute(query)]
    return pl.DataFrame(found, schema=EDITED, orient="row")


def _linked(provider: str, tenant_id: str) -> sa.Subquery:
    """Return a query for when the sought customers were first linked to a company's."""
    link = provider_customers.c
    return (
        sa.select(link.customer_id, sa.func.min(imports.c.finished_at).label("linked_at"))
        .join_from(_sought_customers, provider_customers, link.customer_id == _sought_customers.c.customer_id)
        .join(imports, imports.c.import_id == link.import_id)
        .where(link.provider == provider, link.tenant_id == tenant_id)
        .group_by(link.customer_id)
        .subquery()
    )


@contextmanager
def _filled(target: Connection, table: Table, frames: Iterable[pl.DataFrame]) -> Iterator[None]:
    target.execute(CreateTable(table))
    for frame in frames:
        append_frame(target, table.name, frame)
    if target.dialect.name == "postgresql":
        # Without statistics the planner takes a nested loop over millions of rows.
        target.exec_driver_sql(f"analyze {table.name}")
    yield
    # Only reached when all went well; else the rollback takes the table away.
    target.execute(DropTable(table))


def warnings_text(warnings: Iterable[Mapping[str, str]] | None) -> str | None:
    """Return warnings as JSON text in a fixed order, so that the same ones give the same text; null for none."""
    ordered = sorted(
        ({"column": one["column"], "code": one["code"]} for one in warnings or ()), key=lambda w: [*w.values()]
    )
    return json.dumps(ordered) if ordered else None


def json_text(value: object) -> str | None:
    """Return a value of a customer as JSON, as it stands in the record of changes; null for none."""
    if value is None:
        return None
    return json.dumps(value.isoformat() if isinstance(value, date) else value, ensure_ascii=False)


def _ids(customer_ids: Sequence[int]) -> pl.DataFrame:
    return pl.DataFrame({"customer_id": customer_ids}, schema={"customer_id": pl.Int64}).unique()


def _frames(target: Connection, query: sa.Select[Any], schema: dict[str, Any]) -> Iterator[pl.DataFrame]:
    with target.execute(query.execution_options(yield_per=_ROWS_AT_A_TIME)) as found:
        for rows in found.partitions():
            yield pl.DataFrame([tuple(row) for row in rows], schema=schema, orient="row")


def _utc(target: Connection, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """Return a time without its zone: PostgreSQL's is the session's, and SQLite has none."""
    return sa.func.timezone("UTC", column) if target.dialect.name == "postgresql" else column
