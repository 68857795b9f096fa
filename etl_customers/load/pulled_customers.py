"""Writes what a merged pull makes of customers: new ones, changed ones, and whose identity keys are whose."""

from collections.abc import Iterator
from datetime import datetime

import polars as pl
import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Connection, MetaData, Table, Text
from sqlalchemy.schema import CreateTable, DropTable

from etl_customers.database.bulk import append_frame, new_customer_ids, time_text
from etl_customers.database.ledger import ImportRecord
from etl_customers.database.tables import customers, identity_keys
from etl_customers.load.pulled_properties import change_properties, create_properties
from etl_customers.staging import Staging
from schemas.columns import CUSTOMER_COLUMNS

_CREATED = f"""
    select "row", {", ".join(CUSTOMER_COLUMNS)}, custom_fields, warnings, coalesce(pulled.is_active, true) as is_active,
        pulled.provider_id, pulled.provider_updated_at, pulled.parent_id, display_name,
        qualified_name, merged.content_hash
    from validated_customers
    join merged_rows as merged using ("row")
    join pulled_rows as pulled using ("row")
    left join pulled_names using ("row")
    where merged.action = 'create' and "row" between ? and ? order by "row"
"""  # noqa: S608 - our own column names
_CREATED_ROWS = """select "row" from merged_rows where action = 'create'"""
_CLAIMED = 'select "row", kind, value from claimed_keys where "row" between ? and ? order by kind, value'
_CLAIMED_BY_PRESENT = """
    select merged.customer_id, kind, value from claimed_keys join merged_rows as merged using ("row")
    where merged.customer_id is not null and "row" between ? and ? order by kind, value
"""
_CLAIMED_BY_PRESENT_ROWS = """
    select distinct "row" from claimed_keys semi join (
        select "row" from merged_rows where customer_id is not null) using ("row")
"""
_UPDATED = """
    select updated.* exclude ("row"), custom_fields
    from updated_customers as updated left join updated_custom_fields using ("row")
    where "row" between ? and ? order by customer_id
"""
_CHANGED = """
    select customer_id, "column", old_value, new_value from changed_values
    where "row" between ? and ? order by "row", "column"
"""
_RELEASED = "select distinct kind, value, customer_id from released_keys order by kind, value, customer_id"

_temporary = MetaData()
_updated_customers = Table(
    "updated_customers",
    _temporary,
    Column("customer_id", BigInteger, primary_key=True, autoincrement=False),
    *(Column(name, customers.c[name].type) for name in (*CUSTOMER_COLUMNS, "is_active", "warnings", "custom_fields")),
    prefixes=["TEMPORARY"],
)
_released_keys = Table(
    "released_keys",
    _temporary,
    Column("kind", Text),
    Column("value", Text),
    Column("customer_id", BigInteger),
    prefixes=["TEMPORARY"],
)


def release_keys(staging: Staging, connection: Connection) -> None:
    """Delete the identity keys of values that go; before others claim them."""
    released = staging.frame(_RELEASED)
    if not released.height:
        return
    connection.execute(CreateTable(_released_keys))
    append_frame(connection, _released_keys.name, released)
    key, gone = identity_keys.c, _released_keys.c
    is_released = sa.exists().where(key.kind == gone.kind, key.value == gone.value, key.customer_id == gone.customer_id)
    owners = sa.select(gone.customer_id)
    connection.execute(identity_keys.delete().where(key.customer_id.in_(owners), is_released))
    connection.execute(DropTable(_released_keys))


def create_customers(
    staging: Staging, connection: Connection, record: ImportRecord, now: datetime
) -> Iterator[pl.DataFrame]:
    """Write the new customers with their keys and properties, and yield (customer_id, provider_id and more) of each chunk, to link."""
    constants = {
        "import_id": pl.lit(record.import_id),
        "created_at": pl.lit(time_text(connection, now)),
        "updated_at": pl.lit(time_text(connection, now)),
    }
    for bounds in staging.bounds(_CREATED_ROWS):
        created = staging.frame(_CREATED, bounds)
        created = created.with_columns(
            customer_id=pl.Series(new_customer_ids(connection, created.height), dtype=pl.Int64)
        )
        columns = ["row", "customer_id", *CUSTOMER_COLUMNS, "custom_fields", "warnings", "is_active"]
        customer = created.select(columns).rename({"row": "import_row", "customer_id": "id"})
        append_frame(connection, "customers", customer.with_columns(**constants))
        claimed = staging.frame(_CLAIMED, bounds).join(
            created.select("row", "customer_id"), on="row", maintain_order="left"
        )
        append_frame(connection, "identity_keys", claimed.drop("row"))
        create_properties(staging, connection, created, record, bounds)
        yield created


def update_customers(staging: Staging, connection: Connection, record: ImportRecord, now: datetime) -> None:
    """Write the changed customers, and what was changed; they are locked since the merge."""
    for bounds in staging.bounds('select "row" from updated_customers'):
        updated = staging.frame(_UPDATED, bounds)
        connection.execute(CreateTable(_updated_customers))
        append_frame(connection, _updated_customers.name, updated)
        values = {column.name: column for column in _updated_customers.c if column.name != "customer_id"}
        change = customers.update().where(customers.c.id == _updated_customers.c.customer_id)
        connection.execute(change.values(updated_at=now, **values))
        connection.execute(DropTable(_updated_customers))
        changed = staging.frame(_CHANGED, bounds)
        append_frame(
            connection,
            "customer_changes",
            changed.with_columns(import_id=pl.lit(record.import_id), changed_at=pl.lit(time_text(connection, now))),
        )
        change_properties(staging, connection, record, now, bounds)


def claim_keys(staging: Staging, connection: Connection) -> None:
    """Write the keys that customers get who were there before."""
    for bounds in staging.bounds(_CLAIMED_BY_PRESENT_ROWS):
        append_frame(connection, "identity_keys", staging.frame(_CLAIMED_BY_PRESENT, bounds))
