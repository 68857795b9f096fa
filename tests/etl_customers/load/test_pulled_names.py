"""What a provider itself calls a customer: kept with the link, found by a search, gone with the person."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import Engine

from etl_customers.changes.erasing.erase import erase
from etl_customers.database.connect import reading
from etl_customers.database.customers import search_customers
from etl_customers.database.pulls import links_of_customer, names_at_providers
from etl_customers.database.tables import provider_customers
from etl_customers.imports.installation import Installation
from etl_customers.settings.home import Home
from etl_customers.settings.sections import Company, Settings
from etl_customers.staging import open_staging
from tests.imported import load
from tests.pulled import Books, contact, rows

SHARED: dict[str, Any] = {
    "CompanyName": "Freeman Sporting Goods",
    "PrimaryEmailAddr": {"Address": "sporting@example.com"},
    "BillAddr": {"Line1": "1 Ball Street", "City": "Sydney", "CountrySubDivisionCode": "NSW"},
}
PARENT = {"Id": "8", "DisplayName": "Freeman Sporting Goods", "FullyQualifiedName": "Freeman Sporting Goods", **SHARED}
CHILDREN = [
    {
        "Id": number,
        "DisplayName": name,
        "FullyQualifiedName": f"Freeman Sporting Goods:{name}",
        "ParentRef": {"value": "8"},
        **SHARED,
    }
    for number, name in (("9", "0969 Ocean View Road"), ("10", "55 Twin Läne"))
]


@pytest.fixture
def books(target: Engine, tmp_path: Path) -> Books:
    """A company of QuickBooks with a customer and two below it that share all its contact data."""
    books = Books(target, tmp_path, provider="quickbooks").connect()
    books.pull(PARENT, *CHILDREN)
    return books


def found(books: Books, text: str) -> list[str | None]:
    """Return the names in the books of the customers that a search finds."""
    with reading(books.target) as connection:
        ids = [customer.id for customer in search_customers(connection, text)]
        return [names_at_providers(connection, [one])[one][0] for one in ids]


def test_customers_that_share_all_else_are_told_apart_by_their_names_in_the_books(books: Books) -> None:
    found = [(row["display_name"], row["qualified_name"]) for row in rows(books.target, provider_customers)]
    assert sorted(found) == [
        ("0969 Ocean View Road", "Freeman Sporting Goods:0969 Ocean View Road"),
        ("55 Twin Läne", "Freeman Sporting Goods:55 Twin Läne"),
        ("Freeman Sporting Goods", None),
    ]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("twin lane", ["Freeman Sporting Goods:55 Twin Läne"]),
        ("ocean sydney", ["Freeman Sporting Goods:0969 Ocean View Road"]),
        ("twin ocean", []),
    ],
)
def test_a_search_finds_somebody_by_the_name_in_the_books(books: Books, text: str, names: list[str]) -> None:
    assert found(books, text) == names


def test_names_in_the_books_are_found_of_more_customers_than_a_query_takes(books: Books) -> None:
    too_many = 70_000 if books.target.dialect.name == "postgresql" else 260_000
    with reading(books.target) as connection:
        names = names_at_providers(connection, range(1, too_many))
    assert len(names) == 3


def test_a_name_that_changes_in_the_books_changes_here_and_nothing_else_does(books: Books) -> None:
    renamed = {**CHILDREN[1], "DisplayName": "56 Twin Lane", "FullyQualifiedName": "Freeman:56 Twin Lane", "minutes": 1}
    counts = books.pull(renamed)
    assert (counts.updated, counts.unchanged) == (0, 1)
    assert found(books, "twin") == ["Freeman:56 Twin Lane"]


def test_who_is_erased_has_no_name_here_and_gets_none_by_the_next_pull(books: Books, tmp_path: Path) -> None:
    settings = Settings(company=Company(country="AU", city="Sydney"))
    installation = Installation(Home(tmp_path / "home").make(), settings, books.target)
    with reading(books.target) as connection:
        (customer,) = search_customers(connection, "twin")
    erase(installation, customer.id, "eva")
    books.pull(PARENT, *CHILDREN, is_full=True)
    erased = [row for row in rows(books.target, provider_customers) if row["erased_at"] is not None]
    assert [(row["display_name"], row["qualified_name"]) for row in erased] == [(None, None)]


def customer(number: str, *names: str, parent: str | None = None, **fields: Any) -> dict[str, Any]:
    """Return a customer by its id and the names of those above it and its own."""
    own = {"CompanyName": f"Shop {number}", "DisplayName": names[-1], "FullyQualifiedName": ":".join(names)}
    return {"Id": number, **own, **({"ParentRef": {"value": parent}} if parent else {}), **fields}


@pytest.mark.parametrize("is_full", [True, False])
def test_an_erased_name_is_in_no_name_of_those_below_and_comes_back_with_no_pull(
    target: Engine, tmp_path: Path, is_full: bool
) -> None:
    zelda, others = customer("8", "Zelda Quux"), [customer("20", "Bea"), customer("21", "Bea", "Hall", parent="20")]
    below = [
        customer("9", "Zelda Quux", "Kitchen", parent="8"),
        customer("10", "Zelda Quux", "Kitchen", "Sink", parent="9"),
    ]
    books = Books(target, tmp_path, provider="quickbooks").connect()
    books.pull(zelda, *below, *others)
    with reading(target) as connection:
        (parent,) = search_customers(connection, "shop 8")
    erase(Installation(Home(tmp_path / "home").make(), Settings(), target), parent.id, "eva")
    left = {"9": None, "10": None, "20": None, "21": "Bea:Hall"}

    def kept() -> dict[str, str | None]:
        links = rows(target, provider_customers)
        return {row["provider_id"]: row["qualified_name"] for row in links if row["provider_id"] != "8"}

    assert kept() == left
    assert found(books, "zelda") == []
    assert found(books, "kitchen") == ["Kitchen"]
    changed = [{**one, "CompanyName": f"New {one['Id']}", "minutes": 1} for one in below]
    new = {**customer("11", "Zelda Quux", "Roof", parent="8"), "minutes": 1}
    books.pull(*([zelda, *others] if is_full else []), *changed, new, is_full=is_full)
    assert kept() == {**left, "11": None}
    assert found(books, "zelda") == []


def test_an_erased_name_goes_also_where_a_customer_between_is_not_linked(target: Engine, tmp_path: Path) -> None:
    between = customer("9", "Zelda Quux", "Kitchen", parent="8", IsProject=True)
    below = [
        customer("10", "Zelda Quux", "Kitchen", "Sink", parent="9"),
        customer("11", "Zelda Quux", "Kitchen", "Sink", "Tap", parent="10"),
    ]
    # What stands before this one's name is the name of somebody who was never here.
    other = [customer("20", "Bea", IsProject=True), customer("21", "Bea", "Hall", parent="20")]
    other += [customer("22", "Bea", "Hall", "Door", parent="21")]
    books, elsewhere = (Books(target, tmp_path, "quickbooks", tenant).connect() for tenant in ("1", "2"))
    records = [customer("8", "Zelda Quux"), between, *below, *other]
    books.pull(*records)
    elsewhere.pull(*({**one, "CompanyName": f"Elsewhere {one['Id']}"} for one in records))

    def kept(tenant: str) -> dict[str, str | None]:
        links = [row for row in rows(target, provider_customers) if row["tenant_id"] == tenant]
        return {row["provider_id"]: row["qualified_name"] for row in links if row["qualified_name"] is not None}

    untouched = {
        "10": "Zelda Quux:Kitchen:Sink",
        "11": "Zelda Quux:Kitchen:Sink:Tap",
        "21": "Bea:Hall",
        "22": "Bea:Hall:Door",
    }
    assert kept("1") == kept("2") == untouched
    with reading(target) as connection:
        erased = next(
            one.id for one in search_customers(connection, "zelda") if one.values["business_name"] == "Shop 8"
        )
    erase(Installation(Home(tmp_path / "home").make(), Settings(), target), erased, "eva")
    left = {"21": "Bea:Hall", "22": "Bea:Hall:Door"}
    assert (kept("1"), kept("2")) == (left, untouched)
    books.pull(*({**one, "CompanyName": f"New {one['Id']}", "minutes": 1} for one in below))
    assert (kept("1"), kept("2")) == (left, untouched)


def test_a_customer_of_a_file_that_is_linked_gets_its_name_in_the_books(target: Engine, tmp_path: Path) -> None:
    settings = Settings(company=Company(country="AU", city="Sydney"), xero={"link_existing": True})
    load(
        Installation(Home(tmp_path / "home").make(), settings, target),
        "first_name,last_name,email\nA,B,ada@example.com\n",
    )
    Books(target, tmp_path, settings=settings).connect().pull(contact("ada", Name="Ada's Shop"))
    with reading(target) as connection:
        (link,) = links_of_customer(connection, 1)
    assert (link.display_name, link.qualified_name, link.name) == ("Ada's Shop", None, "Ada's Shop")


def test_a_name_that_cannot_be_stored_is_left_out_with_a_warning(target: Engine, tmp_path: Path) -> None:
    books = Books(target, tmp_path, provider="quickbooks").connect()
    books.pull({"Id": "1", "DisplayName": "Ada\x07", "GivenName": "Ada", "FamilyName": "Example"})
    with reading(target) as connection:
        (customer,) = search_customers(connection)
    assert rows(target, provider_customers)[0]["display_name"] is None
    assert {"column": "display_name", "code": "left_out"} in customer.warnings


def test_staging_of_a_pull_that_an_earlier_version_began_is_gone_on_with(sqlite_target: Engine, tmp_path: Path) -> None:
    books = Books(sqlite_target, tmp_path).connect()
    import_id = books.accept()
    path = tmp_path / f"{import_id}.duckdb"
    with open_staging(path, 256) as staging:
        staging.execute("drop table pulled_names")
    assert books.load(import_id, [contact("ada")]).created == 1
    assert [row["display_name"] for row in rows(sqlite_target, provider_customers)] == ["Ada Example"]
