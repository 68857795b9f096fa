"""Editing a customer: the rules of imports hold, and every change can be traced."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from etl_customers.base.errors import NotFound, UsageError
from etl_customers.changes.editing import edit
from etl_customers.database.edits import EditRefused
from etl_customers.database.tables import customer_changes, customers, identity_keys, provider_customers
from etl_customers.imports.installation import Installation
from etl_customers.load.passwords import verify_password
from etl_customers.settings.home import Home
from etl_customers.settings.sections import Company, Settings
from tests.imported import load

FILE = (
    "first_name,last_name,email,mobile,state,city,country,date_joined\n"
    "Ada,Example,ada@example.com,0491570156,NSW,Sydney,AU,2020/01/31\n"
    "Bob,Example,bob@example.com,,NSW,Sydney,AU,\n"
)


@pytest.fixture
def installation(tmp_path: Path, target: Engine) -> Installation:
    """A home with two customers, Ada (1) and Bob (2)."""
    opened = Installation(
        Home(tmp_path / "home").make(), Settings(company=Company(country="AU", city="Sydney")), target
    )
    load(opened, FILE)
    return opened


def find(installation: Installation, customer_id: int) -> dict[str, object]:
    """Return a customer's row."""
    with installation.target.connect() as connection:
        return dict(connection.execute(sa.select(customers).where(customers.c.id == customer_id)).mappings().one())


def changes(installation: Installation) -> list[tuple[object, ...]]:
    """Return what the change log has."""
    c = customer_changes.c
    with installation.target.connect() as connection:
        query = sa.select(c.customer_id, c.column, c.old_value, c.new_value, c.changed_by).order_by(c.id)
        return [tuple(row) for row in connection.execute(query)]


def keys(installation: Installation, customer_id: int) -> set[str]:
    """Return the values of a customer's identity keys."""
    with installation.target.connect() as connection:
        query = sa.select(identity_keys.c.value).where(identity_keys.c.customer_id == customer_id)
        return set(connection.scalars(query))


def test_a_value_is_normalised_as_in_an_import_and_the_change_is_recorded(installation: Installation) -> None:
    edit(installation, 1, {"state": "vic", "mobile": "(0491) 570 157"}, "eva")
    assert find(installation, 1)["state"] == "Victoria"
    assert changes(installation) == [
        (1, "mobile", "+61491570156", "+61491570157", "eva"),
        (1, "state", "New South Wales", "Victoria", "eva"),
    ]


def test_the_identity_keys_follow_the_edit(installation: Installation) -> None:
    edit(installation, 1, {"email": "", "mobile": "0491570157"}, "eva")
    assert keys(installation, 1) == {"+61491570157"}


@pytest.mark.parametrize(
    ("column", "text"), [("email", "broken"), ("first_name", ""), ("state", "Quensland"), ("date_joined", "31/01/2020")]
)
def test_a_broken_rule_changes_nothing_and_says_which(installation: Installation, column: str, text: str) -> None:
    before = find(installation, 1)
    with pytest.raises(UsageError, match=column):
        edit(installation, 1, {column: text, "last_name": "Other"}, "eva")
    assert find(installation, 1) == before
    assert changes(installation) == []


def test_a_key_that_another_customer_has_is_refused_and_names_that_customer(installation: Installation) -> None:
    with pytest.raises(UsageError, match="customer 1"):
        edit(installation, 2, {"email": "ADA@example.com"}, "eva")
    assert keys(installation, 2) == {"bob@example.com"}


def test_a_new_password_is_kept_as_a_hash_and_never_shown_in_the_log(installation: Installation) -> None:
    edit(installation, 1, {"password": "correct horse"}, "eva")
    assert verify_password(str(find(installation, 1)["password_hash"]), "correct horse")
    assert changes(installation) == [(1, "password", None, None, "eva")]


def test_an_edit_that_changes_nothing_records_nothing(installation: Installation) -> None:
    assert edit(installation, 1, {"email": "ada@EXAMPLE.com"}, "eva") == []
    assert changes(installation) == []


def test_unknown_customers_and_columns_are_named(installation: Installation) -> None:
    with pytest.raises(NotFound):
        edit(installation, 99, {"city": "Perth"}, "eva")
    with pytest.raises(UsageError, match="shoe_size"):
        edit(installation, 1, {"shoe_size": "44"}, "eva")


def link_to_provider(installation: Installation, customer_id: int) -> None:
    """Make a customer one of Xero's."""
    with installation.target.begin() as connection:
        import_id = connection.scalar(sa.select(customers.c.import_id).where(customers.c.id == customer_id))
        link = {"provider": "xero", "tenant_id": "t", "provider_id": "1", "synced_at": datetime.now(UTC)}
        connection.execute(
            sa.insert(provider_customers).values(link | {"customer_id": customer_id, "import_id": import_id})
        )


def test_a_customer_of_a_provider_needs_a_name_and_not_what_files_need(installation: Installation) -> None:
    link_to_provider(installation, 1)
    edit(installation, 1, {"first_name": ""}, "eva")
    assert find(installation, 1)["first_name"] is None
    with pytest.raises(UsageError, match="a person's name"):
        edit(installation, 1, {"last_name": ""}, "eva")


def test_a_person_is_told_what_cannot_be_read_of_a_providers_customer_too(installation: Installation) -> None:
    link_to_provider(installation, 1)
    with pytest.raises(UsageError, match="email"):
        edit(installation, 1, {"email": "broken"}, "eva")
    assert changes(installation) == []


def test_a_name_that_nobody_sees_is_none(installation: Installation) -> None:
    with pytest.raises(UsageError, match="last_name is empty"):
        edit(installation, 1, {"last_name": "\u200b\u00ad"}, "eva")
    with pytest.raises(UsageError, match="last_name is the spreadsheet error #N/A"):
        edit(installation, 1, {"last_name": "#n/a"}, "eva")
    edit(installation, 1, {"first_name": "A\u200bnn"}, "eva")
    assert find(installation, 1)["first_name"] == "Ann"


@pytest.mark.parametrize("character", ["\x1b", "\x07", "\x7f", "\x9b", "\x85"])
@pytest.mark.parametrize("column", ["last_name", "city", "street_address"])
def test_a_control_character_within_a_text_is_refused(installation: Installation, character: str, column: str) -> None:
    with pytest.raises(EditRefused) as refused:
        edit(installation, 1, {column: f"Ex{character}ample"}, "me")
    assert character not in str(refused.value)
