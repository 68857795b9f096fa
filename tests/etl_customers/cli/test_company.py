"""Where the company is: asked for once in a terminal, never in a pipe."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.environment import COUNTRY

PROGRAM = Path(sys.executable).with_name("etl-customers")
QUESTION = b"In which country is the company"


@pytest.fixture(autouse=True)
def _nobody_has_set_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(COUNTRY)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file without a country."""
    path = tmp_path / "customers.csv"
    path.write_text("first_name,last_name,mobile,city\nAda,Byron,0412 345 678,Sydney\n", encoding="utf-8")
    return path


def in_terminal(answers: list[bytes], *words: object) -> tuple[int, str]:
    """Run the program in a terminal, and type an answer each time that it asks."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen([PROGRAM, *map(str, words)], stdin=theirs, stdout=theirs, stderr=theirs, close_fds=True)
    os.close(theirs)
    shown, asked = b"", 0
    while True:
        try:
            piece = os.read(ours, 4096)
        except OSError:  # Linux says so of a terminal that nobody has open any more
            break
        if not piece:
            break
        shown += piece
        while shown.count(QUESTION) > asked:
            os.write(ours, answers[asked] + b"\n")
            asked += 1
    os.close(ours)
    assert asked == len(answers)
    return process.wait(60), shown.decode()


def test_in_a_terminal_the_country_is_asked_for_until_it_is_one_and_kept(run: Any, home: Path, file: Path) -> None:
    code, shown = in_terminal([b"Austrlia", b"australia"], "import", file, "--home", home)
    assert code == 0, shown
    assert "did you mean Australia?" in shown
    assert f"company.country is now AU in {home / 'settings.toml'}" in shown
    assert "1 of 1 rows loaded" in shown.replace("1 row loaded", "1 of 1 rows loaded")
    assert json.loads(run("customers", "show", 1, "--json").out)["mobile"] == "+61412345678"
    assert [one["status"] for one in json.loads(run("imports", "--json").out)["imports"]] == ["finished"]


def test_who_does_not_answer_has_changed_nothing(run: Any, home: Path, file: Path) -> None:
    code, _ = in_terminal([b"\x04"], "import", file, "--home", home)
    assert code == 130
    assert json.loads(run("imports", "--json").out)["imports"] == []
    assert not (home / "settings.toml").exists()


@pytest.mark.parametrize("options", [(), ("--json",), ("--dry-run",), ("--dry-run", "--json")])
def test_in_a_pipe_nobody_is_asked_and_the_file_is_refused(run: Any, file: Path, options: tuple[str, ...]) -> None:
    refused = run("import", file, *options)
    assert refused.code == 2
    assert "etl-customers settings set company.country AU" in refused.out + refused.err
    if "--json" in options:
        assert json.loads(refused.out)["refusal"]["code"] == "country_not_set"


def test_the_states_of_no_country_are_not_those_of_america(run: Any) -> None:
    refused = run("states")
    assert (refused.code, "etl-customers states AU" in refused.err) == (2, True)
    run("settings", "set", "company.country", "AU")
    assert "New South Wales" in run("states").out
