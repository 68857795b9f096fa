"""Numbers, goals and the file that keeps them; and the page, which says what that file says."""

import re
from pathlib import Path

import pytest

from benchmarks.__main__ import main
from benchmarks.figures import Goal, Measured, Number, Table, keep_figures, read_figures
from benchmarks.page import BEGIN, END, PAGE, cell_text, is_missed, page_text
from benchmarks.sections import SECTIONS, TITLES

FASTER = Goal("the old way, beside ours", at_least=7.0)
SMALLER = Goal("memory", at_most=1536.0)
MACHINE = {"cpu": "a processor", "cores": "2", "memory": "24 GB", "python": "3.11.9", "postgresql": "PostgreSQL 17.5"}


def _measured(*rows: tuple[str | Number, ...], date: str = "2026-11-23") -> Measured:
    return Measured(date, MACHINE, 3, 2.4, Table(("", "measured"), rows, ("A note.",)))


def test_a_number_is_the_median_of_the_rounds_with_the_least_and_the_most() -> None:
    assert Number.of([3.0, 1.0, 2.0], "s") == Number(2.0, "s", 1.0, 3.0)


def test_a_ratio_is_made_round_by_round() -> None:
    # The machine was half as fast in the second round; the ratio of medians would be 2.5.
    assert Number.ratio([2.0, 8.0, 3.0], [1.0, 4.0, 1.5], "times") == Number(2.0, "times", 2.0, 2.0)


@pytest.mark.parametrize(
    ("number", "missed"),
    [
        (Number(7.0, "times", 6.0, 8.0, FASTER), False),
        (Number(6.9, "times", 6.0, 8.0, FASTER), True),
        (Number(1536.0, "MB", 1.0, 2.0, SMALLER), False),
        (Number(1537.0, "MB", 1.0, 2.0, SMALLER), True),
        (Number(1.0, "s", 1.0, 1.0), False),
    ],
    ids=["at the least", "below it", "at the most", "above it", "no goal"],
)
def test_a_goal_is_missed_on_its_wrong_side_only(number: Number, missed: bool) -> None:
    assert is_missed(number) == missed


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("words", "words"),
        (Number.of([0.123], "s"), "0.12 s"),
        (Number.of([12.34, 11.0, 13.0], "s"), "12.3 s (11.0 to 13.0)"),
        (Number.of([1234.5], "MB"), "1,234 MB"),
        (Number.of([0.94], "of it"), "0.94"),
    ],
)
def test_a_cell_shows_the_median_its_unit_and_the_spread(cell: str | Number, text: str) -> None:
    assert cell_text(cell) == text


def test_what_is_kept_is_read_again_and_other_sections_keep_their_own_date(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    old = _measured(("engine", Number(2.0, "times", 1.0, 3.0, FASTER)), date="2026-01-01")
    new = _measured(("engine", Number(9.0, "MB", 9.0, 9.0, SMALLER)))
    keep_figures("small", old, file)
    keep_figures("peers", old, file)
    keep_figures("peers", new, file)
    assert read_figures(file) == {"small": old, "peers": new}
    assert [path.name for path in tmp_path.iterdir()] == ["figures.json"]


def test_figures_stand_between_the_marks_and_the_text_around_them_stays() -> None:
    measured = _measured(("engine | loop", Number(2.0, "times", 1.0, 3.0, FASTER)))
    page = page_text(
        f"before\n{BEGIN}\nof yesterday\n{END}\nafter\n", {"peers": "Peers", "pull": "Pulls"}, {"peers": measured}
    )
    assert page.startswith(f"before\n{BEGIN}\n")
    assert page.endswith(f"{END}\nafter\n")
    assert "of yesterday" not in page
    assert "| the old way, beside ours | at least 7 times | 2.00 times (1.00 to 3.00) | **MISSED** |" in page
    assert "| engine \\| loop | 2.00 times (1.00 to 3.00) |" in page
    assert "2026-11-23, 3 rounds, 2 min; a processor, 2 cores, 24 GB; Python 3.11.9, PostgreSQL 17.5." in page
    assert "A note." in page
    assert "Not measured yet: `make bench ARGS=pull`." in page


@pytest.mark.parametrize("page", ["no marks", f"{BEGIN} only", f"{END}{BEGIN}", f"{BEGIN}{END}{BEGIN}{END}"])
def test_a_page_without_one_pair_of_marks_is_not_written(page: str) -> None:
    with pytest.raises(ValueError, match="needs the marks"):
        page_text(page, TITLES, {})


def test_the_page_says_what_the_kept_figures_say() -> None:
    page = PAGE.read_text("utf-8")
    assert page == page_text(page, TITLES, read_figures()), "run: make bench ARGS=--write"


def test_the_page_lists_each_section_with_its_duration() -> None:
    listed = re.findall(r"^\| `(\w+)` \|", PAGE.read_text("utf-8"), re.MULTILINE)
    assert listed == list(SECTIONS)


def test_a_section_that_is_not_there_is_named_with_those_that_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["smal"])
    assert "there is no section smal; there are small, stages, limits" in capsys.readouterr().err
