"""The page of promises names tests that are there, and leaves out no test of faults."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/reliability.md").read_text("utf-8")
NAMED = set(re.findall(r"`(tests/[\w/]+\.py)`", PAGE))


def _section(heading: str) -> str:
    return PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]


def test_every_test_that_the_page_names_is_there_and_tests_something() -> None:
    lacking = {name for name in NAMED if "def test_" not in ((ROOT / name).read_text("utf-8"))}
    assert NAMED
    assert lacking == set()


def test_every_file_of_fault_tests_is_named() -> None:
    assert {str(path.relative_to(ROOT)) for path in ROOT.glob("tests/faults/test_*.py")} <= NAMED


def test_every_promise_has_tests() -> None:
    promised = re.findall(r"^\| \*\*([a-z ]+)\*\* \|", _section("The promises"), re.MULTILINE)
    proved = re.findall(r"^\| ([a-z ]+) \| `tests/", _section("The tests"), re.MULTILINE)
    limited = re.findall(r"^- \*\*([a-z ]+)\*\*", _section("Not promised"), re.MULTILINE)
    assert len(promised) == 14
    assert proved == promised
    assert set(limited) <= set(promised)
