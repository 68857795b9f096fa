"""Writes the properties that a merged pull makes: those of new customers, and what changes of others'."""

from collections.abc import Sequence
from datetime import datetime

import polars as pl
import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Connection, Integer, MetaData, String, Table
from sqlalchemy.schema import CreateTable, DropTable

from etl_customers.database.bulk import append_frame, time_text
from etl_customers.database.ledger import ImportRecord
from etl_customers.database.tables import properties
from etl_customers.staging import Staging

_CREATED = """
    select "row", property_type as property_type_id, number, number as provided_number, field_values
    from properties semi join (select "row" from merged_rows where action = 'create') using ("row")
    where "row" between ? and ? order by "row", property_type, number
"""
_CHANGED = """
    select customer_id, property_type as property_type_id, number, provided_number, old_values, new_values
    from changed_properties where "row" between ? and ? order by customer_id, property_type, number
"""

_replaced_properties = Table(
    "replaced_properties",
    MetaData(),
    Column("customer_id", BigInteger, primary_key=True, autoincrement=False),
    Column("property_type_id", String, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    prefixes=["TEMPORARY"],
)
_KEY = [column.name for column in _replaced_properties.c]


def create_properties(
    staging: Staging, connection: Connection, created: pl.DataFrame, record: ImportRecord, bounds: Sequence[int]
) -> None:
    """Write the properties of customers that were created just now, whose ``row`` and ``customer_id`` these are."""
    staged = staging.frame(_CREATED, list(bounds))
    found = staged.join(created.select("row", "customer_id"), on="row", how="inner", maintain_order="left")
    if found.height != staged.height:
        raise RuntimeError(f"pull {record.import_id} has properties of {staged.height - found.height} rows of nobody")
    _append(connection, found.drop("row"), record)


def change_properties(
    staging: Staging, connection: Connection, record: ImportRecord, now: datetime, bounds: Sequence[int]
) -> None:
    """Write what changes of the properties that pulls of this connection made, and note what was there before.

    Their customers are locked since the merge; of those ``updated_customers`` has each.
    """
    changed = staging.frame(_CHANGED, list(bounds))
    if not changed.height:
        return
    connection.execute(CreateTable(_replaced_properties))
    replaced = changed.filter(pl.col("old_values").is_not_null()).select(_KEY)
    append_frame(connection, _replaced_properties.name, replaced)
    one, gone = properties.c, _replaced_properties.c
    is_replaced = sa.exists().where(*(one[name] == gone[name] for name in _KEY))
    of_those = one.customer_id.in_(sa.select(gone.customer_id))
    gone_count = connection.execute(properties.delete().where(of_those, is_replaced)).rowcount
    if gone_count != replaced.height:
        raise RuntimeError(
            f"pull {record.import_id} replaces {replaced.height} properties, but {gone_count} were there"
        )
    connection.execute(DropTable(_replaced_properties))
    written = changed.filter(pl.col("new_values").is_not_null()).rename({"new_values": "field_values"})
    _append(connection, written.drop("old_values"), record)
    entries = changed.select(
        "customer_id",
        pl.concat_str("property_type_id", pl.lit(" "), "number").alias("column"),
        pl.col("old_values").alias("old_value"),
        pl.col("new_values").alias("new_value"),
        "provided_number",
        import_id=pl.lit(record.import_id),
        changed_at=pl.lit(time_text(connection, now)),
    )
    append_frame(connection, "customer_changes", entries)


def _append(connection: Connection, frame: pl.DataFrame, record: ImportRecord) -> None:
    owner = {"provider": pl.lit(record.source), "tenant_id": pl.lit(record.tenant_id)}
    append_frame(connection, properties.name, frame.with_columns(**owner))
