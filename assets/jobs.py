"""The job of each source, and the least that Dagster must know to run one; what starts jobs lives elsewhere."""

import dagster as dg

from assets.customers import deduplicated_customers, failed_rows, loaded_customers, validated_customers
from assets.raw_csv import raw_csv
from assets.resources import WorkshopResource

IMPORT_CSV = "import_csv"

IMPORT_ASSETS = (raw_csv, validated_customers, deduplicated_customers, loaded_customers, failed_rows)

import_csv = dg.define_asset_job(
    IMPORT_CSV,
    selection=list(IMPORT_ASSETS),
    description="One uploaded file from its raw rows to customers in the target database; one partition, one run.",
    tags={"source": "csv"},
)


def import_job(home: str) -> dg.JobDefinition:
    """Return ``import_csv`` over a home folder, ready to be executed by the process that asks.

    All steps of a run share one process: an import is one process with one staging file.
    """
    return dg.Definitions(
        assets=list(IMPORT_ASSETS),
        jobs=[import_csv],
        resources={"workshop": WorkshopResource(home=home)},
        executor=dg.in_process_executor,
    ).resolve_job_def(IMPORT_CSV)
