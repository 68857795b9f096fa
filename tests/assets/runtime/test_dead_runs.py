"""A process that is killed leaves no run behind that seems to go on for ever, and no living one is taken for dead."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.events import EngineEventData
from dagster._core.storage.tags import GRPC_INFO_TAG

from assets.automation.launch import run_import_job
from assets.runtime.dead_runs import PROCESS_TAG, dead_runs, end_dead_runs, this_process
from assets.runtime.instance import open_instance
from etl_customers.imports.accepting import accept_upload
from etl_customers.imports.installation import Installation


def test_the_run_of_a_killed_command_is_ended_by_the_next_one(
    installation: Installation, import_id: str, tmp_path: Path
) -> None:
    # The password keeps the command busy: the file has more than can be hashed in a moment.
    slow = tmp_path / "slow.csv"
    rows = "".join(f"A,B,C,slow{n}@example.com,secret\n" for n in range(2_000))
    slow.write_text(f"first_name,last_name,city,email,password\n{rows}", encoding="utf-8")
    program = str(Path(sys.executable).with_name("etl-customers"))
    process = subprocess.Popen([program, "import", str(slow), "--home", str(installation.home.path)])
    deadline = time.monotonic() + 60
    with open_instance(installation.home) as instance:
        while not instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED])):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        (killed,) = instance.get_runs()
        assert run_import_job(installation.home, import_id).success
        ended = instance.get_run_by_id(killed.run_id)
        assert ended is not None
        assert ended.status == dg.DagsterRunStatus.FAILURE
    assert not accept_upload(installation, slow).is_repeat


@dg.job
def nothing() -> None:
    """Do nothing."""


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """A Dagster storage of its own."""
    with dg.instance_for_test() as made:
        yield made


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """A process that lives until it is killed."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    yield process
    process.kill()
    process.wait()


def started_run(instance: dg.DagsterInstance, tags: dict[str, str]) -> dg.DagsterRun:
    """Return a run that Dagster takes to be under way."""
    run = instance.create_run_for_job(nothing, tags=tags)
    event = dg.DagsterEvent(dg.DagsterEventType.RUN_START.value, nothing.name)
    instance.report_dagster_event(event, run.run_id)
    return run


def run_of_worker(instance: dg.DagsterInstance, process: int, seconds_ago: float = 0) -> str:
    """Return a run that a worker has said to be in, some time ago."""
    run = started_run(instance, {GRPC_INFO_TAG: "{}"})
    data = EngineEventData.in_process(process)
    event = dg.DagsterEvent(dg.DagsterEventType.ENGINE_EVENT.value, nothing.name, event_specific_data=data)
    instance.report_dagster_event(event, run.run_id, timestamp=time.time() - seconds_ago)
    return run.run_id


def run_of_command(instance: dg.DagsterInstance, name: str) -> str:
    return started_run(instance, {PROCESS_TAG: name}).run_id


def test_what_is_alive_goes_on(instance: dg.DagsterInstance, sleeper: subprocess.Popen[bytes]) -> None:
    run_of_worker(instance, sleeper.pid)
    run_of_command(instance, this_process())
    assert not end_dead_runs(instance, with_workers=True)


def test_a_worker_that_is_gone_ends_its_run_for_who_runs_beside_workers_only(
    instance: dg.DagsterInstance, sleeper: subprocess.Popen[bytes]
) -> None:
    run_id = run_of_worker(instance, sleeper.pid)
    sleeper.kill()
    sleeper.wait()
    assert not end_dead_runs(instance)
    assert end_dead_runs(instance, with_workers=True) == [run_id]
    assert not end_dead_runs(instance, with_workers=True)


def test_another_process_with_the_id_of_a_worker_is_not_the_worker(
    instance: dg.DagsterInstance, sleeper: subprocess.Popen[bytes]
) -> None:
    run_id = run_of_worker(instance, sleeper.pid, seconds_ago=3_600)
    assert end_dead_runs(instance, with_workers=True) == [run_id]


def test_a_process_that_only_waits_to_be_looked_at_is_gone(
    instance: dg.DagsterInstance, sleeper: subprocess.Popen[bytes]
) -> None:
    run_id = run_of_worker(instance, sleeper.pid)
    sleeper.kill()
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)  # a zombie from here on
    assert end_dead_runs(instance, with_workers=True) == [run_id]


def test_nothing_is_said_of_processes_elsewhere_and_of_runs_that_have_none_yet(instance: dg.DagsterInstance) -> None:
    run_of_command(instance, "another-host/1/1")
    started_run(instance, {GRPC_INFO_TAG: "{}"})
    started_run(instance, {})
    assert not end_dead_runs(instance, with_workers=True)


def test_a_run_that_an_earlier_version_has_begun_goes_on_as_long_as_there_is_its_process(
    instance: dg.DagsterInstance, sleeper: subprocess.Popen[bytes]
) -> None:
    run_id = run_of_command(instance, f"{socket.gethostname()}/{sleeper.pid}/12345")
    assert not end_dead_runs(instance)
    sleeper.kill()
    sleeper.wait()
    assert end_dead_runs(instance) == [run_id]


def test_a_run_that_was_to_be_canceled_is_canceled(instance: dg.DagsterInstance) -> None:
    run_id = run_of_command(instance, f"{socket.gethostname()}/{os.getpid()}/0.00s")
    run = instance.get_run_by_id(run_id)
    assert run is not None
    instance.report_run_canceling(run)
    assert end_dead_runs(instance) == [run_id]
    ended = instance.get_run_by_id(run_id)
    assert ended is not None
    assert ended.status == dg.DagsterRunStatus.CANCELED


def test_the_sensor_says_what_it_ended(instance: dg.DagsterInstance) -> None:
    with dg.build_sensor_context(instance=instance) as context:
        assert "every run" in str(dead_runs(context))
        run_id = run_of_command(instance, f"{socket.gethostname()}/{os.getpid()}/0.00s")
        assert run_id in str(dead_runs(context))
