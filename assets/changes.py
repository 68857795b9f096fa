"""Shows in the UI what was changed in the target without a run: an import undone, its customers edited or erased.

A partition's page shows the newest materialization, so the import's partition of
``loaded_customers`` gets one with the counts of now; what happened is an observation
beside it. The target has it all: what could not be told here is not lost.
"""

from collections.abc import Iterable
from typing import Any

import dagster as dg

from assets.display.customers_table import customers_now
from assets.display.import_facts import STATUS, links_of, record_of
from assets.display.metadata import counts, in_words_of
from assets.display.review_table import IMPORT_HISTORY, history_of
from assets.display.tags import import_tags
from assets.runtime.instance import open_instance
from assets.runtime.partitions import IMPORTS, PARTITION_TAG
from etl_customers.database.ledger import ImportRecord
from etl_customers.imports.installation import Installation
from etl_customers.report.accounting import count_target_rows, list_failed_rows

LOADED_CUSTOMERS = "loaded_customers"


def show_change(installation: Installation, import_ids: Iterable[str], what: str, **numbers: int) -> None:
    """Report a change at the imports that it affects, and the history again; nothing if the UI was never started here.

    Args:
        installation: Home and target.
        import_ids: Whose customers were changed.
        what: In a few words without any customer's value or id, such as ``undone``.
        numbers: What the change came to.

    Raises:
        DiskUnavailable: Dagster's storage cannot be used.
        DatabaseUnavailable: The target does not answer.
    """
    if not (installation.home.dagster / "dagster.yaml").exists():
        return
    with open_instance(installation.home) as instance:
        known = set(instance.get_dynamic_partitions(IMPORTS))
        for import_id in dict.fromkeys(import_ids):
            if import_id in known:
                _show(instance, installation, record_of(installation, import_id), what, numbers)
        instance.report_runless_asset_event(customers_now(installation))
        instance.report_runless_asset_event(
            dg.AssetMaterialization(IMPORT_HISTORY, description=what, metadata=history_of(installation))
        )


def _show(
    instance: dg.DagsterInstance, installation: Installation, record: ImportRecord, what: str, numbers: dict[str, int]
) -> None:
    status = {STATUS: record.status}
    said: dict[str, Any] = {"change": what, **status, **numbers}
    for event in (
        dg.AssetObservation(LOADED_CUSTOMERS, partition=record.import_id, description=what, metadata=said),
        dg.AssetMaterialization(
            LOADED_CUSTOMERS,
            partition=record.import_id,
            description=what,
            metadata=said | _standing(installation, record) | links_of(installation, record),
            tags=import_tags(record, installation.settings) | status,
        ),
    ):
        instance.report_runless_asset_event(event)
    for run in instance.get_runs(dg.RunsFilter(tags={PARTITION_TAG: record.import_id})):
        instance.add_run_tags(run.run_id, status)


def _standing(installation: Installation, record: ImportRecord) -> dict[str, Any]:
    """Return the counts of an import as they are in the target now."""
    target = count_target_rows(installation.target, record.import_id)
    failed = list_failed_rows(installation.target, record.import_id, limit=0)
    there = target.loaded - target.removed
    is_pull = record.is_pull
    numbers = {"read": record.rows_read or 0, "loaded": target.loaded, "failed": target.failed}
    return counts(
        there,
        failed.by_code,
        is_pull=is_pull,
        **in_words_of(is_pull, numbers),
        removed=target.removed,
        still_there=there,
    )
