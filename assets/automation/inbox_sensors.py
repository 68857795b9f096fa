"""The inbox in Dagster: a sensor that imports what is dropped there, and one that puts away what has ended.

There are two because Dagster shows the words of a tick only where the tick starts no
run. What a file is and what becomes of it is ``etl_customers.inbox``'s business.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import dagster as dg

from assets.automation.inbox_words import say_settled, say_waiting
from assets.automation.jobs import import_csv
from assets.display.failures import failures_as_messages
from assets.display.tags import import_tags
from assets.runtime.partitions import PARTITION_TAG, imports
from assets.runtime.resources import InstallationResource
from etl_customers.base.errors import NotNow
from etl_customers.database.values import as_utc
from etl_customers.imports.installation import Installation
from etl_customers.inbox.accept import accept_files
from etl_customers.inbox.look import Look, look
from etl_customers.inbox.settle import settle_files
from etl_customers.inbox.tries import Try, find_starts

_EVERY_SECONDS = 10
_MOST_STARTED = 100
_WORK_SECONDS = 20.0
"""Of a tick; Dagster gives up a tick after 60."""
_NEVER_BEGAN_SECONDS = 600.0
_IDS_AT_A_TIME = 100
_OFF = "the inbox is off; to turn it on, run: etl-customers settings set inbox.enabled true"

Tick = dg.SensorResult | dg.SkipReason


@dg.sensor(
    job=import_csv,
    minimum_interval_seconds=_EVERY_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Imports the files that are put into the folder inbox/ of the home, each content once; imports that broke off are "
    "started again. The ticks of inbox_results say what became of each file.",
)
def inbox_files(context: dg.SensorEvaluationContext, installation: dg.ResourceParam[InstallationResource]) -> Tick:
    """Accept complete files and start the imports that are accepted and not under way."""

    def evaluate(opened: Installation) -> Tick:
        found = _look(opened, context.cursor)
        accepted = accept_files(opened, found.ready, most=_MOST_STARTED, seconds=_WORK_SECONDS)
        starts = find_starts(opened, _tries_in(context.instance), most=_MOST_STARTED, now=time.time())
        cursor = json.dumps(found.seen)
        if not starts.to_start:
            words = say_waiting(found, accepted, starts)
            return dg.SensorResult(skip_reason=words, cursor=cursor)
        keys = [start.record.import_id for start in starts.to_start]
        requests = [
            dg.RunRequest(
                run_key=start.key,
                partition_key=start.record.import_id,
                tags=import_tags(start.record, opened.settings),
            )
            for start in starts.to_start
        ]
        return dg.SensorResult(
            run_requests=requests, dynamic_partitions_requests=[imports.build_add_request(keys)], cursor=cursor
        )

    return _tick(installation, evaluate)


@dg.sensor(
    minimum_interval_seconds=_EVERY_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Says what became of the files of the inbox and moves them: imported ones to inbox/done/ without "
    "their passwords, all others to inbox/rejected/ with a note that says why. It starts no run.",
)
def inbox_results(context: dg.SensorEvaluationContext, installation: dg.ResourceParam[InstallationResource]) -> Tick:
    """Settle files whose import ended, and set aside what can be no upload."""

    def evaluate(opened: Installation) -> Tick:
        found = _look(opened, context.cursor)
        settlement = settle_files(opened, found.odd, seconds=_WORK_SECONDS)
        return dg.SensorResult(
            skip_reason=say_settled(settlement, found.waiting, opened.settings), cursor=json.dumps(found.seen)
        )

    return _tick(installation, evaluate)


def _tick(resource: InstallationResource, evaluate: Callable[[Installation], Tick]) -> Tick:
    """Evaluate on the open installation; what cannot be done now is said, and done at a later tick."""
    with failures_as_messages():
        try:
            with resource.opened() as opened:
                return evaluate(opened) if opened.settings.inbox.enabled else dg.SkipReason(_OFF)
        except NotNow as error:
            return dg.SkipReason(f"nothing could be done now: {error}")


def _look(installation: Installation, cursor: str | None) -> Look:
    settings = installation.settings
    return look(installation.home, settings.csv.max_bytes, settings.inbox.settle_seconds, _seen(cursor), time.time())


def _seen(cursor: str | None) -> dict[str, float]:
    """Read a cursor; one that a person has edited into something else counts as none."""
    try:
        found: Any = json.loads(cursor or "{}")
    except ValueError:
        return {}
    if not isinstance(found, dict):
        return {}
    return {digest: float(since) for digest, since in found.items() if isinstance(since, (int, float))}


def _tries_in(instance: dg.DagsterInstance) -> Callable[[Mapping[str, float]], Mapping[str, Sequence[Try]]]:
    """Return what tells the runs of imports since their acceptance; those that go on count whenever they began."""

    def tries_of(accepted_at: Mapping[str, float]) -> Mapping[str, Sequence[Try]]:
        import_ids = list(accepted_at)
        tries: dict[str, list[Try]] = {import_id: [] for import_id in import_ids}
        for first in range(0, len(import_ids), _IDS_AT_A_TIME):
            some = import_ids[first : first + _IDS_AT_A_TIME]
            for record in instance.get_run_records(dg.RunsFilter(tags={PARTITION_TAG: some})):
                import_id = record.dagster_run.tags[PARTITION_TAG]
                one = _try(record)
                if one.ended_at is None or _seconds(record.create_timestamp) >= accepted_at[import_id]:
                    tries[import_id].append(one)
        return tries

    return tries_of


def _try(record: dg.RunRecord) -> Try:
    run, created_at = record.dagster_run, _seconds(record.create_timestamp)
    if run.is_finished:
        return Try(record.end_time or _seconds(record.update_timestamp), run.status == dg.DagsterRunStatus.CANCELED)
    # A daemon that dies between making a run and launching it leaves one that never begins.
    never_began = run.status == dg.DagsterRunStatus.NOT_STARTED and time.time() > created_at + _NEVER_BEGAN_SECONDS
    return Try(created_at if never_began else None)


def _seconds(time_of_run: datetime) -> float:
    return as_utc(time_of_run).timestamp()
