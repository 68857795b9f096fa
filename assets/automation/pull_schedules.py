"""Pulls by the clock: every hour what has changed, every few days all customers; off until the settings say otherwise."""

from collections.abc import Iterator
from datetime import UTC, datetime

import dagster as dg

from assets.automation.jobs import assets_of, import_pull
from assets.display.failures import failures_as_messages
from assets.display.tags import import_tags
from assets.runtime.partitions import IMPORTS, PARTITION_TAG
from assets.runtime.resources import InstallationResource
from etl_customers.base.errors import EtlCustomersError, NotNow
from etl_customers.imports.accepting_pulls import accept, is_full_due, list_connected
from etl_customers.imports.installation import Installation
from schemas.sources import LABELS, PROVIDERS

Tick = list[dg.RunRequest] | dg.SkipReason


@dg.schedule(
    job=import_pull,
    cron_schedule="7 * * * *",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Every hour: pulls from each connected company of all providers, and continues pulls that broke off. "
    "Pulls what has changed since the last pull, or all customers if the last full pull is full_every_days old. "
    "Does nothing unless quickbooks.scheduled or xero.scheduled is set.",
)
def hourly_pulls(context: dg.ScheduleEvaluationContext, installation: dg.ResourceParam[InstallationResource]) -> Tick:
    """Accept a pull of each connection that has none under way, and ask for its run."""
    with failures_as_messages():
        try:
            with installation.opened() as opened:
                return _evaluate(context, opened)
        except NotNow as error:
            return dg.SkipReason(f"nothing could be done now: {error}")


def _evaluate(context: dg.ScheduleEvaluationContext, installation: Installation) -> Tick:
    requests: list[dg.RunRequest] = []
    problems: list[EtlCustomersError] = []
    said: list[str] = []
    for provider in PROVIDERS:
        if not installation.settings.provider(provider).scheduled:
            remedy = f"to turn them on, run: etl-customers settings set {provider}.scheduled true"
            said.append(f"pulls from {LABELS[provider]} are off; {remedy}")
            continue
        connected = list_connected(installation, provider)
        if not connected:
            said.append(f"there is no connection to {LABELS[provider]}")
        for tenant_id in connected:
            try:
                requests += _request(context.instance, installation, provider, tenant_id)
            except NotNow:
                raise
            except EtlCustomersError as error:
                # What one company lacks does not keep the others from being pulled.
                context.log.error("%s %s is not pulled: %s", LABELS[provider], tenant_id, error)
                problems.append(error)
        if connected:
            said.append(f"all connections to {LABELS[provider]} are being pulled ({len(connected)})")
    if requests:
        return requests
    if problems:
        raise problems[0]
    return dg.SkipReason("; ".join(said))


def _request(
    instance: dg.DagsterInstance, installation: Installation, provider: str, tenant_id: str
) -> Iterator[dg.RunRequest]:
    """Yield the run of a company's pull, unless it is under way."""
    is_full = is_full_due(installation, provider, tenant_id, datetime.now(UTC))
    record = accept(installation, provider, tenant_id, is_full=is_full, accepted_by="schedule").record
    runs = instance.get_runs(dg.RunsFilter(tags={PARTITION_TAG: record.import_id}))
    if any(not run.is_finished for run in runs):
        return
    instance.add_dynamic_partitions(IMPORTS, [record.import_id])
    yield dg.RunRequest(
        run_key=f"{record.import_id}:{len(runs)}",
        partition_key=record.import_id,
        tags=import_tags(record, installation.settings),
        asset_selection=assets_of(provider),
    )
