"""Staging files filled by hand, as the earlier stages leave them."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa

from etl_customers.database.connect import writing
from etl_customers.database.ledger import accept_import
from etl_customers.staging import Staging, open_staging


@dataclass
class Upload:
    """An upload by its rows; header in line 1, one line per row, columns e-mail, mobile and password."""

    valid: dict[int, dict[str, Any]] = field(default_factory=dict)
    """Row to customer columns; also ``properties``, and ``keys``, of which every customer has at least one."""
    failed: dict[int, list[tuple[str, str, str | None]]] = field(default_factory=dict)
    """Row to errors: column, code, suggestion."""
    passwords: tuple[int, ...] = ()
    parent_rows: dict[int, int] = field(default_factory=dict)
    parent_import_id: str | None = None
    unread: int = 0


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Callable[[Upload], Staging]]:
    """Fill a new staging file with an upload."""
    with ExitStack() as stack:
        count = 0

        def fill(upload: Upload) -> Staging:
            nonlocal count
            count += 1
            staging = stack.enter_context(open_staging(tmp_path / f"{count}.duckdb", memory_limit_mb=256))
            _fill(staging, upload)
            return staging

        yield fill


@pytest.fixture
def accept() -> Callable[..., str]:
    """Accept an import of some content and return its id."""

    def accept_content(engine: sa.Engine, content: str = "0") -> str:
        with writing(engine) as connection:
            record, _ = accept_import(
                connection,
                source="csv",
                file_name="customers.csv",
                sha256=content.rjust(64, "0"),
                bytes=10,
                encoding=None,
                again=False,
                accepted_by="ada",
            )
        return record.import_id

    return accept_content


def _fill(staging: Staging, upload: Upload) -> None:
    staging.execute(
        "insert into upload_columns (position, header, role, key) values "
        "(0, 'E-mail', 'column', 'email'), (1, 'Mobile', 'column', 'mobile'), (2, 'Password', 'password', 'password')"
    )
    staging.execute(
        'create table raw_csv ("row" bigint, line bigint, parent_row bigint, password_state varchar, '
        "c0 varchar, c1 varchar)"
    )
    rows = sorted([*upload.valid, *upload.failed])
    raw = [
        (row, row + 10, upload.parent_rows.get(row), "given" if row in upload.passwords else None, "", "")
        for row in rows
    ]
    _append(staging, "raw_csv", ["row", "line", "parent_row", "password_state", "c0", "c1"], raw)
    errors = [("validate", row, *error[:2], "7", error[2]) for row, many in upload.failed.items() for error in many]
    _append(staging, "row_errors", ["stage", "row", "column", "code", "reference", "suggestion"], errors)
    keys = [
        (row, *key, key[0])
        for row, values in upload.valid.items()
        for key in values.get("keys", [("name_address", f"customer in row {row}")])
    ]
    _append(staging, "customer_keys", ["row", "kind", "value", "column"], keys)
    parts = [
        (row, name, number, json.dumps(field_values))
        for row, values in upload.valid.items()
        for name, number, field_values in values.get("properties", [])
    ]
    _append(staging, "properties", ["row", "property_type", "number", "field_values"], parts)
    customers = [
        {"customer_type": "Personal"}
        | {name: value for name, value in values.items() if name not in ("keys", "properties")}
        | {"row": row, "has_password": row in upload.passwords, "parent_row": upload.parent_rows.get(row)}
        for row, values in upload.valid.items()
    ]
    if customers:
        staging.append("validated_customers", pl.DataFrame(customers, infer_schema_length=None))
    staging.execute('insert into deduplicated_rows select "row" from validated_customers')
    facts = [("rows_read", len(rows), None), ("rows_unread", upload.unread, None)]
    for name, number, text in [*facts, ("parent_import_id", None, upload.parent_import_id)]:
        staging.execute("insert into facts values (?, ?, ?)", [name, number, text])


def _append(staging: Staging, table: str, columns: list[str], rows: list[tuple[Any, ...]]) -> None:
    if rows:
        staging.append(table, pl.DataFrame(rows, schema=columns, orient="row", infer_schema_length=None))
