"""Undoing a pull: its customers, links, changes and cursor go, so that the next one is a full one and does it all again."""

import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from etl_customers.changes.editing import edit
from etl_customers.changes.erasing.erase import erase
from etl_customers.changes.undoing import undo
from etl_customers.database.connect import reading
from etl_customers.database.pulls import find_cursor
from etl_customers.database.tables import customers, identity_keys, provider_customers
from etl_customers.imports.installation import Installation
from etl_customers.settings.home import Home
from etl_customers.settings.sections import Xero
from etl_customers.staging import open_staging
from tests.imported import load
from tests.pulled import Books, contact, rows

CUSTOMER = "first_name,last_name,email,city\nAda,Old,ada@example.com,Sydney\n"


@pytest.fixture
def books(request: pytest.FixtureRequest, tmp_path: Path) -> Books:
    """A connected company on a fresh target, whose customers are linked to those from elsewhere."""
    target: Engine = request.getfixturevalue(f"{getattr(request, 'param', 'sqlite')}_target")
    books = Books(target, Home(tmp_path / "home").make().staging).connect()
    books.settings = books.settings.model_copy(update={"xero": Xero(link_existing=True)})
    return books


@pytest.fixture
def installation(books: Books) -> Installation:
    """The home that the pulls' staging files are in."""
    return Installation(Home(books.folder.parent), books.settings, books.target)


def values_of(target: Engine) -> list[dict[str, Any]]:
    """Return what is in customers and keys, but for ids, times and warnings, which an undo does not put back."""
    others = ("id", "created_at", "updated_at", "import_id", "warnings")
    columns = [column for column in customers.c if column.name not in others]
    with reading(target) as connection:
        found = [dict(row) for row in connection.execute(sa.select(*columns)).mappings()]
        found += [
            {"key": tuple(key)} for key in connection.execute(sa.select(identity_keys.c.kind, identity_keys.c.value))
        ]
    return sorted(found, key=repr)


@pytest.mark.parametrize("books", ["sqlite", "postgresql"], indirect=True)
def test_all_that_a_pull_did_is_taken_back_and_the_next_one_does_it_again(
    books: Books, installation: Installation
) -> None:
    load(installation, CUSTOMER)
    books.pull(contact("a"), contact("b"), contact("c"))
    before = values_of(books.target)
    second = [
        contact("a", last="Newname", ContactStatus="ARCHIVED", minutes=1),
        contact("b"),
        contact("d", "Ada", EmailAddress="ada@example.com", FirstName="Ada"),
        contact("e"),
    ]
    import_id = books.accept(is_full=True)
    books.load(import_id, second)
    after = values_of(books.target)

    undone = undo(installation, import_id, "eva")

    assert (undone.removed, undone.kept) == (1, [])
    assert values_of(books.target) == before
    assert {row["provider_id"] for row in rows(books.target, provider_customers)} == {"a", "b", "c"}
    assert [row["vanished_at"] for row in rows(books.target, provider_customers)] == [None] * 3
    with reading(books.target) as connection:
        assert find_cursor(connection, "xero", "company-1") is None
    again = books.pull(*second)
    assert (again.created, again.updated, again.unchanged, again.vanished) == (1, 2, 1, 1)
    assert values_of(books.target) == after


def test_an_earlier_pull_that_is_undone_takes_the_cursor_of_a_later_one_along(
    books: Books, installation: Installation
) -> None:
    first = books.accept()
    books.load(first, [contact("a"), contact("b")])
    books.pull(contact("b", last="Newname", minutes=1))
    edit(installation, 2, {"city": "Perth", "state": "WA"}, "eva")

    undone = undo(installation, first, "eva")

    assert (undone.removed, [one.customer_id for one in undone.kept]) == (1, [2])
    assert [row["provider_id"] for row in rows(books.target, provider_customers)] == ["b"]
    assert books.pull(contact("a"), contact("b", last="Newname", minutes=1)).created == 1
    assert rows(books.target, customers)[0]["city"] == "Perth"


@pytest.mark.parametrize("books", ["sqlite", "postgresql"], indirect=True)
def test_a_link_stays_where_it_is_the_only_key_that_a_customer_has_by_now(
    books: Books, installation: Installation
) -> None:
    load(installation, f"{CUSTOMER}Bo,Old,bo@example.com,Sydney\n")
    first = books.accept()
    books.load(first, [contact("a", EmailAddress="ada@example.com"), contact("b", EmailAddress="bo@example.com")])
    books.pull(contact("a", EmailAddress="bo@example.com", minutes=1))
    undo(installation, first, "eva")
    assert [row["provider_id"] for row in rows(books.target, provider_customers)] == ["a"]
    keys = {row["value"]: row["customer_id"] for row in rows(books.target, identity_keys)}
    assert keys == {"bo@example.com": 2, "xero:company-1:a": 1}


def test_a_merged_customer_has_its_keys_again_when_the_one_that_it_became_is_removed(
    books: Books, installation: Installation
) -> None:
    books.pull(contact("a"))
    import_id = books.accept()
    second = [contact("a", ContactStatus="ARCHIVED", MergedToContactID="z", minutes=1), contact("z")]
    books.load(import_id, second)
    undo(installation, import_id, "eva")
    keys = {row["value"]: row["customer_id"] for row in rows(books.target, identity_keys)}
    assert keys == {"a@example.com": 1, "xero:company-1:a": 1}
    books.pull(*second)
    assert {row["customer_id"] for row in rows(books.target, identity_keys) if row["kind"] == "email"} == {3}


def test_an_erased_customer_stays_erased_when_its_pull_is_undone(books: Books, installation: Installation) -> None:
    import_id = books.accept()
    books.load(import_id, [contact("a"), contact("b", ContactStatus="GDPRREQUEST")])
    assert erase(installation, 1, "eva").still_there == []
    undo(installation, import_id, "eva")
    pulled = books.pull(contact("a"), contact("b"))
    assert (pulled.created, pulled.not_synced) == (0, 2)


def test_no_file_has_an_erased_customer_that_a_pull_brought(books: Books, installation: Installation) -> None:
    books.pull(contact("a", "Canaryfirst", "Canarylast"), contact("b"))
    books.pull(contact("a", "Canaryfirst", "Canarylast", EmailAddress="canary@example.com", minutes=1))
    books.pull(contact("a", "Canaryfirst", "Other", EmailAddress=None, Phones=[5], minutes=2))
    nested = json.loads("[" * 900 + '"Canarylast"' + "]" * 900)
    books.pull(contact("s", "Canaryfirst", LastName=nested, EmailAddress=None, IsSupplier=True, IsCustomer=False))
    under_way = books.accept()
    with open_staging(books.folder / f"{under_way}.duckdb", 256) as staging:
        books.fetch(staging, [contact("a", "Canaryfirst", "Canarylast")])
    assert [one.is_certain for one in erase(installation, 1, "eva").still_there] == [True]
    undo(installation, under_way, "eva")
    assert erase(installation, 1, "eva").still_there == []
    everything = [path for path in installation.home.path.parent.rglob("*") if path.is_file()]
    assert not [path for path in everything if b"Canary" in path.read_bytes()]
    assert [row["id"] for row in rows(books.target, customers)] == [2]
    links = {row["provider_id"]: row for row in rows(books.target, provider_customers)}
    assert {key: row["customer_id"] for key, row in links.items()} == {"a": None, "b": 2}
    assert links["a"]["content_hash"] is None


@pytest.mark.parametrize("books", ["sqlite", "postgresql"], indirect=True)
def test_a_kept_edit_is_told_of_no_more_once_its_pull_is_undone_and_again_by_the_next_one(
    books: Books, installation: Installation
) -> None:
    books.pull(contact("a"), contact("b"))
    edit(installation, 1, {"email": "mine@example.com"}, "eva")
    import_id = books.accept()
    changed = contact("a", EmailAddress="theirs@example.com", minutes=1)
    books.load(import_id, [changed])

    def codes() -> set[str]:
        return {one["code"] for one in rows(books.target, customers)[0]["warnings"] or ()}

    assert "kept_edited" in codes()
    others = codes() - {"kept_edited"}
    undo(installation, import_id, "eva")
    assert codes() == others
    books.pull(changed, contact("b"))
    assert codes() == others | {"kept_edited"}
    assert rows(books.target, customers)[0]["email"] == "mine@example.com"
