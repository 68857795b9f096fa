"""What assets show of their tables in the UI: columns, counts and failed rows, never a customer's value."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import dagster as dg
import pandera.polars as pa

from etl_customers.report.accounting import FailedRows
from schemas.codes import ERRORS, LEFT_OUT_CODES, describe_file_warning

FAILED_ROWS_SHOWN = 200
_PULLED = {"read": "fetched", "loaded": "created", "failed": "not_synced", "left_out": "left_out_on_purpose"}


def table_schema(schema: pa.DataFrameSchema) -> dg.TableSchema:
    """Return a Pandera schema as Dagster shows it: names, types, meanings, null and unique."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name=str(name),
                type=str(column.dtype),
                description=column.description,
                constraints=dg.TableColumnConstraints(nullable=bool(column.nullable), unique=bool(column.unique)),
            )
            for name, column in schema.columns.items()
        ]
    )


def text_columns(columns: Iterable[tuple[str, str, str]]) -> dg.TableSchema:
    """Return a table schema of (name, type, description) where no Pandera schema stands behind the table."""
    return dg.TableSchema(
        columns=[dg.TableColumn(name=name, type=type_, description=description) for name, type_, description in columns]
    )


def counts(
    row_count: int, by_reason: Mapping[str, int] | None = None, *, is_pull: bool = False, **numbers: float
) -> dict[str, Any]:
    """Return the metadata of a table: its number of rows, the import's counts, failed rows by code.

    Numbers stand by themselves, since Dagster plots those over the imports; the table of
    reasons says what each code means. Of a pull the words are those of its command: what
    was left out on purpose is not called failed.
    """
    metadata: dict[str, Any] = {"dagster/row_count": row_count, **numbers}
    if by_reason is None:
        return metadata
    metadata |= {f"{_called(code, is_pull)}: {code}": rows for code, rows in by_reason.items()}
    records = [
        dg.TableRecord({"code": code, "rows": rows, "meaning": _meaning(code)}) for code, rows in by_reason.items()
    ]
    name = "not_synced_by_reason" if is_pull else "failed_by_reason"
    return metadata | {name: dg.MetadataValue.table(records=records, schema=_REASONS_SCHEMA)}


def in_words_of(is_pull: bool, numbers: Mapping[str, int]) -> dict[str, int]:
    """Return counts of an import under the names that its command uses: of a pull created, not synced."""
    return {_PULLED.get(name, name) if is_pull else name: number for name, number in numbers.items()}


def _called(code: str, is_pull: bool) -> str:
    if not is_pull:
        return "failed"
    return "left out on purpose" if code in LEFT_OUT_CODES else "not synced"


def warnings_of_file(warnings: Iterable[Mapping[str, str | None]]) -> dict[str, Any]:
    """Return the warnings of the file as a whole, where it has any."""
    told = "; ".join(map(describe_file_warning, warnings))
    return {"warnings": told} if told else {}


def failed_rows_table(failed: FailedRows) -> dict[str, Any]:
    """Return the first reasons as a table of row, column, code and message, and how many more there are.

    The rows of a pull are named by the provider's id of the customer besides.
    """
    is_pull = any(cell.provider_id is not None for cell in failed.first)
    schema = NOT_SYNCED_SCHEMA if is_pull else FAILED_ROWS_SCHEMA
    records = [
        dg.TableRecord({column.name: getattr(cell, column.name) for column in schema.columns}) for cell in failed.first
    ]
    name = "not_synced_customers" if is_pull else "failed_rows"
    return {name: dg.MetadataValue.table(records=records, schema=schema), f"{name}_not_shown": failed.more}


def kept_edited_table(kept: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Return how many customers have columns that were edited here and changed at the provider since, and which."""
    found = {"kept_edited": len({provider_id for provider_id, _ in kept})}
    if not kept:
        return found
    records = [dg.TableRecord({"provider_id": one, "column": column}) for one, column in kept[:FAILED_ROWS_SHOWN]]
    return {**found, "kept_edited_columns": dg.MetadataValue.table(records=records, schema=_KEPT_EDITED_SCHEMA)}


def checked(name: str, asset: str, passed: bool, import_id: str, **numbers: float | str) -> dg.AssetCheckResult:
    """Return a check's result with the import it is about and what was compared."""
    return dg.AssetCheckResult(
        check_name=name, asset_key=asset, passed=passed, metadata={"import": import_id, **numbers}
    )


def warned(name: str, asset: str, passed: bool, import_id: str, **numbers: float | str) -> dg.AssetCheckResult:
    """Return the result of a check that only warns, because the import may well be as somebody wants it."""
    return checked(name, asset, passed, import_id, **numbers)._replace(severity=dg.AssetCheckSeverity.WARN)


def _meaning(code: str) -> str:
    """Return the message of a code for no row in particular."""
    return ERRORS[code].message.format(column="the column", reference="…") if code in ERRORS else ""


_REASON_COLUMNS = (
    ("row", "int", "Row of the upload as a spreadsheet numbers it, header = 1; for a pull, its number from 2 on."),
    ("column", "string", "The column that is wrong."),
    ("code", "string", "The reason, for programs."),
    ("message", "string", "The reason, for people."),
    (
        "suggestion",
        "string",
        "What was probably meant, if a list of states, countries, titles, types or choices has something close.",
    ),
)
FAILED_ROWS_SCHEMA = text_columns(_REASON_COLUMNS)
NOT_SYNCED_SCHEMA = text_columns((("provider_id", "string", "The provider's id of the customer."), *_REASON_COLUMNS))
_KEPT_EDITED_SCHEMA = text_columns(
    (
        ("provider_id", "string", "The provider's id of the customer."),
        ("column", "string", "Edited here; the provider now has another value."),
    )
)

_REASONS_SCHEMA = text_columns(
    (
        ("code", "string", "The reason, for programs."),
        ("rows", "int", "How many failed rows have it; a row counts once for each of its reasons."),
        ("meaning", "string", "The reason, for people."),
    )
)
