"""The source asset of a CSV import: the rows of the upload, as text."""

import dagster as dg

from assets.display.endings import ends_in_words
from assets.display.failures import stage_of
from assets.display.import_facts import links_of, record_of, tag_run
from assets.display.lineage import RAW_CSV, columns_of_upload, schema
from assets.display.metadata import checked, counts, warnings_of_file
from assets.runtime.partitions import imports
from assets.runtime.resources import InstallationResource
from etl_customers.imports.stages import run_raw_csv
from etl_customers.report.accounting import count_staged_rows
from etl_customers.report.lineage import read_shown_columns

_EVERY_ROW_IS_STAGED = "every_row_is_staged"


@dg.asset(
    partitions_def=imports,
    group_name="customers",
    kinds={"csv", "duckdb"},
    owners=["team:data"],
    tags={"stage": "read"},
    metadata=schema(RAW_CSV),
    check_specs=[
        dg.AssetCheckSpec(
            _EVERY_ROW_IS_STAGED,
            asset="raw_csv",
            blocking=True,
            description="The staging table has as many rows as were read from the file.",
        )
    ],
)
@ends_in_words
def raw_csv(
    context: dg.AssetExecutionContext, installation: dg.ResourceParam[InstallationResource]
) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """Rows of the uploaded file exactly as they are, numbered, up to the first blank row; no passwords."""
    with stage_of(context, installation, source="csv") as (opened, import_id):
        done = run_raw_csv(opened, import_id, context.run_id)
        counted = count_staged_rows(opened.staging_path(import_id), opened.settings.staging)
        columns = read_shown_columns(opened.staging_path(import_id), opened.settings.staging)
        record = record_of(opened, import_id)
        tags, links = tag_run(context, opened, record), links_of(opened, record, done.parent_import_id)
    staged = done.read if counted is None else counted
    return dg.MaterializeResult(
        metadata=counts(done.read, read=done.read, unread=done.unread)
        | warnings_of_file(done.warnings)
        | columns_of_upload(columns)
        | links,
        check_results=[
            checked(_EVERY_ROW_IS_STAGED, "raw_csv", staged == done.read, import_id, read=done.read, staged=staged)
        ],
        tags=tags,
    )
