"""Partitions that somebody has added in the UI and that are no import: they are taken out again.

Dagster lets everybody who can launch a run add a key, which then stands in every list and plot.
"""

from collections.abc import Sequence

import dagster as dg
from dagster._core.execution.backfill import BulkActionsFilter, BulkActionStatus

from assets.display.failures import failures_as_messages
from assets.runtime.partitions import CHAIN, IMPORTS, PARTITION_TAG, imports
from assets.runtime.resources import InstallationResource
from etl_customers.base.errors import NotNow
from etl_customers.database.connect import reading
from etl_customers.database.ledger import find_imports
from schemas.sources import FIRST_STAGES

_ASSETS = (*FIRST_STAGES.values(), *CHAIN)
_UNDER_WAY = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
_ALL_KNOWN = "every partition is an import"


@dg.sensor(
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Removes partitions that somebody added by hand and that are not imports: only files and pulls make "
    "imports. It starts no run.",
)
def unknown_partitions(
    context: dg.SensorEvaluationContext, installation: dg.ResourceParam[InstallationResource]
) -> dg.SensorResult | dg.SkipReason:
    """Take out the keys that the ledger does not know; it is asked where keys were added since."""
    with failures_as_messages():
        keys = context.instance.get_dynamic_partitions(IMPORTS)
        # A new key stands last, and who takes one out changes their number.
        seen = f"{len(keys)} {keys[-1] if keys else ''}"
        if seen == context.cursor:
            return dg.SkipReason(_ALL_KNOWN)
        try:
            unknown = _unknown(context.instance, installation, keys)
        except NotNow as error:
            return dg.SkipReason(f"nothing could be done now: {error}")
    if not unknown:
        return dg.SensorResult(skip_reason=_ALL_KNOWN, cursor=seen)
    busy = set(unknown) if _is_backfilled(context.instance) else _under_way(context.instance, unknown)
    gone = [key for key in unknown if key not in busy]
    words = [f"removed {len(gone)} that are not imports"] if gone else []
    words += (
        [f"{len(busy)} that are not imports have a run or a backfill under way; they are removed when it has ended"]
        if busy
        else []
    )
    # What somebody typed is not repeated. The next tick looks again, and then remembers.
    return dg.SensorResult(
        skip_reason=f"of {len(keys)} partitions: {'; '.join(words)}. To make an import, run: etl-customers import FILE, "
        "or etl-customers pull PROVIDER",
        dynamic_partitions_requests=[imports.build_delete_request(gone)] if gone else [],
    )


def _unknown(instance: dg.DagsterInstance, installation: InstallationResource, keys: Sequence[str]) -> list[str]:
    with installation.opened() as opened, reading(opened.target) as connection:
        known = find_imports(connection, keys)
    unknown = [key for key in keys if key not in known]
    if not unknown:
        return []
    # Of another target that this home had before: what was made stays to be seen.
    made = set().union(*(instance.get_materialized_partitions(dg.AssetKey(asset)) for asset in _ASSETS))
    return [key for key in unknown if key not in made]


def _is_backfilled(instance: dg.DagsterInstance) -> bool:
    """Tell whether a backfill is under way: it fails as a whole where a partition of it is gone."""
    return bool(instance.get_backfills(filters=BulkActionsFilter(statuses=[BulkActionStatus.REQUESTED]), limit=1))


def _under_way(instance: dg.DagsterInstance, keys: Sequence[str]) -> set[str]:
    runs = instance.get_runs(dg.RunsFilter(statuses=_UNDER_WAY))
    return {run.tags[PARTITION_TAG] for run in runs if run.tags.get(PARTITION_TAG) in set(keys)}
