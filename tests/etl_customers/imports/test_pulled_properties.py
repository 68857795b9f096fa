"""Second addresses as properties over real HTTP, from stand-ins of both providers and through all stages."""

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from etl_customers.changes.erasing.erase import erase
from etl_customers.changes.undoing import undo
from etl_customers.columns.field_changes import add_property_field, add_property_type, remove_property_type
from etl_customers.database.connect import reading, writing
from etl_customers.database.tables import customers, properties, provider_customers
from etl_customers.imports import accepting_pulls, whole
from etl_customers.imports.installation import Installation
from etl_customers.mappings.document import MappingInvalid
from etl_customers.mappings.kept import add_mapping, remove_mapping, shipped_mapping
from etl_customers.report.lineage import PROPERTIES, headers_of_loaded, read_shown_columns
from etl_customers.settings.home import Home
from etl_customers.settings.in_force import load_settings
from schemas.columns import FieldType
from tests.connected import connect_fake
from tests.fakes.quickbooks import FakeQuickBooks
from tests.fakes.xero import FakeXero

PLACE = {"Line1": "Dock 9", "City": "Perth", "CountrySubDivisionCode": "WA"}


@pytest.fixture
def installation(
    target: Engine, home: Home, quickbooks: FakeQuickBooks, xero: FakeXero, monkeypatch: pytest.MonkeyPatch
) -> Installation:
    """A home whose account has addresses as properties, connected to a stand-in of each provider."""
    monkeypatch.setenv("ETL_CUSTOMERS_COMPANY__CITY", "Sydney")
    with writing(target) as connection:
        add_property_type(connection, "Address")
        for label in ("Kind", "Lines"):
            add_property_field(connection, "address", label, FieldType.TEXT)
    for fake in (quickbooks, xero):
        connect_fake(fake, home, target)
    return Installation(home, load_settings(home), target)


def use(installation: Installation, provider: str, field: str, kind: str) -> None:
    """Let a field of the provider become the lines of an address of this kind."""
    text = shipped_mapping(provider).text
    assert f'{field} = "address"' in text
    text = text.replace(f'{field} = "address"', f'{field} = "Address: Lines"')
    with writing(installation.target) as connection:
        add_mapping(connection, f'{text}\n[constants]\n"Address: Kind" = "{kind}"\n', "eva")


def pull(installation: Installation, provider: str, *, is_full: bool = False) -> tuple[str, int, int, int]:
    """Pull, and return the import with the numbers of customers created, updated and unchanged."""
    record = accepting_pulls.accept(installation, provider, None, is_full=is_full, accepted_by="test").record
    counts = whole.run_pull(installation, record.import_id)
    return record.import_id, counts.loaded, counts.updated, counts.unchanged


def addresses(installation: Installation) -> dict[str, Any]:
    """Return provider's id to the values of the only property."""
    query = sa.select(provider_customers.c.provider_id, properties.c.field_values).join(
        properties, properties.c.customer_id == provider_customers.c.customer_id
    )
    with reading(installation.target) as connection:
        return dict(connection.execute(query).all())


def test_a_shipping_address_of_quickbooks_comes_along_changes_goes_and_comes_back(
    installation: Installation, quickbooks: FakeQuickBooks
) -> None:
    ada, _ = quickbooks.add(2, is_plain=True)
    quickbooks.change(ada, ShipAddr=PLACE)
    use(installation, "quickbooks", "ShipAddr", "Shipping")
    first = {"kind": "Shipping", "lines": "Dock 9, Perth, WA"}

    assert pull(installation, "quickbooks")[1:] == (2, 0, 0)
    assert addresses(installation) == {ada: first}
    assert pull(installation, "quickbooks", is_full=True)[1:] == (0, 0, 2)

    quickbooks.clock.advance(hours=1)
    quickbooks.change(ada, ShipAddr={**PLACE, "Line1": "Dock 10"})
    changed, *counts = pull(installation, "quickbooks")
    assert counts[1] == 1
    assert addresses(installation) == {ada: {**first, "lines": "Dock 10, Perth, WA"}}
    columns = read_shown_columns(installation.staging_path(changed), installation.settings.staging)
    assert headers_of_loaded(columns)[PROPERTIES] == ["Address: Lines", "Address: Kind"]

    quickbooks.clock.advance(hours=1)
    quickbooks.change(ada, ShipAddr=None)
    emptied, *counts = pull(installation, "quickbooks")
    assert (counts[1], addresses(installation)) == (1, {})
    assert undo(installation, emptied, "eva").restored == 1
    assert undo(installation, changed, "eva").restored == 1
    assert addresses(installation) == {ada: first}
    assert pull(installation, "quickbooks")[2] == 1
    assert addresses(installation) == {}


def test_a_post_box_of_xero_comes_along_with_whom_it_is_for(installation: Installation, xero: FakeXero) -> None:
    (ada,) = xero.add(1, is_plain=True)
    street = {"AddressType": "STREET", "AddressLine1": "1 High Street", "City": "Sydney"}
    box = {"AddressType": "POBOX", "AttentionTo": "Accounts", "AddressLine1": "PO Box 9", "City": "Sydney"}
    xero.change(ada, Addresses=[box, street])
    use(installation, "xero", '"Addresses.POBOX"', "Postal")
    assert pull(installation, "xero")[1:] == (1, 0, 0)
    assert addresses(installation) == {ada: {"kind": "Postal", "lines": "Accounts, PO Box 9, Sydney"}}
    with reading(installation.target) as connection:
        warnings, line = connection.execute(sa.select(customers.c.warnings, customers.c.street_address)).one()
    assert line == "1 High Street"
    assert {one["code"] for one in warnings or ()} & {"other_address", "attention_left_out"} == set()
    xero.clock.advance(hours=1)
    xero.change(ada, Addresses=[street])
    assert (pull(installation, "xero")[2], addresses(installation)) == (1, {})


def test_an_erased_customers_property_goes_and_no_pull_brings_it_back(
    installation: Installation, quickbooks: FakeQuickBooks
) -> None:
    ada, bo = quickbooks.add(2, is_plain=True)
    for key in (ada, bo):
        quickbooks.change(key, ShipAddr=PLACE)
    use(installation, "quickbooks", "ShipAddr", "Shipping")
    pull(installation, "quickbooks")
    query = sa.select(provider_customers.c.customer_id).where(provider_customers.c.provider_id == ada)
    with reading(installation.target) as connection:
        customer_id = connection.scalar(query) or 0
    assert erase(installation, customer_id, "eva").still_there == []
    assert addresses(installation).keys() == {bo}
    quickbooks.clock.advance(hours=1)
    quickbooks.change(ada, ShipAddr={**PLACE, "Line1": "Dock 10"})
    pull(installation, "quickbooks", is_full=True)
    with reading(installation.target) as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(properties)) == 1


def test_a_pull_whose_mapping_lost_its_property_meanwhile_goes_on_with_the_one_in_force(
    installation: Installation, quickbooks: FakeQuickBooks
) -> None:
    (ada,) = quickbooks.add(1, is_plain=True)
    quickbooks.change(ada, ShipAddr=PLACE)
    use(installation, "quickbooks", "ShipAddr", "Shipping")
    import_id = accepting_pulls.accept(installation, "quickbooks", None, accepted_by="test").record.import_id
    with writing(installation.target) as connection:
        remove_property_type(connection, "address")
    with pytest.raises(MappingInvalid, match="there is no such property type"):
        whole.run_pull(installation, import_id)
    with writing(installation.target) as connection:
        remove_mapping(connection, "quickbooks")
    assert whole.run_pull(installation, import_id).loaded == 1
    assert addresses(installation) == {}
