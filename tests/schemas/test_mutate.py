"""No check of a contract can be taken away unnoticed; and the search for such checks finds one."""

from dataclasses import replace

import pandera.polars as pa
import polars as pl
import pytest

from schemas.checks import longest
from tests.schemas.contracts import CONTRACTS
from tests.schemas.mutate import labels, unmissed


@pytest.mark.parametrize("name", CONTRACTS)
def test_every_check_of_a_contract_is_missed_when_it_is_taken_away(name: str) -> None:
    assert unmissed(name) == []


def test_no_two_checks_have_the_same_words() -> None:
    assert len(labels()) == len(set(labels()))


@pytest.fixture
def doubled(monkeypatch: pytest.MonkeyPatch) -> str:
    """A contract with a column more, whose check nobody has a fault for."""
    known = CONTRACTS["xero_customers"]

    def build() -> pa.DataFrameSchema:
        return known.build().add_columns({"more": pa.Column(pl.String, [longest(500)], nullable=True)})

    monkeypatch.setitem(CONTRACTS, "doubled", replace(known, build=build, sound={**known.sound, "more": "x"}))
    return "doubled"


def test_a_check_that_nobody_misses_is_named(doubled: str) -> None:
    assert unmissed(doubled) == ["doubled: more: too_long"]
