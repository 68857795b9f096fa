"""The version is one: in pyproject.toml, of the program, at the top of the changelog, and in SECURITY.md."""

import re
import tomllib
from datetime import date
from pathlib import Path

import pytest

from etl_customers.cli import main

ROOT = Path(__file__).parents[1]
VERSION: str = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
HEADINGS = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)


def test_the_program_says_the_version_of_the_project(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"etl-customers {VERSION}\n"


def test_the_changelog_begins_with_what_is_unreleased_and_then_has_this_version_with_its_day() -> None:
    assert HEADINGS[0] == "[Unreleased]"
    found = [re.fullmatch(r"\[(\d+\.\d+\.\d+)\] - (\d{4}-\d\d-\d\d)", heading) for heading in HEADINGS[1:]]
    assert all(found), HEADINGS
    released = [(one[1], date.fromisoformat(one[2])) for one in found if one]
    assert released[0][0] == VERSION
    days = [day for _, day in released]
    assert days == sorted(days, reverse=True)
    assert len(set(released)) == len(released)


def test_security_fixes_are_promised_for_this_version() -> None:
    table = (ROOT / "SECURITY.md").read_text("utf-8")
    supported = re.findall(r"^\| ([\d.]+) \| yes \|$", table, re.MULTILINE)
    assert supported == [VERSION.rpartition(".")[0]]
