"""Whatever is killed around a run, the import goes on by itself or is ended for somebody to repeat; each row once.

One ``etl-customers ui`` serves all tests, and each kills other parts of it.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as sa

from assets.automation.jobs import import_csv
from assets.runtime.dead_runs import end_dead_runs
from assets.runtime.instance import DAGSTER_YAML, open_instance
from assets.runtime.partitions import IMPORTS
from etl_customers.database.ledger import find_import
from etl_customers.database.tables import customers
from etl_customers.imports.accepting import accept_upload
from etl_customers.imports.installation import Installation, open_installation
from etl_customers.settings.home import Home

SECONDS = 300
ROWS = 100  # each with a password: a few seconds in which a run can be killed
SELECTOR = {"repositoryLocationName": "etl_customers", "repositoryName": "__repository__", "jobName": import_csv.name}
LAUNCH = """mutation($run: ExecutionParams!) { launchRun(executionParams: $run) {
  __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""
GO_ON = """mutation($run: String!) {
  launchRunReexecution(reexecutionParams: {parentRunId: $run, strategy: FROM_FAILURE}) {
    __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""


@dataclass
class Ui:
    """A running ``etl-customers ui``, its home, and Dagster's storage there."""

    process: subprocess.Popen[str]
    port: int
    installation: Installation
    instance: dg.DagsterInstance
    killed_command: str

    def ask(self, query: str, **variables: Any) -> Any:
        """Ask its GraphQL interface for one thing."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/graphql", body, {"content-type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=SECONDS) as reply:  # noqa: S310 - loopback
            (answer,) = json.load(reply)["data"].values()
        return answer

    def launch(self, import_id: str) -> str:
        """Launch the import of a file as a person does, and return the run's id."""
        self.instance.add_dynamic_partitions(IMPORTS, [import_id])
        tags = [{"key": "dagster/partition", "value": import_id}]
        launched = self.ask(LAUNCH, run={"selector": SELECTOR, "executionMetadata": {"tags": tags}})
        assert launched["__typename"] == "LaunchRunSuccess", launched
        return str(launched["run"]["runId"])

    def status(self, run_id: str) -> dg.DagsterRunStatus:
        """Return how a run stands."""
        run = self.instance.get_run_by_id(run_id)
        assert run is not None
        return run.status

    def will_retry(self, run_id: str) -> str:
        """Return what Dagster has decided on a failed run; empty until it has."""
        run = self.instance.get_run_by_id(run_id)
        assert run is not None
        return run.tags.get("dagster/will_retry", "")

    def retry_of(self, run_id: str) -> dg.DagsterRun | None:
        """Return the run that goes on where another one ended."""
        return next((run for run in self.instance.get_runs() if run.parent_run_id == run_id), None)

    def loaded(self, import_id: str) -> int:
        """Return how many customers an import has made, each with another address."""
        with self.installation.target.connect() as connection:
            record = find_import(connection, import_id)
            assert record is not None
            assert record.status == "finished"
            emails = connection.scalars(sa.select(customers.c.email).where(customers.c.import_id == import_id)).all()
        assert len(emails) == len(set(emails))
        return len(emails)

    def daemon(self) -> int:
        """Return the daemon's process."""
        return next(child for child in children_of(self.process.pid) if b"dagster._daemon" in words_of(child))


def children_of(parent: int) -> list[int]:
    paths = Path(f"/proc/{parent}/task").glob("*/children")
    return [int(child) for path in paths for child in path.read_text(encoding="utf-8").split()]


def words_of(process: int) -> list[bytes]:
    return Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")


def wait_for(question: Callable[[], Any]) -> Any:
    """Wait until a question has an answer, and return it."""
    deadline = time.monotonic() + SECONDS
    while not (answer := question()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return answer


def step_of(instance: dg.DagsterInstance, run_id: str) -> str | None:
    """Return the step that a run has begun last."""
    begun = instance.all_logs(run_id, of_type=dg.DagsterEventType.STEP_START)
    return begun[-1].step_key if begun else None


def worker_of(instance: dg.DagsterInstance, run_id: str) -> int:
    """Return the process that a run says it is in."""
    events = instance.all_logs(run_id, of_type=dg.DagsterEventType.ENGINE_EVENT)
    return next(
        int(str(event.dagster_event.engine_event_data.metadata["pid"].value))
        for event in events
        if event.dagster_event is not None and "pid" in event.dagster_event.engine_event_data.metadata
    )


def busy_file(folder: Path, name: str, count: int = ROWS) -> Path:
    """Write a file whose load takes a while, because it has passwords."""
    path = folder / f"{name}.csv"
    rows = "".join(f"A,B,C,{name}{n}@example.com,secret\n" for n in range(count))
    path.write_text(f"first_name,last_name,city,email,password\n{rows}", encoding="utf-8")
    return path


def kill_command(home: Home, instance: dg.DagsterInstance, file: Path) -> str:
    """Import a file by the command line, kill that while it loads, and return its run's id."""
    program = str(Path(sys.executable).with_name("etl-customers"))
    process = subprocess.Popen([program, "import", str(file), "--home", str(home.path)])
    run_id: str = wait_for(lambda: next((run.run_id for run in instance.get_runs()), ""))
    wait_for(lambda: step_of(instance, run_id) == "loaded_customers")
    process.kill()
    process.wait()
    return run_id


@pytest.fixture(scope="module")
def ui(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ui]:
    """The UI on a free port; before it came, a command line was killed on its home."""
    folder = tmp_path_factory.mktemp("killed")
    home = Home(folder / "home").make()
    home.settings_file.write_text("[inbox]\nenabled = false\n", encoding="utf-8")
    # Only how often Dagster looks is another than in the file that we ship.
    (home.dagster / "dagster.yaml").write_text(
        DAGSTER_YAML.replace("poll_interval_seconds: 30", "poll_interval_seconds: 2"), encoding="utf-8"
    )
    installation = open_installation(home)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with open_instance(home) as instance:
        killed = kill_command(home, instance, busy_file(folder, "command"))
        program = str(Path(sys.executable).with_name("etl-customers"))
        command = [program, "ui", "--port", str(port), "--home", str(home.path)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline().startswith("Dagster is at")
        yield Ui(process, port, installation, instance, killed)
        process.send_signal(signal.SIGTERM)
        process.wait(SECONDS)
        process.stdout.close()
    installation.target.dispose()


def accepted(ui: Ui, folder: Path, name: str, count: int = ROWS) -> str:
    return accept_upload(ui.installation, busy_file(folder, name, count)).record.import_id


def launched_and_loading(ui: Ui, import_id: str) -> str:
    """Launch an import and wait until it is in the middle of it."""
    run_id = ui.launch(import_id)
    wait_for(lambda: step_of(ui.instance, run_id) == "loaded_customers")
    return run_id


def test_the_run_of_a_killed_command_is_ended_and_not_repeated_behind_the_users_back(ui: Ui) -> None:
    wait_for(lambda: ui.status(ui.killed_command) == dg.DagsterRunStatus.FAILURE)
    assert wait_for(lambda: ui.will_retry(ui.killed_command)) == "false"


def test_an_import_whose_worker_was_killed_goes_on_by_itself(ui: Ui, tmp_path: Path) -> None:
    import_id = accepted(ui, tmp_path, "worker")
    run_id = launched_and_loading(ui, import_id)
    os.kill(worker_of(ui.instance, run_id), signal.SIGKILL)
    wait_for(lambda: ui.status(run_id) == dg.DagsterRunStatus.FAILURE)
    retry = wait_for(lambda: ui.retry_of(run_id))
    wait_for(lambda: ui.status(retry.run_id).value in ("SUCCESS", "FAILURE"))
    assert ui.status(retry.run_id) == dg.DagsterRunStatus.SUCCESS
    assert ui.loaded(import_id) == ROWS


def test_an_import_outlives_the_daemon_which_is_started_again(ui: Ui, tmp_path: Path) -> None:
    import_id = accepted(ui, tmp_path, "daemon")
    run_id = launched_and_loading(ui, import_id)
    killed = ui.daemon()
    os.kill(killed, signal.SIGKILL)
    wait_for(
        lambda: any(b"dagster._daemon" in words_of(child) for child in children_of(ui.process.pid) if child != killed)
    )
    wait_for(lambda: ui.status(run_id).value in ("SUCCESS", "FAILURE"))
    assert ui.status(run_id) == dg.DagsterRunStatus.SUCCESS
    assert ui.loaded(import_id) == ROWS


def test_an_import_goes_on_after_everything_around_it_was_killed_at_once(ui: Ui, tmp_path: Path) -> None:
    import_id = accepted(ui, tmp_path, "everything")
    run_id = launched_and_loading(ui, import_id)
    os.killpg(ui.daemon(), signal.SIGKILL)  # the daemon, its code server and its workers, as a reboot does
    # What the sensor does, without waiting for its turn.
    wait_for(lambda: run_id in end_dead_runs(ui.instance, with_workers=True))
    retry = wait_for(lambda: ui.retry_of(run_id))
    wait_for(lambda: ui.status(retry.run_id).value in ("SUCCESS", "FAILURE"))
    assert ui.status(retry.run_id) == dg.DagsterRunStatus.SUCCESS
    assert ui.loaded(import_id) == ROWS


def test_a_failed_run_is_reexecuted_from_failure_once_the_cause_is_mended(ui: Ui, tmp_path: Path) -> None:
    import_id = accepted(ui, tmp_path, "mended", count=1)
    upload = next(path for path in ui.installation.home.uploads.iterdir() if path.name.startswith(import_id))
    away = upload.rename(tmp_path / "away")
    run_id = ui.launch(import_id)
    wait_for(lambda: ui.status(run_id) == dg.DagsterRunStatus.FAILURE)
    away.rename(upload)
    run_again = ui.ask(GO_ON, run=run_id)
    assert run_again["__typename"] == "LaunchRunSuccess", run_again
    wait_for(lambda: ui.status(run_again["run"]["runId"]).value in ("SUCCESS", "FAILURE"))
    assert ui.status(run_again["run"]["runId"]) == dg.DagsterRunStatus.SUCCESS
    assert ui.loaded(import_id) == 1
    assert wait_for(lambda: ui.will_retry(run_id)) == "false", "what failed by its own words would fail again"
