"""Runs of command lines that were killed: nobody else would ever tell Dagster that they ended."""

import os
import socket
from pathlib import Path

import dagster as dg

PROCESS_TAG = "etl_customers/process"
"""Tag of a run that the command line executes itself: host, process id, when the process started."""


def this_process() -> str:
    """Return the tag's value for this process; process ids are given again, with another start."""
    return _name(os.getpid())


def end_dead_runs(instance: dg.DagsterInstance) -> None:
    """Report as failed each run of this host whose command line is gone."""
    unfinished = dg.RunsFilter(
        statuses=[dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED]
    )
    for run in instance.get_runs(unfinished):
        if run.parent_run_id is not None:
            continue  # re-executed in the UI: it has the tags of its parent, and Dagster watches it
        name = run.tags.get(PROCESS_TAG, "")
        host, _, process = name.rpartition("/")[0].rpartition("/")
        if host == socket.gethostname() and process.isdigit() and _name(int(process)) != name:
            instance.report_run_failed(run, "The command line that executed this run was ended; re-execute it.")


def _name(process: int) -> str:
    return f"{socket.gethostname()}/{process}/{_started_at(process)}"


def _started_at(process: int) -> str:
    """Return when a process started, in the kernel's ticks; empty where it is gone or the kernel does not tell."""
    try:
        # The name, in parentheses, may have spaces of its own.
        return Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19]
    except OSError:
        return ""
