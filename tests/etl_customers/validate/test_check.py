"""The rules of a row: what is loaded, with which values, and what is listed with which codes."""

import gc
import json
import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import polars as pl
import pytest

from etl_customers.columns.account_fields import AccountFields, Field, PropertyType
from etl_customers.read.raw_csv import password_state
from etl_customers.settings.sections import Settings
from etl_customers.staging import UploadColumn
from etl_customers.texts.error_values import LOOKS_LIKE_ONE, error_value
from etl_customers.validate.check import CheckedRows, check_rows
from etl_customers.validate.places import load_places
from etl_customers.validate.source_rules import rules_of
from schemas.codes import message
from schemas.columns import CUSTOMER_COLUMNS, FieldType
from schemas.sources import CSV

AUSTRALIAN: dict[str, Any] = {"company": {"country": "AU", "city": "Ballarat"}}
FIELDS = AccountFields(
    custom_fields=(
        Field("note", "Note", FieldType.TEXT, is_required=False, choices=()),
        Field("limit", "Credit limit", FieldType.NUMBER, is_required=False, choices=()),
        Field("since", "Since", FieldType.DATE, is_required=False, choices=()),
        Field("vip", "VIP", FieldType.YES_NO, is_required=False, choices=()),
        Field("tier", "Tier", FieldType.ONE_OF, is_required=True, choices=("Gold", "Silver")),
        Field("likes", "Likes", FieldType.SEVERAL_OF, is_required=False, choices=("Tea", "Coffee")),
    ),
    property_types=(
        PropertyType(
            "pet",
            "Pet",
            (
                Field("name", "Name", FieldType.TEXT, is_required=True, choices=()),
                Field("age", "Age", FieldType.NUMBER, is_required=False, choices=()),
            ),
        ),
    ),
)
NO_FIELDS = AccountFields(custom_fields=(), property_types=())


def check(
    *rows: Mapping[str, str],
    settings: Mapping[str, Any] = AUSTRALIAN,
    fields: AccountFields = NO_FIELDS,
    columns: Sequence[UploadColumn] | None = None,
    defaults: Mapping[str, str] | None = None,
    source: str = CSV,
    is_typed: bool = False,
) -> CheckedRows:
    """Check rows given as column to text; names and a city are filled in where not given."""
    standard = {"first_name": "Ada", "last_name": "Example", "city": "Sydney"} if defaults is None else defaults
    filled = [{**standard, **row} for row in rows]
    if columns is None:
        names = list(
            dict.fromkeys(name for row in filled for name in row if name not in ("password_state", "parent_row"))
        )
        columns = [UploadColumn(i, name, "column", name, None, None, None) for i, name in enumerate(names)]
    cells = {column.cell: [row.get(column.key, "") for row in filled] for column in columns}
    raw = pl.DataFrame(cells, schema=dict.fromkeys(cells, pl.String)).with_columns(
        pl.Series("row", range(2, len(filled) + 2), dtype=pl.Int64),
        pl.Series(
            "parent_row", [int(row["parent_row"]) if "parent_row" in row else None for row in filled], dtype=pl.Int64
        ),
        pl.Series("password_state", [row.get("password_state") for row in filled], dtype=pl.String),
    )
    all_settings = Settings(**settings)
    rules = rules_of(all_settings, source, is_typed=is_typed)
    return check_rows(raw, list(columns), fields, all_settings, load_places(all_settings.reference), rules)


def codes(checked: CheckedRows) -> set[tuple[int, str, str]]:
    """Return (row, column, code) of every error."""
    return set(checked.errors.select("row", "column", "code").iter_rows())


def value(checked: CheckedRows, column: str) -> object:
    """Return a column of the only row that passed."""
    assert checked.errors.is_empty(), checked.errors.select("column", "code").rows()
    return checked.customers[column].item()


def suggestion(checked: CheckedRows) -> object:
    """Return the suggestion of the only error."""
    return checked.errors["suggestion"].item()


def warnings(checked: CheckedRows) -> set[tuple[str, str]]:
    """Return (column, code) of every warning."""
    return set(checked.warnings.select("column", "code").iter_rows())


def test_a_plain_row_passes_with_its_values_trimmed() -> None:
    checked = check({"first_name": "  Ada\u00a0", "street_address": "1 High St\nRear"})
    assert value(checked, "first_name") == "Ada"
    assert value(checked, "street_address") == "1 High St\nRear"


@pytest.mark.parametrize("column", ["first_name", "last_name"])
def test_an_empty_required_column_fails(column: str) -> None:
    assert codes(check({column: " "})) == {(2, column, "required")}


def test_what_is_required_is_a_setting() -> None:
    settings = {"csv": {"required": ["email"]}}
    assert codes(check({"first_name": "", "city": ""}, settings=settings)) == {(2, "email", "required")}


@pytest.mark.parametrize("country", ["GB", "CA", "NZ", ""])
def test_the_country_of_which_a_text_is_no_state_is_named(country: str) -> None:
    checked = check({"state": "Quensland", "country": country}, settings=AUSTRALIAN)
    (found,) = checked.errors.filter(code="unknown_state").select("column", "code", "reference").rows()
    assert message(found[1], found[0], found[2]).endswith(f"see etl-customers states {country or 'AU'}")


def test_a_required_value_that_cannot_be_read_is_not_called_missing_too() -> None:
    assert codes(check({"email": "x"}, settings={"csv": {"required": ["email"]}})) == {(2, "email", "invalid_email")}


@pytest.mark.parametrize(
    ("text", "title"), [("mr", "Mr"), ("MRS.", "Mrs"), ("Dr.", "Dr"), ("miss", "Miss"), ("Ms", "Ms")]
)
def test_case_and_a_trailing_dot_of_a_title_are_forgiven(text: str, title: str) -> None:
    assert value(check({"customer_title": text}), "customer_title") == title


@pytest.mark.parametrize(("text", "meant"), [("Mister", "Mr"), ("Doctor", "Dr"), ("Sir", None), ("Mr..", "Mr")])
def test_another_title_fails_with_the_one_it_is_near_to(text: str, meant: str | None) -> None:
    checked = check({"customer_title": text})
    assert codes(checked) == {(2, "customer_title", "unknown_title")}
    assert suggestion(checked) == meant


def test_the_customer_type_is_read_in_any_case() -> None:
    assert value(check({"customer_type": "PERSONAL"}), "customer_type") == "Personal"


@pytest.mark.parametrize(("business", "expected"), [("", "Personal"), ("Acme", "Business")])
def test_an_empty_customer_type_follows_the_business_name_and_is_recorded(business: str, expected: str) -> None:
    checked = check({"business_name": business, "country": "AU"})
    assert value(checked, "customer_type") == expected
    assert warnings(checked) == {("customer_type", "customer_type_defaulted")}
    assert value(checked, "warnings") == '[{"column": "customer_type", "code": "customer_type_defaulted"}]'


def test_a_business_needs_its_name() -> None:
    assert codes(check({"customer_type": "business"})) == {(2, "business_name", "business_name_missing")}


def test_an_unknown_customer_type_is_suggested_a_known_one() -> None:
    checked = check({"customer_type": "Company"})
    assert codes(checked) == {(2, "customer_type", "unknown_customer_type")}
    assert suggestion(checked) == "Business"


def test_a_date_joined_is_a_real_day_in_the_one_form() -> None:
    assert value(check({"date_joined": "2024/02/29"}), "date_joined") == date(2024, 2, 29)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2018-05-12", "2018/05/12"),
        ("2018/5/2", "2018/05/02"),
        ("13/05/2018", "2018/05/13"),
        ("05/13/2018", "2018/05/13"),
        ("05/05/2018", "2018/05/05"),
        ("12 May 2018", "2018/05/12"),
        ("May 12, 2018", "2018/05/12"),
        ("2018-05-12T00:00:00", "2018/05/12"),
        ("12/05/2018", None),
        ("2023/02/29", None),
        ("0000/01/01", None),
        ("٢٠١٨/٠٥/١٢", None),
        ("12/05/18", None),
        ("yesterday", None),
    ],
)
def test_another_date_fails_and_the_right_form_is_suggested_only_where_it_is_certain(
    text: str, meant: str | None
) -> None:
    checked = check({"date_joined": text})
    assert codes(checked) == {(2, "date_joined", "invalid_date")}
    assert suggestion(checked) == meant


@pytest.mark.parametrize("text", ["Australia", "AU", "aus", "au"])
def test_a_country_is_read_by_name_and_code(text: str) -> None:
    assert value(check({"country": text}), "country") == "AU"


def test_an_empty_country_is_the_companys_and_recorded() -> None:
    checked = check({"customer_type": "Personal"})
    assert value(checked, "country") == "AU"
    assert warnings(checked) == {("country", "country_defaulted")}


@pytest.mark.parametrize("text", ["NSW", "nsw", "New South Wales", "AU-NSW"])
def test_a_state_is_read_by_name_and_code(text: str) -> None:
    assert value(check({"state": text}), "state") == "New South Wales"


def test_a_misspelt_state_fails_and_the_nearest_is_suggested() -> None:
    checked = check({"state": "Quensland"})
    assert codes(checked) == {(2, "state", "unknown_state")}
    assert "Queensland" in str(suggestion(checked))


def test_the_state_of_an_unknown_country_is_not_judged() -> None:
    assert codes(check({"state": "NSW", "country": "Atlantis", "city": ""})) == {(2, "country", "unknown_country")}


def test_a_state_belongs_to_its_country() -> None:
    assert codes(check({"state": "Queensland", "country": "NZ"})) == {(2, "state", "unknown_state")}


def test_an_empty_city_becomes_the_first_of_the_state_and_is_recorded() -> None:
    checked = check({"city": "", "state": "VIC", "country": "AU", "customer_type": "Personal"})
    assert value(checked, "city") == "Melbourne"
    assert warnings(checked) == {("city", "city_defaulted")}


def test_an_empty_city_without_a_state_becomes_the_companys() -> None:
    checked = check({"city": "", "country": "AU", "customer_type": "Personal"})
    assert value(checked, "city") == "Ballarat"
    assert warnings(checked) == {("city", "city_defaulted_to_company")}


def test_an_empty_city_fails_where_nothing_fills_it() -> None:
    assert codes(check({"city": ""}, settings={})) == {(2, "city", "required")}


def test_the_city_of_a_misspelt_state_is_not_called_missing() -> None:
    assert codes(check({"city": "", "state": "Quensland"})) == {(2, "state", "unknown_state")}


@pytest.mark.parametrize("text", ["0491 570 156", "+61 491 570 156", "61491570156", "(0491) 570-156"])
def test_a_number_is_read_with_the_rows_country(text: str) -> None:
    assert value(check({"mobile": text, "country": "Australia"}), "mobile") == "+61491570156"


def test_the_same_digits_mean_another_number_in_another_country() -> None:
    assert value(check({"phone": "020 7946 0018", "country": "GB", "city": "London"}), "phone") == "+442079460018"


def test_a_number_without_a_country_is_read_with_the_companys() -> None:
    assert value(check({"mobile3": "0491 570 156"}), "mobile3") == "+61491570156"


@pytest.mark.parametrize("column", ["mobile", "phone2"])
@pytest.mark.parametrize("text", ["12", "call me", "4.12346E+08", "0491 570 156 / 0491 570 157"])
def test_an_impossible_number_fails(column: str, text: str) -> None:
    assert codes(check({column: text})) == {(2, column, "invalid_phone")}


def test_a_possible_but_unassigned_number_is_loaded_with_a_warning() -> None:
    checked = check({"phone": "+1 200 555 0100", "country": "AU", "customer_type": "Personal"})
    assert value(checked, "phone") == "+12005550100"
    assert warnings(checked) == {("phone", "unassigned_phone")}


def test_the_national_number_of_an_unknown_country_is_not_judged() -> None:
    checked = check({"country": "Atlantis", "mobile": "99", "phone": "+99"})
    assert codes(checked) == {(2, "country", "unknown_country"), (2, "phone", "invalid_phone")}


def test_the_domain_of_an_email_is_lower_cased_and_its_name_kept() -> None:
    assert value(check({"email2": "Ada.Example@EXAMPLE.com"}), "email2") == "Ada.Example@example.com"


@pytest.mark.parametrize(
    "text", ["ada", "ada@", "a b@example.com", "ada@example", "a@b@example.com", "a..b@example.com"]
)
def test_an_email_that_is_not_well_formed_fails(text: str) -> None:
    assert codes(check({"email3": text})) == {(2, "email3", "invalid_email")}


def test_a_value_may_be_as_long_as_its_column_and_no_longer() -> None:
    checked = check({"suburb": "é" * 255}, {"suburb": "é" * 256})
    assert codes(checked) == {(3, "suburb", "too_long")}
    assert checked.errors["reference"].item() == "255"


def test_a_character_that_postgresql_cannot_hold_fails_its_cell() -> None:
    assert codes(check({"suburb": "a\x00b"})) == {(2, "suburb", "unprintable_character")}
    assert codes(check({"suburb": "a\x1b[2Jb"})) == {(2, "suburb", "unprintable_character")}
    assert codes(check({"street_address": "1 High St\r\n\tUnit 2"})) == set()


@pytest.mark.parametrize("text", ["Null", "NA", "None", "nan", "True"])
def test_names_that_look_like_nothing_are_names(text: str) -> None:
    assert value(check({"last_name": text}), "last_name") == text


def test_a_password_that_cannot_be_taken_fails_its_row() -> None:
    checked = check({"password_state": "too_long"}, {"password_state": "unprintable"}, {"password_state": "given"})
    assert codes(checked) == {(2, "password", "too_long"), (3, "password", "unprintable_character")}
    assert checked.customers["has_password"].to_list() == [True]


def test_a_row_number_of_a_failed_rows_file_must_be_one() -> None:
    assert codes(check({"parent_row": "-1"})) == {(2, "row", "invalid_failed_row")}


def test_all_errors_of_a_row_are_listed_and_the_other_rows_pass() -> None:
    bad = {
        "first_name": "",
        "email": "x",
        "mobile": "1",
        "state": "Nowhere",
        "date_joined": "soon",
        "customer_title": "Sir",
    }
    checked = check(bad, {})
    assert codes(checked) == {
        (2, "first_name", "required"),
        (2, "email", "invalid_email"),
        (2, "mobile", "invalid_phone"),
        (2, "state", "unknown_state"),
        (2, "date_joined", "invalid_date"),
        (2, "customer_title", "unknown_title"),
    }
    assert checked.customers["row"].to_list() == [3]


def test_every_row_either_passes_or_has_errors() -> None:
    checked = check(*[{"email": f"a{n}@example.com" if n % 3 else "broken"} for n in range(100)])
    assert checked.customers.height + checked.errors["row"].n_unique() == 100
    assert not set(checked.customers["row"]) & set(checked.errors["row"])


def keys(checked: CheckedRows) -> set[tuple[str, str, str]]:
    """Return (kind, value, column) of every identity key."""
    return set(checked.keys.select("kind", "value", "column").iter_rows())


def test_each_email_and_number_is_one_identity_key_in_one_space_for_numbers() -> None:
    checked = check(
        {"email": "Ada@Example.com", "email2": "ada@example.COM", "mobile": "0491570156", "phone": "+61 491 570 156"}
    )
    assert keys(checked) == {("email", "ada@example.com", "email"), ("phone", "+61491570156", "mobile")}


def test_which_columns_identify_a_customer_is_a_setting() -> None:
    settings = {**AUSTRALIAN, "duplicates": {"keys": ["email"]}}
    row = {"email": "ada@example.com", "mobile": "0491570156"}
    assert keys(check(row, settings=settings)) == {("email", "ada@example.com", "email")}


def test_without_email_and_number_name_and_address_identify_a_customer() -> None:
    checked = check(
        {"street_address": "1 High  St"}, {"first_name": "ADA", "street_address": "1 high st"}, {"unit": "2"}
    )
    assert checked.keys["kind"].unique().to_list() == ["name_address"]
    first, second, third = checked.keys["value"]
    assert first == second != third


@pytest.mark.parametrize(
    ("stored", "same"),
    [
        ("Groß", "GROSS"), ("İpek", "i\u0307pek"), ("Ⅷ", "viii"), ("O'Neil", "O\u2019NEIL"), ("Nguyễn", "nguyen"),
        ("ŁUKASZ", "Lukasz"), ("Smith-Jones", "Smith\u2013Jones"),
    ],
)  # fmt: skip
def test_letters_that_grow_when_they_are_folded_are_compared_folded_and_stored_as_given(stored: str, same: str) -> None:
    checked = check({"last_name": stored}, {"last_name": same})
    first, second = checked.keys["value"]
    assert first == second
    assert checked.customers["last_name"].to_list() == [stored, same]


def field_columns(*names: str) -> list[UploadColumn]:
    """Return the columns of an upload with names, city and these custom fields or properties."""
    fixed = [
        UploadColumn(i, n, "column", n, None, None, None) for i, n in enumerate(("first_name", "last_name", "city"))
    ]
    for name in names:
        position = len(fixed)
        if name.startswith("Pet"):
            kind, _, label = name.partition(": ")
            number = int(kind.removeprefix("Pet") or 1)
            fixed.append(UploadColumn(position, name, "property", name, "pet", number, label.lower()))
        else:
            fixed.append(UploadColumn(position, name, "custom_field", name, None, None, None))
    return fixed


def test_custom_fields_are_read_by_their_types() -> None:
    row = {
        "note": 'say "hi"',
        "limit": "+0012.50",
        "since": "2018/05/12",
        "vip": "YES",
        "tier": "gold",
        "likes": "coffee; Tea;tea",
    }
    checked = check(row, fields=FIELDS, columns=field_columns(*row))
    assert value(checked, "custom_fields") == (
        '{"note": "say \\"hi\\"", "limit": 12.50, "since": "2018-05-12", "vip": true, "tier": "Gold", "likes": ["Coffee", "Tea"]}'
    )


@pytest.mark.parametrize(
    ("field", "text", "code"),
    [
        ("limit", "1,250.50", "invalid_number"),
        ("limit", "1e5", "invalid_number"),
        ("limit", "٣", "invalid_number"),
        ("since", "2018-05-12", "invalid_date"),
        ("vip", "maybe", "invalid_yes_no"),
        ("tier", "Golden", "unknown_choice"),
        ("tier", "", "required"),
        ("likes", "Tea;Milk", "unknown_choice"),
        ("note", "a\x00", "unprintable_character"),
        ("note", "x" * 10_001, "too_long"),
    ],
)
def test_a_custom_field_that_breaks_its_type_fails(field: str, text: str, code: str) -> None:
    row = {"tier": "Gold", field: text}
    assert codes(check(row, fields=FIELDS, columns=field_columns(*row))) == {(2, field, code)}


def test_properties_are_read_in_groups_and_an_empty_group_is_none() -> None:
    names = ("tier", "Pet: Name", "Pet: Age", "Pet 3: Name")
    columns = field_columns(*names)
    rows = [
        {"tier": "Gold", "Pet: Name": "Rex", "Pet: Age": "3", "Pet 3: Name": "Tom"},
        {"tier": "Gold", "Pet: Name": " "},
    ]
    checked = check(*rows, fields=FIELDS, columns=columns)
    assert checked.properties.rows() == [(2, "pet", 1, '{"name": "Rex", "age": 3}'), (2, "pet", 3, '{"name": "Tom"}')]


def test_a_property_with_any_field_needs_its_required_ones() -> None:
    columns = field_columns("tier", "Pet: Name", "Pet: Age")
    checked = check({"tier": "Gold", "Pet: Age": "3"}, fields=FIELDS, columns=columns)
    assert codes(checked) == {(2, "Pet: Name", "required")}
    assert checked.properties.is_empty()


def test_every_error_of_hundreds_of_property_columns_is_listed() -> None:
    names = [f"Pet {number}: Age" for number in range(2, 302)]
    row = {"tier": "Gold", **dict.fromkeys(names, "old")}
    checked = check(row, fields=FIELDS, columns=field_columns("tier", *names))
    assert {column for _, column, code in codes(checked) if code == "invalid_number"} == set(names)


def test_a_chunk_is_let_go_at_once_although_rows_of_it_failed() -> None:
    """Python looks for cycles so seldom in a command that each chunk of a large file would stay in memory."""
    gc.collect()
    gc.disable()
    try:
        before = {id(thing) for thing in gc.get_objects() if isinstance(thing, pl.DataFrame)}
        check({"state": "Viktoria"}, {"customer_title": "Sir"})
        left = [thing for thing in gc.get_objects() if isinstance(thing, pl.DataFrame) and id(thing) not in before]
    finally:
        gc.enable()
    assert left == []


UNSEEN = "\u200b\u00ad\ufeff\u202e\u2060"


@pytest.mark.parametrize(
    ("column", "text", "read"),
    [
        ("first_name", f"A{UNSEEN}nn{UNSEEN}", "Ann"),
        ("customer_title", f"{UNSEEN}Mr", "Mr"),
        ("customer_type", f"Pers{UNSEEN}onal", "Personal"),
        ("email", f"{UNSEEN}ann@shop{UNSEEN}.com.au \u200b", "ann@shop.com.au"),
        ("mobile", f"0491 {UNSEEN}570156", "+61491570156"),
        ("phone", f"02 5550 1234{UNSEEN}", "+61255501234"),
        ("postcode", f"{UNSEEN}0800", "0800"),
        ("country", f"AU{UNSEEN}", "AU"),
        ("state", f"N{UNSEEN}SW", "New South Wales"),
        ("date_joined", f"2020/01/31{UNSEEN}", date(2020, 1, 31)),
    ],
)
def test_what_nobody_sees_counts_in_no_column(column: str, text: str, read: object) -> None:
    checked = check({column: text})
    assert value(checked, column) == read
    assert (column, "invisible_removed") in warnings(checked)


@pytest.mark.parametrize("blank", [UNSEEN, f" {UNSEEN}\u00a0", "\u2800", "\u3164"])
def test_a_cell_of_nothing_that_can_be_seen_is_empty(blank: str) -> None:
    assert codes(check({"last_name": blank})) == {(2, "last_name", "required")}
    checked = check({"email": blank, "street_address": blank})
    assert (value(checked, "email"), value(checked, "street_address")) == (None, None)
    assert not {code for _, code in warnings(checked)} & {"invisible_removed"}


def test_what_nobody_sees_counts_in_no_field_of_the_account() -> None:
    names = {"limit": "12", "since": "2020/01/31", "vip": "yes", "tier": "Gold", "likes": "Tea;Coffee", "note": "x"}
    columns = [UploadColumn(i, name, "custom_field", name, None, None, None) for i, name in enumerate(names)]
    header = '"Pet":\nName'
    columns.append(UploadColumn(6, header, "property", header, "pet", 1, "name"))
    fixed = ("first_name", "last_name", "city")
    columns += [UploadColumn(i, name, "column", name, None, None, None) for i, name in enumerate(fixed, 7)]
    row = {name: f"{text[:1]}{UNSEEN}{text[1:]}" for name, text in {**names, header: "Rex"}.items()}
    checked = check(row, fields=FIELDS, columns=columns)
    assert json.loads(str(value(checked, "custom_fields"))) == {
        "limit": 12,
        "since": "2020-01-31",
        "vip": True,
        "tier": "Gold",
        "likes": ["Tea", "Coffee"],
        "note": "x",
    }
    assert json.loads(checked.properties["field_values"].item()) == {"name": "Rex"}
    told = {(one["column"], one["code"]) for one in json.loads(checked.customers["warnings"].item())}
    assert {(name, "invisible_removed") for name in row} <= told
    empty = check({**row, "tier": UNSEEN}, fields=FIELDS, columns=columns)
    assert codes(empty) == {(2, "tier", "required")}


def test_two_rows_that_look_alike_have_the_same_keys() -> None:
    checked = check({"email": "ann@example.com"}, {"email": f"ann{UNSEEN}@example.com"}, {"email": "ann@example.com"})
    assert checked.keys["value"].unique().to_list() == ["ann@example.com"]
    checked = check({"first_name": "Ann"}, {"first_name": "Ann\u200b"}, {"first_name": "\u2060Ann"})
    assert checked.keys["value"].n_unique() == 1


def test_joiners_between_letters_that_need_them_are_stored_without_a_warning() -> None:
    checked = check({"first_name": "می\u200cخواهم"})
    assert value(checked, "first_name") == "می\u200cخواهم"
    assert ("first_name", "invisible_removed") not in warnings(checked)


@pytest.mark.parametrize(
    "text",
    [
        "#DIV/0 !",
        "#NOM\u00a0?",
        "#VALEUR\u202f!",
        "\uff03N/A",
        "=#N/A",
        "'#N/A",
        "#REF",
        "###",
        "########",
        "Error 2042",
    ],
)
def test_an_error_value_is_one_however_a_spreadsheet_writes_it(text: str) -> None:
    assert error_value(text) is not None
    assert re.search(LOOKS_LIKE_ONE, text)


@pytest.mark.parametrize("text", ["#N/A", "#ref!", " #VALUE! ", "#DIV/0!", "#SPILL!", "#BEZUG!", "#¡VALOR!", "Err:502"])
@pytest.mark.parametrize("column", [*CUSTOMER_COLUMNS])
def test_an_error_value_of_a_spreadsheet_fails_its_row_and_says_nothing_else_of_the_cell(
    column: str, text: str
) -> None:
    # A country that cannot be read leaves nothing to say of the state.
    checked = check({"customer_type": "Business", "business_name": "Books", "state": "NSW", column: text})
    assert codes(checked) == {(2, column, "error_value")}
    assert checked.errors["reference"].item() == text.strip().upper().replace("ERR", "Err")


def test_an_error_value_counts_in_every_field_of_the_account_and_as_a_password() -> None:
    names = ["note", "limit", "since", "vip", "tier", "likes"]
    columns = [UploadColumn(i, name, "custom_field", name, None, None, None) for i, name in enumerate(names)]
    columns.append(UploadColumn(6, "Pet: Age", "property", "Pet: Age", "pet", 1, "age"))
    fixed = ("first_name", "last_name", "city")
    columns += [UploadColumn(i, name, "column", name, None, None, None) for i, name in enumerate(fixed, 7)]
    row = dict.fromkeys([*names, "Pet: Age"], "#REF!") | {"password_state": password_state("\u200b#NV ") or ""}
    failed = codes(check(row, fields=FIELDS, columns=columns))
    assert failed == {(2, key, "error_value") for key in (*names, "Pet: Age", "password")}


@pytest.mark.parametrize("text", ["#12", "# 4", "N/A", "NV", "REF!", "#N/A Ltd", "Err: 502", "#1 Plumbing!", "Value"])
def test_what_only_looks_like_an_error_value_is_a_text(text: str) -> None:
    assert value(check({"street_address": text}), "street_address") == text


def test_of_a_pull_an_error_value_is_left_out_where_other_texts_are() -> None:
    row = {"email": "#N/A", "country": "US", "state": "#NV", "first_name": "Ada"}
    checked = check(row, source="quickbooks")
    assert {("email", "left_out"), ("state", "left_out")} <= warnings(checked)
    assert codes(check({**row, "first_name": "#NAME?"}, source="quickbooks")) == {(2, "first_name", "error_value")}


@pytest.mark.parametrize("text", ["Zo\ufffd", "ZoÃ«", "PeÃ±a", "Dâ€™Arcy", "Åukasz MÃ¼ller"])
@pytest.mark.parametrize("column", ["first_name", "street_address", "city", "business_name"])
def test_a_damaged_text_is_loaded_with_a_warning(column: str, text: str) -> None:
    checked = check({column: text}, {column: "Zoë"})
    assert checked.customers[column].to_list() == [text, "Zoë"]
    assert checked.warnings.filter(code="damaged_text").select("row", "column").rows() == [(2, column)]


def test_a_damaged_text_in_a_field_of_the_account_is_told_by_its_name() -> None:
    columns = [UploadColumn(i, name, "column", name, None, None, None) for i, name in enumerate(("first_name", "city"))]
    columns.append(UploadColumn(2, "Note", "custom_field", "note", None, None, None))
    settings = {**AUSTRALIAN, "csv": {"required": []}}
    assert ("note", "damaged_text") in warnings(
        check({"note": "ZoÃ«"}, fields=FIELDS, columns=columns, settings=settings)
    )


@pytest.mark.parametrize("email", ["аnn@example.com", "ann@exаmple.com", "роса@example.com", "ａｎｎ@example.com"])
def test_an_address_that_is_another_than_it_seems_is_loaded_with_a_warning(email: str) -> None:
    checked = check({"email": email}, {"email2": email}, {"email": "ann@example.com"})
    assert checked.errors.is_empty()
    told = checked.warnings.filter(code="mixed_scripts").select("row", "column").rows()
    assert told == [(2, "email"), (3, "email2")]


def test_a_mailbox_has_at_most_64_bytes() -> None:
    assert not codes(check({"email": "x" * 64 + "@example.com"}, {"email": "é" * 32 + "@example.com"}))
    failed = codes(check({"email": "x" * 65 + "@example.com"}, {"email": "é" * 33 + "@example.com"}))
    assert failed == {(2, "email", "invalid_email"), (3, "email", "invalid_email")}
