"""The chain that every source shares: validated, deduplicated, loaded customers, and the failed rows."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import dagster as dg

from assets.display.endings import ends_in_words
from assets.display.failures import stage_of
from assets.display.import_facts import links_of, record_of, tag_run, tell_history, tell_parent
from assets.display.lineage import (
    FAILED_ROWS,
    LOADED_CUSTOMERS,
    STAGED_CUSTOMERS,
    WORKLIST,
    columns_from,
    columns_from_upload,
    columns_of_failed_rows,
    schema,
)
from assets.display.metadata import (
    FAILED_ROWS_SHOWN,
    checked,
    counts,
    failed_rows_table,
    in_words_of,
    kept_edited_table,
    warned,
)
from assets.display.worklist import worklist_of
from assets.runtime.partitions import imports
from assets.runtime.progress import LISTENER
from assets.runtime.resources import InstallationResource
from etl_customers.database.connect import reading
from etl_customers.database.ledger import ImportRecord
from etl_customers.database.pulls import kept_edited_of_pull
from etl_customers.imports.installation import Installation
from etl_customers.imports.stages import (
    run_deduplicated_customers,
    run_failed_rows,
    run_loaded_customers,
    run_validated_customers,
)
from etl_customers.load.load import LoadCounts
from etl_customers.report.accounting import (
    TargetKeys,
    TargetRows,
    account_for_deduplicated,
    account_for_validated,
    count_staged_rows,
    count_target_keys,
    count_target_rows,
    list_failed_rows,
)
from etl_customers.report.lineage import (
    ShownColumn,
    lineage_of_deduplicated,
    lineage_of_failed_rows,
    lineage_of_loaded,
    lineage_of_validated,
    read_shown_columns,
)
from schemas.sources import FIRST_STAGES

if TYPE_CHECKING:
    from etl_customers.changes.asked_erasures import AskedErasures

_ACCOUNTED = "every_row_is_accounted_for"
_UNIQUE = "identity_keys_are_unique"
_AGREE = "ledger_and_target_agree"
_SOMETHING = "something_was_loaded"
_IN_FILE = "every_failed_row_is_in_the_file"
_SHARE = "failed_share_is_low"


def _blocking(name: str, asset: str, description: str) -> dg.AssetCheckSpec:
    return dg.AssetCheckSpec(name, asset=asset, blocking=True, description=description)


def _warning(name: str, asset: str, description: str) -> dg.AssetCheckSpec:
    return dg.AssetCheckSpec(name, asset=asset, description=description)


@dg.asset(
    deps=list(FIRST_STAGES.values()),
    partitions_def=imports,
    group_name="customers",
    kinds={"polars", "duckdb"},
    owners=["team:data"],
    tags={"stage": "validate"},
    metadata=schema(STAGED_CUSTOMERS),
    check_specs=[_blocking(_ACCOUNTED, "validated_customers", "Rows read = rows validated + rows failed so far.")],
)
@ends_in_words
def validated_customers(
    context: dg.AssetExecutionContext, installation: dg.ResourceParam[InstallationResource]
) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """Rows that passed every rule, normalised and typed. Duplicates are still in here."""
    with stage_of(context, installation) as (opened, import_id):
        done = run_validated_customers(opened, import_id)
        account = account_for_validated(
            opened.staging_path(import_id), opened.settings.staging, done.validated, done.failed
        )
        columns = read_shown_columns(opened.staging_path(import_id), opened.settings.staging)
        record = record_of(opened, import_id)
        tags = tag_run(context, opened, record)
    is_pull = record.is_pull
    came = {"read": account.came, "validated": account.went_on, "failed": account.failed}
    numbers = in_words_of(is_pull, came)
    return dg.MaterializeResult(
        metadata=counts(done.validated, account.by_code, is_pull=is_pull, **numbers)
        | _columns_of_validated(record, columns),
        tags=tags,
        check_results=[checked(_ACCOUNTED, "validated_customers", account.is_balanced, import_id, **numbers)],
    )


@dg.asset(
    deps=[validated_customers],
    partitions_def=imports,
    group_name="customers",
    kinds={"duckdb"},
    owners=["team:data"],
    tags={"stage": "deduplicate"},
    metadata=schema(STAGED_CUSTOMERS),
    check_specs=[
        _blocking(
            _ACCOUNTED,
            "deduplicated_customers",
            "Rows validated = rows to load + duplicates; for a pull, + updated + unchanged.",
        ),
        _blocking(
            _UNIQUE,
            "deduplicated_customers",
            "No two rows to load share an identity key, and the target has none of their keys yet; for a pull, the "
            "same for the provider's ids.",
        ),
    ],
)
@ends_in_words
def deduplicated_customers(
    context: dg.AssetExecutionContext, installation: dg.ResourceParam[InstallationResource]
) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """One row per customer: no two share an identity key, none is in the target database yet."""
    with stage_of(context, installation) as (opened, import_id):
        done = run_deduplicated_customers(opened, import_id)
        went_on = done.deduplicated + done.updated + done.unchanged
        account = account_for_deduplicated(
            opened.staging_path(import_id), opened.settings.staging, went_on, done.failed
        )
        record = record_of(opened, import_id)
        tags = tag_run(context, opened, record)
    numbers = {"validated": account.came, "deduplicated": done.deduplicated, "duplicates": account.failed}
    numbers |= _of_pull(record, updated=done.updated, unchanged=done.unchanged)
    asset, shared = "deduplicated_customers", account.shared_keys
    return dg.MaterializeResult(
        metadata=counts(done.deduplicated, account.by_code, is_pull=record.is_pull, **numbers)
        | columns_from("validated_customers", lineage_of_deduplicated()),
        tags=tags,
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
    metadata=schema(LOADED_CUSTOMERS),
    check_specs=[
        _blocking(
            _ACCOUNTED,
            "loaded_customers",
            "Rows read = customers in the target + failed rows there; for a pull, + updated + unchanged.",
        ),
        _blocking(
            _AGREE,
            "loaded_customers",
            "The ledger's counts match the target, counting customers that have since been undone or erased.",
        ),
        _blocking(
            _UNIQUE,
            "loaded_customers",
            "In the target, each customer of the import has an identity key, and no two customers share one.",
        ),
        _warning(
            _SOMETHING,
            "loaded_customers",
            "At least one row of a file with rows became a customer; a pull may bring none.",
        ),
    ],
)
@ends_in_words
def loaded_customers(
    context: dg.AssetExecutionContext, installation: dg.ResourceParam[InstallationResource]
) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """Customers in the target database; they, the failed rows and the counts were committed together."""
    listener = LISTENER.get()
    with stage_of(context, installation) as (opened, import_id):
        done = run_loaded_customers(opened, import_id, context.run_id, listener.hashed if listener else None)
        target = count_target_rows(opened.target, import_id)
        keys = count_target_keys(opened.target, import_id)
        failed = list_failed_rows(opened.target, import_id, limit=0)
        columns = read_shown_columns(opened.staging_path(import_id), opened.settings.staging)
        record = record_of(opened, import_id)
        tags, links = tag_run(context, opened, record), links_of(opened, record)
    tell_parent(context, record)
    is_pull = record.is_pull
    numbers = in_words_of(is_pull, {"read": done.read, "loaded": target.loaded, "failed": target.failed})
    numbers |= _of_pull(record, updated=done.updated, unchanged=done.unchanged, vanished=done.vanished)
    return dg.MaterializeResult(
        metadata=counts(done.loaded, failed.by_code, is_pull=is_pull, **numbers, **_of_file(record, unread=done.unread))
        | {"removed": target.removed}
        | {f"kind: {name}": number for name, number, _ in record.record_kinds}
        | columns_from("deduplicated_customers", lineage_of_loaded())
        | ({} if is_pull else columns_from_upload(columns))
        | links,
        tags=tags,
        check_results=_check_load(record, done, target, keys, numbers),
    )


def _check_load(
    record: ImportRecord, done: LoadCounts, target: TargetRows, keys: TargetKeys, numbers: dict[str, int]
) -> list[dg.AssetCheckResult]:
    asset, import_id = "loaded_customers", record.import_id
    ledger = {"ledger_loaded": record.rows_loaded or 0, "ledger_failed": record.rows_failed or 0}
    came = target.loaded + done.updated + done.unchanged + target.failed
    is_balanced = done.read == came and done.loaded == target.loaded
    agrees = (record.rows_loaded, record.rows_failed) == (target.loaded, target.failed)
    is_something = target.loaded > 0 or done.read + done.unread == 0 or record.is_pull
    return [
        checked(_ACCOUNTED, asset, is_balanced, import_id, **numbers),
        checked(_AGREE, asset, agrees, import_id, **numbers, **ledger, removed=target.removed),
        checked(_UNIQUE, asset, not keys.keyless + keys.shared, import_id, **asdict(keys)),
        warned(_SOMETHING, asset, is_something, import_id, **numbers, unread=done.unread),
    ]


@dg.asset(
    deps=[loaded_customers],
    partitions_def=imports,
    group_name="customers",
    kinds={"csv"},
    owners=["team:data"],
    tags={"stage": "report"},
    metadata=schema(FAILED_ROWS),
    check_specs=[
        _blocking(
            _IN_FILE,
            "failed_rows",
            "The failed-rows file has every failed row of the import; the worklist of a pull has every "
            "customer that was not synced and should have been.",
        ),
        _warning(
            _SHARE,
            "failed_rows",
            "The share of failed rows is at most alerts.failed_share; customers that a pull left out on purpose "
            "do not count.",
        ),
    ],
)
@ends_in_words
def failed_rows(
    context: dg.AssetExecutionContext, installation: dg.ResourceParam[InstallationResource]
) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """Rows that were not loaded, each with all its reasons, as a file to correct and upload again; for a pull, ids."""
    with stage_of(context, installation) as (opened, import_id):
        written = run_failed_rows(opened, import_id)
        counted = count_target_rows(opened.target, import_id)
        file, limits = opened.staging_path(import_id), opened.settings.staging
        # Staging is deleted after its retention time; then the file cannot be written anew, nor counted.
        failed = list_failed_rows(opened.target, import_id, FAILED_ROWS_SHOWN)
        expected = counted.failed - counted.erased - failed.no_work
        is_complete = count_staged_rows(file, limits) is None or written == expected
        columns = read_shown_columns(file, limits)
        record, allowed = record_of(opened, import_id), opened.settings.alerts.failed_share
        tags, links = tag_run(context, opened, record), links_of(opened, record)
        asked = _finish_erasures(opened, import_id) if record.is_pull else None
        kept = _kept_edited(opened, record)
        worklist = worklist_of(opened, record)
        tell_history(context, opened)
    share = (counted.failed - failed.left_out) / max(1, record.rows_read or 0)
    is_pull = record.is_pull
    numbers = in_words_of(is_pull, {"failed": counted.failed, "erased": counted.erased, "written": written})
    of = in_words_of(is_pull, {"failed": counted.failed, "read": record.rows_read or 0})
    shares = {**of, "failed_share": share, "allowed_share": allowed}
    more = _of_pull(record, left_out_on_purpose=failed.left_out) | ({} if asked is None else _erasures(asked))
    return dg.MaterializeResult(
        metadata=counts(
            written, failed.by_code, is_pull=is_pull, **in_words_of(is_pull, {"failed": counted.failed}), **more
        )
        | {"failed_share": share}
        | failed_rows_table(failed)
        | kept
        | worklist
        | _columns_of_failed(record, columns)
        | links,
        tags=tags,
        check_results=[
            checked(_IN_FILE, "failed_rows", is_complete, import_id, **numbers),
            warned(_SHARE, "failed_rows", share <= allowed, import_id, **shares, **more),
        ],
    )


def _of_pull(record: ImportRecord, **numbers: int) -> dict[str, int]:
    """Return numbers that only a pull has; none for a file, whose plots they would fill with noughts."""
    return numbers if record.is_pull else {}


def _of_file(record: ImportRecord, **numbers: int) -> dict[str, int]:
    return {} if record.is_pull else numbers


def _finish_erasures(installation: Installation, import_id: str) -> "AskedErasures":
    # What speaks to providers takes long to import, and the import of a file needs none of it.
    from etl_customers.changes.asked_erasures import finish_erasures

    return finish_erasures(installation, import_id)


def _kept_edited(installation: Installation, record: ImportRecord) -> dict[str, Any]:
    if not record.is_pull:
        return {}
    with reading(installation.target) as connection:
        return kept_edited_table(kept_edited_of_pull(connection, record))


def _erasures(asked: "AskedErasures") -> dict[str, int]:
    return {"persons_erased": asked.erased, "erasures_waiting": asked.waiting}


def _columns_of_validated(record: ImportRecord, columns: Sequence[ShownColumn]) -> dict[str, Any]:
    if record.is_pull:
        return {}
    return columns_from(FIRST_STAGES[record.source], lineage_of_validated(columns))


def _columns_of_failed(record: ImportRecord, columns: Sequence[ShownColumn]) -> dict[str, Any]:
    if record.is_pull:
        return schema(WORKLIST)
    source = FIRST_STAGES[record.source]
    return columns_of_failed_rows(columns) | columns_from(source, lineage_of_failed_rows(columns))
