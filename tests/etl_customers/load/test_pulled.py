"""Loading a pull: each record creates, changes or leaves a customer, all of them and the cursor at once."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from etl_customers.changes.editing import edit
from etl_customers.database.connect import reading
from etl_customers.database.edits import KeyTaken
from etl_customers.database.ledger import failed_rows_of, require_import
from etl_customers.database.pulls import (
    find_cursor,
    kept_edited_of_pull,
    links_of_customer,
    list_asked_erasures,
    warned_of_pull,
)
from etl_customers.database.tables import (
    customer_changes,
    customers,
    failed_rows,
    identity_keys,
    imports,
    matched_customers,
    provider_customers,
    sync_cursors,
)
from etl_customers.imports.installation import Installation
from etl_customers.load.pulled import PullCounts, load_pulled
from etl_customers.settings.home import Home
from etl_customers.settings.sections import Company, Settings, Xero
from etl_customers.staging import open_staging
from schemas.codes import OF_RECORDS
from tests.imported import load
from tests.pulled import START, Books, contact, rows
from tests.refused import refused_as

UNTOUCHED = (customers, identity_keys, provider_customers, customer_changes)


@pytest.fixture
def books(request: pytest.FixtureRequest, tmp_path: Path) -> Books:
    """A connected company on a fresh target; tests/faults compares the same on PostgreSQL, for most of what is here."""
    target: Engine = request.getfixturevalue(f"{getattr(request, 'param', 'sqlite')}_target")
    return Books(target, tmp_path).connect()


@pytest.fixture
def installation(books: Books, tmp_path: Path) -> Installation:
    """A home on the same target, for files and edits."""
    settings = Settings(company=Company(country="AU", city="Sydney"))
    return Installation(Home(tmp_path / "home").make(), settings, books.target)


def counts(fetched: int = 0, created: int = 0, updated: int = 0, unchanged: int = 0, failed: int = 0) -> PullCounts:
    """Return the counts of a pull after which nobody vanished."""
    return PullCounts(fetched, created, updated, unchanged, failed, 0)


def keys(target: Engine) -> dict[str, int]:
    """Return each identity key but those of names and addresses with its owner."""
    return {row["value"]: row["customer_id"] for row in rows(target, identity_keys) if row["kind"] != "name_address"}


def errors(target: Engine) -> list[tuple[str | None, str, str]]:
    """Return provider id, column and code of the failed rows of the latest pull."""
    with reading(target) as connection:
        latest = connection.scalar(sa.select(sa.func.max(failed_rows.c.import_id)))
        return [
            (row.provider_id, error["column"], error["code"])
            for row in failed_rows_of(connection, latest or "")
            for error in row.errors
        ]


def kept_edited(target: Engine, nth: int = 1) -> list[tuple[str, str]]:
    """Return provider id and column of what the latest pull, or the n-th from the last, says was kept."""
    with reading(target) as connection:
        query = sa.select(imports.c.import_id).order_by(imports.c.finished_at.desc(), imports.c.import_id.desc())
        import_ids = connection.scalars(query).all()
        return kept_edited_of_pull(connection, require_import(connection, import_ids[nth - 1]))


def active(target: Engine) -> dict[int, bool]:
    """Return which customers are active."""
    return {row["id"]: row["is_active"] for row in rows(target, customers)}


def link(target: Engine, provider_id: str) -> dict[str, Any]:
    """Return a link."""
    return next(row for row in rows(target, provider_customers) if row["provider_id"] == provider_id)


@pytest.mark.parametrize("books", ["sqlite", "postgresql"], indirect=True)
def test_a_new_record_becomes_a_customer_with_keys_link_cursor_and_a_ledger_entry(books: Books) -> None:
    pulled = books.pull(contact("a", mobile="0491570156", minutes=7), contact("b", ContactStatus="ARCHIVED"))

    assert pulled == counts(fetched=2, created=2)
    first, second = rows(books.target, customers)
    assert (first["first_name"], first["email"], first["mobile"]) == ("A", "a@example.com", "+61491570156")
    assert (first["is_active"], second["is_active"], first["import_row"]) == (True, False, 2)
    assert keys(books.target) == {
        "a@example.com": 1,
        "+61491570156": 1,
        "xero:company-1:a": 1,
        "b@example.com": 2,
        "xero:company-1:b": 2,
    }
    with reading(books.target) as connection:
        found = links_of_customer(connection, 1)
        assert find_cursor(connection, "xero", "company-1") is not None
    assert [(one.provider_id, one.provider_updated_at) for one in found] == [("a", START + timedelta(minutes=7))]
    record = rows(books.target, imports)[0]
    assert (record["status"], record["is_full"], record["is_complete"], record["tenant_id"]) == (
        "finished",
        True,
        True,
        "company-1",
    )
    assert (record["rows_read"], record["rows_loaded"], record["rows_updated"], record["rows_failed"]) == (2, 2, 0, 0)


def test_a_second_pull_of_the_same_writes_nothing_but_its_ledger_entry_and_cursor(books: Books) -> None:
    shared = contact("b", EmailAddress="a@example.com")
    books.pull(contact("a"), shared, contact("c", EmailAddress=None))
    before = [rows(books.target, table) for table in UNTOUCHED]

    assert books.pull(contact("a"), shared, contact("c", EmailAddress=None), is_full=True) == counts(3, unchanged=3)

    assert [rows(books.target, table) for table in UNTOUCHED] == before
    assert len(rows(books.target, imports)) == 2
    assert rows(books.target, sync_cursors)[0]["import_id"] == rows(books.target, imports)[1]["import_id"]


def test_loading_a_finished_pull_again_changes_nothing(books: Books) -> None:
    import_id = books.accept()
    first = books.load(import_id, [contact("a")])
    before = [rows(books.target, table) for table in customers.metadata.sorted_tables]

    with open_staging(books.folder / "empty.duckdb", 256) as staging:
        again = load_pulled(staging, books.target, import_id, None, books.settings)

    assert again == first
    assert [rows(books.target, table) for table in customers.metadata.sorted_tables] == before


def test_a_changed_record_changes_its_customer_and_what_was_before_is_kept(books: Books) -> None:
    books.pull(contact("a"), contact("b"))

    changed = contact("a", last="Newname", EmailAddress="new@example.com", ContactStatus="ARCHIVED", minutes=1)
    assert books.pull(changed, contact("b")) == counts(2, updated=1, unchanged=1)

    row = rows(books.target, customers)[0]
    assert (row["last_name"], row["email"], row["is_active"]) == ("Newname", "new@example.com", False)
    assert row["updated_at"] > row["created_at"]
    changes = {one["column"]: (one["old_value"], one["new_value"]) for one in rows(books.target, customer_changes)}
    assert changes == {
        "last_name": ("Example", "Newname"),
        "email": ("a@example.com", "new@example.com"),
        "is_active": (True, False),
    }
    assert "a@example.com" not in keys(books.target)
    assert keys(books.target)["new@example.com"] == 1
    assert link(books.target, "a")["provider_updated_at"].minute == 1


def test_a_late_page_does_not_bring_an_earlier_state_back(books: Books) -> None:
    books.pull(contact("a", last="Newname", minutes=5))
    assert books.pull(contact("a", last="Oldname", minutes=4)) == counts(1, unchanged=1)
    assert rows(books.target, customers)[0]["last_name"] == "Newname"


def test_a_time_in_the_future_does_not_keep_changes_away_for_ever(books: Books) -> None:
    books.pull(contact("a", last="Newname", minutes=60 * 24 * 365 * 70))
    assert books.pull(contact("a", last="Newername", minutes=5)) == counts(1, updated=1)
    assert books.pull(contact("a", last="Oldname", minutes=4)) == counts(1, unchanged=1)


def test_what_a_person_edited_is_kept_until_the_end_and_the_rest_is_the_providers(
    books: Books, installation: Installation
) -> None:
    books.pull(contact("a"))
    edit(installation, 1, {"email": "mine@example.com"}, "eva")

    pulled = books.pull(contact("a", last="Newname", EmailAddress="theirs@example.com", minutes=1))

    assert pulled == counts(1, updated=1)
    row = rows(books.target, customers)[0]
    assert (row["email"], row["last_name"]) == ("mine@example.com", "Newname")
    assert keys(books.target) == {"mine@example.com": 1, "xero:company-1:a": 1}


@pytest.mark.parametrize("books", ["sqlite", "postgresql"], indirect=True)
def test_what_was_edited_here_and_changed_there_since_is_noted_for_as_long_as_the_two_differ(
    books: Books, installation: Installation
) -> None:
    books.pull(contact("a"), contact("b"))
    edit(installation, 1, {"email": "mine@example.com"}, "eva")
    edit(installation, 1, {"email": "still.mine@example.com"}, "eva")

    def pull(minutes: int, email: str | None, last: str = "Example") -> list[tuple[str, str]]:
        books.pull(contact("a", last=last, EmailAddress=email, minutes=minutes), contact("b"))
        return kept_edited(books.target)

    assert pull(1, "a@example.com", last="Newname") == []  # of the provider's it is what it was when it was edited
    assert pull(2, "theirs@example.com", last="Newname") == [("a", "email")]
    assert pull(2, "theirs@example.com", last="Newname") == [("a", "email")]
    assert pull(3, None, last="Newname") == [("a", "email")]
    assert pull(4, "still.mine@example.com", last="Newname") == []
    assert pull(5, "theirs@example.com", last="Newname") == [("a", "email")]
    edit(installation, 1, {"email": "theirs@example.com"}, "eva")
    assert pull(5, "theirs@example.com", last="Newname") == []
    edit(installation, 1, {"email": "mine@example.com"}, "eva")
    assert pull(5, "theirs@example.com", last="Newname") == [("a", "email")]
    assert rows(books.target, customers)[0]["email"] == "mine@example.com"


@pytest.mark.parametrize("books", ["sqlite", "postgresql"], indirect=True)
def test_of_what_was_edited_before_the_customer_was_linked_nobody_says_that_the_provider_changed_it(
    books: Books, installation: Installation
) -> None:
    books.settings = books.settings.model_copy(update={"xero": Xero(link_existing=True)})
    load(installation, "first_name,last_name,email,city\nAda,Old,ada@example.com,Sydney\n")
    edit(installation, 1, {"last_name": "Mine"}, "eva")

    def pull(minutes: int, first: str) -> list[tuple[str, str]]:
        books.pull(contact("a", first, EmailAddress="ada@example.com", minutes=minutes))
        return kept_edited(books.target)

    assert pull(0, "Ada") == []
    edit(installation, 1, {"first_name": "Adele"}, "eva")
    assert pull(1, "Ada") == []
    assert pull(2, "Adah") == [("a", "first_name")]
    assert [rows(books.target, customers)[0][name] for name in ("first_name", "last_name")] == ["Adele", "Mine"]


def test_an_edited_street_does_not_hide_that_the_provider_has_another_address(
    books: Books, installation: Installation
) -> None:
    street = {"AddressType": "STREET", "AddressLine1": "1 High Street", "City": "Sydney", "AttentionTo": "Accounts"}
    box = {"AddressType": "POBOX", "AddressLine1": "PO Box 9", "City": "Sydney"}

    def told() -> set[str]:
        return {one["code"] for one in rows(books.target, customers)[0]["warnings"]} & OF_RECORDS

    books.pull(contact("a", Addresses=[street, box]))
    assert told() == {"other_address", "attention_left_out"}
    edit(installation, 1, {"street_address": "2 Low Street"}, "eva")
    assert told() == {"other_address", "attention_left_out"}
    books.pull(contact("a", "Adah", Addresses=[street, box], minutes=1))
    assert told() == {"other_address", "attention_left_out"}
    books.pull(contact("a", "Adah", Addresses=[street], minutes=2))
    assert told() == {"attention_left_out"}
    assert rows(books.target, customers)[0]["street_address"] == "2 Low Street"


@pytest.mark.parametrize("books", ["sqlite", "postgresql"], indirect=True)
def test_a_warning_that_comes_without_a_change_of_value_is_told_by_the_pull_that_brought_it(books: Books) -> None:
    street = {"AddressType": "STREET", "AddressLine1": "1 High Street", "City": "Sydney"}
    box = {"AddressType": "POBOX", "AddressLine1": "PO Box 9", "City": "Sydney"}

    def pull(*records: dict[str, Any]) -> tuple[str, ...]:
        import_id = books.accept()
        books.load(import_id, records)
        with reading(books.target) as connection:
            record = require_import(connection, import_id)
            told = {one: {each["code"] for each in all_of} for one, all_of in warned_of_pull(connection, record)}
        return tuple(one for one, codes in told.items() if "other_address" in codes)

    both = contact("b", Addresses=[street, box])
    assert pull(contact("a", Addresses=[street]), both) == ("b",)
    assert pull(contact("a", Addresses=[street, box], minutes=1), both) == ("a",)
    assert pull(contact("a", Addresses=[street, box], minutes=1), both) == ()


def test_the_last_pull_of_a_connection_tells_of_edits_that_were_kept_also_when_it_brought_nobody(
    books: Books, installation: Installation
) -> None:
    books.pull(contact("a"))
    edit(installation, 1, {"email": "mine@example.com"}, "eva")
    books.pull(contact("a", EmailAddress="theirs@example.com", minutes=1))

    assert books.pull() == books.pull() == counts()

    assert kept_edited(books.target) == [("a", "email")]
    assert kept_edited(books.target, nth=2) == []
    # The one that found it.
    assert kept_edited(books.target, nth=3) == [("a", "email")]
    books.pull(is_full=True)
    assert (active(books.target), kept_edited(books.target)) == ({1: False}, [])


def test_a_customer_from_elsewhere_is_not_doubled(books: Books, installation: Installation) -> None:
    load(installation, "first_name,last_name,email,city\nAda,Example,ADA@example.com,Sydney\n")

    pulled = books.pull(contact("a", EmailAddress="ada@example.com"), contact("b"))

    assert pulled == counts(2, created=1, failed=1)
    assert errors(books.target) == [("a", "email", "already_exists")]
    assert [(row["row"], row["customer_id"]) for row in rows(books.target, matched_customers)] == [(2, 1)]
    assert [row["provider_id"] for row in rows(books.target, provider_customers)] == ["b"]


@pytest.mark.parametrize("books", ["sqlite", "postgresql"], indirect=True)
def test_a_customer_from_elsewhere_is_linked_and_updated_where_the_setting_says_so(
    books: Books, installation: Installation
) -> None:
    books.settings = books.settings.model_copy(update={"xero": Xero(link_existing=True)})
    load(installation, "first_name,last_name,email,mobile,city\nAda,Old,ada@example.com,,Sydney\n,,,,\n")
    load(installation, "first_name,last_name,email,mobile,city\nBo,Old,bo@example.com,0491570156,Sydney\n")
    ada = contact("a", "Ada", EmailAddress="ada@example.com")
    twin = contact("b", "Twin", EmailAddress="ada@example.com")
    between = contact("c", EmailAddress="bo@example.com,di@example.com")
    load(installation, "first_name,last_name,email,city\nDi,Old,di@example.com,Sydney\n")

    assert books.pull(ada, twin, between) == counts(3, created=1, updated=1, failed=1)

    assert errors(books.target) == [("c", "email", "already_exists"), ("c", "email2", "already_exists")]
    assert [(row["provider_id"], row["customer_id"]) for row in rows(books.target, provider_customers)] == [
        ("a", 1),
        ("b", 4),
    ]
    assert rows(books.target, customers)[0]["last_name"] == "Example"
    assert keys(books.target)["ada@example.com"] == 1
    assert keys(books.target)["xero:company-1:a"] == 1
    assert books.pull(ada, twin, between) == counts(3, unchanged=2, failed=1)


def test_records_of_one_connection_share_addresses_and_the_first_has_the_key(books: Books) -> None:
    first, second = contact("a", mobile="0491570156"), contact("b", EmailAddress="a@example.com", mobile="0491570156")

    assert books.pull(first, second) == counts(2, created=2)
    assert {value: owner for value, owner in keys(books.target).items() if ":" not in value} == {
        "a@example.com": 1,
        "+61491570156": 1,
    }
    # The first one lets go of a key: the other has it from then on, although it is as it was.
    moved = contact("a", mobile="0491570157", minutes=1)
    assert books.pull(moved, second) == counts(2, updated=1, unchanged=1)
    assert keys(books.target)["+61491570156"] == 2
    assert keys(books.target)["+61491570157"] == 1


def test_whoever_lacks_the_key_of_a_shared_address_can_be_edited_but_not_given_one_that_is_taken(
    books: Books, installation: Installation
) -> None:
    books.pull(contact("a"), contact("b", EmailAddress="a@example.com"))

    assert [change.column for change in edit(installation, 2, {"suburb": "Glebe"}, "eva")] == ["suburb"]
    with pytest.raises(KeyTaken):
        edit(installation, 2, {"email2": "a@example.com", "email": ""}, "eva")
    edit(installation, 2, {"email": "b@example.com"}, "eva")

    assert keys(books.target) == {
        "a@example.com": 1,
        "b@example.com": 2,
        "xero:company-1:a": 1,
        "xero:company-1:b": 2,
    }


def test_a_key_that_a_customer_from_elsewhere_has_does_not_keep_a_value_from_its_record(
    books: Books, installation: Installation
) -> None:
    books.pull(contact("a"))
    load(installation, "first_name,last_name,email,city\nAda,Other,ada@example.com,Sydney\n")

    assert books.pull(contact("a", EmailAddress="ada@example.com", minutes=1)) == counts(1, updated=1)

    assert rows(books.target, customers)[0]["email"] == "ada@example.com"
    assert keys(books.target) == {"ada@example.com": 2, "xero:company-1:a": 1}


def test_a_merged_contact_follows_the_last_winner_and_hands_over_its_keys(books: Books) -> None:
    books.pull(contact("a"), contact("b"), contact("c"))

    merged = contact("a", ContactStatus="ARCHIVED", MergedToContactID="b", minutes=1)
    assert books.pull(merged) == counts(1, failed=1)
    assert errors(books.target) == [("a", "MergedToContactID", "merged")]
    assert active(books.target) == {1: False, 2: True, 3: True}
    assert keys(books.target)["a@example.com"] == 2
    assert keys(books.target)["xero:company-1:a"] == 1

    on = contact("b", ContactStatus="ARCHIVED", MergedToContactID="c", minutes=2)
    assert books.pull(merged, on) == counts(2, failed=2)
    assert link(books.target, "a")["merged_into"] == link(books.target, "b")["merged_into"] == "c"
    assert {keys(books.target)[f"{name}@example.com"] for name in "abc"} == {3}
    assert [one["column"] for one in rows(books.target, customer_changes)] == ["is_active", "is_active"]
    before = [rows(books.target, table) for table in UNTOUCHED]
    assert books.pull(merged, on) == counts(2, failed=2)
    assert [rows(books.target, table) for table in UNTOUCHED] == before


def test_a_winner_that_comes_later_gets_the_keys_then(books: Books) -> None:
    books.pull(contact("a"))
    merged = contact("a", MergedToContactID="z", minutes=1)
    books.pull(merged)
    assert keys(books.target)["a@example.com"] == 1

    assert books.pull(merged, contact("z", EmailAddress="a@example.com")) == counts(2, created=1, failed=1)

    assert keys(books.target) == {"a@example.com": 2, "xero:company-1:a": 1, "xero:company-1:z": 2}


def test_contacts_that_were_merged_in_a_circle_are_inactive_and_keep_their_keys(books: Books) -> None:
    books.pull(contact("a"), contact("b"))
    circle = [contact("a", MergedToContactID="b", minutes=1), contact("b", MergedToContactID="a", minutes=1)]
    books.pull(*circle)
    before = [rows(books.target, table) for table in UNTOUCHED]
    books.pull(*circle)
    assert [rows(books.target, table) for table in UNTOUCHED] == before
    assert active(books.target) == {1: False, 2: False}
    assert keys(books.target)["a@example.com"] == 1


def test_a_contact_whose_person_asks_to_be_erased_is_noted_and_never_comes_again(books: Books) -> None:
    books.pull(contact("a"))
    asked = [contact("a", ContactStatus="GDPRREQUEST"), contact("b", ContactStatus="GDPRREQUEST")]

    assert books.pull(*asked) == counts(2, failed=2)

    assert active(books.target) == {1: False}
    assert link(books.target, "a")["erasure_asked_at"] is not None
    assert (link(books.target, "b")["customer_id"], link(books.target, "b")["erased_at"] is None) == (None, False)
    with reading(books.target) as connection:
        assert list_asked_erasures(connection) == [1]
    before = [rows(books.target, table) for table in UNTOUCHED]
    assert books.pull(*asked) == counts(2, failed=2)
    assert books.pull(contact("a"), contact("b")) == counts(2, failed=2)
    assert errors(books.target) == [("a", "provider_id", "erased"), ("b", "provider_id", "erased")]
    assert [rows(books.target, table) for table in UNTOUCHED] == before


def test_who_is_missing_in_a_complete_full_pull_becomes_inactive_and_may_come_back(books: Books) -> None:
    books.pull(contact("a"), contact("b"))

    assert books.pull(contact("b"), is_full=True, is_complete=False).vanished == 0
    assert books.pull(contact("b")).vanished == 0
    assert active(books.target) == {1: True, 2: True}
    assert books.pull(contact("b"), is_full=True) == PullCounts(1, 0, 0, 1, 0, 1)
    assert active(books.target) == {1: False, 2: True}
    assert books.pull(contact("b"), is_full=True).vanished == 0

    assert books.pull(contact("a")) == counts(1, updated=1)
    assert active(books.target) == {1: True, 2: True}
    assert link(books.target, "a")["vanished_at"] is None


def test_where_too_many_are_missing_nothing_is_written_unless_somebody_accepts_it(books: Books) -> None:
    books.pull(*(contact(name) for name in "abcd"))
    before = [rows(books.target, table) for table in (*UNTOUCHED, sync_cursors)]
    import_id = books.accept(is_full=True)

    with refused_as("too_many_vanished", match="2 of 4 customers no longer exist") as caught:
        books.load(import_id, [contact("a"), contact("b"), contact("e")])

    assert "etl-customers pull xero --tenant company-1 --full --accept-vanished" in str(caught.value)
    assert [rows(books.target, table) for table in (*UNTOUCHED, sync_cursors)] == before
    assert books.accept(is_full=True, accepts_vanished=True) == import_id
    with open_staging(books.folder / f"{import_id}.duckdb", 256) as staging:
        assert load_pulled(staging, books.target, import_id, None, books.settings).vanished == 2


def test_the_cursor_stays_where_the_count_did_not_match(books: Books) -> None:
    books.pull(contact("a"), is_complete=False)
    assert rows(books.target, sync_cursors) == []
    assert rows(books.target, imports)[0]["is_complete"] is False


def test_the_same_id_of_another_company_is_another_customer(books: Books) -> None:
    other = Books(books.target, books.folder, tenant_id="company-2").connect()
    books.pull(contact("a"))
    assert other.pull(contact("a", EmailAddress="other@example.com"), contact("b", EmailAddress="a@example.com")) == (
        counts(2, created=1, failed=1)
    )
    assert errors(books.target) == [("b", "email", "already_exists")]


def test_warnings_follow_what_was_read(books: Books) -> None:
    books.pull(contact("a", mobile="call the office"))
    assert "left_out" in {one["code"] for one in rows(books.target, customers)[0]["warnings"]}
    assert books.pull(contact("a")) == counts(1, updated=1)
    assert "left_out" not in {one["code"] for one in rows(books.target, customers)[0]["warnings"]}
