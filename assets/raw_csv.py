"""The source asset of a CSV import: the rows of the upload, as text."""

import dagster as dg

from assets.guard import stage_of
from assets.metadata import checked, counts, text_columns
from assets.partitions import imports
from assets.resources import WorkshopResource
from etl_customers.imports import run_raw_csv
from etl_customers.report.accounting import count_staged_rows

_EVERY_ROW_IS_STAGED = "every_row_is_staged"
_COLUMNS = (
    ("row", "bigint", "Row of the upload as a spreadsheet numbers it, header = 1."),
    ("line", "bigint", "Line of the file on which the row begins."),
    ("parent_row", "bigint", "Row of the import that this one corrects, from our failed-rows file."),
    ("password_state", "varchar", "Whether the row has a password; the password itself is never staged."),
    ("c0, c1, …", "varchar", "The cells as they are, one column per column of the upload."),
)


@dg.asset(
    partitions_def=imports,
    group_name="customers",
    kinds={"csv", "duckdb"},
    owners=["team:data"],
    tags={"stage": "read"},
    metadata={"dagster/column_schema": text_columns(_COLUMNS)},
    check_specs=[
        dg.AssetCheckSpec(
            _EVERY_ROW_IS_STAGED,
            asset="raw_csv",
            blocking=True,
            description="The staging table has as many rows as were read from the file.",
        )
    ],
)
def raw_csv(context: dg.AssetExecutionContext, workshop: WorkshopResource) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """Rows of the uploaded file exactly as they are, numbered, up to the first blank row; no passwords."""
    with stage_of(context, workshop, source="csv") as (opened, import_id):
        done = run_raw_csv(opened, import_id, context.run_id)
        counted = count_staged_rows(opened.staging_path(import_id), opened.settings.staging)
    staged = done.read if counted is None else counted
    corrects = {"corrects_import": done.parent_import_id} if done.parent_import_id else {}
    return dg.MaterializeResult(
        metadata=counts(done.read, read=done.read, unread=done.unread) | corrects,
        check_results=[
            checked(_EVERY_ROW_IS_STAGED, "raw_csv", staged == done.read, import_id, read=done.read, staged=staged)
        ],
    )
