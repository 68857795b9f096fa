"""The job of each source, and the least that Dagster must know to run one; what starts jobs lives elsewhere."""

import dagster as dg

from assets.customers import deduplicated_customers, failed_rows, loaded_customers, validated_customers
from assets.providers import quickbooks_customers, xero_customers
from assets.raw_csv import raw_csv
from assets.runtime.resources import InstallationResource, nothing_stored
from schemas.sources import CSV, PROVIDERS, QUICKBOOKS, XERO

_FIRST_ASSETS = {CSV: raw_csv, QUICKBOOKS: quickbooks_customers, XERO: xero_customers}
_CHAIN = (validated_customers, deduplicated_customers, loaded_customers, failed_rows)
_DESCRIPTIONS = {
    CSV: "One uploaded file from its raw rows to customers in the target database; one partition, one run.",
    QUICKBOOKS: "One pull from QuickBooks Online, from the pages that it answers to customers in the target database.",
    XERO: "One pull from Xero, from the pages that it answers to customers in the target database.",
}

IMPORT_JOBS = {
    source: dg.define_asset_job(
        f"import_{source}",
        selection=[first, *_CHAIN],
        description=_DESCRIPTIONS[source],
        tags={"source": source},
    )
    for source, first in _FIRST_ASSETS.items()
}
"""By source; each has the source's own asset and the chain that all share."""

import_csv, import_quickbooks, import_xero = (IMPORT_JOBS[source] for source in (CSV, QUICKBOOKS, XERO))

import_pull = dg.define_asset_job(
    "import_pull",
    selection=[*(_FIRST_ASSETS[provider] for provider in PROVIDERS), *_CHAIN],
    description="One pull from any provider, for the schedule: in Dagster a schedule has one job.",
)


def assets_of(source: str) -> list[dg.AssetKey]:
    """Return the assets that an import of a source is made of."""
    return [asset.key for asset in (_FIRST_ASSETS[source], *_CHAIN)]


def import_job(home: str, source: str) -> dg.JobDefinition:
    """Return the job of a source over a home folder, ready to be executed by the process that asks.

    All steps of a run share one process: an import is one process with one staging file.
    """
    return dg.Definitions(
        # Those of the other sources are there as well: the chain depends on all of them.
        assets=[*_FIRST_ASSETS.values(), *_CHAIN],
        jobs=[IMPORT_JOBS[source]],
        resources={"installation": InstallationResource(home=home), "io_manager": nothing_stored},
        executor=dg.in_process_executor,
    ).resolve_job_def(IMPORT_JOBS[source].name)
