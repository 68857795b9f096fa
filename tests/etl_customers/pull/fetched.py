"""Records in staging as a fetch leaves them."""

import json
from datetime import datetime
from typing import Any

import polars as pl

from etl_customers.staging import Staging

Record = tuple[str | None, Any]
"""The id that the fetch found, and the record."""


def fetched(staging: Staging, *records: Record, updated_at: datetime | None = None) -> Staging:
    """Stage records as the fetch does, in this order."""
    rows = [(at, id_, updated_at, json.dumps(record)) for at, (id_, record) in enumerate(records)]
    schema: dict[str, Any] = {
        "position": pl.Int64,
        "provider_id": pl.String,
        "updated_at": pl.Datetime("us"),
        "record": pl.String,
    }
    staging.append("provider_records", pl.DataFrame(rows, schema=schema, orient="row"))
    return staging
