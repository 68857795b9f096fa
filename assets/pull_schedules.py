"""Pulls by the clock: every hour what has changed, once a week all customers; off until the settings say otherwise."""

from datetime import UTC, datetime, timedelta

import dagster as dg

from assets.guard import failures_as_messages
from assets.jobs import IMPORT_JOBS
from assets.partitions import IMPORTS, PARTITION_TAG
from assets.resources import WorkshopResource
from assets.tags import import_tags
from etl_customers.errors import NotNow
from etl_customers.pulls import AcceptedPull, accept, list_connected, was_pulled_in_full
from etl_customers.workshop import Workshop
from schemas.sources import LABELS, QUICKBOOKS, XERO

_THIS_WEEK = timedelta(hours=20)
"""A full pull that was begun within this time is the week's: of the Sunday's ticks the first one is enough."""

_HOURLY = (
    "Every hour: pulls what has changed since the last pull from each connected company, and goes on with pulls "
    "that broke off."
)
_WEEKLY = (
    "On Sundays from 2:37 UTC: pulls all customers of each connected company once, so that those who "
    "vanished are found."
)

Tick = list[dg.RunRequest] | dg.SkipReason


def _define(name: str, provider: str, cron: str, description: str, is_full: bool) -> dg.ScheduleDefinition:
    @dg.schedule(
        name=name,
        job=IMPORT_JOBS[provider],
        cron_schedule=cron,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"{description} Does nothing unless {provider}.scheduled is set.",
    )
    def tick(context: dg.ScheduleEvaluationContext, workshop: dg.ResourceParam[WorkshopResource]) -> Tick:
        with failures_as_messages():
            try:
                with workshop.opened() as opened:
                    return _evaluate(context, opened, provider, is_full)
            except NotNow as error:
                return dg.SkipReason(f"nothing could be done now: {error}")

    return tick


def _evaluate(context: dg.ScheduleEvaluationContext, workshop: Workshop, provider: str, is_full: bool) -> Tick:
    """Accept a pull for each connection that has none under way, and ask for its run."""
    if not workshop.settings.provider(provider).scheduled:
        return dg.SkipReason(
            f"pulls from {LABELS[provider]} are off; to turn them on: etl-customers settings set {provider}.scheduled true"
        )
    connected = list_connected(workshop, provider)
    if not connected:
        return dg.SkipReason(f"there is no connection to {LABELS[provider]}")
    requests, done, busy = [], 0, 0
    now = datetime.now(UTC)
    for tenant_id in connected:
        if is_full and was_pulled_in_full(workshop, provider, tenant_id, now - _THIS_WEEK):
            done += 1
            continue
        accepted = accept(workshop, provider, tenant_id, is_full=is_full, accepted_by="schedule")
        runs = context.instance.get_runs(dg.RunsFilter(tags={PARTITION_TAG: accepted.record.import_id}))
        if any(not run.is_finished for run in runs):
            busy += 1
            continue
        requests.append(_request(context.instance, workshop, accepted, len(runs)))
    if requests:
        return requests
    said = [f"{done} pulled in full already"] * bool(done) + [f"{busy} being pulled"] * bool(busy)
    return dg.SkipReason(f"of {len(connected)} connections: {', '.join(said)}")


def _request(instance: dg.DagsterInstance, workshop: Workshop, accepted: AcceptedPull, runs: int) -> dg.RunRequest:
    import_id = accepted.record.import_id
    instance.add_dynamic_partitions(IMPORTS, [import_id])
    return dg.RunRequest(
        run_key=f"{import_id}:{runs}",
        partition_key=import_id,
        tags=import_tags(accepted.record, workshop.settings),
    )


hourly_quickbooks_pull = _define("hourly_quickbooks_pull", QUICKBOOKS, "7 * * * *", _HOURLY, is_full=False)
hourly_xero_pull = _define("hourly_xero_pull", XERO, "17 * * * *", _HOURLY, is_full=False)
weekly_quickbooks_full_pull = _define("weekly_quickbooks_full_pull", QUICKBOOKS, "37 2-8 * * 0", _WEEKLY, is_full=True)
weekly_xero_full_pull = _define("weekly_xero_full_pull", XERO, "47 2-8 * * 0", _WEEKLY, is_full=True)
