"""The commands undo, erase and purge: what they say, and their exit codes."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from etl_customers.changes.erasing import erase as erasing
from etl_customers.imports.installation import open_installation
from etl_customers.settings.home import Home
from tests.imported import accept, load

from .conftest import FILE, Run


@pytest.fixture
def import_id(home: Path) -> Iterator[str]:
    """An import in this test's home."""
    installation = open_installation(Home(home))
    yield load(installation, FILE)
    installation.target.dispose()


def test_an_import_is_undone_and_everything_says_so(run: Run, home: Path, import_id: str) -> None:
    tried = run("undo", import_id, "--dry-run", "--json")
    assert json.loads(tried.out) == {
        "import_id": import_id,
        "status": "dry_run",
        "repeat": False,
        "removed": 2,
        "restored": 0,
        "kept": [],
    }
    done = run("undo", import_id)
    assert (done.code, "2 customers removed" in done.out) == (0, True)
    again = run("undo", import_id, "--json")
    assert (again.code, json.loads(again.out)["repeat"], json.loads(again.out)["removed"]) == (0, True, 0)
    assert "was already undone" in run("undo", import_id).out
    assert "was undone on" in run("imports", "show", import_id).out
    assert json.loads(run("imports", "show", import_id, "--json").out)["status"] == "undone"
    gone = run("trace", 1)
    assert (gone.code, "removed when its import was undone" in gone.err) == (2, True)
    assert run("failed", import_id).code == 0
    installation = open_installation(Home(home))
    assert accept(installation, FILE) != import_id
    installation.target.dispose()


def test_what_is_kept_makes_the_exit_code_1(run: Run, import_id: str) -> None:
    run("customers", "edit", 1, "city=Perth", "state=WA")
    done = run("undo", import_id, "--json")
    assert done.code == 1
    assert [(one["customer_id"], one["code"]) for one in json.loads(done.out)["kept"]] == [(1, "edited")]


def test_a_stopped_erasure_of_nobody_does_not_say_that_somebody_is_there(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasing, "erase", lambda *_: os.kill(os.getpid(), signal.SIGINT))
    monkeypatch.setattr(signal, "SIG_IGN", object())  # whoever runs the tests in the background has SIGINT ignored
    done = run("erase", 99, "--yes")
    assert done.code == 130
    assert done.err.strip() == "stopped; nothing was erased, because there never was a customer 99"


def test_an_unknown_import_or_customer_is_exit_code_2(run: Run) -> None:
    assert run("undo", "csv-20260101T000000Z-00000000").code == 2
    assert run("erase", 99, "--yes").code == 2


@pytest.mark.usefixtures("import_id")
def test_nobody_is_erased_without_a_question_or_yes(run: Run) -> None:
    asked = run("erase", 1)
    assert (asked.code, "--yes" in asked.err) == (2, True)
    done = run("erase", 1, "--yes", "--json")
    record = json.loads(done.out)
    assert (done.code, record["status"], record["repeat"], record["still_there"]) == (0, "erased", False, [])
    again = run("erase", 1, "--yes")
    assert (again.code, "customer 1 was erased on" in again.out) == (0, True)
    shown = run("customers", "show", 1)
    assert (shown.code, "was erased" in shown.err) == (2, True)
    assert "olivia" not in (again.out + shown.err).lower()


@pytest.mark.usefixtures("import_id")
def test_purge_deletes_what_is_past_its_time_and_its_dry_run_only_counts_it(run: Run, home: Path) -> None:
    expired = home / "failed" / "csv-20200101T000000Z-00000000.csv"
    expired.touch()
    os.utime(expired, (1, 1))
    for command in (("purge", "--dry-run"), ("purge",)):
        assert expired.exists()
        done = run(*command, "--json")
        counts = json.loads(done.out)
        assert (done.code, counts["staging"], counts["failed_rows"], counts["days"]) == (0, 0, 1, 7)
    assert not expired.exists()
    assert len(list((home / "failed").iterdir())) == 1
    assert "older than 7 days (retention.days)" in run("purge", "--dry-run").out


@pytest.mark.usefixtures("import_id")
def test_the_doctor_names_what_is_past_its_time(run: Run, home: Path) -> None:
    assert "nothing is older than its retention time" in run("doctor").out
    (home / "failed" / "csv-20200101T000000Z-00000000.csv").touch()
    os.utime(home / "failed" / "csv-20200101T000000Z-00000000.csv", (1, 1))
    found = run("doctor")
    assert (found.code, "PROBLEM  retention: 1 files" in found.out) == (1, True)
