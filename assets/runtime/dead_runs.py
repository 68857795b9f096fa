"""Runs whose process is gone, and which nobody else would ever end.

Dagster's own watch finds a run worker that died as long as the code server that started it
lives, a run that never starts, and one that never ends. What it cannot see: a command line
that was killed, and workers that died with their code server, by a reboot for instance.
Processes are looked up on this host; of a worker on another host such a run ends when
``max_runtime_seconds`` of ``dagster.yaml`` is over.
"""

import os
import socket
from collections.abc import Sequence

import dagster as dg
import psutil
from dagster._core.storage.tags import GRPC_INFO_TAG

PROCESS_TAG = ".dagster/etl_customers_process"
"""Tag of a run that the command line executes itself: host, process id, seconds since 1970 at which it started.

Before version 0.2 the last part was a number of ticks since the machine's start.

The UI does not show tags that begin so.
"""

_UNFINISHED = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
_CLOCK_SLACK_SECONDS = 60
_SINCE_EPOCH = "s"
"""Ends the start of a process that counts from 1970."""


@dg.sensor(
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Ends runs whose process is gone: killed commands, and workers that died with their supervisors. "
    "It starts no run; Dagster re-executes the runs that it had started itself.",
)
def dead_runs(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Ends the runs whose process is gone: killed commands, and workers that died with their supervisors.

    Dagster re-executes those that it had started itself; a person repeats a command.
    """
    ended = end_dead_runs(context.instance, with_workers=True)
    if not ended:
        return dg.SkipReason("every run that is under way has a process")
    return dg.SkipReason(f"ended {len(ended)} run(s) whose process is gone: {', '.join(ended)}")


def this_process() -> str:
    """Return the tag's value for this process; process ids are given again, with another start."""
    return f"{socket.gethostname()}/{os.getpid()}/{psutil.Process().create_time():.2f}{_SINCE_EPOCH}"


def end_dead_runs(instance: dg.DagsterInstance, with_workers: bool = False) -> Sequence[str]:
    """Report as failed each run whose process is gone, and return their ids.

    Args:
        instance: Whose runs.
        with_workers: Also those of Dagster's run workers. Only for who runs where the workers run, as
            sensors do: the code server that evaluates them has started the workers too.
    """
    ended = []
    for run in instance.get_runs(dg.RunsFilter(statuses=_UNFINISHED)):
        # A re-executed run has the tags of its parent, and a worker of its own.
        of_command = PROCESS_TAG in run.tags and run.parent_run_id is None
        if not (_command_is_gone(run) if of_command else with_workers and _worker_is_gone(instance, run)):
            continue
        # Whatever the process wrote before it ended is there by now.
        latest = instance.get_run_by_id(run.run_id)
        if latest is None or latest.is_finished:
            continue
        if latest.status == dg.DagsterRunStatus.CANCELING:
            instance.report_run_canceled(latest, "The process of this run is gone.")
        elif of_command:
            instance.report_run_failed(
                latest, "The command that this run belongs to was stopped; run the command again."
            )
        else:
            instance.report_run_failed(latest, "The process of this run is gone.")
        ended.append(run.run_id)
    return ended


def _command_is_gone(run: dg.DagsterRun) -> bool:
    rest, _, started = run.tags[PROCESS_TAG].rpartition("/")
    host, _, process = rest.rpartition("/")
    if host != socket.gethostname() or not process.isdigit():
        return False
    started_at = _started_at(int(process))
    if started_at is None or not started.endswith(_SINCE_EPOCH):
        return started_at is None
    # The clock may have been set since; a process id comes again after many others.
    return abs(started_at - float(started.removesuffix(_SINCE_EPOCH))) > _CLOCK_SLACK_SECONDS


def _worker_is_gone(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    """Tell whether the worker that Dagster's default launcher started for a run is gone, as far as this host knows."""
    if GRPC_INFO_TAG not in run.tags:
        return False
    for entry in instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ENGINE_EVENT):
        event = entry.dagster_event
        process = None if event is None else event.engine_event_data.metadata.get("pid")
        if process is not None:
            started_at = _started_at(int(str(process.value)))
            # Younger than what it has written: the id was given again, after a reboot for instance.
            return started_at is None or started_at > entry.timestamp + _CLOCK_SLACK_SECONDS
    return False  # not yet at work; Dagster has a time-out for that


def _started_at(process: int) -> float | None:
    """Return when a process started, in seconds since 1970; none where it is gone."""
    try:
        found = psutil.Process(process)
        # A zombie only waits for its parent to look.
        return None if found.status() == psutil.STATUS_ZOMBIE else found.create_time()
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return None
