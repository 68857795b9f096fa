"""What differs from source to source, and what rules do not ask because another has told it."""

import json
from typing import Any

import polars as pl
import pytest

from etl_customers.validate.emails import read_emails
from etl_customers.validate.place_lists import shipped_countries
from schemas.columns import TITLES
from schemas.country_codes import COUNTRY_CODES
from schemas.normalised_customers import LEAVABLE, normalised_customers
from schemas.validated_customers import VALIDATED_CUSTOMERS, validated_customers
from tests.schemas.contracts import found_in, frame_of
from tests.schemas.normalised_faults import SOUND as NORMALISED
from tests.schemas.validated_faults import SOUND as VALIDATED


def test_what_is_required_is_the_sources_affair() -> None:
    row = {**VALIDATED, "last_name": None, "email": None}
    frame = frame_of(VALIDATED_CUSTOMERS, row)
    assert found_in(VALIDATED_CUSTOMERS, frame) == set()
    assert found_in(validated_customers(("email", "city")), frame) == {("email", "required")}


NOBODY: dict[str, Any] = {"first_name": None, "last_name": None, "business_name": None, "customer_type": "Personal"}


@pytest.mark.parametrize("name", ["first_name", "last_name", "business_name"])
def test_any_one_name_is_enough_where_a_name_is_asked_for(name: str) -> None:
    for sound, build in ((NORMALISED, normalised_customers), (VALIDATED, validated_customers)):
        named, unnamed = build(needs_name=True), build()
        assert found_in(named, frame_of(named, {**sound, **NOBODY})) == {("business_name", "name_missing")}
        assert found_in(named, frame_of(named, {**sound, **NOBODY, name: "Ada"})) == set()
        assert found_in(unnamed, frame_of(unnamed, {**sound, **NOBODY})) == set()


@pytest.mark.parametrize("name", LEAVABLE)
def test_a_text_that_a_source_leaves_out_is_no_failure(name: str) -> None:
    row = {**NORMALISED, name: None, f"{name}:text": "x"}
    strict, lenient = normalised_customers(), normalised_customers(leaves_out=True)
    assert {column for column, _ in found_in(strict, frame_of(strict, row))} == {name}
    assert found_in(lenient, frame_of(lenient, row)) == set()


@pytest.mark.parametrize(
    ("name", "code"), [("date_joined", "invalid_date"), ("customer_type", "unknown_customer_type")]
)
def test_a_date_and_a_type_are_never_left_out(name: str, code: str) -> None:
    lenient = normalised_customers(leaves_out=True)
    assert found_in(lenient, frame_of(lenient, {**NORMALISED, name: None, f"{name}:text": "x"})) == {(name, code)}


def test_the_states_and_national_numbers_of_an_unknown_country_are_not_judged() -> None:
    unread = dict.fromkeys(("country", "state", "mobile", "phone"))
    texts = {"country:text": "Atlantis", "state:text": "x", "mobile:text": "99", "phone:text": "0"}
    whole = normalised_customers()
    assert found_in(whole, frame_of(whole, {**NORMALISED, **unread, **texts})) == {("country", "unknown_country")}
    nowhere = {**NORMALISED, **unread, **texts, "country:text": None}
    judged = {("state", "unknown_state"), ("mobile", "invalid_phone"), ("phone", "invalid_phone")}
    assert found_in(whole, frame_of(whole, nowhere)) == judged


def test_the_codes_of_countries_are_those_that_countries_are_read_by() -> None:
    assert set(COUNTRY_CODES) == shipped_countries().keys()
    assert len(COUNTRY_CODES) == len(set(COUNTRY_CODES))


@pytest.mark.parametrize("title", TITLES)
def test_every_title_may_be_loaded(title: str) -> None:
    assert found_in(VALIDATED_CUSTOMERS, frame_of(VALIDATED_CUSTOMERS, {**VALIDATED, "customer_title": title})) == set()


@pytest.mark.parametrize(
    "text",
    [
        "a@b.cd", "Ada.Example+x@example.com", "o'neil@example.co.uk", "ada@xn--bcher-kva.example", "ünï@bücher.de",
        "x" * 64 + "@example.com", "чебурашка@ящик-с-апельсинами.рф", "甲斐@黒川.日本", "a@" + "b" * 63 + ".com", "INFO@Example.COM",
    ],
)  # fmt: skip
def test_every_address_that_is_read_may_be_loaded(text: str) -> None:
    read = read_emails(pl.Series([text]))["email"].item()
    assert read is not None
    assert found_in(VALIDATED_CUSTOMERS, frame_of(VALIDATED_CUSTOMERS, {**VALIDATED, "email": read})) == set()


@pytest.mark.parametrize("text", ["", 'say "hi"', "a\\b", "a\tb\n\r", "é", "\u2028", "😀", "/", "{}[],:"])
def test_every_value_of_a_custom_field_may_be_loaded(text: str) -> None:
    shape = {"a": text, "b": [text, text], "c": True, "d": False}
    for is_ascii in (True, False):
        fields = json.dumps(shape, ensure_ascii=is_ascii)[:-1] + ', "e": -12.50, "f": 0}'
        row = {
            **VALIDATED,
            "custom_fields": fields,
            "warnings": json.dumps([{"column": text, "code": "city_defaulted"}] * 2),
        }
        assert found_in(VALIDATED_CUSTOMERS, frame_of(VALIDATED_CUSTOMERS, row)) == set()
