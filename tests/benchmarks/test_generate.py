"""The generator: the same seed gives the same file, and every kind of mistake is in it."""

import csv
import io
from pathlib import Path

import pytest

from benchmarks.countries import COUNTRIES
from benchmarks.generate import HEADER, MISTAKES, REPETITIONS, Mix, generate_rows, write_file, write_rows
from benchmarks.orm_loop import check_row, identity_keys

CLEAN = Mix(bad=0, duplicates=0)


def test_the_same_seed_gives_the_same_rows_and_another_seed_others() -> None:
    assert list(generate_rows(200, Mix(seed=5))) == list(generate_rows(200, Mix(seed=5)))
    assert list(generate_rows(200, Mix(seed=5))) != list(generate_rows(200, Mix(seed=6)))


def test_a_longer_file_begins_with_the_rows_of_a_shorter_one() -> None:
    assert list(generate_rows(300))[:100] == list(generate_rows(100))


def test_the_file_is_csv_with_the_header_of_the_template() -> None:
    file = io.StringIO(newline="")
    write_rows(file, 50)
    header, *rows = csv.reader(io.StringIO(file.getvalue(), newline=""), strict=True)
    assert tuple(header) == HEADER
    assert len(rows) == 50
    assert all(len(row) == len(HEADER) for row in rows)


def test_rows_from_a_later_start_are_those_of_a_longer_file() -> None:
    assert list(generate_rows(50, start=250)) == list(generate_rows(300))[250:]


def test_a_file_made_in_parts_is_the_same_as_one_made_at_once(tmp_path: Path) -> None:
    whole = write_file(tmp_path / "whole.csv", 250, Mix(seed=3), 1_000)
    parts = write_file(tmp_path / "parts.csv", 250, Mix(seed=3), 1_000, part=100)
    assert parts.read_bytes() == whole.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["parts.csv", "whole.csv"]


@pytest.mark.parametrize("country", COUNTRIES)
def test_rows_without_mistakes_have_no_errors_and_share_no_key(country: str) -> None:
    claimed: set[tuple[str, str]] = set()
    for cells in generate_rows(500, Mix(bad=0, duplicates=0, countries={country: 1})):
        row, errors = check_row(dict(zip(HEADER, cells, strict=True)))
        assert errors == []
        keys = set(identity_keys(row))
        assert not keys & claimed
        claimed |= keys


@pytest.mark.parametrize("number", range(len(MISTAKES)))
def test_each_mistake_is_found(number: int) -> None:
    cells = dict(zip(HEADER, next(generate_rows(1, CLEAN)), strict=True))
    MISTAKES[number](cells)
    assert check_row(cells)[1]


@pytest.mark.parametrize("number", range(len(REPETITIONS)))
def test_each_repetition_shares_a_key_with_its_original(number: int) -> None:
    first, second = (dict(zip(HEADER, cells, strict=True)) for cells in generate_rows(2, CLEAN))
    repeated = REPETITIONS[number](dict(first), second)
    keys = [set(identity_keys(check_row(cells)[0])) for cells in (first, repeated)]
    assert keys[0] & keys[1]


def test_shares_are_about_what_was_asked_for() -> None:
    rows = [dict(zip(HEADER, cells, strict=True)) for cells in generate_rows(5000, Mix(bad=0.1, passwords=0.2))]
    failed = sum(bool(check_row(row)[1]) for row in rows)
    assert 400 < failed < 600
    assert 850 < sum(bool(row["password"]) for row in rows) < 1150
