"""The outermost edge: help, wrong words, bugs and closed pipes each end calmly."""

import json
import os
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from etl_customers.cli import main

PROGRAM = Path(sys.executable).with_name("etl-customers")


def test_help_imports_nothing_that_is_slow() -> None:
    code = (
        "import sys; from etl_customers.cli import main; main(['--help']); "
        "print([name for name in ('dagster', 'polars', 'duckdb', 'pandera', 'sqlalchemy') if name in sys.modules])"
    )
    started = time.process_time()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert time.process_time() - started < 5


@pytest.mark.parametrize("command", ["import", "customers", "imports", "fields", "properties", "trace", "doctor", "ui"])
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--help"]) == 0
    assert "Usage" in capsys.readouterr().out


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"etl-customers {version('etl-customers')}\n"


def test_a_wrong_command_is_a_usage_error_with_exit_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["improt", "x.csv"]) == 2
    assert "Did you mean 'import'" in capsys.readouterr().err


def test_a_usage_error_with_json_is_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "usage_error"


def test_settings_that_cannot_be_used_are_named(run: Any, home: Path) -> None:
    home.mkdir()
    (home / "settings.toml").write_text("[csv]\nmax_rows = 0\n", encoding="utf-8")
    failed = run("settings")
    assert failed.code == 2
    assert "csv.max_rows" in failed.err


def test_a_reader_that_goes_away_is_no_error_message(home: Path) -> None:
    shell = f"{PROGRAM} settings --home {home} --json | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, check=False, env=dict(os.environ))
    assert done.returncode in (0, 141)
    assert done.stderr == ""


def test_a_character_that_the_output_lacks_does_not_end_the_command(run: Any, home: Path) -> None:
    run("fields", "add", "Größe")
    done = subprocess.run(
        [PROGRAM, "fields", "list", "--home", home],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "Gr\\xf6\\xdfe" in done.stdout
