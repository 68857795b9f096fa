"""Writes the links of a merged pull: new ones, those read again, and those that ended at the provider."""

from datetime import datetime

import polars as pl
import sqlalchemy as sa
from sqlalchemy import Column, Connection, DateTime, MetaData, String, Table
from sqlalchemy.schema import CreateTable, DropTable

from etl_customers.database.bulk import append_frame, time_text, time_texts
from etl_customers.database.erased_names import forget_names_below_erased
from etl_customers.database.ledger import ImportRecord
from etl_customers.database.tables import provider_customers
from etl_customers.staging import Staging
from schemas.columns import PROVIDER_KIND

_LINKED = """
    select "row", merged.customer_id, merged.content_hash, pulled.provider_id, pulled.provider_updated_at, pulled.parent_id,
        display_name, qualified_name
    from merged_rows as merged join pulled_rows as pulled using ("row")
    left join pulled_names using ("row")
    where merged.action = 'link' and "row" between ? and ? order by "row"
"""
_READ = """
    select pulled.provider_id, pulled.provider_updated_at, pulled.parent_id, display_name, qualified_name,
        merged.content_hash
    from merged_rows as merged join pulled_rows as pulled using ("row")
    left join pulled_names using ("row")
    where merged.action in ('update', 'unchanged') and merged.content_hash is not null
        and "row" between ? and ?
    order by pulled.provider_id
"""
_LINKED_ROWS = """select "row" from merged_rows where action = 'link'"""
_READ_ROWS = """
    select "row" from merged_rows where action in ('update', 'unchanged') and content_hash is not null
"""

_read_links = Table(
    "read_links",
    MetaData(),
    Column("provider_id", String, primary_key=True),
    Column("provider_updated_at", DateTime(timezone=True)),
    Column("parent_id", String),
    Column("display_name", String),
    Column("qualified_name", String),
    Column("content_hash", String),
    prefixes=["TEMPORARY"],
)


def link_customers(connection: Connection, created: pl.DataFrame, record: ImportRecord, now: datetime) -> None:
    """Link customers that were created just now or found in the target, and give them the provider's own key."""
    links = created.select(
        "provider_id",
        "customer_id",
        "content_hash",
        "parent_id",
        "display_name",
        "qualified_name",
        provider=pl.lit(record.source),
        tenant_id=pl.lit(record.tenant_id),
        import_id=pl.lit(record.import_id),
        provider_updated_at=time_texts(connection, "provider_updated_at"),
        synced_at=pl.lit(time_text(connection, now)),
    )
    append_frame(connection, "provider_customers", links)
    value = pl.concat_str(pl.lit(f"{record.source}:{record.tenant_id}:"), "provider_id")
    append_frame(connection, "identity_keys", created.select("customer_id", kind=pl.lit(PROVIDER_KIND), value=value))


def write_links(staging: Staging, connection: Connection, record: ImportRecord, now: datetime) -> None:
    """Link customers from elsewhere, and note on links what was read of them.

    A link whose customer the provider has again is like any other from then on. The names of erased
    people, which stand before those of the customers below them, are not taken over.
    """
    for bounds in staging.bounds(_LINKED_ROWS):
        link_customers(connection, staging.frame(_LINKED, bounds), record, now)
    link, read = provider_customers.c, _read_links.c
    for bounds in staging.bounds(_READ_ROWS):
        frame = staging.frame(_READ, bounds)
        connection.execute(CreateTable(_read_links))
        frame = frame.with_columns(provider_updated_at=time_texts(connection, "provider_updated_at"))
        append_frame(connection, _read_links.name, frame)
        change = provider_customers.update().where(of_connection(record), link.provider_id == read.provider_id)
        connection.execute(
            change.values(
                provider_updated_at=sa.func.coalesce(read.provider_updated_at, link.provider_updated_at),
                parent_id=read.parent_id,
                display_name=read.display_name,
                qualified_name=read.qualified_name,
                content_hash=read.content_hash,
                synced_at=now,
                vanished_at=None,
                merged_into=None,
            )
        )
        connection.execute(DropTable(_read_links))
    forget_names_below_erased(connection, of_connection(record))


def of_connection(record: ImportRecord) -> sa.ColumnElement[bool]:
    """Return the condition for the links of a pull's connection."""
    return sa.and_(provider_customers.c.provider == record.source, provider_customers.c.tenant_id == record.tenant_id)
