"""What the UI shows of an import beside the counts of its stages: tags to filter by, links to follow."""

from typing import Any

import dagster as dg

from assets.display.customers_table import customers_now
from assets.display.review_table import IMPORT_HISTORY, history_of
from assets.display.tags import ACCEPTED_BY, import_tags
from assets.runtime.partitions import CHAIN
from etl_customers.database.connect import reading
from etl_customers.database.ledger import ACCEPTED, FINISHED, ImportRecord, require_import
from etl_customers.imports.installation import Installation
from etl_customers.report.accounting import list_failed_rows
from etl_customers.report.history import list_corrections

STATUS, HAS_FAILED_ROWS, REFUSED_BECAUSE = "status", "failed_rows", "refused"
_LINKED_ASSETS = ("loaded_customers", "failed_rows")


def record_of(installation: Installation, import_id: str) -> ImportRecord:
    """Return the import as the ledger has it now."""
    with reading(installation.target) as connection:
        return require_import(connection, import_id)


def tag_run(context: dg.AssetExecutionContext, installation: Installation, record: ImportRecord) -> dict[str, str]:
    """Return the tags of a materialization; give those of an import that ended to its run as well.

    A run is launched before it is known how its import ends, and a run that a person
    starts by hand has no tags at all: so that all can be filtered by them, they are
    added from inside.
    """
    tags = {**import_tags(record, installation.settings), STATUS: record.status}
    if record.status != ACCEPTED:
        failed = {HAS_FAILED_ROWS: _has_failed_rows(installation, record)} if record.status == FINISHED else {}
        context.instance.add_run_tags(context.run_id, {**tags, **failed})
    return tags


def links_of(installation: Installation, record: ImportRecord, corrects: str | None = None) -> dict[str, Any]:
    """Return links from an import: to what it corrects, what corrects it, its run and its failed-rows file.

    Args:
        installation: Home and target.
        record: The import.
        corrects: The import that it corrects, where that was read and the ledger has it not yet.
    """
    links: dict[str, Any] = {}
    if parent := record.parent_import_id or corrects:
        links["corrects"] = _link(parent)
    for number, correction in enumerate(list_corrections(installation.target, record.import_id), 1):
        links["corrected_by" if number == 1 else f"corrected_by_{number}"] = _link(correction)
    if record.accepted_by:
        links[ACCEPTED_BY] = record.accepted_by
    if record.run_id:
        links["ended_by_run"] = dg.MetadataValue.dagster_run(record.run_id)
    if installation.failed_rows_path(record.import_id).exists():
        links["failed_rows_file"] = dg.MetadataValue.path(installation.failed_rows_path(record.import_id))
    return links


def tell_parent(context: dg.AssetExecutionContext, record: ImportRecord) -> None:
    """Note at the import that this one corrects that it was corrected: its own assets ran long before."""
    if record.parent_import_id:
        for asset in _LINKED_ASSETS:
            context.log_event(
                dg.AssetObservation(
                    asset_key=asset,
                    partition=record.parent_import_id,
                    description=f"corrected by import {record.import_id}",
                    metadata={"corrected_by": _link(record.import_id)},
                )
            )


def tell_history(context: dg.AssetExecutionContext, installation: Installation) -> None:
    """Report the history of all imports and the table of customers again, because an import has just ended."""
    context.log_event(customers_now(installation))
    context.log_event(dg.AssetMaterialization(IMPORT_HISTORY, metadata=history_of(installation)))


def tell_refusal(context: dg.AssetExecutionContext, record: ImportRecord, why: str) -> None:
    """Say why an import was refused in the run's tags and log, and on its partition of the stages that will not run."""
    code = record.refusal_code or record.status
    context.log.error("%s: %s", code, why)
    context.instance.add_run_tags(context.run_id, {REFUSED_BECAUSE: code})
    this = context.asset_key.path[-1]
    for asset in CHAIN[CHAIN.index(this) + 1 if this in CHAIN else 0 :]:
        # Dagster shows whatever a failed run was to make and did not make as failed, with nothing but a link to the run.
        context.log_event(
            dg.AssetMaterialization(
                asset_key=asset,
                partition=record.import_id,
                metadata={"refused": why, "code": code, "dagster/row_count": 0},
            )
        )


def _has_failed_rows(installation: Installation, record: ImportRecord) -> str:
    """Return yes or no; what a pull left out on purpose is no failure, that perhaps not all came is one."""
    if record.why_incomplete is not None:
        return "yes"
    failed = record.rows_failed or 0
    if failed and record.is_pull:
        failed -= list_failed_rows(installation.target, record.import_id, limit=0).left_out
    return "yes" if failed else "no"


def _link(import_id: str) -> dg.UrlMetadataValue:
    """Return a link to an import, good on whatever host the UI is reached by."""
    return dg.MetadataValue.url(f"/assets/loaded_customers?view=partitions&partition={import_id}")
