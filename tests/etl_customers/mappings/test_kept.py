"""Mappings of the account: kept in versions, in force from the next pull on, which reads everybody anew."""

from pathlib import Path

import pytest
from sqlalchemy.engine import Engine

from etl_customers.base.errors import NotFound
from etl_customers.changes.editing import edit
from etl_customers.changes.undoing import undo
from etl_customers.columns.field_changes import add_custom_field, remove_custom_field
from etl_customers.database.connect import reading, writing
from etl_customers.database.customers import Customer, find_customer
from etl_customers.database.ledger import require_import
from etl_customers.database.tables import customers, imports
from etl_customers.imports.installation import Installation
from etl_customers.mappings.document import MappingInvalid
from etl_customers.mappings.kept import (
    FieldMapped,
    add_mapping,
    list_mappings,
    mapping_in_force,
    mapping_of_digest,
    remove_mapping,
    remove_unmapped_field,
    shipped_mapping,
)
from etl_customers.settings.home import Home
from etl_customers.settings.sections import Company, Settings
from schemas.columns import FieldType
from tests.pulled import Books, contact, rows

SHIPPED = shipped_mapping("quickbooks").text
NOTED = SHIPPED.replace('Notes = ""', 'Notes = "Remarks"').replace('"WebAddr.URI" = ""', '"WebAddr.URI" = "Site"')
ADA = {
    "Id": "1",
    "DisplayName": "Ada",
    "GivenName": "Ada",
    "FamilyName": "Example",
    "Notes": "Pays late",
    "WebAddr": {"URI": "https://ada.example.com"},
}


@pytest.fixture
def books(target: Engine, tmp_path: Path) -> Books:
    """A company of QuickBooks and an account with three custom fields, one of which no provider fills."""
    with writing(target) as connection:
        for label in ("Remarks", "Site", "Own"):
            add_custom_field(connection, label, FieldType.TEXT)
    return Books(target, tmp_path, provider="quickbooks").connect()


@pytest.fixture
def installation(books: Books, tmp_path: Path) -> Installation:
    """A home on the same target, for edits and undos."""
    settings = Settings(company=Company(country="AU", city="Sydney"))
    return Installation(Home(tmp_path / "home").make(), settings, books.target)


def use(books: Books, text: str) -> None:
    """Put a mapping in force."""
    with writing(books.target) as connection:
        add_mapping(connection, text, "eva")


def ada(books: Books) -> Customer:
    """Return the only customer."""
    with reading(books.target) as connection:
        return find_customer(connection, rows(books.target, customers)[0]["id"])


def test_fields_that_a_mapping_names_come_into_custom_fields(books: Books) -> None:
    use(books, NOTED)
    books.pull(ADA)
    assert ada(books).custom_fields == {"remarks": "Pays late", "site": "https://ada.example.com"}


def test_another_mapping_makes_the_next_pull_a_full_one_and_fills_who_is_there(books: Books) -> None:
    books.pull(ADA)
    assert ada(books).custom_fields == {}
    use(books, NOTED)
    import_id = books.accept()
    with reading(books.target) as connection:
        record, digest = require_import(connection, import_id), mapping_in_force(connection, "quickbooks").digest
    assert (record.is_full, record.mapping_digest) == (True, digest)
    counts = books.load(import_id, [ADA])
    assert (counts.updated, counts.unchanged) == (1, 0)
    assert ada(books).custom_fields["remarks"] == "Pays late"
    assert books.pull(ADA).unchanged == 1
    assert [row["is_full"] for row in rows(books.target, imports)] == [True, True, False]


@pytest.mark.parametrize("text", [NOTED, SHIPPED])
def test_after_another_mapping_pulls_are_full_ones_until_one_was_complete(books: Books, text: str) -> None:
    bo = {**ADA, "Id": "2"}
    books.pull(ADA, bo)
    use(books, NOTED)
    books.pull(ADA, is_complete=False)
    use(books, text)
    books.pull(ADA, bo)
    books.pull()
    filled = {"remarks": "Pays late", "site": "https://ada.example.com"}
    # What a mapping fills no more stays.
    assert [row["custom_fields"] for row in rows(books.target, customers)] == [
        filled,
        filled if text == NOTED else None,
    ]
    assert [row["is_full"] for row in rows(books.target, imports)] == [True, True, True, False]


def test_what_changes_in_the_books_changes_here_and_an_undo_puts_it_back(
    books: Books, installation: Installation
) -> None:
    use(books, NOTED)
    books.pull(ADA)
    edit(installation, ada(books).id, {"own": "mine"}, "eva")
    import_id = books.accept()
    counts = books.load(
        import_id, [{**ADA, "Notes": None, "WebAddr": {"URI": "https://new.example.com"}, "minutes": 1}]
    )
    assert counts.updated == 1
    assert ada(books).custom_fields == {"site": "https://new.example.com", "own": "mine"}
    assert undo(installation, import_id, "eva").restored == 2
    assert ada(books).custom_fields == {"remarks": "Pays late", "site": "https://ada.example.com", "own": "mine"}


def test_a_custom_field_that_a_person_edited_is_kept_and_told_of(books: Books, installation: Installation) -> None:
    use(books, NOTED)
    books.pull(ADA)
    edit(installation, ada(books).id, {"remarks": "Pays now"}, "eva")
    books.pull({**ADA, "Notes": "Never pays", "minutes": 1})
    assert ada(books).custom_fields["remarks"] == "Pays now"
    assert {"column": "remarks", "code": "kept_edited"} in ada(books).warnings


def test_a_number_that_is_written_in_another_way_is_no_change(books: Books, installation: Installation) -> None:
    with writing(books.target) as connection:
        add_custom_field(connection, "Score", FieldType.NUMBER)
    use(books, SHIPPED.replace('Notes = ""', 'Notes = "Score"'))
    books.pull({**ADA, "Notes": "1250.50"})
    edit(installation, ada(books).id, {"score": "7"}, "eva")
    books.pull({**ADA, "Notes": "1250.50", "GivenName": "Adah", "minutes": 1})
    assert "kept_edited" not in {one["code"] for one in ada(books).warnings}
    books.pull({**ADA, "Notes": "1250.75", "GivenName": "Adah", "minutes": 2})
    assert {"column": "score", "code": "kept_edited"} in ada(books).warnings
    assert ada(books).custom_fields == {"score": 7}
    edit(installation, ada(books).id, {"score": "1250.750"}, "eva")
    books.pull({**ADA, "Notes": "1250.75", "GivenName": "Adah", "minutes": 3})
    assert "kept_edited" not in {one["code"] for one in ada(books).warnings}


def test_a_value_that_a_custom_field_cannot_hold_is_left_out_with_a_warning(books: Books) -> None:
    with writing(books.target) as connection:
        add_custom_field(connection, "Score", FieldType.NUMBER, is_required=True)
    use(books, SHIPPED.replace('Notes = ""', 'Notes = "Score"'))
    assert books.pull(ADA, {**ADA, "Id": "2", "Notes": None}).created == 2
    assert ada(books).custom_fields == {}
    assert {"column": "score", "code": "left_out"} in ada(books).warnings


def test_a_mapping_is_kept_in_versions_and_the_shipped_one_comes_back(books: Books) -> None:
    use(books, NOTED)
    use(books, SHIPPED + "# ours\n")
    with writing(books.target) as connection:
        assert mapping_of_digest(connection, "quickbooks", shipped_mapping("quickbooks").digest).text == SHIPPED
        versions = [(one.source, one.version, one.is_in_force) for one in list_mappings(connection)]
        assert versions == [
            ("quickbooks", 0, False),
            ("quickbooks", 1, False),
            ("quickbooks", 2, True),
            ("xero", 0, True),
        ]
        remove_mapping(connection, "quickbooks")
        assert mapping_in_force(connection, "quickbooks") == shipped_mapping("quickbooks")
        with pytest.raises(NotFound, match="mapping of the account"):
            remove_mapping(connection, "quickbooks")


def test_a_custom_field_that_a_mapping_in_force_names_is_not_removed(books: Books) -> None:
    use(books, NOTED)
    with writing(books.target) as connection:
        with pytest.raises(
            FieldMapped, match=r"QuickBooks Online fills it with WebAddr\.URI; .*mappings add quickbooks"
        ):
            remove_unmapped_field(connection, "site")
        remove_unmapped_field(connection, "own")
        remove_mapping(connection, "quickbooks")
        remove_unmapped_field(connection, "site")
        with pytest.raises(NotFound):
            remove_unmapped_field(connection, "site")


def test_a_mapping_whose_custom_field_was_removed_refuses_the_pull_in_words(books: Books) -> None:
    use(books, NOTED)
    with writing(books.target) as connection:
        remove_custom_field(connection, "site")
    with pytest.raises(MappingInvalid, match="there is no such column"):
        books.pull({**ADA, "Title": "Ms"})


def test_a_second_address_comes_into_a_custom_field_where_the_account_wants_it(books: Books) -> None:
    use(books, SHIPPED.replace('ShipAddr = "address"', 'ShipAddr = "Site"'))
    billing = {"Line1": "1 High Street", "City": "Sydney"}
    shipping = {"Line1": "Dock 9", "Line2": "Harbour Road", "City": "Perth", "CountrySubDivisionCode": "WA"}
    books.pull({**ADA, "BillAddr": billing, "ShipAddr": shipping})
    assert ada(books).values["street_address"] == "1 High Street"
    assert ada(books).custom_fields == {"site": "Dock 9, Harbour Road, Perth, WA"}
    assert "other_address" not in {one["code"] for one in ada(books).warnings}


def test_a_second_address_of_a_contact_of_xero_says_whom_it_is_for(target: Engine, tmp_path: Path) -> None:
    with writing(target) as connection:
        add_custom_field(connection, "Post box", FieldType.TEXT)
        text = shipped_mapping("xero").text.replace('"Addresses.POBOX" = "address"', '"Addresses.POBOX" = "Post box"')
        add_mapping(connection, text, "eva")
    books = Books(target, tmp_path).connect()
    street = {"AddressType": "STREET", "AddressLine1": "1 High Street", "City": "Sydney"}
    box = {"AddressType": "POBOX", "AttentionTo": "Accounts", "AddressLine1": "PO Box 9", "City": "Sydney"}
    books.pull(contact("ada", Addresses=[box, street]))
    assert ada(books).custom_fields == {"post_box": "Accounts, PO Box 9, Sydney"}
    assert {one["code"] for one in ada(books).warnings} & {"other_address", "attention_left_out"} == set()


def test_whatever_a_field_may_become_it_becomes(target: Engine, tmp_path: Path) -> None:
    with writing(target) as connection:
        for label in ("Fax", "Groups", "Number"):
            add_custom_field(connection, label, FieldType.TEXT)
        text = shipped_mapping("xero").text.replace('"Phones.FAX" = ""', '"Phones.FAX" = "Fax"')
        text = text.replace('"ContactGroups.Name" = ""', '"ContactGroups.Name" = "Groups"')
        text = text.replace('AccountNumber = ""', 'AccountNumber = "Number"').replace(
            'Website = ""', 'Website = "email"'
        )
        add_mapping(connection, text, "eva")
    fax = {"PhoneType": "FAX", "PhoneCountryCode": "61", "PhoneAreaCode": "02", "PhoneNumber": "5550 0009"}
    groups = [{"Name": "VIP"}, {"Name": "North"}]
    more = {"AccountNumber": "A-7", "Website": "web@example.com"}
    Books(target, tmp_path).connect().pull(contact("ada", Phones=[fax], ContactGroups=groups, **more))
    with reading(target) as connection:
        found = find_customer(connection, 1)
    assert found.custom_fields == {"fax": "+61 2 5550 0009", "groups": "VIP; North", "number": "A-7"}
    assert (found.values["phone"], found.values["email2"]) == (None, "web@example.com")
