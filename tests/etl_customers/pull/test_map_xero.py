"""Xero's contacts as rows: which field goes where, and who is no customer."""

import json
from typing import Any

import pytest

from etl_customers.columns.account_fields import NO_FIELDS
from etl_customers.mappings.document import plan_of
from etl_customers.mappings.kept import shipped_mapping
from etl_customers.pull.flat_records import read_record
from etl_customers.pull.map_xero import map_xero
from etl_customers.pull.mapped_record import LeftOut, MappedRecord, Names
from etl_customers.settings.sections import Xero
from schemas.codes import ATTENTION, ERASED, MERGED, NO_PLACE, OTHER_ADDRESS, SUPPLIER_ONLY, UNUSED
from schemas.xero_contacts import XERO_CONTACTS

FULL: dict[str, Any] = {
    "ContactID": "5040915e-8ce7-4177-8d08-fde416232f18",
    "ContactStatus": "ACTIVE",
    "Name": "Petra Shop",
    "FirstName": "Petra",
    "LastName": "Meier",
    "EmailAddress": "petra@example.com",
    "ContactPersons": [
        {"FirstName": "Kim", "LastName": "Yo", "EmailAddress": "kim@example.com", "IncludeInEmails": "true"},
        {"FirstName": None, "LastName": "Xu", "EmailAddress": ""},
        {"EmailAddress": "office@example.com"},
    ],
    "Addresses": [
        {"AddressType": "POBOX", "AddressLine1": "PO Box 1", "City": "Perth"},
        {
            "AddressType": "STREET",
            "AddressLine1": "Level 2",
            "AddressLine2": "44 Harris\nSt",
            "City": "Sydney",
            "Region": "NSW",
            "PostalCode": "2000",
            "Country": "Australia",
            "AttentionTo": "Petra",
        },
    ],
    "Phones": [
        {"PhoneType": "OFFICE", "PhoneNumber": "5550 0003", "PhoneAreaCode": "02", "PhoneCountryCode": "61"},
        {"PhoneType": "DDI", "PhoneNumber": "5550 0002", "PhoneAreaCode": "(02)", "PhoneCountryCode": "+61"},
        {"PhoneType": "DEFAULT", "PhoneNumber": "5550 0001", "PhoneAreaCode": "02", "PhoneCountryCode": ""},
        {"PhoneType": "FAX", "PhoneNumber": "5550 0009", "PhoneAreaCode": "02", "PhoneCountryCode": "61"},
        {"PhoneType": "MOBILE", "PhoneNumber": "491 570 156", "PhoneAreaCode": "", "PhoneCountryCode": "61"},
    ],
    "IsCustomer": True,
    "IsSupplier": False,
    "UpdatedDateUTC": "/Date(1488338552390+0000)/",
}


def mapped(record: Any = None, /, settings: Xero | None = None, **fields: Any) -> MappedRecord:
    """Map a record, or one of these fields."""
    text = json.dumps(fields if record is None else record)
    return map_xero(read_record(text, XERO_CONTACTS), settings or Xero(), plan_of(shipped_mapping("xero"), NO_FIELDS))


def cells(**fields: Any) -> dict[str, str]:
    return dict(mapped(**fields).cells)


def phone(kind: str, number: str, area: str = "", country: str = "") -> dict[str, str]:
    return {"PhoneType": kind, "PhoneNumber": number, "PhoneAreaCode": area, "PhoneCountryCode": country}


def test_every_field_has_its_column() -> None:
    assert mapped(FULL) == MappedRecord(
        cells={
            "first_name": "Petra",
            "last_name": "Meier",
            "first_name2": "Kim",
            "last_name2": "Yo",
            "last_name3": "Xu",
            "customer_type": "Business",
            "business_name": "Petra Shop",
            "email": "petra@example.com",
            "email2": "kim@example.com",
            "email3": "office@example.com",
            "mobile": "+61 491 570 156",
            "phone": "02 5550 0001",
            "phone2": "+61 2 5550 0002",
            "phone3": "+61 2 5550 0003",
            "street_address": "Level 2, 44 Harris St",
            "city": "Sydney",
            "state": "NSW",
            "postcode": "2000",
            "country": "Australia",
        },
        names=Names("Petra Shop"),
        warnings=[("street_address", OTHER_ADDRESS), ("street_address", ATTENTION)],
    )


@pytest.mark.parametrize(
    "names",
    [
        {"Name": "Ada Byron", "FirstName": "Ada", "LastName": "Byron"},
        {"Name": "ADA  BYRON", "FirstName": "Ada", "LastName": "Byron"},
        {"Name": "Ada", "FirstName": "Ada", "LastName": ""},
        {"Name": "", "FirstName": "Ada", "LastName": "Byron"},
    ],
)
def test_a_contact_named_like_its_person_is_personal(names: dict[str, str]) -> None:
    row = cells(**names)
    assert row["customer_type"] == "Personal"
    assert "business_name" not in row


def test_a_name_other_than_the_persons_is_a_business_whatever_its_words() -> None:
    row = cells(Name="Cigna Health Care", FirstName="Cigna", LastName="Care")
    assert row == {
        "customer_type": "Business",
        "business_name": "Cigna Health Care",
        "first_name": "Cigna",
        "last_name": "Care",
    }


def test_a_name_alone_is_a_business() -> None:
    assert cells(Name="Orlena Greenville") == {"customer_type": "Business", "business_name": "Orlena Greenville"}


def test_a_third_further_person_is_left_out_with_a_warning() -> None:
    found = mapped(Name="Shop", ContactPersons=[{"FirstName": name} for name in ("A", "B", "C")])
    assert (found.cells["first_name2"], found.cells["first_name3"]) == ("A", "B")
    assert found.warnings == [("first_name", NO_PLACE)]


@pytest.mark.parametrize(
    ("parts", "number"),
    [
        (("5550 1234", "04", "64"), "+64 4 5550 1234"),
        (("5550 1234", "04", "+64"), "+64 4 5550 1234"),
        (("5550 1234", "04", ""), "04 5550 1234"),
        (("5550 1234", "(04)", "n/a"), "04 5550 1234"),
        (("021 555 123", "", "64"), "+64 021 555 123"),
        (("+64 4 5550 1234", "04", "64"), "+64 4 5550 1234"),
        (("ask Bob", "", ""), "ask Bob"),
    ],
)
def test_country_code_area_and_number_are_joined(parts: tuple[str, str, str], number: str) -> None:
    assert cells(Phones=[phone("DEFAULT", *parts)])["phone"] == number


def test_codes_without_a_number_are_no_phone() -> None:
    assert cells(Phones=[phone("DEFAULT", "", "04", "64")]) == {"customer_type": "Personal"}


def test_the_same_number_is_kept_once_and_a_mobile_first() -> None:
    phones = [phone("DEFAULT", "555-0123", "02"), phone("MOBILE", "5550123", "02"), phone("DDI", "555 0124", "02")]
    row = cells(Phones=phones)
    assert (row["mobile"], row["phone"], "phone2" in row) == ("02 5550123", "02 555 0124", False)


def test_numbers_without_a_slot_are_left_out_with_a_warning() -> None:
    found = mapped(Phones=[phone("DEFAULT", str(number)) for number in range(5551, 5555)])
    assert found.warnings == [("phone", NO_PLACE)]


def test_a_kind_of_number_that_xero_adds_comes_last() -> None:
    row = cells(Phones=[phone("PAGER", "5551"), phone("OFFICE", "5552"), phone("FAX", "5553")])
    assert (row["phone"], row["phone2"], "phone3" in row) == ("5552", "5551", False)


@pytest.mark.parametrize(
    ("kinds", "street"),
    [(("POBOX", "STREET"), "STREET"), (("DELIVERY", "POBOX"), "POBOX"), (("DELIVERY",), "DELIVERY")],
)
def test_the_street_address_goes_before_the_post_box_and_that_before_others(
    kinds: tuple[str, ...], street: str
) -> None:
    addresses = [{"AddressType": kind, "AddressLine1": kind} for kind in kinds]
    assert cells(Addresses=addresses)["street_address"] == street


def test_an_empty_street_address_gives_way_to_the_post_box() -> None:
    street = {"AddressType": "STREET", "City": "", "Region": None, "AttentionTo": "Bob"}
    assert cells(Addresses=[street, {"AddressType": "POBOX", "City": "Perth"}])["city"] == "Perth"


def test_xero_knows_no_day_of_joining() -> None:
    assert "date_joined" not in mapped(FULL).cells


@pytest.mark.parametrize(
    ("status", "is_active"), [(None, True), ("", True), ("ACTIVE", True), ("ARCHIVED", False), ("PAUSED", False)]
)
def test_a_contact_is_active_while_its_status_says_so(status: str | None, is_active: bool) -> None:
    assert mapped(Name="Shop", ContactStatus=status).is_active is is_active


@pytest.mark.parametrize(
    ("is_supplier", "is_customer", "code"),
    [
        (True, False, SUPPLIER_ONLY),
        (True, None, SUPPLIER_ONLY),
        (True, True, None),
        (False, False, UNUSED),
        (None, False, None),
        (False, None, None),
        (None, None, None),
        (False, True, None),
    ],
)
def test_who_only_sells_or_does_neither_is_left_out(
    is_supplier: bool | None, is_customer: bool | None, code: str | None
) -> None:
    strict = Xero(include_unused=False)
    found = mapped(settings=strict, Name="Shop", IsSupplier=is_supplier, IsCustomer=is_customer)
    assert (found.left_out.code if found.left_out else None) == code


def test_suppliers_and_unused_contacts_come_where_the_settings_say_so() -> None:
    assert mapped(settings=Xero(include_suppliers=True), IsSupplier=True, IsCustomer=False).left_out is None
    assert mapped(settings=Xero(include_unused=True), IsSupplier=False, IsCustomer=False).left_out is None


def test_a_merged_contact_names_the_one_that_it_became() -> None:
    found = mapped(Name="Shop", MergedToContactID="b", ContactStatus="ARCHIVED", IsSupplier=True)
    assert found.left_out == LeftOut(MERGED, "MergedToContactID", "b")
    assert not found.is_active


def test_a_person_to_be_erased_is_left_out_before_anything_else() -> None:
    found = mapped(Name="Shop", MergedToContactID="b", ContactStatus="GDPRREQUEST")
    assert found.left_out == LeftOut(ERASED, "ContactStatus")
    assert not found.cells


@pytest.mark.parametrize(
    ("addresses", "warnings"),
    [
        ([{"AddressType": "POBOX", "AddressLine1": "PO Box 9", "City": "Sydney"}], [OTHER_ADDRESS]),
        ([{"AddressType": "POBOX", "AddressLine1": "1 high street", "City": "SYDNEY"}], []),
        ([{"AddressType": "POBOX", "City": " "}], []),
        ([{"AddressType": "POBOX", "AttentionTo": "Accounts"}], [ATTENTION]),
        ([{"AddressType": "POBOX", "AttentionTo": "ann lee"}], []),
    ],
)
def test_a_second_address_that_differs_and_whom_one_is_for_are_warned_of(
    addresses: list[dict[str, str]], warnings: list[str]
) -> None:
    street = {"AddressType": "STREET", "AddressLine1": "1 High Street", "City": "Sydney"}
    record = mapped({"Name": "Shop", "FirstName": "Ann", "LastName": "Lee", "Addresses": [*addresses, street]})
    assert record.cells["street_address"] == "1 High Street"
    assert record.warnings == [("street_address", code) for code in warnings]
