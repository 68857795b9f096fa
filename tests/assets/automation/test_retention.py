"""The daily deletion in Dagster: old runs and the partitions without runs go, the run that deletes stays."""

import os
from datetime import UTC, datetime, timedelta

import dagster as dg

from assets.automation.launch import run_import_job
from assets.automation.retention import DeletedRecords, daily_retention, delete_records, purge
from assets.definitions import define
from assets.runtime.instance import open_instance
from assets.runtime.partitions import IMPORTS
from etl_customers.changes.retention import Deleted
from etl_customers.imports.installation import Installation


def test_runs_that_ended_long_ago_and_their_partitions_are_deleted(installation: Installation, import_id: str) -> None:
    run_import_job(installation.home, import_id)
    later = datetime.now(UTC) + timedelta(days=8)
    with open_instance(installation.home) as instance:
        own = instance.get_runs()[0].run_id
        assert delete_records(instance, installation, datetime.now(UTC)) == DeletedRecords()
        assert delete_records(instance, installation, later, is_dry_run=True) == DeletedRecords(runs=1)
        assert delete_records(instance, installation, later, own_run_id=own) == DeletedRecords()
        assert purge(instance, installation, later) == (Deleted(staging=1, failed_rows=1), DeletedRecords(1, 1))
        assert instance.get_runs() == []
        assert instance.get_dynamic_partitions(IMPORTS) == []


def test_partitions_of_imports_that_have_not_ended_or_are_not_ours_are_kept(
    installation: Installation, import_id: str
) -> None:
    with open_instance(installation.home) as instance:
        instance.add_dynamic_partitions(IMPORTS, [import_id, "csv-20200101T000000Z-00000000"])
        later = datetime.now(UTC) + timedelta(days=8)
        assert delete_records(instance, installation, later) == DeletedRecords()
        assert len(instance.get_dynamic_partitions(IMPORTS)) == 2


def test_the_job_reports_what_it_deleted_and_runs_every_night(installation: Installation) -> None:
    for age in (0, datetime.now(UTC).timestamp()):
        path = installation.home.staging / f"{age}.duckdb"
        path.touch()
        os.utime(path, (age, age))
    with open_instance(installation.home) as instance:
        job = define(str(installation.home.path)).resolve_job_def("delete_expired")
        result = job.execute_in_process(instance=instance)
        (output,) = [event for event in result.all_events if event.event_type == dg.DagsterEventType.STEP_OUTPUT]
        counts = {name: entry.value for name, entry in output.step_output_data.metadata.items()}
    others = ("failed_rows", "uploads", "inbox_done", "abandoned", "runs", "partitions")
    assert counts == {"staging": 1} | dict.fromkeys(others, 0)
    assert daily_retention.default_status == dg.DefaultScheduleStatus.RUNNING
    assert daily_retention.cron_schedule == "15 3 * * *"
