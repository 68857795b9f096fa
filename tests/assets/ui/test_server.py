"""The web server and daemon that ``etl-customers ui`` starts: they know the command line's runs and end with it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from assets.automation.launch import run_import_job
from etl_customers.imports.installation import Installation

RELAUNCH = """mutation($run: String!) {
  launchRunReexecution(reexecutionParams: {parentRunId: $run, strategy: ALL_STEPS}) {
    __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""
STATUS = "query($run: ID!) { runOrError(runId: $run) { ... on Run { status } } }"
SECONDS = 120


class Ui:
    """A running ``etl-customers ui``."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.process, self.port = process, port

    def ask(self, query: str, **variables: str) -> dict[str, Any]:
        """Ask its GraphQL interface."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/graphql",
            json.dumps({"query": query, "variables": variables}).encode(),
            {"content-type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=SECONDS) as reply:  # noqa: S310 - loopback
            answer: dict[str, Any] = json.load(reply)["data"]
        return answer


@pytest.fixture
def ui(installation: Installation, tmp_path: Path) -> Iterator[Ui]:
    """The UI on a free port, started in a folder that has an ``assets`` package of its own."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "__init__.py").write_text("raise RuntimeError('not ours')\n", encoding="utf-8")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [Path(sys.executable).with_name("etl-customers"), "ui", "--port", port, "--home", installation.home.path]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    process = subprocess.Popen([*map(str, command)], cwd=tmp_path, stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line == f"Dagster is at http://127.0.0.1:{port} (Ctrl-C ends it)\n"
    yield Ui(process, port)
    process.send_signal(signal.SIGTERM)
    process.wait(SECONDS)
    process.stdout.close()


def test_a_run_of_the_command_line_is_reexecuted_through_the_ui_and_nothing_outlives_it(
    installation: Installation, import_id: str, ui: Ui
) -> None:
    outcome = run_import_job(installation.home, import_id)
    launched = ui.ask(RELAUNCH, run=outcome.run_id)["launchRunReexecution"]
    assert launched["__typename"] == "LaunchRunSuccess", launched
    deadline, status = time.monotonic() + SECONDS, ""
    while status not in ("SUCCESS", "FAILURE", "CANCELED") and time.monotonic() < deadline:
        time.sleep(0.2)
        status = ui.ask(STATUS, run=launched["run"]["runId"])["runOrError"]["status"]
    assert status == "SUCCESS"
    ui.process.send_signal(signal.SIGINT)
    assert ui.process.wait(SECONDS) == 0
    deadline = time.monotonic() + 30
    while (left := processes_of(installation.home.path)) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not left


def processes_of(home: Path) -> list[str]:
    """Return the processes whose environment names this home."""
    mark = f"ETL_CUSTOMERS_HOME={home}\0".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (folder / "environ").read_bytes() and int(folder.name) != os.getpid():
                found.append((folder / "cmdline").read_bytes().decode())
        except OSError:
            continue
    return found


def test_a_port_that_is_taken_is_named(installation: Installation) -> None:
    from etl_customers.cli import main

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert main(["ui", "--port", str(taken.getsockname()[1]), "--home", str(installation.home.path)]) == 2


def test_an_address_that_others_reach_is_refused_without_a_password(
    installation: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    from etl_customers.cli import main

    host = "0.0.0.0"  # noqa: S104 - it is refused
    assert main(["ui", "--host", host, "--home", str(installation.home.path)]) == 2
    assert "ETL_CUSTOMERS_UI__PASSWORD" in capsys.readouterr().err
    command = [sys.executable, "-m", "assets.ui.web_server", "--host", host, "--port", "1", "--workspace", "none.yaml"]
    environment = {**os.environ, "ETL_CUSTOMERS_HOME": str(installation.home.path)}
    alone = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert alone.returncode == 2
    assert "ETL_CUSTOMERS_UI__PASSWORD" in alone.stderr


@pytest.mark.parametrize("arguments", [[], ["--json"]])
def test_the_settings_command_hides_the_password(
    installation: Installation,
    arguments: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from etl_customers.cli import main

    monkeypatch.setenv("ETL_CUSTOMERS_UI__PASSWORD", "correct horse battery")
    assert main(["settings", *arguments, "--home", str(installation.home.path)]) == 0
    printed = capsys.readouterr().out
    assert "horse" not in printed
    assert "ETL_CUSTOMERS_UI__PASSWORD" in printed
