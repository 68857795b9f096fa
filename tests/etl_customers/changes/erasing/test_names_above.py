"""What pulls staged of customers whose names have an erased person's before them: nothing of it outlives the pull."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from etl_customers.changes.asked_erasures import finish_erasures
from etl_customers.changes.erasing.erase import erase
from etl_customers.database.connect import reading, writing
from etl_customers.database.ledger import refuse_import
from etl_customers.database.tables import provider_customers
from etl_customers.imports.installation import Installation, open_installation
from etl_customers.settings.home import Home
from etl_customers.staging import open_staging
from tests.pulled import Books


def customer(number: str, *names: str, parent: str | None = None, **fields: Any) -> dict[str, Any]:
    """Return a customer by its id and the names of those above it and its own."""
    own = {"CompanyName": f"Shop {number}", "DisplayName": names[-1], "FullyQualifiedName": ":".join(names)}
    return {"Id": number, **own, **({"ParentRef": {"value": parent}} if parent else {}), **fields}


ZELDA = customer("8", "Zelda Quux")
KITCHEN = customer("9", "Zelda Quux", "Kitchen", parent="8")
SINK = customer("10", "Zelda Quux", "Kitchen", "Sink", parent="9")
HALL = customer("21", "Bea", "Hall", parent="20")
BEA = customer("20", "Bea")


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    """A new home."""
    opened = open_installation(Home(tmp_path / "home"))
    yield opened
    opened.target.dispose()


@pytest.fixture
def books(installation: Installation) -> Books:
    """A company of QuickBooks whose pulls are staged in the home."""
    return Books(installation.target, installation.home.staging, provider="quickbooks").connect()


def pull(books: Books, *records: dict[str, Any]) -> str:
    """Pull these records and return the id of the pull."""
    import_id = books.accept()
    books.load(import_id, records)
    return import_id


def customer_of(installation: Installation, provider_id: str) -> int:
    """Return the customer whom the provider calls so."""
    query = sa.select(provider_customers.c.customer_id).where(provider_customers.c.provider_id == provider_id)
    with reading(installation.target) as connection:
        return int(connection.scalars(query).one())


def staged(installation: Installation) -> set[str]:
    """Return the imports that have a staging file."""
    return {path.stem for path in installation.home.staging.glob("*.duckdb")}


def test_staging_of_a_pull_that_brought_only_those_below_goes_with_the_person(
    installation: Installation, books: Books
) -> None:
    pull(books, ZELDA, KITCHEN, BEA)
    changed = {"minutes": 1}
    pull(books, KITCHEN | changed)
    pull(books, SINK | changed)
    other = pull(books, HALL | changed, BEA | changed)
    erase(installation, customer_of(installation, "8"), "eva")
    assert staged(installation) == {other}


def test_what_a_later_pull_stages_of_those_below_goes_at_its_end(installation: Installation, books: Books) -> None:
    pull(books, ZELDA, KITCHEN, BEA)
    under_way = books.accept()
    erase(installation, customer_of(installation, "8"), "eva")
    # It was under way: the erasure left it alone.
    books.load(under_way, [KITCHEN | {"minutes": 1}])
    assert staged(installation) == {under_way}
    finish_erasures(installation, under_way)
    assert staged(installation) == set()
    for record, is_kept in ((SINK, False), (HALL, True)):
        import_id = pull(books, record | {"minutes": 2})
        finish_erasures(installation, import_id)
        assert (import_id in staged(installation)) is is_kept


@pytest.mark.parametrize(
    ("records", "is_kept"),
    [
        # Nobody knows who customer 30 is, and above it stands another name.
        ([customer("31", "Zelda Quux", "Attic", "Roof", parent="30")], False),
        ([customer("31", "Attic", "Roof", parent="30")], True),
        # The customers between are in the same pull, be it as none of ours.
        ([customer("30", "Bea", "Attic", parent="20", IsProject=True),
          customer("31", "Bea", "Attic", "Roof", parent="30")], True),
        ([customer("30", "Zelda Quux", "Attic", parent="8", IsProject=True),
          customer("31", "Zelda Quux", "Attic", "Roof", parent="30")], False),
        # Those who name each other as parents lead to nobody.
        ([customer("30", "Bea", "Attic", "Roof", parent="31"), customer("31", "Bea", "Attic", parent="30")], True),
        ([customer("31", 'A "b" \\ c', "Hall", parent="8")], False),
        ([customer("31", "No: parent")], True),
    ],
)  # fmt: skip
def test_a_staged_name_is_followed_up_through_the_pull_and_the_links(
    installation: Installation, books: Books, records: list[dict[str, Any]], is_kept: bool
) -> None:
    pull(books, ZELDA, BEA)
    erase(installation, customer_of(installation, "8"), "eva")
    import_id = pull(books, *(record | {"minutes": 1} for record in records))
    finish_erasures(installation, import_id)
    assert (import_id in staged(installation)) is is_kept


def test_what_a_refused_pull_staged_goes_with_the_end_of_the_next_one(installation: Installation, books: Books) -> None:
    pull(books, ZELDA, KITCHEN, BEA)
    refused = books.accept()
    erase(installation, customer_of(installation, "8"), "eva")
    with open_staging(installation.staging_path(refused), 256) as staging:
        books.fetch(staging, [KITCHEN])
    with writing(installation.target) as connection:
        refuse_import(connection, refused, "too_many_vanished", "too many", None)
    later = pull(books, HALL | {"minutes": 1})
    finish_erasures(installation, later)
    assert staged(installation) == {later}
