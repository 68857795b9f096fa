"""Commands in messages work where they are pasted; each test pastes them into a shell."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from etl_customers.cli import main
from etl_customers.cli.pasting import remember_home, runnable, shown_path

PROGRAM = Path(sys.executable).with_name("etl-customers")
FILE = (
    "first_name,last_name,state,city,country\n"
    "Ada,Example,NSW,Sydney,AU\nBob,,NSW,Sydney,AU\nEve,Early,Quensland,Cairns,AU\n"
)


@pytest.fixture(autouse=True)
def _called_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["etl-customers"])
    remember_home(None)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder: one with a blank in its name, and an environment of Python in it."""
    made = tmp_path / "my customers"
    (made / ".venv/bin").mkdir(parents=True)
    (made / ".venv/bin/etl-customers").symlink_to(PROGRAM)
    monkeypatch.chdir(made)
    return made


def shell(command: str, folder: Path, path: str = "/usr/bin:/bin") -> "subprocess.CompletedProcess[str]":
    """Type a command into a shell in which nothing of ours is on the path."""
    environment = {**os.environ, "PATH": path, "COLUMNS": "200"}
    return subprocess.run(command, shell=True, cwd=folder, env=environment, capture_output=True, text=True, check=False)  # noqa: S602


def next_command(text: str) -> str:
    """Return the command that the last line tells to run."""
    return text.strip().splitlines()[-1].partition("run: ")[2]


@pytest.mark.parametrize("home", ["", " --home 'a home'"])
def test_the_next_step_can_be_pasted_where_the_program_is_not_on_the_path(folder: Path, home: str) -> None:
    (folder / "our customers.csv").write_text(FILE, encoding="utf-8")
    first = shell(f".venv/bin/etl-customers import 'our customers.csv'{home}", folder)
    assert first.returncode == 1, first.stderr
    command = next_command(first.stdout)
    assert command.startswith(".venv/bin/etl-customers import ")
    assert command.endswith(home)
    assert str(folder) not in command
    second = shell(command, folder)
    assert "0 of 2 rows loaded" in second.stdout
    listed = shell(f".venv/bin/etl-customers imports --json{home}", folder)
    assert [one["rows_read"] for one in json.loads(listed.stdout)["imports"]] == [2, 3]


def test_errors_and_tables_name_commands_that_can_be_pasted(folder: Path) -> None:
    (folder / "customers.csv").write_text(FILE, encoding="utf-8")
    shown = shell(".venv/bin/etl-customers import customers.csv --home here", folder)
    states = re.search(r"see (\S+/etl-customers states AU --home here)", shown.stdout)
    assert states is not None
    assert "New South Wales" in shell(states[1], folder).stdout
    (failed,) = (folder / "here/failed").iterdir()
    assert f"see {states[1]}; did you mean" in failed.read_text(encoding="utf-8-sig")
    missing = shell(".venv/bin/etl-customers imports show csv-none --home here", folder)
    listed = missing.stderr.strip().partition("see: ")[2]
    assert listed == ".venv/bin/etl-customers imports --home here"
    assert "customers.csv" in shell(listed, folder).stdout


@pytest.mark.parametrize(("header", "home"), [("Title", ""), ("Title.", " --home 'a home'")])
def test_the_command_that_leaves_job_titles_out_can_be_pasted(folder: Path, header: str, home: str) -> None:
    rows = "A,One,Perth,Head of Sales\nB,Two,Perth,Engineer\n"
    (folder / "jobs.csv").write_text(f"first_name,last_name,city,{header}\n{rows}", encoding="utf-8")
    program = ".venv/bin/etl-customers"
    assert shell(f"{program} settings set company.country AU{home}", folder).returncode == 0
    refused = shell(f"{program} import jobs.csv{home}", folder)
    command = refused.stderr.partition("leave the column out: ")[2].partition(", then import")[0]
    pasted = shell(command, folder)
    assert pasted.returncode == 0, pasted.stderr
    again = shell(f"{program} import jobs.csv{home}", folder)
    assert again.returncode == 0, again.stderr
    assert "2 of 2 rows loaded" in again.stdout


def test_json_keeps_the_plain_form(folder: Path) -> None:
    found = shell(".venv/bin/etl-customers imports show csv-none --json --home here", folder)
    assert json.loads(found.stdout)["error"]["message"].endswith("see: etl-customers imports")


def test_where_the_shell_finds_the_program_its_name_is_enough(folder: Path) -> None:
    path = f"{folder}/.venv/bin:/usr/bin:/bin"
    for called in (".venv/bin/etl-customers", "etl-customers"):
        found = shell(f"{called} imports show csv-none", folder, path)
        assert found.stderr.strip().endswith("see: etl-customers imports")


def test_another_program_of_that_name_on_the_path_is_not_meant(folder: Path) -> None:
    other = folder / "bin/etl-customers"
    other.parent.mkdir()
    other.write_text("#!/bin/sh\n", encoding="utf-8")
    other.chmod(0o755)
    found = shell(".venv/bin/etl-customers imports show csv-none", folder, f"{other.parent}:/usr/bin:/bin")
    assert found.stderr.strip().endswith("see: .venv/bin/etl-customers imports")


def test_a_home_from_the_environment_is_repeated(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ETL_CUSTOMERS_HOME", str(folder / "there"))
    assert runnable("run: etl-customers ui") == "run: etl-customers ui --home there"
    monkeypatch.setenv("ETL_CUSTOMERS_HOME", str(folder / ".etl-customers"))
    assert runnable("run: etl-customers ui") == "run: etl-customers ui"


def test_the_home_stands_at_the_end_of_the_command(folder: Path) -> None:
    remember_home(Path("/srv/our home"))
    home = "--home '/srv/our home'"
    for said, wanted in (
        ("etl-customers imports", f"etl-customers imports {home}"),
        ("etl-customers imports show csv-1; then", f"etl-customers imports show csv-1 {home}; then"),
        ("settings set company.country AU (or", f"settings set company.country AU {home} (or"),
        ("etl-customers connect xero", f"etl-customers connect xero {home}"),
        ("pull xero --tenant 1.2 --full: it", f"pull xero --tenant 1.2 --full {home}: it"),
        ("import 'a b.csv'", f"import 'a b.csv' {home}"),
        ("import FILE, or etl-customers pull PROVIDER.", f"import FILE {home}, or etl-customers pull PROVIDER {home}."),
        ("(etl-customers template lists all)", f"(etl-customers template {home} lists all)"),
        ("see: etl-customers template)", f"see: etl-customers template {home})"),
        ("keep etl-customers ui running, which", f"keep etl-customers ui {home} running, which"),
        ("etl-customers fields list or properties list", f"etl-customers fields list {home} or properties list"),
        ("properties add pet Name", f"properties add {home} pet Name"),
        ("a bug in etl-customers (KeyError)", "a bug in etl-customers (KeyError)"),
        ("a table of etl-customers is missing", "a table of etl-customers is missing"),
        ("/opt/etl-customers/imports", "/opt/etl-customers/imports"),
    ):
        first = "" if "etl-customers" in said.split(",")[0] else "etl-customers "
        assert runnable(first + said) == first + wanted


def test_paths_are_relative_where_they_lie_below_and_quoted(folder: Path) -> None:
    assert shown_path(folder / "a.csv") == "a.csv"
    assert shown_path(folder / "-a b.csv") == "'./-a b.csv'"
    assert shown_path("/elsewhere/it's.csv") == "'/elsewhere/it'\"'\"'s.csv'"


def test_a_command_does_not_remember_the_home_of_the_one_before(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["imports", "show", "csv-none", "--home", str(folder / "one")])
    main(["imports", "show", "csv-none"])
    first, second = capsys.readouterr().err.splitlines()
    assert first.endswith("see: etl-customers imports --home one")
    assert second.endswith("see: etl-customers imports")
