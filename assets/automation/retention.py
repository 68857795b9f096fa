"""The daily deletion: what the engine deletes in the home, and what Dagster keeps of runs that ended long ago."""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime

import dagster as dg

from assets.display.failures import failures_as_messages
from assets.runtime.partitions import IMPORTS, PARTITION_TAG
from assets.runtime.resources import InstallationResource
from etl_customers.changes.retention import Deleted, expires_before
from etl_customers.changes.retention import delete_expired as delete_expired_files
from etl_customers.database.connect import reading
from etl_customers.database.ledger import ACCEPTED, find_imports
from etl_customers.imports.installation import Installation

_ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
_RUNS_AT_A_TIME = 50
_MOST_RUNS = 5_000
"""The rest is deleted the next day: the schedule must not work for hours."""


@dataclass(frozen=True)
class DeletedRecords:
    """What Dagster was told to forget."""

    runs: int = 0
    partitions: int = 0


def delete_records(
    instance: dg.DagsterInstance,
    installation: Installation,
    now: datetime,
    own_run_id: str = "",
    *,
    is_dry_run: bool = False,
) -> DeletedRecords:
    """Delete runs that ended before the retention time, and the partitions of ended imports that have no run left.

    The ledger remembers these imports; without a run they would show as missing for ever.

    Args:
        instance: Whose storage.
        installation: Retention time and ledger.
        now: The present time, in UTC.
        own_run_id: The run that does this, which is kept.
        is_dry_run: Count the runs, and change nothing.
    """
    runs = _delete_runs(instance, expires_before(installation, now), own_run_id, is_dry_run)
    return DeletedRecords(runs, 0 if is_dry_run else _delete_partitions(instance, installation, now))


def purge(
    instance: dg.DagsterInstance,
    installation: Installation,
    now: datetime,
    own_run_id: str = "",
    *,
    is_dry_run: bool = False,
) -> tuple[Deleted, DeletedRecords]:
    """Delete everything that is past its retention time, in the home and in Dagster's storage."""
    deleted = delete_expired_files(installation, now, is_dry_run=is_dry_run)
    return deleted, delete_records(instance, installation, now, own_run_id, is_dry_run=is_dry_run)


@dg.op(
    description="Deletes what is older than retention.days: staging, failed-rows files, imported inbox files, "
    "runs of Dagster; imports that have been under way for longer are refused."
)
def delete_what_expired(context: dg.OpExecutionContext, installation: dg.ResourceParam[InstallationResource]) -> None:
    """Delete what is past its retention time and report the counts."""
    with failures_as_messages(), installation.opened() as opened:
        deleted, records = purge(context.instance, opened, datetime.now(UTC), context.run_id)
    context.add_output_metadata({**asdict(deleted), **asdict(records)})


@dg.job(description="Deletes what is older than its retention time, like: etl-customers purge.")
def delete_expired() -> None:
    """One op."""
    delete_what_expired()


daily_retention = dg.ScheduleDefinition(
    name="daily_retention",
    job=delete_expired,
    cron_schedule="15 3 * * *",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Every night at 3:15 UTC. The time is the setting retention.days (7 by default).",
)


def _delete_runs(instance: dg.DagsterInstance, before: datetime, own_run_id: str, is_dry_run: bool) -> int:
    expired = dg.RunsFilter(statuses=_ENDED, updated_before=before)
    if is_dry_run:
        return instance.get_runs_count(expired)
    deleted = 0
    while deleted < _MOST_RUNS:
        runs = [run for run in instance.get_runs(expired, limit=_RUNS_AT_A_TIME) if run.run_id != own_run_id]
        for run in runs:
            instance.delete_run(run.run_id)
        deleted += len(runs)
        if not runs:
            break
    return deleted


def _delete_partitions(instance: dg.DagsterInstance, installation: Installation, now: datetime) -> int:
    keys = instance.get_dynamic_partitions(IMPORTS)
    with reading(installation.target) as connection:
        records = find_imports(connection, keys)
    before = expires_before(installation, now)
    deleted = 0
    for key, record in records.items():
        ended_at = record.undone_at or record.finished_at
        is_old = record.status != ACCEPTED and ended_at is not None and ended_at < before
        if is_old and not instance.get_runs(dg.RunsFilter(tags={PARTITION_TAG: key}), limit=1):
            instance.delete_dynamic_partition(IMPORTS, key)
            deleted += 1
    return deleted
