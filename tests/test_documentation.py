"""What the documentation promises is there: codes, settings, commands, links."""

import re
from pathlib import Path
from typing import Any

import pytest

from etl_customers.cli.app import command
from etl_customers.settings.sections import Settings
from schemas.codes import ERRORS, WARNINGS
from schemas.refusals import FileReason, PullReason, Reason

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("deploy/**/*.md")])
_LINK = re.compile(r"\]\((?!https?:)([^)#\s]+)")
_COMMAND = re.compile(r"etl-customers((?: [a-z][a-z-]*)+)")


def _codes(heading: str) -> set[str]:
    """First cells of the table under a heading of docs/rules.md."""
    section = (ROOT / "docs/rules.md").read_text("utf-8").partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE))


def test_the_rules_list_every_reason_to_refuse_a_file_and_no_other() -> None:
    assert _codes("Why a file is refused") == {reason.code for reason in FileReason}


def test_the_rules_list_every_reason_to_refuse_a_pull_and_no_other() -> None:
    reasons: list[Reason] = [*PullReason, FileReason.ABANDONED]
    assert _codes("Why a pull is refused") == {reason.code for reason in reasons}


def test_the_rules_list_every_error_code_and_no_other() -> None:
    assert _codes("Error codes") == set(ERRORS)


def test_the_rules_list_every_warning_code_and_no_other() -> None:
    assert _codes("Warning codes") == set(WARNINGS)


def test_the_rules_have_every_number_once() -> None:
    numbers = re.findall(r"^\*\*R(\d+) ", (ROOT / "docs/rules.md").read_text("utf-8"), re.MULTILINE)
    assert sorted(map(int, numbers)) == list(range(1, 26))


def test_every_setting_is_documented_and_no_other() -> None:
    text = (ROOT / "docs/operations.md").read_text("utf-8")
    documented = set(re.findall(r"^\| `(\w+\.\w+)` \| (?!holds)", text, re.MULTILINE))
    settings = {f"{section}.{name}" for section, model in Settings() for name, _ in model}
    assert documented - {"settings.toml", "customers.db", "secret.key"} == settings


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    links = _LINK.findall(page.read_text("utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_in_the_documentation_exist(page: Path) -> None:
    for words in _COMMAND.findall(page.read_text("utf-8")):
        first, *rest = words.split()
        commands = _commands(command())
        assert first in commands, f"{page.name} speaks of etl-customers {first}"
        below = _commands(commands[first])
        if rest and rest[0] in {"add", "edit", "list", "remove", "show", "status", "upgrade"}:
            assert rest[0] in below, f"{page.name} speaks of etl-customers {first} {rest[0]}"


def _commands(group: Any) -> dict[str, Any]:
    return getattr(group, "commands", {})


def test_the_architecture_names_every_part_of_the_engine_and_every_module_of_the_assets() -> None:
    page = (ROOT / "docs/architecture.md").read_text("utf-8")
    for package in ("etl_customers", "assets"):
        for path in (ROOT / package).iterdir():
            if not path.name.startswith("_") and (path.suffix == ".py" or (path / "__init__.py").exists()):
                assert f"`{path.stem}`" in page, f"{package}/{path.name}"


def test_the_architecture_names_one_file_per_rule_that_is_there_and_names_the_rule() -> None:
    page = (ROOT / "docs/architecture.md").read_text("utf-8")
    places = re.findall(r"^\| (R\d+) \| `([\w/]+\.py)` \|$", page, re.MULTILINE)
    assert [rule for rule, _ in places] == [f"R{number}" for number in range(1, 26)]
    for rule, place in places:
        assert re.search(rf"\b{rule}\b", (ROOT / place).read_text("utf-8")), f"{place} does not name {rule}"


def test_every_decision_has_a_number_of_its_own_and_the_four_parts() -> None:
    decisions = sorted((ROOT / "docs/adr").glob("*.md"))
    assert [int(page.name[:4]) for page in decisions] == list(range(1, len(decisions) + 1))
    for page in decisions:
        text = page.read_text("utf-8")
        assert all(f"**{part}.**" in text for part in ("Context", "Decision", "Consequences", "Rejected")), page.name
