"""The chain that every source shares: validated, deduplicated, loaded customers, and the failed rows."""

import dagster as dg

from assets.guard import stage_of
from assets.metadata import FAILED_ROWS_SCHEMA, FAILED_ROWS_SHOWN, checked, counts, failed_rows_table, table_schema
from assets.partitions import imports
from assets.progress import LISTENER
from assets.resources import WorkshopResource
from etl_customers.imports import (
    run_deduplicated_customers,
    run_failed_rows,
    run_loaded_customers,
    run_validated_customers,
)
from etl_customers.report.accounting import (
    account_for_deduplicated,
    account_for_validated,
    count_staged_rows,
    count_target_rows,
    list_failed_rows,
)
from schemas.validated_customers import VALIDATED_CUSTOMERS

_ACCOUNTED = "every_row_is_accounted_for"
_UNIQUE = "identity_keys_are_unique"
_IN_FILE = "every_failed_row_is_in_the_file"
_CUSTOMER_COLUMNS = table_schema(VALIDATED_CUSTOMERS)


def _blocking(name: str, asset: str, description: str) -> dg.AssetCheckSpec:
    return dg.AssetCheckSpec(name, asset=asset, blocking=True, description=description)


@dg.asset(
    deps=["raw_csv"],
    partitions_def=imports,
    group_name="customers",
    kinds={"polars", "duckdb"},
    owners=["team:data"],
    tags={"stage": "validate"},
    metadata={"dagster/column_schema": _CUSTOMER_COLUMNS},
    check_specs=[_blocking(_ACCOUNTED, "validated_customers", "Rows read = rows validated + rows failed so far.")],
)
def validated_customers(context: dg.AssetExecutionContext, workshop: WorkshopResource) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """Rows that passed every rule, normalised and typed. Duplicates are still in here."""
    with stage_of(context, workshop) as (opened, import_id):
        done = run_validated_customers(opened, import_id)
        account = account_for_validated(
            opened.staging_path(import_id), opened.settings.staging, done.validated, done.failed
        )
    numbers = {"read": account.came, "validated": account.went_on, "failed": account.failed}
    return dg.MaterializeResult(
        metadata=counts(done.validated, account.by_code, **numbers),
        check_results=[checked(_ACCOUNTED, "validated_customers", account.is_balanced, import_id, **numbers)],
    )


@dg.asset(
    deps=[validated_customers],
    partitions_def=imports,
    group_name="customers",
    kinds={"duckdb"},
    owners=["team:data"],
    tags={"stage": "deduplicate"},
    metadata={"dagster/column_schema": _CUSTOMER_COLUMNS},
    check_specs=[
        _blocking(_ACCOUNTED, "deduplicated_customers", "Rows validated = rows to load + duplicates."),
        _blocking(
            _UNIQUE, "deduplicated_customers", "No identity key is in two rows to load, or in the target already."
        ),
    ],
)
def deduplicated_customers(context: dg.AssetExecutionContext, workshop: WorkshopResource) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """One row per customer: no two share an identity key, none is in the target database yet."""
    with stage_of(context, workshop) as (opened, import_id):
        done = run_deduplicated_customers(opened, import_id)
        account = account_for_deduplicated(
            opened.staging_path(import_id), opened.settings.staging, done.deduplicated, done.failed
        )
    numbers = {"validated": account.came, "deduplicated": account.went_on, "failed": account.failed}
    asset, shared = "deduplicated_customers", account.shared_keys
    return dg.MaterializeResult(
        metadata=counts(done.deduplicated, account.by_code, **numbers),
        check_results=[
            checked(_ACCOUNTED, asset, account.is_balanced, import_id, **numbers),
            checked(_UNIQUE, asset, shared == 0, import_id, shared_keys=shared),
        ],
    )


@dg.asset(
    deps=[deduplicated_customers],
    partitions_def=imports,
    group_name="customers",
    kinds={"sql"},
    owners=["team:data"],
    tags={"stage": "load"},
    metadata={"dagster/column_schema": _CUSTOMER_COLUMNS},
    check_specs=[_blocking(_ACCOUNTED, "loaded_customers", "Rows read = customers in the target + failed rows there.")],
)
def loaded_customers(context: dg.AssetExecutionContext, workshop: WorkshopResource) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """Customers in the target database; they, the failed rows and the counts were committed together."""
    listener = LISTENER.get()
    with stage_of(context, workshop) as (opened, import_id):
        done = run_loaded_customers(opened, import_id, context.run_id, listener.hashed if listener else None)
        target = count_target_rows(opened.target, import_id)
        failed = list_failed_rows(opened.target, import_id, limit=0)
    numbers = {"read": done.read, "loaded": target.loaded, "failed": target.failed}
    is_balanced = done.read == target.loaded + target.failed and done.loaded == target.loaded
    return dg.MaterializeResult(
        metadata=counts(done.loaded, failed.by_code, **numbers, unread=done.unread),
        check_results=[checked(_ACCOUNTED, "loaded_customers", is_balanced, import_id, **numbers)],
    )


@dg.asset(
    deps=[loaded_customers],
    partitions_def=imports,
    group_name="customers",
    kinds={"csv"},
    owners=["team:data"],
    tags={"stage": "report"},
    metadata={"dagster/column_schema": FAILED_ROWS_SCHEMA},
    check_specs=[_blocking(_IN_FILE, "failed_rows", "The failed-rows file has every failed row of the import.")],
)
def failed_rows(context: dg.AssetExecutionContext, workshop: WorkshopResource) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """Rows that were not loaded, each with all its reasons, as a file to correct and upload again."""
    with stage_of(context, workshop) as (opened, import_id):
        written = run_failed_rows(opened, import_id)
        expected = count_target_rows(opened.target, import_id).failed
        is_gone = (
            count_staged_rows(opened.staging_path(import_id), opened.settings.staging) is None
        )  # deleted after its retention time
        failed = list_failed_rows(opened.target, import_id, FAILED_ROWS_SHOWN)
    numbers = {"failed": expected, "written": written}
    return dg.MaterializeResult(
        metadata=counts(written, failed.by_code, failed=expected) | failed_rows_table(failed),
        check_results=[checked(_IN_FILE, "failed_rows", is_gone or written == expected, import_id, **numbers)],
    )
