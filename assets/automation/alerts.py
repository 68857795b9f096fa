"""Watches runs for what somebody should be told: one that failed, an import that finished with failed rows.

What an alert says and how it gets there is ``etl_customers.report.alerts``.

A tick goes through several runs, and Dagster refuses all of it where one run was skipped with
words after another was acted on: then the alerts of that tick would be sent again at every tick,
without end. So words are only given by what holds for all runs, the settings.
"""

from collections.abc import Mapping, Sequence

import dagster as dg
from dagster._core.definitions.run_request import DagsterRunReaction
from dagster_shared.error import SerializableErrorInfo

from assets.automation.inbox_job import IMPORT_INBOX_FILE
from assets.automation.launch import IMPORT
from assets.display.import_facts import HAS_FAILED_ROWS
from assets.display.tags import file_label
from assets.runtime.partitions import PARTITION_TAG
from assets.runtime.resources import InstallationResource
from etl_customers.base.errors import EtlCustomersError, NotNow
from etl_customers.database.connect import reading
from etl_customers.database.ledger import ImportRecord, find_import
from etl_customers.imports.installation import Installation
from etl_customers.report.accounting import list_failed_rows
from etl_customers.report.alerts import (
    Alert,
    alert_of_failed_rows,
    alert_of_failed_run,
    alert_of_uncounted_rows,
    is_on,
    send,
)
from etl_customers.settings.in_force import load_settings

_SECONDS = 5
_WILL_RETRY = "dagster/will_retry"
Reaction = dg.SkipReason | DagsterRunReaction | None
"""None: looked at; a reaction: what could not be done, which ends the tick and fails it."""

_OFF = "alerts are off; set alerts.webhook_url or alerts.log_file"


class AlertNotDelivered(NotNow):
    """Somebody who should have been told was not; the tick that fails with this says so."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__(problems)
        self.problems = problems

    def __str__(self) -> str:
        """Say who was not told, and why."""
        return f"the alert was not delivered and is not sent again: {'; '.join(self.problems)}"


@dg.run_failure_sensor(
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=_SECONDS,
    description="Sends an alert to the webhook and the log file in the settings for each run "
    "that failed and is not retried.",
)
def failed_run_alert(
    context: dg.RunFailureSensorContext, installation: dg.ResourceParam[InstallationResource]
) -> Reaction:
    """Send an alert for a run that failed, unless Dagster tries it again by itself or another run was told of."""
    run = context.dagster_run
    try:
        if not is_on(load_settings(installation.find_home()).alerts):
            return dg.SkipReason(_OFF)
        if run.tags.get(_WILL_RETRY) == "true" or _is_told_by_another(context):
            return None
        message = _message(context)
        try:
            with installation.opened() as opened:
                record = _record(opened, run.tags)
                file = file_label(record, opened.settings) if record else None
        except EtlCustomersError:
            record, file = None, None  # the target may be why it failed; the alert goes out without its counts
        _send(installation, alert_of_failed_run(record, message, run_id=run.run_id, job=run.job_name, file=file))
    except EtlCustomersError as error:
        return _failed_tick(context, error)
    return None


@dg.run_status_sensor(
    run_status=dg.DagsterRunStatus.SUCCESS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=_SECONDS,
    description="Sends an alert to the webhook and the log file in the settings for each import "
    "that finished with failed rows.",
)
def failed_rows_alert(
    context: dg.RunStatusSensorContext, installation: dg.ResourceParam[InstallationResource]
) -> Reaction:
    """Send an alert for a run whose import has failed rows."""
    run = context.dagster_run
    try:
        alerts = load_settings(installation.find_home()).alerts
        if not (is_on(alerts) and alerts.on_failed_rows):
            return dg.SkipReason(_OFF if alerts.on_failed_rows else "alerts.on_failed_rows is off")
        alert = _alert_of_failed_rows(run, installation)
        if alert is not None:
            _send(installation, alert)
    except EtlCustomersError as error:
        return _failed_tick(context, error)
    return None


def _alert_of_failed_rows(run: dg.DagsterRun, installation: InstallationResource) -> Alert | None:
    key, has_failed_rows = run.tags.get(PARTITION_TAG), run.tags.get(HAS_FAILED_ROWS)
    if key is None or has_failed_rows == "no":
        return None
    try:
        with installation.opened() as opened:
            record = _record(opened, run.tags)
            if record is None:
                return None
            failed = list_failed_rows(opened.target, record.import_id, limit=0)
            return alert_of_failed_rows(
                record,
                failed.by_code,
                left_out=failed.left_out,
                run_id=run.run_id,
                job=run.job_name,
                file=file_label(record, opened.settings),
            )
    except NotNow:
        if has_failed_rows != "yes":
            raise
        return alert_of_uncounted_rows(key, run_id=run.run_id, job=run.job_name)


def _failed_tick(context: dg.RunStatusSensorContext, error: EtlCustomersError) -> DagsterRunReaction:
    # Raised, it could be hidden by the success of the tick's next run.
    said = SerializableErrorInfo(str(error), [], type(error).__name__)
    return DagsterRunReaction(context.dagster_run, said, context.dagster_run.status)


def _send(installation: InstallationResource, alert: Alert) -> None:
    home = installation.find_home()
    delivery = send(alert, load_settings(home).alerts, home)
    if delivery.problems:
        raise AlertNotDelivered(delivery.problems)


def _record(installation: Installation, tags: Mapping[str, str]) -> ImportRecord | None:
    key = tags.get(PARTITION_TAG)
    if key is None:
        return None
    with reading(installation.target) as connection:
        return find_import(connection, key)


def _is_told_by_another(context: dg.RunFailureSensorContext) -> bool:
    """Tell whether it failed only because the run of an import that it had started did."""
    return context.dagster_run.job_name == IMPORT_INBOX_FILE and any(
        event.step_failure_data.user_failure_data is not None
        and IMPORT in event.step_failure_data.user_failure_data.metadata
        for event in context.get_step_failure_events()
    )


def _message(context: dg.RunFailureSensorContext) -> str:
    """Return why a run failed in our words; Dagster's own may quote what a library printed."""
    for event in context.get_step_failure_events():
        failure = event.step_failure_data.user_failure_data
        if failure is not None and failure.description:
            return failure.description
        return f"{event.step_key} failed; see the run in the UI"
    return "its process ended early; see the run in the UI"
