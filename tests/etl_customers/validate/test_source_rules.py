"""What is asked of a provider's customer, and what of a file's row: the rest of the rules is the same (R4)."""

from collections.abc import Mapping
from typing import Any

import pytest

from etl_customers.settings.sections import Settings
from etl_customers.validate.check import CheckedRows
from etl_customers.validate.source_rules import SourceRules, rules_of
from schemas.sources import CSV, PROVIDERS, QUICKBOOKS, XERO
from tests.environment import COUNTRY
from tests.etl_customers.validate.test_check import AUSTRALIAN, check, codes, value

SHOP = {"business_name": "Shop", "customer_type": "Business"}


def pulled(*rows: Mapping[str, str], source: str = QUICKBOOKS, is_typed: bool = False, **section: Any) -> CheckedRows:
    """Check rows of a provider under the settings of its section."""
    settings = {**AUSTRALIAN, source: section}
    return check(*rows, settings=settings, defaults=SHOP, source=source, is_typed=is_typed)


def left_out(checked: CheckedRows) -> set[str]:
    return {column for _, column, code in checked.warnings.iter_rows() if code == "left_out"}


def test_a_file_keeps_its_own_rules() -> None:
    assert rules_of(Settings(), CSV) == SourceRules(("first_name", "last_name", "city"))


@pytest.mark.parametrize("source", PROVIDERS)
@pytest.mark.parametrize("name", ["first_name", "last_name", "business_name"])
def test_a_providers_customer_needs_any_one_name(source: str, name: str) -> None:
    assert codes(check({name: "Ada"}, defaults={}, source=source)) == set()


@pytest.mark.parametrize("source", PROVIDERS)
def test_a_providers_customer_without_any_name_fails_once(source: str) -> None:
    row = {"first_name": " ", "last_name": "", "business_name": "", "first_name2": "Ada", "email": "a@example.com"}
    assert codes(check(row, defaults={}, source=source)) == {(2, "business_name", "name_missing")}


PERSON = {"customer_type": "Personal", "city": "Perth"}
NAMELESS = {
    "first_name": " ",
    "last_name": "\u200b",
    "business_name": "",
    "first_name2": "Ada",
    "email": "a@example.com",
}


@pytest.mark.parametrize("required", [[], ["city"], ["email", "first_name2"]])
@pytest.mark.parametrize("is_typed", [False, True])
def test_a_row_of_a_file_without_any_name_fails_where_no_name_is_required(
    required: list[str], *, is_typed: bool
) -> None:
    settings = {**AUSTRALIAN, "csv": {"required": required}}
    assert codes(check(NAMELESS, settings=settings, defaults=PERSON, is_typed=is_typed)) == {
        (2, "business_name", "name_missing")
    }
    for name in ("first_name", "last_name", "business_name"):
        assert codes(check({**NAMELESS, name: "Ada"}, settings=settings, defaults=PERSON, is_typed=is_typed)) == set()


@pytest.mark.parametrize("required", [["first_name"], ["last_name", "city"], ["business_name"]])
def test_a_row_of_a_file_without_the_name_that_is_required_has_one_error(required: list[str]) -> None:
    found = check(NAMELESS, settings={**AUSTRALIAN, "csv": {"required": required}}, defaults=PERSON)
    assert codes(found) == {(2, required[0], "required")}


def test_a_file_is_not_asked_for_a_name_of_either_kind() -> None:
    assert ("name_missing" in {code for _, _, code in codes(check({"first_name": ""}, defaults={}))}) is False


def test_what_the_setting_of_the_provider_requires_is_required() -> None:
    assert codes(pulled({"email": ""}, required=("email",))) == {(2, "email", "required")}
    assert codes(pulled({"email": ""})) == set()


def test_a_text_that_cannot_be_read_is_left_out_with_a_warning() -> None:
    texts = {
        "customer_title": "Herr",
        "email": "not an address",
        "email3": "x@localhost",
        "mobile2": "sumfing",
        "phone": "12",
        "phone3": "a\x00b",
        "state": "Quensland",
    }
    checked = pulled(*({column: text} for column, text in texts.items()))
    assert codes(checked) == set()
    assert [checked.customers[column][place] for place, column in enumerate(texts)] == [None] * len(texts)
    found = {(row, column) for row, column, code in checked.warnings.iter_rows() if code == "left_out"}
    assert found == set(enumerate(texts, 2))


@pytest.mark.parametrize("given", [{"on_unreadable": "fail"}, {"is_typed": True}], ids=["setting", "typed"])
def test_it_fails_where_the_setting_says_so_and_where_a_person_typed_it(given: dict[str, Any]) -> None:
    texts = {
        "customer_title": ("Herr", "unknown_title"),
        "email": ("not an address", "invalid_email"),
        "phone": ("12", "invalid_phone"),
        "state": ("Quensland", "unknown_state"),
        "country": ("Nowhere", "unknown_country"),
    }
    checked = pulled(*({column: text} for column, (text, _) in texts.items()), **given)
    assert codes(checked) == {(row, column, code) for row, (column, (_, code)) in enumerate(texts.items(), 2)}


def test_one_providers_setting_is_not_the_others() -> None:
    settings = {**AUSTRALIAN, "xero": {"on_unreadable": "fail"}}
    row = {"phone": "12"}
    assert codes(check(row, settings=settings, defaults=SHOP, source=XERO)) == {(2, "phone", "invalid_phone")}
    assert codes(check(row, settings=settings, defaults=SHOP, source=QUICKBOOKS)) == set()


def test_a_country_that_was_left_out_stays_empty_and_nothing_is_read_by_another_one() -> None:
    row = {"country": "Nowhere", "state": "NSW", "mobile": "0491 570 156", "phone": "+61 2 5550 1234"}
    checked = pulled(row)
    assert codes(checked) == set()
    assert [value(checked, column) for column in row] == [None, None, None, "+61255501234"]
    assert left_out(checked) == {"country", "state", "mobile"}
    assert value(checked, "city") is None


@pytest.mark.parametrize(
    ("column", "text", "code"),
    [("first_name", "A\x00", "unprintable_character"), ("business_name", "x" * 256, "too_long")],
)
def test_what_can_be_read_but_not_stored_fails(column: str, text: str, code: str) -> None:
    assert codes(pulled({column: text})) == {(2, column, code)}


def test_what_was_left_out_says_no_longer_who_the_customer_is() -> None:
    checked = pulled({"email": "broken", "phone": "+61255501234"})
    assert checked.keys["value"].to_list() == ["+61255501234"]


def test_a_clean_row_has_no_warning_of_its_source() -> None:
    row = {"email": "a@example.com", "country": "AU", "state": "NSW", "city": "Sydney"}
    assert pulled(row).warnings.is_empty()


def test_where_a_country_was_only_assumed_nothing_is_read_by_it_that_does_not_fit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(COUNTRY, raising=False)
    american = {"company": {"country": "US", "city": "Reno"}}

    def read(**row: str) -> dict[str, Any]:
        checked = check(row, settings=american, defaults=SHOP, source=QUICKBOOKS)
        assert codes(checked) == set()
        names = ("country", "state", "city", "mobile")
        told = {column for _, column, code in checked.warnings.iter_rows() if code == "left_out"}
        return {name: checked.customers[name][0] for name in names} | {"told": told}

    nothing = dict.fromkeys(("country", "state", "city", "mobile"))
    sydney = read(mobile="0412 345 678", state="NSW", city="Sydney")
    assert sydney == nothing | {"city": "Sydney", "told": {"state", "mobile"}}
    assert read(mobile="0412 345 678") == nothing | {"country": "US", "city": "Reno", "told": {"mobile"}}
    vancouver = read(mobile="604 555 0100", state="British Columbia", city="Vancouver")
    assert vancouver == nothing | {"city": "Vancouver", "told": {"state", "mobile"}}
    assert read(state="NSW") == nothing | {"told": {"state"}}
    assert read(mobile="+61 412 345 678", state="NSW")["mobile"] == "+61412345678"
    assert read(mobile="(212) 736-5000", state="NY") == {
        "country": "US",
        "state": "New York",
        "city": "New York City",
        "mobile": "+12127365000",
        "told": set(),
    }
    assert read(mobile="0412 345 678", state="NSW", country="Australia")["mobile"] == "+61412345678"


def test_where_nobody_has_said_any_country_a_pull_assumes_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(COUNTRY, raising=False)
    row = {"mobile": "0412 345 678", "state": "NSW", "city": "Sydney"}
    checked = check(row, settings={"company": {"city": "Reno"}}, defaults=SHOP, source=XERO)
    assert [checked.customers[name][0] for name in ("country", "state", "mobile")] == [None] * 3
    assert left_out(checked) == {"state", "mobile"}


def test_under_the_rules_of_files_what_does_not_fit_an_assumed_country_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(COUNTRY, raising=False)
    american = {"company": {"country": "US"}, QUICKBOOKS: {"on_unreadable": "fail"}}
    row = {"mobile": "0412 345 678", "state": "NSW"}
    checked = check(row, settings=american, defaults=SHOP, source=QUICKBOOKS)
    assert codes(checked) == {(2, "state", "unknown_state"), (2, "mobile", "invalid_phone")}
