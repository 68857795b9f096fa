"""Each contract finds each fault by its code, and finds nothing in a sound row."""

from functools import cache

import pandera.polars as pa
import polars as pl
import pytest
from pandera.constants import CHECK_OUTPUT_KEY

from schemas.codes import ERRORS
from schemas.failures import find_failures
from tests.schemas.contracts import CONTRACTS, contract, found_in, found_of_faults, frame_of, frame_of_faults

FAULTS = [
    pytest.param(name, number, id=f"{name}: {fault.rule} ({number})")
    for name, known in CONTRACTS.items()
    for number, fault in enumerate(known.faults)
]


@cache
def found(name: str) -> dict[int, set[tuple[str, str]]]:
    """Return what is found of each fault of a contract, by its number."""
    numbers = {id(fault): number for number, fault in enumerate(CONTRACTS[name].faults)}
    return {numbers[id(fault)]: told for fault, told in found_of_faults(contract(name), CONTRACTS[name])}


@pytest.mark.parametrize("name", CONTRACTS)
def test_a_sound_row_keeps_every_rule(name: str) -> None:
    whole = contract(name)
    frame = frame_of(whole, CONTRACTS[name].sound)
    assert found_in(whole, frame) == set()
    assert whole.validate(frame, lazy=True).equals(frame)


@pytest.mark.parametrize("name", CONTRACTS)
def test_an_empty_cell_breaks_nothing_but_what_asks_for_it(name: str) -> None:
    whole = contract(name)
    asked = {column.partition(":")[0] for column, spec in whole.columns.items() if not spec.nullable}
    empty = {column: value for column, value in CONTRACTS[name].sound.items() if column.partition(":")[0] in asked}
    if "customer_type" in empty:
        empty["customer_type"] = "Personal"
    assert found_in(whole, frame_of(whole, empty)) == set()


@pytest.mark.parametrize(("name", "number"), FAULTS)
def test_a_row_that_breaks_a_rule_is_found_with_its_code_and_with_nothing_else(name: str, number: int) -> None:
    fault = CONTRACTS[name].faults[number]
    assert found(name)[number] == fault.found


@pytest.mark.parametrize("name", CONTRACTS)
def test_pandera_itself_says_the_same_of_every_fault(name: str) -> None:
    """Whoever validates a frame by the schema alone, without our search for failures, has the same answer."""
    whole = contract(name)
    frame = frame_of_faults(whole, CONTRACTS[name])
    with pytest.raises(pa.errors.SchemaErrors) as refused:
        whole.validate(frame, lazy=True)
    said: set[tuple[int, str, str]] = set()
    for error in refused.value.schema_errors:
        is_of_frame = error.schema.name == whole.name
        column = error.check.name if is_of_frame else error.schema.name.partition(":")[0]
        code = "required" if error.check == "not_nullable" else error.check.error
        rows = frame["row"].filter(~error.check_output[CHECK_OUTPUT_KEY])
        said |= {(row, column, code) for row in rows}
    assert said == set(find_failures(whole, frame).iter_rows())


@pytest.mark.parametrize("name", CONTRACTS)
def test_a_frame_of_another_form_is_refused_before_any_row_is_looked_at(name: str) -> None:
    whole = contract(name)
    frame = frame_of(whole, CONTRACTS[name].sound)
    for column in frame.columns:
        if column != "row" and whole.columns[column].required:
            with pytest.raises(AssertionError, match=f"form of {whole.name}: {column}$"):
                found_in(whole, frame.drop(column))
        other = frame.with_columns(pl.lit([1]).alias(column))
        with pytest.raises(AssertionError, match=f"form of {whole.name}: {column}$"):
            found_in(whole, other)


@pytest.mark.parametrize("name", [name for name in CONTRACTS if "customers" in name and name[0] in "nv"])
def test_a_column_too_many_is_refused(name: str) -> None:
    whole = contract(name)
    frame = frame_of(whole, CONTRACTS[name].sound).with_columns(more=pl.lit(1))
    with pytest.raises(AssertionError, match=r"more$"):
        found_in(whole, frame)


@pytest.mark.parametrize("name", ["normalised_customers", "normalised_fields"])
def test_what_a_person_is_told_of_a_row_has_words(name: str) -> None:
    assert {code for fault in CONTRACTS[name].faults for _, code in fault.found} <= ERRORS.keys()


def test_no_value_of_a_row_is_in_what_is_raised() -> None:
    whole = contract("validated_customers")
    frame = frame_of(whole, {**CONTRACTS["validated_customers"].sound, "city": "Canary"}).drop("email")
    with pytest.raises(AssertionError) as raised:
        found_in(whole, frame)
    assert "Canary" not in str(raised.value)
    assert raised.value.__cause__ is None
