"""A provider's books that change at random, beside files, edits and undone pulls: after a full pull the target has them."""

import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import Engine

from etl_customers.base.errors import UsageError
from etl_customers.changes.editing import edit
from etl_customers.changes.undoing import undo
from etl_customers.columns.field_changes import add_property_field, add_property_type
from etl_customers.database.connect import reading, writing
from etl_customers.database.ledger import failed_rows_of
from etl_customers.database.tables import customers, identity_keys, properties, provider_customers
from etl_customers.imports.installation import Installation
from etl_customers.mappings.kept import add_mapping, shipped_mapping
from etl_customers.settings.home import Home
from schemas.columns import FieldType
from tests.imported import load
from tests.pulled import Books, contact, rows

STEPS = 16


@dataclass
class Model:
    """What the provider has, and which values were edited here."""

    books: Books
    installation: Installation
    random: random.Random
    people: dict[str, dict[str, Any]] = field(default_factory=dict)
    gone: dict[str, dict[str, Any]] = field(default_factory=dict)
    changed: set[str] = field(default_factory=set)
    edited: set[tuple[int, str]] = field(default_factory=set)
    pulls: list[str] = field(default_factory=list)
    minutes: int = 0

    def email(self) -> str:
        return f"p{self.random.randrange(6)}@example.com"

    def site(self) -> str:
        return self.random.choice(["", "north.example.com", "south.example.com"])

    def living(self) -> list[str]:
        return [key for key, person in self.people.items() if "MergedToContactID" not in person]

    def touch(self, key: str, **fields: Any) -> None:
        self.minutes += 1
        self.people.setdefault(key, {}).update(fields, minutes=self.minutes)
        self.changed.add(key)

    def add(self) -> None:
        key = f"{self.random.choice('abcd')}{self.minutes}"
        self.touch(key, **contact(key, EmailAddress=self.email()), Website=self.site())

    def change(self) -> None:
        for key in self.living()[:1]:
            last = self.random.choice(["Smith", "Jones"])
            self.touch(key, LastName=last, EmailAddress=self.email(), Website=self.site())

    def swap(self) -> None:
        if len(living := self.living()) > 1:
            one, other = self.random.sample(living, 2)
            emails = [self.people[key]["EmailAddress"] for key in (one, other)]
            self.touch(one, EmailAddress=emails[1])
            self.touch(other, EmailAddress=emails[0])

    def toggle(self) -> None:
        for key in self.living()[-1:]:
            is_active = self.people[key]["ContactStatus"] == "ACTIVE"
            self.touch(key, ContactStatus="ARCHIVED" if is_active else "ACTIVE")

    def merge(self) -> None:
        if len(living := self.living()) > 2:
            loser, winner = self.random.sample(living, 2)
            self.touch(loser, ContactStatus="ARCHIVED", MergedToContactID=winner)

    def vanish(self) -> None:
        for key in self.living()[:1]:
            self.gone[key] = self.people.pop(key)
            self.changed.discard(key)

    def come_back(self) -> None:
        for key in list(self.gone):
            self.touch(key, **self.gone.pop(key))

    def edit(self) -> None:
        for customer in rows(self.books.target, customers)[:2]:
            try:
                made = edit(self.installation, customer["id"], {"email2": self.email(), "last_name": "Mine"}, "eva")
            except UsageError:
                continue  # another customer has that address
            self.edited |= {(customer["id"], change.column) for change in made}

    def file(self) -> None:
        load(self.installation, f"first_name,last_name,email,city\nAda,Csv{self.minutes},{self.email()},Sydney\n")

    def undo(self) -> None:
        if self.pulls:
            undo(self.installation, self.pulls.pop(), "eva")

    def pull(self) -> None:
        self._pull(is_full=False)

    def pull_all(self) -> None:
        self._pull(is_full=True)

    def _pull(self, *, is_full: bool) -> None:
        import_id = self.books.accept(is_full=is_full, accepts_vanished=True)
        with reading(self.books.target) as connection:
            is_full = bool(connection.exec_driver_sql("select is_full from imports where status = 'accepted'").scalar())
        ids = self.people if is_full else self.changed
        counts = self.books.load(import_id, [self.people[key] for key in sorted(ids)])
        assert counts.fetched == counts.created + counts.updated + counts.unchanged + counts.not_synced == len(ids)
        self.pulls.append(import_id)
        self.changed.clear()
        self.check_keys()
        if is_full:
            self.check_customers(import_id)

    def check_keys(self) -> None:
        links = {row["provider_id"]: row["customer_id"] for row in rows(self.books.target, provider_customers)}
        keys = rows(self.books.target, identity_keys)
        assert len(set(links.values())) == len(links)
        assert {row["customer_id"] for row in keys} == {row["id"] for row in rows(self.books.target, customers)}
        provider_keys = {row["value"]: row["customer_id"] for row in keys if row["kind"] == "provider"}
        assert provider_keys == {f"xero:company-1:{key}": customer_id for key, customer_id in links.items()}

    def check_customers(self, import_id: str) -> None:
        present = {row["id"]: row for row in rows(self.books.target, customers)}
        links = {row["provider_id"]: row["customer_id"] for row in rows(self.books.target, provider_customers)}
        owners = {row["value"]: row["customer_id"] for row in rows(self.books.target, identity_keys)}
        sites = rows(self.books.target, properties)
        with reading(self.books.target) as connection:
            failed = {row.provider_id: row.errors[0]["code"] for row in failed_rows_of(connection, import_id)}
        for key, person in self.people.items():
            if "MergedToContactID" in person:
                assert failed[key] == "merged"
            elif failed.get(key) == "already_exists":
                assert owners[person["EmailAddress"]] not in links.values()
            else:
                customer = present[links[key]]
                wanted = {"last_name": person["LastName"], "email": person["EmailAddress"]}
                wanted["is_active"] = person["ContactStatus"] == "ACTIVE"
                kept = {name for name in wanted if (customer["id"], name) in self.edited}
                assert {name: customer[name] for name in wanted if name not in kept} == {
                    name: value for name, value in wanted.items() if name not in kept
                }
                assert customer["email"] in owners
                site = [{"kind": "Web", "name": person["Website"]}] if person["Website"] else []
                assert [row["field_values"] for row in sites if row["customer_id"] == customer["id"]] == site
        of_others = links.keys() - {key for key, person in self.people.items() if "MergedToContactID" not in person}
        assert not any(present[links[key]]["is_active"] for key in of_others)


@pytest.mark.parametrize(("database", "seed"), [("sqlite", 5), ("postgresql", 8)])
def test_whatever_happened_the_target_has_what_the_provider_has_after_a_full_pull(
    request: pytest.FixtureRequest, tmp_path: Path, database: str, seed: int
) -> None:
    target: Engine = request.getfixturevalue(f"{database}_target")
    books = Books(target, Home(tmp_path / "home").make().staging).connect()
    with writing(target) as connection:
        add_property_type(connection, "Site")
        for label in ("Kind", "Name"):
            add_property_field(connection, "site", label, FieldType.TEXT)
        text = shipped_mapping("xero").text.replace('Website = ""', 'Website = "Site: Name"')
        add_mapping(connection, f'{text}\n[constants]\n"Site: Kind" = "Web"\n', "eva")
    model = Model(books, Installation(Home(tmp_path / "home"), books.settings, target), random.Random(seed))
    often = [model.add, model.add, model.change, model.swap, model.pull, model.pull_all]
    seldom = [model.toggle, model.merge, model.vanish, model.come_back, model.edit, model.file, model.undo]
    for _ in range(STEPS):
        model.random.choice([*often, *seldom])()
    model.pull_all()
