"""Starts a run of an import's job in the process that asks for it, so that the UI knows the run and can re-execute it.

The one place with Dagster's private names: a run has to carry the origin of the job in the
workspace, and ``execute_in_process`` gives it none (the UI then cannot re-execute it).
tests/assets/automation/test_launch.py holds what is used here to what Dagster does.
"""

import contextlib
import io
import sys
from collections.abc import Mapping
from dataclasses import dataclass

import dagster as dg
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.errors import DagsterExecutionInterruptedError
from dagster._core.execution.api import execute_run
from dagster._core.execution.job_execution_result import JobExecutionResult
from dagster._core.remote_origin import (
    ManagedGrpcPythonEnvCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

from assets.automation.jobs import import_job
from assets.display.endings import CODE
from assets.display.failures import EXIT_CODE
from assets.runtime.dead_runs import PROCESS_TAG, end_dead_runs, this_process
from assets.runtime.instance import LOCATION, open_instance
from assets.runtime.partitions import IMPORTS, PARTITION_TAG
from assets.runtime.progress import LISTENER, Progress
from etl_customers.database.ledger import REFUSED, ImportRecord
from etl_customers.settings.home import Home
from etl_customers.staging import kept_open
from schemas.sources import CSV

IMPORT = "import"
"""Metadata of a failure: the import that ended so, in a run of its own."""
_MAX_RETRIES_TAG = "dagster/max_retries"
"""Whoever gave the command repeats it; the daemon is not to do so behind them."""
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass(frozen=True)
class RunFailure:
    """Why a run failed: the message of the step that failed, and what the command exits with."""

    message: str
    code: str
    exit_code: int


@dataclass(frozen=True)
class RunOutcome:
    """A run that ended."""

    run_id: str
    success: bool
    failure: RunFailure | None = None


def ended_badly(record: ImportRecord, failure: RunFailure | None) -> dg.Failure:
    """Return why an import did not finish, in its own words, for the run that started it."""
    if record.status == REFUSED:
        failure = RunFailure(record.refusal_message or "the import was refused", record.refusal_code or "refused", 2)
    if failure is None:
        failure = RunFailure(f"import {record.import_id} is {record.status}", record.status, 2)
    return dg.Failure(
        failure.message,
        metadata={CODE: failure.code, EXIT_CODE: failure.exit_code, IMPORT: record.import_id},
        allow_retries=False,
    )


def run_import_job(
    home: Home,
    import_id: str,
    progress: Progress | None = None,
    tags: Mapping[str, str] | None = None,
    source: str = CSV,
) -> RunOutcome:
    """Run the job of a source for one accepted import, in this process and on the home's own instance.

    Args:
        home: Whose Dagster storage keeps the run.
        import_id: The import; registered as a partition key where it is not yet.
        progress: Told of each stage as it begins and of the passwords hashed.
        tags: Of the run, besides the job's; see ``assets.display.tags``.
        source: Of the import: its job is run.

    Returns:
        The run's id, whether it succeeded, and if not, why.

    Raises:
        DiskUnavailable: Dagster's storage cannot be used.
        KeyboardInterrupt: The user stopped it; the run is marked as failed.
    """
    token = LISTENER.set(progress)
    try:
        with open_instance(home) as instance:
            end_dead_runs(instance)
            return execute_import(instance, home, import_id, tags, source)
    finally:
        LISTENER.reset(token)


def execute_import(
    instance: dg.DagsterInstance,
    home: Home,
    import_id: str,
    tags: Mapping[str, str] | None = None,
    source: str = CSV,
) -> RunOutcome:
    """Do the same on an instance that is open already."""
    instance.add_dynamic_partitions(IMPORTS, [import_id])
    job = import_job(str(home.path), source)
    run = instance.create_run_for_job(
        job,
        run_config=_QUIET,
        tags={
            PARTITION_TAG: import_id,
            PROCESS_TAG: this_process(),
            _MAX_RETRIES_TAG: "0",
            **job.tags,
            **(tags or {}),
        },
        remote_job_origin=_origin_in_workspace(job.name),
    )
    # Where its storage fails, Dagster writes the event that it could not keep to standard error.
    with contextlib.redirect_stderr(io.StringIO()), kept_open():
        result = execute_run(InMemoryJob(job), run, instance, raise_on_error=False)
    if _was_interrupted(result):
        raise KeyboardInterrupt
    return RunOutcome(run.run_id, result.success, None if result.success else _why(result))


def _origin_in_workspace(job: str) -> RemoteJobOrigin:
    target = LoadableTargetOrigin(executable_path=sys.executable, module_name="assets.definitions")
    location = ManagedGrpcPythonEnvCodeLocationOrigin(target, location_name=LOCATION)
    return RemoteJobOrigin(RemoteRepositoryOrigin(location, "__repository__"), job)


def _was_interrupted(result: JobExecutionResult) -> bool:
    """Tell whether a signal ended the run: Dagster takes it for a failure of the step."""
    return any(
        event.is_step_failure
        and event.step_failure_data.error is not None
        and event.step_failure_data.error.cls_name == DagsterExecutionInterruptedError.__name__
        for event in result.all_events
    )


def _why(result: JobExecutionResult) -> RunFailure:
    for event in result.all_events:
        if event.is_step_failure:
            failure = event.step_failure_data.user_failure_data
            if failure is not None:
                values = {name: entry.value for name, entry in failure.metadata.items()}
                return RunFailure(
                    failure.description or "", str(values.get(CODE, "bug")), int(str(values.get(EXIT_CODE, 70)))
                )
    unbalanced = [
        event.asset_check_evaluation_data.check_name
        for event in result.all_events
        if event.event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION
        and not event.asset_check_evaluation_data.passed
        and event.asset_check_evaluation_data.severity == dg.AssetCheckSeverity.ERROR
    ]
    if unbalanced:
        return RunFailure(f"the check {unbalanced[0]} of the import failed; this is a bug", "check_failed", 70)
    return RunFailure("the run ended without a reason; this is a bug", "bug", 70)
