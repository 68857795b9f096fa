"""Decides which validated rows are loaded: the first of each customer (R16), if the target has none (R17).

The meaning is that of loading row by row: a row that shares an identity key with the
target or with an earlier row *that is loaded* fails, and a row that fails claims nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files

import polars as pl
from sqlalchemy import Column, Connection, MetaData, String, Table, exists, select
from sqlalchemy.schema import CreateTable, DropTable

from etl_customers.database.bulk import append_frame
from etl_customers.database.tables import identity_keys
from etl_customers.staging import Staging
from etl_customers.validate.keys import renew_keys

_KEYS_AT_A_TIME = 200_000

_sought_keys = Table("sought_keys", MetaData(), Column("kind", String), Column("value", String), prefixes=["TEMPORARY"])


@dataclass(frozen=True)
class DeduplicateCounts:
    """Rows that go on to the load, and rows that failed in this stage; together all validated rows."""

    deduplicated: int
    """Rows that become customers."""
    failed: int
    updated: int = 0
    """Of a pull: rows that change customers who are there."""
    unchanged: int = 0
    """Of a pull: rows whose customers are as before."""


def deduplicate_customers(staging: Staging, target: Connection) -> DeduplicateCounts:
    """Fill ``existing_keys``, ``deduplicated_rows`` and this stage's ``row_errors``.

    May be run again at any time, also by the load when another import was faster:
    it forgets its own earlier answer first.

    Args:
        staging: Holds ``validated_customers`` and ``customer_keys``.
        target: A connection in a transaction; only a temporary table is written.

    Returns:
        How many rows go on and how many failed here; together all validated rows.

    Source:
        docs/rules.md, R16 to R18.
    """
    with staging.transaction():
        staging.forget("deduplicate", "existing_keys", "deduplicated_rows")
        renew_keys(staging)
        for found in _find_existing_keys(staging, target):
            staging.append("existing_keys", found)
        staging.execute('create or replace temp table later_rows ("row" bigint)')
        staging.append("later_rows", _find_later_rows(staging))
        staging.execute(_sql("deduplicated_rows"))
        staging.execute(_sql("failed_keys"))
    return DeduplicateCounts(
        deduplicated=staging.number("select count(*) from deduplicated_rows"),
        failed=staging.number("select count(distinct \"row\") from row_errors where stage = 'deduplicate'"),
    )


def _find_existing_keys(staging: Staging, target: Connection) -> Iterator[pl.DataFrame]:
    """Yield (kind, value, customer_id) of the file's keys that the target has."""
    has_keys = target.scalar(select(exists(select(identity_keys.c.kind))))
    if not has_keys or not staging.number("select count(*) from customer_keys"):
        return
    target.execute(CreateTable(_sought_keys))
    for batch in staging.batches(_sql("sought_keys"), _KEYS_AT_A_TIME):
        append_frame(target, _sought_keys.name, batch)
    if target.dialect.name == "postgresql":
        # Without statistics the planner takes a nested loop over millions of keys.
        target.exec_driver_sql(f"analyze {_sought_keys.name}")
    same_key = (identity_keys.c.kind == _sought_keys.c.kind) & (identity_keys.c.value == _sought_keys.c.value)
    query = select(identity_keys).join_from(_sought_keys, identity_keys, same_key)
    schema = {"kind": pl.String, "value": pl.String, "customer_id": pl.Int64}
    for rows in target.execute(query).partitions(_KEYS_AT_A_TIME):
        yield pl.DataFrame([tuple(row) for row in rows], schema=schema, orient="row")
    # Only reached when all went well; else the rollback takes the table away.
    target.execute(DropTable(_sought_keys))


def _find_later_rows(staging: Staging) -> pl.DataFrame:
    """Return the rows that share a key with an earlier row that is loaded.

    SQL finds the keys that several rows hold; only those rows are gone through one by
    one, because whether a row claims its keys depends on whether it is loaded itself.
    """
    claimed: set[int] = set()
    later: list[int] = []
    for batch in staging.batches(_sql("shared_keys"), _KEYS_AT_A_TIME):
        for row, keys in batch.iter_rows():
            if claimed.isdisjoint(keys):
                claimed.update(keys)
            else:
                later.append(row)
    return pl.DataFrame({"row": later}, schema={"row": pl.Int64})


def _sql(name: str) -> str:
    return files(__package__).joinpath(f"{name}.sql").read_text(encoding="utf-8")
