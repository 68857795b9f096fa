"""QuickBooks Online's customers as rows: which field goes where."""

import json
from typing import Any

import pytest

from etl_customers.columns.account_fields import NO_FIELDS
from etl_customers.mappings.document import plan_of
from etl_customers.mappings.kept import shipped_mapping
from etl_customers.pull.flat_records import read_record
from etl_customers.pull.map_quickbooks import map_quickbooks
from etl_customers.pull.mapped_record import LeftOut, MappedRecord, Names
from etl_customers.settings.sections import QuickBooks
from schemas.codes import LEFT_OUT, NO_PLACE, OTHER_ADDRESS, PROJECT, SUB_CUSTOMER
from schemas.quickbooks_customers import QUICKBOOKS_CUSTOMERS

FULL = {
    "Id": "58",
    "DisplayName": "Jane Doe",
    "Title": "Ms.",
    "GivenName": "Jane",
    "MiddleName": "Ruth",
    "FamilyName": "Doe",
    "Suffix": "Jr.",
    "PrimaryEmailAddr": {"Address": "jane@example.com"},
    "PrimaryPhone": {"FreeFormNumber": "(555) 555-0110"},
    "AlternatePhone": {"FreeFormNumber": "(555) 555-0111"},
    "Mobile": {"FreeFormNumber": "(555) 555-0112"},
    "BillAddr": {
        "Id": "95",
        "Line1": "Jane Doe",
        "Line2": "4581 Finch St.",
        "City": "Bayshore",
        "CountrySubDivisionCode": "CA",
        "PostalCode": "94326",
        "Country": "USA",
        "Lat": "INVALID",
    },
    "Active": True,
    "MetaData": {"CreateTime": "2014-09-11T16:49:28-07:00", "LastUpdatedTime": "2014-09-18T12:59:21-07:00"},
}


def mapped(record: Any = None, /, settings: QuickBooks | None = None, **fields: Any) -> MappedRecord:
    """Map a record, or one of these fields."""
    text = json.dumps(fields if record is None else record)
    return map_quickbooks(
        read_record(text, QUICKBOOKS_CUSTOMERS),
        settings or QuickBooks(),
        plan_of(shipped_mapping("quickbooks"), NO_FIELDS),
    )


def cells(**fields: Any) -> dict[str, str]:
    return dict(mapped(**fields).cells)


def test_every_field_has_its_column() -> None:
    assert mapped(FULL) == MappedRecord(
        cells={
            "customer_title": "Ms.",
            "first_name": "Jane",
            "last_name": "Doe Jr.",
            "first_name2": "Ruth",
            "customer_type": "Personal",
            "email": "jane@example.com",
            "mobile": "(555) 555-0112",
            "phone": "(555) 555-0110",
            "phone2": "(555) 555-0111",
            "street_address": "Jane Doe, 4581 Finch St.",
            "city": "Bayshore",
            "state": "CA",
            "postcode": "94326",
            "country": "USA",
            "date_joined": "2014/09/11",
        },
        names=Names("Jane Doe"),
        warnings=[],
    )


def test_a_company_name_makes_a_business_with_its_person() -> None:
    row = cells(DisplayName="Shown", CompanyName="Ada Ltd", GivenName="Ada", FamilyName="Byron")
    assert row == {
        "customer_type": "Business",
        "business_name": "Ada Ltd",
        "first_name": "Ada",
        "last_name": "Byron",
    }


@pytest.mark.parametrize("person", [{"GivenName": "Ada"}, {"FamilyName": "Byron"}])
def test_any_name_of_a_person_without_a_company_makes_a_personal_customer(person: dict[str, str]) -> None:
    row = cells(DisplayName="Ada & Sons, Inc.", **person)
    assert row["customer_type"] == "Personal"
    assert "business_name" not in row


def test_without_any_name_of_a_person_the_display_name_is_a_business() -> None:
    row = cells(DisplayName="Doe, Jane", GivenName="", FamilyName=None)
    assert row == {"customer_type": "Business", "business_name": "Doe, Jane"}


def test_a_middle_name_or_suffix_alone_is_no_person() -> None:
    row = cells(DisplayName="Shop", MiddleName="M", Suffix="Jr.")
    assert row == {"customer_type": "Business", "business_name": "Shop", "first_name2": "M"}


def test_a_customer_without_any_name_stays_without_one() -> None:
    assert cells(Id="1") == {"customer_type": "Personal"}


@pytest.mark.parametrize("suffix", [" (deleted)", " (deleted 2)", " (deleted 17)"])
def test_what_quickbooks_puts_behind_an_inactive_name_is_taken_away(suffix: str) -> None:
    found = mapped(DisplayName=f"Shop{suffix}", Active=False)
    assert found.cells["business_name"] == "Shop"
    assert not found.is_active


def test_an_active_name_keeps_what_looks_deleted() -> None:
    assert cells(DisplayName="Shop (deleted)")["business_name"] == "Shop (deleted)"


@pytest.mark.parametrize("is_active", [True, False])
def test_what_quickbooks_puts_behind_the_name_of_one_above_is_taken_away(is_active: bool) -> None:
    own = "" if is_active else " (deleted)"
    full = f"Ada (deleted):Home (deleted 2):Kitchen{own}"
    names = mapped(DisplayName=f"Kitchen{own}", FullyQualifiedName=full, Active=is_active).names
    assert names == Names("Kitchen", "Ada:Home:Kitchen")


def test_a_name_in_the_books_has_no_character_that_nobody_sees() -> None:
    names = mapped(DisplayName="\u200bKit\u00adchen\u2800", FullyQualifiedName="Ada\u200b:Kit\u200bchen").names
    assert names == Names("Kitchen", "Ada:Kitchen")
    assert mapped(DisplayName="Ada\u200b", FullyQualifiedName="Ada").names == Names("Ada")


def test_addresses_of_one_text_are_parted_and_kept_once_each() -> None:
    address = {"Address": " a@example.com, A@EXAMPLE.com;b@example.com, ;c@example.com "}
    found = mapped(PrimaryEmailAddr=address)
    assert [found.cells[name] for name in ("email", "email2", "email3")] == [
        "a@example.com",
        "b@example.com",
        "c@example.com",
    ]
    assert not found.warnings


def test_a_fourth_address_is_left_out_with_a_warning() -> None:
    found = mapped(PrimaryEmailAddr={"Address": "a@x.org,b@x.org,c@x.org,d@x.org"})
    assert found.warnings == [("email", NO_PLACE)]


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("jane doe@example.com", ["jane doe@example.com"]),
        ("jane doe@example.com, b@x.org", ["b@x.org", "jane doe@example.com"]),
        ("a@x.org b@x.org", ["a@x.org b@x.org"]),
        ("Jane Doe <jane@example.com>", ["jane@example.com"]),
        ('"Doe, Jane" < jane@example.com >; b@x.org', ["jane@example.com", "b@x.org"]),
        ("Doe, Jane <jane@example.com>", ["jane@example.com", "Doe"]),
        ("jane@example.com <jane@example.com>, JANE@example.com", ["jane@example.com"]),
        ('"Jane <jane@example.com>', ["jane@example.com"]),
        ("Jane <>", ["Jane <>"]),
        ("Jane <jane doe@example.com>", ["jane doe@example.com"]),
    ],
)
def test_a_list_of_addresses_is_parted_at_commas_and_semicolons_only(text: str, addresses: list[str]) -> None:
    found = mapped(PrimaryEmailAddr={"Address": text})
    assert [value for name, value in found.cells.items() if name.startswith("email")] == addresses
    assert not found.warnings


def test_numbers_of_one_text_are_parted_where_each_is_a_number_of_its_own() -> None:
    def numbers(text: str) -> list[str]:
        row = cells(Mobile={"FreeFormNumber": text})
        return [value for name, value in row.items() if name.startswith("mobile")]

    assert numbers("0491 570 156; 0491 570 157") == ["0491 570 156", "0491 570 157"]
    assert numbers("02 5550 0001,123") == ["02 5550 0001,123"]
    assert numbers("ask Bob, 02 5550 0001") == ["ask Bob, 02 5550 0001"]
    assert numbers("02 5550 0001;") == ["02 5550 0001"]


def test_the_same_number_twice_is_one_phone() -> None:
    number = {"FreeFormNumber": "555 0110"}
    assert cells(PrimaryPhone=number, AlternatePhone=number) == {"customer_type": "Personal", "phone": "555 0110"}


def test_free_text_in_the_place_of_a_number_goes_to_the_rules_as_it_is() -> None:
    assert cells(AlternatePhone={"FreeFormNumber": "ask Bob"})["phone"] == "ask Bob"


@pytest.mark.parametrize("empty", [None, {"Id": "106"}, {"Id": "106", "Line1": " ", "Lat": "37.4", "Long": "-122"}])
def test_a_billing_address_of_nothing_but_its_id_gives_way_to_the_shipping_address(empty: Any) -> None:
    row = cells(BillAddr=empty, ShipAddr={"Id": "1", "Line1": "Pier 4", "City": "Hull"})
    assert (row["street_address"], row["city"]) == ("Pier 4", "Hull")


def test_the_billing_address_is_not_mixed_with_the_shipping_address() -> None:
    row = cells(BillAddr={"Line1": "1 Main"}, ShipAddr={"Line1": "Pier 4", "City": "Hull"})
    assert row == {"customer_type": "Personal", "street_address": "1 Main"}


def test_a_line_with_city_and_state_is_not_taken_apart() -> None:
    row = cells(BillAddr={"Line1": "1 Main", "Line3": "Bayshore, CA 94326"})
    assert row["street_address"] == "1 Main, Bayshore, CA 94326"
    assert "city" not in row


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        ("2014-12-31T23:30:00-08:00", "2014/12/31"),
        ("2015-01-01T00:30:00+11:00", "2015/01/01"),
        ("2015-01-01", "2015/01/01"),
    ],
)
def test_the_day_of_joining_is_the_one_written_there(moment: str, day: str) -> None:
    assert cells(MetaData={"CreateTime": moment})["date_joined"] == day


@pytest.mark.parametrize("moment", ["yesterday", "2015-1-1", "2015-02-30T00:00:00Z", "٢٠١٥-01-01T00:00:00Z"])
def test_a_moment_that_is_none_is_left_out(moment: str) -> None:
    found = mapped(MetaData={"CreateTime": moment})
    assert "date_joined" not in found.cells
    assert found.warnings == [("date_joined", LEFT_OUT)]


def test_a_project_is_no_customer() -> None:
    found = mapped(DisplayName="Kitchen", IsProject=True, ParentRef={"value": "4"})
    assert found.left_out == LeftOut(PROJECT, "IsProject")
    assert not found.cells


def test_a_sub_customer_is_a_customer_that_knows_its_parent() -> None:
    found = mapped(DisplayName="Site 2", Job=True, ParentRef={"value": "4"})
    assert (found.parent_id, found.left_out) == ("4", None)


def test_sub_customers_are_left_out_where_the_setting_says_so() -> None:
    found = mapped(settings=QuickBooks(sub_customers="leave_out"), DisplayName="Site 2", ParentRef={"value": "4"})
    assert found.left_out == LeftOut(SUB_CUSTOMER, "ParentRef", "4")


def test_a_customer_is_active_unless_quickbooks_says_otherwise() -> None:
    assert [mapped(Active=active).is_active for active in (None, True, False)] == [True, True, False]


def test_white_space_and_line_breaks_are_folded() -> None:
    row = cells(GivenName="  Mary\n Ann ", BillAddr={"Line1": "Flat 2\r\n1 Main"})
    assert (row["first_name"], row["street_address"]) == ("Mary Ann", "Flat 2 1 Main")


@pytest.mark.parametrize("name", ["A\ud800", "\udfffA", "A\x00"])
def test_what_no_database_can_store_comes_to_the_rules_as_nul(name: str) -> None:
    assert "\x00" in cells(GivenName=name)["first_name"]


def test_a_character_of_two_surrogates_is_a_character() -> None:
    assert cells(GivenName="\ud83d\ude00 Ada")["first_name"] == "\ud83d\ude00 Ada".encode(
        "utf-16", "surrogatepass"
    ).decode("utf-16")


def test_a_field_in_which_nobody_sees_anything_has_no_value() -> None:
    assert cells(Id="1", CompanyName="\u200b", GivenName="\u00ad ", DisplayName="Books") == {
        "business_name": "Books",
        "customer_type": "Business",
    }
    found = cells(Id="1", DisplayName="x", PrimaryEmailAddr={"Address": "a@x.org, a\u200b@x.org,\u200b, b@x.org"})
    assert (found["email"], found["email2"], found.get("email3")) == ("a@x.org", "b@x.org", None)


@pytest.mark.parametrize(
    ("shipping", "warnings"),
    [
        ({"Line1": "9 Dock Road", "City": "Bayshore"}, [("street_address", OTHER_ADDRESS)]),
        ({"Line1": "JANE DOE", "Line2": "4581 Finch St", "Line3": "Bayshore CA 94326", "Country": "USA"}, []),
        ({"Id": "96"}, []),
    ],
)
def test_a_shipping_address_that_differs_from_the_billing_address_is_warned_of(
    shipping: dict[str, str], warnings: list[tuple[str, str]]
) -> None:
    assert mapped({**FULL, "ShipAddr": shipping}).warnings == warnings


@pytest.mark.parametrize(
    ("shipping", "is_other"),
    [
        ({"Country": "AU"}, False),
        ({"Line1": "11 High Street"}, False),
        ({"Line1": "11 HIGH STREET, Suite 2", "City": "Sydney"}, False),
        ({"Line1": "11 High Street", "Line2": "Suite 2", "City": "sydney", "PostalCode": "2000"}, False),
        ({"Line1": "11 High Street Suite 2, Sydney NSW 2000"}, False),
        ({"Line1": "1 High Street"}, True),
        ({"Line1": "11 High Street", "City": "Perth"}, True),
        ({"Line1": "11 High Street", "City": "High"}, True),
        ({"Line1": "11 High Street", "Line2": "Suite 3"}, True),
        ({"Country": "NZ"}, True),
    ],
)
def test_a_shipping_address_that_only_says_less_is_no_other(shipping: dict[str, str], is_other: bool) -> None:
    place = {"City": "Sydney", "CountrySubDivisionCode": "NSW", "PostalCode": "2000", "Country": "AU"}
    billing = {"Line1": "11 High Street", "Line2": "Suite 2", **place}
    warnings = mapped(DisplayName="Shop", BillAddr=billing, ShipAddr=shipping).warnings
    assert warnings == ([("street_address", OTHER_ADDRESS)] if is_other else [])
