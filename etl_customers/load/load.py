"""Loads an import in one transaction: customers, their keys and properties, the failed rows, the ledger.

What is written comes from ``etl_customers.load.staged_rows``; here is the transaction
and what happens when another import was faster or the database breaks off.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import pandera.polars as pa
import polars as pl
from sqlalchemy import Connection, Engine

from etl_customers.base.read_ahead import read_ahead
from etl_customers.database.bulk import append_frame, new_customer_ids, time_text
from etl_customers.database.connect import writing
from etl_customers.database.first_load import keys_indexed_last
from etl_customers.database.ledger import (
    FINISHED,
    ImportRecord,
    finish_import,
    password_hashes_of,
)
from etl_customers.deduplicate.deduplicate import deduplicate_customers
from etl_customers.load.attempts import begin_load, load_whole
from etl_customers.load.matches import write_matches
from etl_customers.load.staged_rows import Chunk, StagedRows
from etl_customers.read.raw_csv import read_file_warnings
from etl_customers.staging import Staging
from schemas.validated_customers import VALIDATED_CUSTOMERS


@dataclass(frozen=True)
class LoadCounts:
    """Rows of a finished import; read = loaded + failed, of a pull + updated + unchanged."""

    read: int
    loaded: int
    failed: int
    unread: int
    updated: int = 0
    unchanged: int = 0
    vanished: int = 0
    """Customers that no longer exist at the provider; none of those read."""


def load_customers(
    staging: Staging,
    target: Engine,
    import_id: str,
    hashes: Mapping[int, str],
    run_id: str | None,
    contract: pa.DataFrameSchema = VALIDATED_CUSTOMERS,
) -> LoadCounts:
    """Load an import, whole or not at all; of a finished one, return the counts and write nothing.

    The first try writes at once. Where another import has been faster with one of the
    customers, or one that a row matched was removed, it is undone, and the next try keeps
    all others from entering customers while it finds the duplicates again: so the answer
    is that of loading row by row.

    Args:
        staging: Deduplicated.
        target: Where to.
        import_id: An accepted import.
        hashes: Row to hash of each row whose password was given, failed ones too.
        run_id: Dagster's run, if any.
        contract: What each row must be; that of its source asks for what the source requires, too.

    Returns:
        The counts that are in the ledger now.

    Raises:
        NotFound: The ledger has no such import.
        UsageError: The import was refused or undone.
        RowsBroken: A row in staging breaks a rule; nothing was loaded.
        DatabaseUnavailable: Nothing was loaded, and loading again is safe.
    """

    def load(*, is_alone: bool) -> LoadCounts:
        with writing(target) as connection:
            record = begin_load(connection, import_id, is_alone=is_alone, remedy="import the file again")
            if record.status == FINISHED:
                return _counts(record)
            if is_alone:
                deduplicate_customers(staging, connection)
            return _write(staging, connection, import_id, hashes, run_id, contract)

    return load_whole(load, target, import_id, _counts)


def _write(
    staging: Staging,
    connection: Connection,
    import_id: str,
    hashes: Mapping[int, str],
    run_id: str | None,
    contract: pa.DataFrameSchema,
) -> LoadCounts:
    parent = staging.rows("select text from facts where name = 'parent_import_id' and text is not null")
    parent_import_id: str | None = parent[0][0] if parent else None
    parent_hashes = dict(password_hashes_of(connection, parent_import_id)) if parent_import_id else {}
    rows = StagedRows(staging, hashes, parent_hashes, contract=contract)
    now = datetime.now(UTC)
    # The next chunk is read while the database takes one.
    with keys_indexed_last(connection, rows.count()), read_ahead(rows.chunks()) as chunks:
        loaded = _write_customers(chunks, connection, import_id, now)
    failed = 0
    for frame in rows.failed_rows():
        append_frame(connection, "failed_rows", frame.with_columns(import_id=pl.lit(import_id)))
        failed += frame.height
    write_matches(rows, connection, import_id)
    counts = LoadCounts(rows.fact("rows_read"), loaded, failed, rows.fact("rows_unread"))
    if counts.read != loaded + failed:
        raise RuntimeError(f"import {import_id} read {counts.read} rows, but {loaded} + {failed} came to the load")
    finish_import(
        connection,
        import_id,
        counts={
            "rows_read": counts.read,
            "rows_loaded": counts.loaded,
            "rows_failed": counts.failed,
            "rows_unread": counts.unread,
        },
        parent_import_id=parent_import_id,
        run_id=run_id,
        finished_at=now,
        warnings=read_file_warnings(staging),
    )
    return counts


def _write_customers(chunks: Iterator[Chunk], connection: Connection, import_id: str, now: datetime) -> int:
    time_of_load = pl.lit(time_text(connection, now))
    constants = {
        "is_active": pl.lit(True),
        "import_id": pl.lit(import_id),
        "created_at": time_of_load,
        "updated_at": time_of_load,
    }
    loaded = 0
    for chunk in chunks:
        ids = pl.DataFrame(
            {"row": chunk.customers["row"], "customer_id": new_customer_ids(connection, chunk.customers.height)}
        )
        customers = chunk.customers.rename({"row": "import_row"}).with_columns(
            ids["customer_id"].alias("id"), **constants
        )
        if chunk.keys["row"].n_unique() != chunk.customers.height:
            raise RuntimeError(f"customers of import {import_id} came to the load without identity keys")
        append_frame(connection, "customers", customers)
        for table, frame in (("identity_keys", chunk.keys), ("properties", chunk.properties)):
            append_frame(connection, table, frame.join(ids, on="row", how="inner", maintain_order="left").drop("row"))
        loaded += chunk.customers.height
    return loaded


def _counts(record: ImportRecord) -> LoadCounts:
    return LoadCounts(
        read=record.rows_read or 0,
        loaded=record.rows_loaded or 0,
        failed=record.rows_failed or 0,
        unread=record.rows_unread or 0,
    )
