"""Tables and columns as the UI shows them: their meanings, and where each column comes from."""

from collections.abc import Iterable, Sequence
from typing import Any

import dagster as dg

from assets.display.metadata import table_schema, text_columns
from etl_customers.database.tables import customers
from etl_customers.report.lineage import PROPERTIES, Lineage, ShownColumn, headers_of_loaded
from schemas.provider_records import RecordShape
from schemas.validated_customers import VALIDATED_CUSTOMERS

_SCHEMA, _LINEAGE = "dagster/column_schema", "dagster/column_lineage"

_PROPERTIES = dg.TableColumn(
    name=PROPERTIES,
    type="json",
    description="The row's properties; they are in a table of that name beside this one.",
)
_MADE_BY_THE_LOAD = {
    "id": "The customer's id; never used twice.",
    "is_active": "Whether the customer is still active.",
    "import_id": "The import that created the customer.",
    "created_at": "When the customer was loaded, UTC.",
    "updated_at": "When the customer was last changed, UTC.",
}
_BESIDES_CELLS = (
    ("row", "bigint", "Row of the upload as a spreadsheet numbers it, header = 1."),
    ("line", "bigint", "Line of the file on which the row begins."),
    ("parent_row", "bigint", "Row of the import that this one corrects, from our failed-rows file."),
    ("password_state", "varchar", "Whether the row has a password; the password itself is never staged."),
)
_FIRST_IN_FILE = (
    ("import_id", "text", "The import whose row failed."),
    ("row", "text", "Row of the upload as a spreadsheet numbers it, header = 1."),
)
_LAST_IN_FILE = (("errors", "text", "All reasons why the row failed, in words."),)

_WAYS = text_columns(
    (
        ("column", "string", "Column of the table customers."),
        ("comes_from", "string", "The headers of the upload's columns that it is made from."),
    )
)

RAW_CSV = text_columns(
    (*_BESIDES_CELLS, ("c0, c1, …", "varchar", "The cells as they are, one column for each column of the upload."))
)
STAGED_CUSTOMERS = dg.TableSchema(columns=[*table_schema(VALIDATED_CUSTOMERS).columns, _PROPERTIES])
LOADED_CUSTOMERS = dg.TableSchema(
    columns=[
        *(
            dg.TableColumn(
                name=column.name,
                type=str(column.type).lower(),
                description=column.comment or _MADE_BY_THE_LOAD[column.name],
                constraints=dg.TableColumnConstraints(nullable=bool(column.nullable), unique=bool(column.primary_key)),
            )
            for column in customers.columns
        ),
        _PROPERTIES,
    ]
)
FAILED_ROWS = text_columns(
    (*_FIRST_IN_FILE, ("…", "text", "The columns of the upload under their own headers."), *_LAST_IN_FILE)
)

WORKLIST = text_columns(
    (
        ("provider_id", "text", "The provider's id of the customer."),
        ("code", "text", "The reason, for programs."),
        ("message", "text", "The reason, for people."),
        ("column", "text", "The column or the provider's field that is wrong."),
        ("synced", "text", "Whether the customer was synced anyway: yes or no."),
        ("link", "text", "The customer's page at the provider."),
    )
)


def columns_of_records(shape: RecordShape) -> dg.TableSchema:
    """Return the fields of a provider's customers that are read, under the provider's own names."""
    lists = {f"{name}.{inner}" for name, inners in shape.lists.items() for inner in inners}
    fields = [
        (shape.identity, "text", "The provider's id of the customer."),
        *((name, "text", "Field of the provider, as it came.") for name in shape.flat_texts),
        *((name, "boolean", "Field of the provider, as it came.") for name in shape.flags),
        *((name, "text", "Field of the provider, in each element of a list.") for name in sorted(lists)),
    ]
    return text_columns((("row", "bigint", "The number of the row made from it, from 2 on."), *fields))


def schema(table: dg.TableSchema) -> dict[str, Any]:
    """Return the metadata that shows a table's columns."""
    return {_SCHEMA: table}


def columns_from(asset: str, lineage: Lineage) -> dict[str, Any]:
    """Return the metadata that shows where columns come from, all from the same asset."""
    deps = {
        name: [dg.TableColumnDep(asset_key=dg.AssetKey(asset), column_name=source) for source in sources]
        for name, sources in lineage.items()
    }
    return {_LINEAGE: dg.TableColumnLineage(deps_by_column=deps)}


def columns_from_upload(columns: Sequence[ShownColumn]) -> dict[str, Any]:
    """Return the way of all columns from the upload to the target as a table: only Dagster+ draws column lineage."""
    records = [
        dg.TableRecord({"column": name, "comes_from": ", ".join(headers)})
        for name, headers in headers_of_loaded(columns).items()
    ]
    return {"columns_from_upload": dg.MetadataValue.table(records=records, schema=_WAYS)} if records else {}


def columns_of_upload(columns: Iterable[ShownColumn]) -> dict[str, Any]:
    """Return the metadata that shows the columns of ``raw_csv`` for one import."""
    cells = [
        (column.name, "varchar", f"{_meaning(column)} In the staging table it is {column.cell}.")
        for column in columns
        if column.cell is not None
    ]
    return schema(text_columns((*_BESIDES_CELLS, *cells)))


def columns_of_failed_rows(columns: Iterable[ShownColumn]) -> dict[str, Any]:
    """Return the metadata that shows the columns of one import's failed-rows file."""
    cells = [(column.name, "text", _meaning(column)) for column in columns if column.cell is not None]
    return schema(text_columns((*_FIRST_IN_FILE, *cells, *_LAST_IN_FILE)))


def _meaning(column: ShownColumn) -> str:
    return f"Cells of {column.key}, as they were uploaded." if column.key else "Cells of a column that was left out."
