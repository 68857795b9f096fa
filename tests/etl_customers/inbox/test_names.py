"""Names: which wait, which are refused, and that the clean ones are safe whatever came in."""

import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl_customers.inbox.names import clean_name, free_name, is_being_written, named_after, parts_of, what_is_wrong_with


@pytest.mark.parametrize("name", [".customers.csv", "a.csv.part", "a.tmp", "a.CRDOWNLOAD", "a.filepart", "a.csv~"])
def test_names_of_unfinished_files_wait(name: str) -> None:
    assert is_being_written(name)


@pytest.mark.parametrize("name", ["customers.csv", "part.csv", "Kunden 2026 (neu).xlsx", "客户.csv", "-rf", "a" * 200])
def test_plain_names_are_taken(name: str) -> None:
    assert not is_being_written(name)
    assert what_is_wrong_with(name) is None


@pytest.mark.parametrize(
    "name", ["a\n.csv", "a\x1b[31m.csv", "vsc.\u202egnp", "a\u200b.csv", "a\udcff.csv", "a\u2028b", "\x7f", "a" * 201]
)
def test_names_that_hide_what_they_are_are_refused(name: str) -> None:
    assert what_is_wrong_with(name)


@given(st.text(st.characters(exclude_categories=[]), max_size=250))
def test_a_clean_name_is_short_visible_and_no_path(name: str) -> None:
    clean = clean_name(name)
    assert 1 <= len(clean.encode()) <= 120
    assert clean[0] not in ".-"
    assert not set(clean) & set(string.whitespace + "/\\'\"$&;|<>*?()`!\0")
    assert what_is_wrong_with(clean) is None
    assert clean_name(clean) == clean
    assert parts_of(named_after("csv-20261122T081443Z-3fa9c1d2-2", name)) == ("csv-20261122T081443Z-3fa9c1d2-2", clean)


def test_a_name_that_is_taken_or_whose_note_is_taken_gets_a_number(tmp_path: Path) -> None:
    (tmp_path / "a.csv").symlink_to("nowhere")
    (tmp_path / "a-2.csv.why.txt").touch()
    assert free_name(tmp_path, "a.csv").name == "a-3.csv"
