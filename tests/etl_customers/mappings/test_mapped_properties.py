"""Fields of a provider that become properties, such as a shipping address: made, changed and taken away by pulls alone."""

import random
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from etl_customers.changes.erasing.erase import erase
from etl_customers.changes.undoing import undo
from etl_customers.columns.field_changes import add_property_field, add_property_type
from etl_customers.database.connect import reading, writing
from etl_customers.database.customers import show_customer, trace_customer
from etl_customers.database.tables import customer_changes, customers, properties, provider_customers
from etl_customers.imports.installation import Installation
from etl_customers.mappings.kept import (
    FieldMapped,
    add_mapping,
    remove_mapping,
    remove_unmapped_property,
    shipped_mapping,
)
from etl_customers.settings.home import Home
from etl_customers.settings.sections import QuickBooks, Xero
from schemas.columns import FieldType
from tests.imported import load
from tests.pulled import Books, contact, rows

QUICKBOOKS = shipped_mapping("quickbooks").text
SHIPPING = QUICKBOOKS.replace('ShipAddr = "address"', 'ShipAddr = "Address: Lines"')
KIND = '\n[constants]\n"Address: Kind" = "shipping"\n'
PLACE = {"Line1": "Dock 9", "Line2": "Harbour Road", "City": "Perth"}
LINES = "Dock 9, Harbour Road, Perth"
ADA: dict[str, Any] = {"Id": "1", "DisplayName": "Ada", "GivenName": "Ada", "FamilyName": "Example"}
SHIPPED = {**ADA, "BillAddr": {"Line1": "1 High Street", "City": "Sydney"}, "ShipAddr": PLACE}
MOVED = {**SHIPPED, "ShipAddr": {"Line1": "Dock 10"}, "minutes": 1}
BILLED = {**SHIPPED, "ShipAddr": None, "minutes": 1}


@pytest.fixture
def books(target: Engine, tmp_path: Path) -> Books:
    """A company of QuickBooks, and an account with addresses and sites as properties."""
    with writing(target) as connection:
        add_property_type(connection, "Address")
        choices = ("Shipping", "Postal")
        add_property_field(connection, "address", "Kind", FieldType.ONE_OF, choices=choices, is_required=True)
        add_property_field(connection, "address", "Lines", FieldType.TEXT)
        add_property_type(connection, "Site")
        add_property_field(connection, "site", "Name", FieldType.TEXT, is_required=True)
        add_property_field(connection, "site", "Score", FieldType.NUMBER)
    return Books(target, Home(tmp_path / "home").make().staging, provider="quickbooks").connect()


@pytest.fixture
def installation(books: Books) -> Installation:
    """A home on the same target, for files, undos and erasures."""
    return Installation(Home(books.folder.parent), books.settings, books.target)


def use(books: Books, text: str) -> None:
    """Put a mapping in force."""
    with writing(books.target) as connection:
        add_mapping(connection, text, "eva")


def kept(books: Books) -> list[tuple[int, str, int, dict[str, Any]]]:
    """Return customer, type, number and values of all properties."""
    found = (
        (row["customer_id"], row["property_type_id"], row["number"], row["field_values"])
        for row in rows(books.target, properties)
    )
    return sorted(found, key=repr)


def pulled(books: Books, *records: dict[str, Any]) -> str:
    """Pull, and return the pull's id."""
    import_id = books.accept()
    books.load(import_id, records)
    return import_id


def test_a_second_address_becomes_a_property_with_its_kind_and_nothing_warns_of_it(books: Books) -> None:
    use(books, SHIPPING + KIND)
    books.pull(SHIPPED, {**ADA, "Id": "2"})
    assert kept(books) == [(1, "address", 1, {"kind": "Shipping", "lines": LINES})]
    ada = rows(books.target, customers)[0]
    assert (ada["street_address"], ada["city"]) == ("1 High Street", "Sydney")
    assert "other_address" not in str(ada["warnings"])
    with reading(books.target) as connection:
        assert [one.provider for one in show_customer(connection, 1).properties] == ["quickbooks"]


def test_a_pull_that_brings_the_same_again_writes_nothing(books: Books) -> None:
    use(books, SHIPPING + KIND)
    books.pull(SHIPPED)
    before = [rows(books.target, table) for table in (customers, properties, customer_changes)]
    assert books.pull({**SHIPPED, "minutes": 1}).unchanged == 1
    assert [rows(books.target, table) for table in (customers, properties, customer_changes)] == before


def test_an_account_without_properties_has_the_hashes_that_it_had_before_there_were_any(books: Books) -> None:
    books.pull(ADA)
    (before,) = (row["content_hash"] for row in rows(books.target, provider_customers))
    use(books, SHIPPING + KIND)
    assert books.pull(ADA).unchanged == 1
    assert [row["content_hash"] for row in rows(books.target, provider_customers)] == [before]


def test_what_changes_in_the_books_changes_here_and_an_undo_puts_it_back(
    books: Books, installation: Installation
) -> None:
    use(books, SHIPPING + KIND)
    books.pull(SHIPPED)
    first = kept(books)
    import_id = books.accept()
    assert books.load(import_id, [MOVED]).updated == 1
    second = [(1, "address", 1, {"kind": "Shipping", "lines": "Dock 10"})]
    assert kept(books) == second
    with reading(books.target) as connection:
        changes = [(one.column, one.old_value, one.new_value) for one in trace_customer(connection, 1).changes]
    assert changes == [("address 1", first[0][3], second[0][3])]
    undone = undo(installation, import_id, "eva")
    assert (undone.restored, undone.kept, kept(books)) == (1, [], first)
    assert (books.pull(MOVED).updated, kept(books)) == (1, second)


def test_what_is_emptied_in_the_books_goes_and_comes_back_with_an_undo(
    books: Books, installation: Installation
) -> None:
    use(books, SHIPPING + KIND)
    books.pull(SHIPPED)
    first = kept(books)
    import_id = pulled(books, BILLED)
    assert kept(books) == []
    assert undo(installation, import_id, "eva").restored == 1
    assert kept(books) == first
    assert (books.pull(BILLED).updated, kept(books)) == (1, [])
    assert (books.pull({**SHIPPED, "minutes": 2}).updated, kept(books)) == (1, first)


def test_an_undo_takes_a_property_away_that_its_pull_added(books: Books, installation: Installation) -> None:
    use(books, SHIPPING + KIND)
    books.pull(ADA)
    import_id = pulled(books, {**SHIPPED, "minutes": 1})
    assert len(kept(books)) == 1
    undo(installation, import_id, "eva")
    assert kept(books) == []


def test_a_property_that_changed_again_since_is_kept_by_an_undo_and_named(
    books: Books, installation: Installation
) -> None:
    use(books, SHIPPING + KIND)
    books.pull(ADA)
    import_id = pulled(books, {**SHIPPED, "minutes": 1})
    books.pull({**MOVED, "minutes": 2})
    later = kept(books)
    told = [(one.code, one.message) for one in undo(installation, import_id, "eva").kept]
    assert ("changed_since", "address 1 of customer 1 has been changed again since") in told
    assert kept(books) == later


def test_a_property_of_a_file_is_never_touched(books: Books, installation: Installation) -> None:
    books.settings = books.settings.model_copy(update={"quickbooks": QuickBooks(link_existing=True)})
    header = "first_name,last_name,email,city,Address: Kind,Address: Lines,Address 3: Kind,Address 3: Lines\n"
    load(installation, f"{header}Ada,Example,ada@example.com,Sydney,Postal,PO Box 1,Postal,PO Box 3\n")
    of_file = kept(books)
    use(books, SHIPPING + KIND)
    linked = {**SHIPPED, "PrimaryEmailAddr": {"Address": "ada@example.com"}}
    import_id = pulled(books, linked)
    both = [of_file[0], (1, "address", 2, {"kind": "Shipping", "lines": LINES}), of_file[1]]
    assert kept(books) == both
    assert books.pull({**linked, "minutes": 1}).unchanged == 1
    taken = pulled(books, {**linked, "ShipAddr": None, "minutes": 2})
    assert kept(books) == of_file
    undo(installation, taken, "eva")
    assert kept(books) == both
    undo(installation, import_id, "eva")
    assert kept(books) == of_file


def test_each_company_keeps_its_own_properties_of_a_customer_that_both_have(books: Books) -> None:
    of_xero = shipped_mapping("xero").text.replace(
        '"Addresses.POBOX" = "address"', '"Addresses.POBOX" = "Address: Lines"'
    )
    use(books, of_xero + '[constants]\n"Address: Kind" = "Postal"\n')
    use(books, SHIPPING + KIND)
    settings = books.settings.model_copy(update={"xero": Xero(link_existing=True)})
    xero = Books(books.target, books.folder, settings=settings).connect()
    box = {"AddressType": "POBOX", "AttentionTo": "Accounts", "AddressLine1": "PO Box 9"}
    books.pull({**SHIPPED, "PrimaryEmailAddr": {"Address": "ada@example.com"}})
    xero.pull(contact("ada", Name="Ada Example", Addresses=[box]))
    shipping, postal = kept(books)
    assert shipping == (1, "address", 1, {"kind": "Shipping", "lines": LINES})
    assert postal == (1, "address", 2, {"kind": "Postal", "lines": "Accounts, PO Box 9"})
    books.pull({**BILLED, "PrimaryEmailAddr": {"Address": "ada@example.com"}})
    assert kept(books) == [postal]
    xero.pull(contact("ada", Name="Ada Example", Addresses=[{**box, "AddressLine1": "PO Box 10"}], minutes=1))
    assert kept(books) == [(1, "address", 2, {"kind": "Postal", "lines": "Accounts, PO Box 10"})]


def test_several_properties_of_two_types_come_from_one_record(books: Books) -> None:
    text = SHIPPING.replace('BillAddr = "address"', 'BillAddr = "Address 2: Lines"')
    text = text.replace('Notes = ""', 'Notes = "Site: Name"').replace(
        '"WebAddr.URI" = ""', '"WebAddr.URI" = "site: name"'
    )
    use(books, text + KIND)
    books.pull({**SHIPPED, "Notes": "North", "WebAddr": {"URI": "ada.example.com"}})
    assert kept(books) == [
        (1, "address", 1, {"kind": "Shipping", "lines": LINES}),
        (1, "address", 2, {"lines": "1 High Street, Sydney"}),
        (1, "site", 1, {"name": "North ada.example.com"}),
    ]
    books.pull({**BILLED, "Notes": "South"})
    assert kept(books) == [
        (1, "address", 2, {"lines": "1 High Street, Sydney"}),
        (1, "site", 1, {"name": "South"}),
    ]


def test_what_a_field_cannot_hold_is_left_out_with_a_warning_and_none_is_required(books: Books) -> None:
    text = QUICKBOOKS.replace('Notes = ""', 'Notes = "Site: Score"')
    use(books, text + '[constants]\n"Site: Name" = "Books"\n')
    books.pull({**ADA, "Notes": "high"}, {**ADA, "Id": "2", "Notes": "1250.50"})
    # Neither does the constant make a property by itself.
    assert kept(books) == [(2, "site", 1, {"name": "Books", "score": 1250.5})]
    assert {"column": "Site: Score", "code": "left_out"} in rows(books.target, customers)[0]["warnings"]
    assert books.pull({**ADA, "Id": "2", "Notes": "1250.5", "minutes": 1}).unchanged == 1


def test_a_number_comes_back_with_all_its_digits(books: Books, installation: Installation) -> None:
    use(books, QUICKBOOKS.replace('Notes = ""', 'Notes = "Site: Score"'))
    books.pull({**ADA, "Notes": "12345678901234567890.10"})
    undo(installation, pulled(books, {**ADA, "Notes": "7", "minutes": 1}), "eva")
    with reading(books.target) as connection:
        text = connection.scalar(sa.select(sa.cast(properties.c.field_values, sa.Text)))
    assert text == '{"score": 12345678901234567890.10}'


def test_another_mapping_makes_other_properties_and_takes_those_away_that_it_makes_no_more(
    books: Books, installation: Installation
) -> None:
    books.pull(SHIPPED)
    use(books, SHIPPING)
    assert (books.pull(SHIPPED).updated, kept(books)) == (1, [(1, "address", 1, {"lines": LINES})])
    use(books, SHIPPING + KIND)
    assert (books.pull(SHIPPED).updated, kept(books)) == (1, [(1, "address", 1, {"kind": "Shipping", "lines": LINES})])
    before = kept(books)
    with writing(books.target) as connection:
        remove_mapping(connection, "quickbooks")
    import_id = pulled(books, SHIPPED)
    assert kept(books) == []
    undo(installation, import_id, "eva")
    assert kept(books) == before


def test_who_vanished_keeps_the_properties_and_who_comes_again_has_them(books: Books) -> None:
    use(books, SHIPPING + KIND)
    books.pull(SHIPPED)
    before = kept(books)
    import_id = books.accept(is_full=True, accepts_vanished=True)
    assert books.load(import_id, []).vanished == 1
    assert kept(books) == before
    books.pull(SHIPPED, is_full=True)
    assert (kept(books), rows(books.target, customers)[0]["is_active"]) == (before, True)


def test_an_erasure_leaves_nothing_of_a_property(books: Books, installation: Installation) -> None:
    use(books, SHIPPING + KIND)
    books.pull({**SHIPPED, "ShipAddr": {"Line1": "Canarystreet 1"}})
    books.pull({**SHIPPED, "ShipAddr": {"Line1": "Canarystreet 2"}, "minutes": 1})
    assert erase(installation, 1, "eva").still_there == []
    assert kept(books) == []
    assert rows(books.target, customer_changes) == []
    files = [path for path in books.folder.parent.rglob("*") if path.is_file()]
    assert not [path for path in files if b"Canarystreet" in path.read_bytes()]


def test_a_property_that_a_mapping_in_force_names_is_not_removed(books: Books) -> None:
    use(books, SHIPPING + KIND)
    with writing(books.target) as connection:
        with pytest.raises(FieldMapped, match=r"field lines of property type address .* fills it with ShipAddr; give"):
            remove_unmapped_property(connection, "address", "lines")
        with pytest.raises(FieldMapped, match="fills it with a constant; take that out in a file of"):
            remove_unmapped_property(connection, "address", "kind")
        with pytest.raises(FieldMapped, match="property type address was not removed"):
            remove_unmapped_property(connection, "address")
        remove_unmapped_property(connection, "site", "score")
        remove_unmapped_property(connection, "site")
        remove_mapping(connection, "quickbooks")
        remove_unmapped_property(connection, "address")


@pytest.mark.parametrize("seed", range(2))
def test_pulls_of_what_has_changed_come_to_what_one_pull_of_everything_makes(books: Books, seed: int) -> None:
    chance = random.Random(seed)
    texts = [SHIPPING, SHIPPING + KIND, SHIPPING.replace('Notes = ""', 'Notes = "Site: Name"'), QUICKBOOKS]
    people: dict[str, dict[str, Any]] = {}
    for minutes in range(1, 9):
        use(books, text := chance.choice(texts))
        for number in chance.sample("123456", 3):
            address = chance.choice([None, {"Line1": f"Dock {chance.randrange(3)}"}])
            notes = chance.choice([None, "North", "South"])
            people[number] = {**ADA, "Id": number, "ShipAddr": address, "Notes": notes, "minutes": minutes}
        books.pull(*people.values())
    expected = {
        number: [
            *([("address", 1, values_of(text, person))] if person["ShipAddr"] and text != QUICKBOOKS else []),
            *([("site", 1, {"name": person["Notes"]})] if person["Notes"] and "Site: Name" in text else []),
        ]
        for number, person in people.items()
    }
    ids = {row["provider_id"]: row["customer_id"] for row in rows(books.target, provider_customers)}
    assert kept(books) == sorted(((ids[n], *one) for n, found in expected.items() for one in found), key=repr)


def values_of(text: str, person: dict[str, Any]) -> dict[str, str]:
    """Return the values of the address that a mapping makes of a person's."""
    kind = {"kind": "Shipping"} if KIND in text else {}
    return {**kind, "lines": person["ShipAddr"]["Line1"]}
