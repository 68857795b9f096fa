"""Whole imports and pulls, all stages in their order, for programs that work without Dagster."""

from etl_customers.imports.fetching import run_provider_customers
from etl_customers.imports.installation import Installation
from etl_customers.imports.stages import (
    run_deduplicated_customers,
    run_failed_rows,
    run_loaded_customers,
    run_raw_csv,
    run_validated_customers,
)
from etl_customers.load.load import LoadCounts
from etl_customers.pull.fetch import PAGE_SIZE
from etl_customers.pull.pacing import Clock
from etl_customers.staging import kept_open


def run_import(installation: Installation, import_id: str) -> None:
    """Run all stages of an import in their order, without Dagster."""
    with kept_open():
        run_raw_csv(installation, import_id)
        run_validated_customers(installation, import_id)
        run_deduplicated_customers(installation, import_id)
        run_loaded_customers(installation, import_id)
        run_failed_rows(installation, import_id)


def run_pull(
    installation: Installation,
    import_id: str,
    run_id: str | None = None,
    *,
    clock: Clock | None = None,
    page_size: int = PAGE_SIZE,
) -> LoadCounts:
    """Run all stages of a pull in their order, without Dagster; arguments are those of ``run_provider_customers``."""
    run_provider_customers(installation, import_id, run_id, clock=clock, page_size=page_size)
    run_validated_customers(installation, import_id)
    run_deduplicated_customers(installation, import_id)
    counts = run_loaded_customers(installation, import_id, run_id)
    run_failed_rows(installation, import_id)
    return counts
