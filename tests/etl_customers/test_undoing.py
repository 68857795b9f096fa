"""Undoing an import: what it brought goes, what others built upon it stays and is named."""

import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from etl_customers import imports, stages
from etl_customers.editing import edit
from etl_customers.errors import ImportBusy, NotFound, UploadRefused, UsageError
from etl_customers.fields import add_custom_field
from etl_customers.load.load import load_customers
from etl_customers.settings import Company, Home, Settings
from etl_customers.staging import open_staging
from etl_customers.target.connect import connect, writing
from etl_customers.target.ledger import accept_import
from etl_customers.target.tables import (
    customer_changes,
    customers,
    failed_rows,
    identity_keys,
    matched_customers,
    provider_customers,
    removed_customers,
    sync_cursors,
)
from etl_customers.undoing import Undone, undo
from etl_customers.workshop import Workshop
from schemas.columns import FieldType
from tests.imported import accept, load, record_of

HEADER = "first_name,last_name,email,mobile,state,city,country,date_joined\n"
FILE = (
    HEADER
    + "Ada,Example,ada@example.com,0491570156,NSW,Sydney,AU,2020/01/31\n"
    + "Bob,Example,bob@example.com,,NSW,Sydney,AU,\n"
    + "Cy,,cy@example.com,,NSW,Sydney,AU,\n"
)
OTHER = HEADER + "Bob,Again,BOB@example.com,,NSW,Sydney,AU,\nDi,Example,di@example.com,,NSW,Sydney,AU,\n"


@pytest.fixture
def workshop(tmp_path: Path, target: Engine) -> Workshop:
    """A home of its own on a fresh target, of a company in Australia."""
    return Workshop(Home(tmp_path / "home").make(), Settings(company=Company(country="AU", city="Sydney")), target)


def rows(workshop: Workshop, table: sa.Table) -> list[dict[str, Any]]:
    """Return all rows of a table."""
    with workshop.target.connect() as connection:
        return [dict(row) for row in connection.execute(sa.select(table).order_by(*table.primary_key)).mappings()]


def kept(undone: Undone) -> list[tuple[int, int | None, str]]:
    """Return customer, row and code of what was kept."""
    return [(one.customer_id, one.row, one.code) for one in undone.kept]


def pull(workshop: Workshop, *changes: tuple[int, str, Any, Any]) -> str:
    """Enter an import that changed customers: customer, column, value before and after; return its id."""
    with writing(workshop.target) as connection:
        record, _ = accept_import(
            connection,
            source="xero",
            file_name=None,
            sha256=f"{len(changes):064}",
            bytes=None,
            encoding=None,
            again=True,
            accepted_by="eva",
        )
        connection.execute(sa.text("update imports set status = 'finished', tenant_id = 't' where source = 'xero'"))
        for customer_id, column, before, after in changes:
            connection.execute(
                customer_changes.insert().values(
                    customer_id=customer_id,
                    column=column,
                    old_value=before,
                    new_value=after,
                    import_id=record.import_id,
                    changed_at=datetime.now(UTC),
                )
            )
    return record.import_id


def test_the_customers_of_an_import_go_and_it_is_remembered_that_they_were_there(workshop: Workshop) -> None:
    import_id = load(workshop, FILE)
    undone = undo(workshop, import_id, "eva")
    assert (undone.removed, undone.restored, undone.kept, undone.is_repeat) == (2, 0, [], False)
    assert rows(workshop, customers) == rows(workshop, identity_keys) == []
    record = record_of(workshop, import_id)
    assert (record.status, record.undone_by, record.undone_at) == ("undone", "eva", undone.undone_at)
    assert (record.rows_read, record.rows_loaded, record.rows_failed) == (3, 2, 1)
    assert [(one["customer_id"], one["import_row"], one["reason"]) for one in rows(workshop, removed_customers)] == [
        (1, 2, "undone"),
        (2, 3, "undone"),
    ]


def test_the_same_bytes_make_a_new_import_after_an_undo(workshop: Workshop) -> None:
    first = load(workshop, FILE)
    undo(workshop, first, "eva")
    second = load(workshop, FILE)
    assert second != first
    assert record_of(workshop, second).rows_loaded == 2
    assert [row["id"] for row in rows(workshop, customers)] == [3, 4]
    assert undo(workshop, second, "eva").removed == 2


def test_undoing_twice_says_so_and_changes_nothing(workshop: Workshop) -> None:
    import_id = load(workshop, FILE)
    first = undo(workshop, import_id, "eva")
    load(workshop, FILE)
    again = undo(workshop, import_id, "bob")
    assert (again.is_repeat, again.removed, again.undone_at) == (True, 0, first.undone_at)
    assert len(rows(workshop, customers)) == 2


def test_an_edited_customer_is_kept_and_its_editor_named(workshop: Workshop) -> None:
    import_id = load(workshop, FILE)
    edit(workshop, 1, {"city": "Perth", "state": "WA"}, "eva")
    undone = undo(workshop, import_id, "bob")
    assert (undone.removed, kept(undone)) == (1, [(1, 2, "edited")])
    assert "by eva" in undone.kept[0].message
    assert [row["id"] for row in rows(workshop, customers)] == [1]


def test_a_customer_that_another_import_matched_is_kept_until_that_one_is_undone(workshop: Workshop) -> None:
    first, second = load(workshop, FILE), load(workshop, OTHER)
    undone = undo(workshop, first, "eva")
    assert (undone.removed, kept(undone)) == (1, [(2, 3, "matched")])
    assert f"row 2 of import {second}" in undone.kept[0].message
    assert [row["customer_id"] for row in rows(workshop, matched_customers)] == [2]


def test_a_match_of_an_import_that_was_undone_keeps_nobody(workshop: Workshop) -> None:
    first, second = load(workshop, FILE), load(workshop, OTHER)
    assert undo(workshop, second, "eva").removed == 1
    assert undo(workshop, first, "eva").removed == 2


def test_a_customer_that_a_pull_linked_is_kept(workshop: Workshop) -> None:
    import_id = load(workshop, FILE)
    other = load(workshop, HEADER + "Di,Example,di@example.com,,NSW,Sydney,AU,\n")
    with writing(workshop.target) as connection:
        link = {
            "provider": "xero",
            "tenant_id": "t",
            "provider_id": "x",
            "customer_id": 2,
            "import_id": other,
            "synced_at": datetime.now(UTC),
        }
        connection.execute(provider_customers.insert().values(link))
    undone = undo(workshop, import_id, "eva")
    assert (undone.removed, kept(undone)) == (1, [(2, 3, "matched")])


def test_values_that_an_import_had_changed_are_put_back_with_their_keys(workshop: Workshop) -> None:
    load(workshop, FILE)
    edit(workshop, 1, {"email": "new@example.com", "date_joined": "2021/02/03"}, None)
    pulled = pull(
        workshop,
        (1, "email", "ada@example.com", "between@example.com"),
        (1, "date_joined", "2020-01-31", "2021-02-03"),
        (1, "email", "between@example.com", "new@example.com"),
    )
    undone = undo(workshop, pulled, "eva")
    assert (undone.restored, undone.kept) == (2, [])
    row = rows(workshop, customers)[0]
    assert (row["email"], str(row["date_joined"])) == ("ada@example.com", "2020-01-31")
    assert {key["value"] for key in rows(workshop, identity_keys) if key["customer_id"] == 1} == {
        "ada@example.com",
        "+61491570156",
    }
    assert {change["changed_by"] for change in rows(workshop, customer_changes)[-2:]} == {f"undo of {pulled}"}


def test_a_value_that_was_changed_again_since_is_kept(workshop: Workshop) -> None:
    load(workshop, FILE)
    pulled = pull(workshop, (1, "city", "Melbourne", "Perth"))
    undone = undo(workshop, pulled, "eva")
    assert (undone.restored, kept(undone)) == (0, [(1, None, "changed_since")])
    assert rows(workshop, customers)[0]["city"] == "Sydney"


def test_a_value_whose_key_another_customer_took_since_is_kept_and_the_others_come_back(workshop: Workshop) -> None:
    load(workshop, FILE)
    edit(workshop, 1, {"email": "new@example.com", "last_name": "Newname"}, None)
    pulled = pull(
        workshop,
        (1, "email", "bob@example.com", "new@example.com"),
        (1, "last_name", "Example", "Newname"),
    )
    undone = undo(workshop, pulled, "eva")
    assert (undone.restored, kept(undone)) == (1, [(1, None, "key_taken")])
    assert "customer 2" in undone.kept[0].message
    row = rows(workshop, customers)[0]
    assert (row["email"], row["last_name"]) == ("new@example.com", "Example")


def test_a_value_that_would_break_a_rule_now_is_kept(workshop: Workshop) -> None:
    load(workshop, FILE)
    pulled = pull(workshop, (1, "last_name", None, "Example"))
    undone = undo(workshop, pulled, "eva")
    assert (undone.restored, kept(undone)) == (0, [(1, None, "rule_broken")])
    assert rows(workshop, customers)[0]["last_name"] == "Example"


def test_whether_a_customer_is_active_comes_back_and_a_password_cannot(workshop: Workshop) -> None:
    load(workshop, FILE)
    pulled = pull(workshop, (1, "is_active", False, True), (2, "password", None, None))
    undone = undo(workshop, pulled, "eva")
    assert (undone.restored, kept(undone)) == (1, [(2, None, "password_not_kept")])
    assert [row["is_active"] for row in rows(workshop, customers)] == [False, True]


@pytest.mark.parametrize(
    ("type_", "before", "after", "text"),
    [
        (FieldType.NUMBER, 38.5, 40, "40"),
        (FieldType.YES_NO, True, False, "no"),
        (FieldType.DATE, "2020-01-31", "2021-01-31", "2021/01/31"),
        (FieldType.SEVERAL_OF, ["a", "b"], ["c"], "c"),
        (FieldType.TEXT, None, "x", "x"),
    ],
)
def test_custom_fields_of_every_type_come_back(
    workshop: Workshop, type_: FieldType, before: Any, after: Any, text: str
) -> None:
    choices = ("a", "b", "c") if type_ is FieldType.SEVERAL_OF else ()
    with writing(workshop.target) as connection:
        add_custom_field(connection, "Extra", type_, choices=choices, id="extra")
    load(workshop, FILE)
    edit(workshop, 1, {"extra": text}, None)
    undone = undo(workshop, pull(workshop, (1, "extra", before, after)), "eva")
    assert (undone.restored, undone.kept) == (1, [])
    assert (rows(workshop, customers)[0]["custom_fields"] or {}).get("extra") == before


def test_the_next_pull_after_an_undo_is_a_full_one(workshop: Workshop) -> None:
    pulled = pull(workshop)
    with writing(workshop.target) as connection:
        entry = {"provider": "xero", "tenant_id": "t", "cursor": "c", "import_id": pulled}
        connection.execute(sync_cursors.insert().values(entry | {"updated_at": datetime.now(UTC)}))
    undo(workshop, pulled, "eva")
    assert rows(workshop, sync_cursors) == []


def test_a_dry_run_gives_the_answer_of_the_undo_and_changes_nothing(workshop: Workshop) -> None:
    import_id = load(workshop, FILE)
    edit(workshop, 1, {"city": "Perth", "state": "WA"}, "eva")
    before = [rows(workshop, table) for table in (customers, identity_keys, customer_changes)]
    tried = undo(workshop, import_id, "eva", is_dry_run=True)
    assert [rows(workshop, table) for table in (customers, identity_keys, customer_changes)] == before
    assert record_of(workshop, import_id).status == "finished"
    done = undo(workshop, import_id, "eva")
    assert (tried.removed, tried.restored, tried.kept) == (done.removed, done.restored, done.kept)


def test_an_import_that_has_not_ended_is_discarded_with_all_its_files(workshop: Workshop) -> None:
    import_id = accept(workshop, FILE)
    imports.run_raw_csv(workshop, import_id)
    assert undo(workshop, import_id, "eva", is_dry_run=True).was_accepted
    assert workshop.upload_path(import_id).exists()
    assert undo(workshop, import_id, "eva").was_accepted
    assert not workshop.upload_path(import_id).exists()
    assert not workshop.staging_path(import_id).exists()
    with pytest.raises(stages.ImportUndone):
        imports.run_raw_csv(workshop, import_id)
    assert load(workshop, FILE) != import_id


def test_an_import_that_a_stage_is_working_on_is_left_alone(workshop: Workshop) -> None:
    import_id = accept(workshop, FILE)
    path = workshop.staging_path(import_id)
    held = "import sys, duckdb; c = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", held, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(ImportBusy):
            undo(workshop, import_id, "eva")
        process.communicate()
    assert record_of(workshop, import_id).status == "accepted"
    assert workshop.upload_path(import_id).exists()


def test_a_refused_import_has_nothing_to_undo(workshop: Workshop) -> None:
    import_id = accept(workshop, "nonsense\n1\n")
    with pytest.raises(UploadRefused):
        imports.run_raw_csv(workshop, import_id)
    with pytest.raises(UsageError, match="was refused"):
        undo(workshop, import_id, "eva")
    with pytest.raises(NotFound):
        undo(workshop, "csv-20260101T000000Z-00000000", "eva")


def test_no_stage_of_an_undone_import_is_run_again(workshop: Workshop) -> None:
    import_id = load(workshop, FILE)
    undo(workshop, import_id, "eva")
    in_order = (
        imports.run_raw_csv,
        imports.run_validated_customers,
        imports.run_deduplicated_customers,
        imports.run_loaded_customers,
        imports.run_failed_rows,
    )
    for stage in in_order:
        with pytest.raises(stages.ImportUndone):
            stage(workshop, import_id)
    with (
        open_staging(workshop.staging_path(import_id), 256) as staging,
        pytest.raises(UsageError, match="is undone"),
    ):
        load_customers(staging, workshop.target, import_id, {}, None)
    assert rows(workshop, customers) == []
    assert len(rows(workshop, failed_rows)) == 1
    assert workshop.failed_rows_path(import_id).exists()


def test_an_undo_beside_an_import_that_matches_leaves_every_row_loaded_once_or_matched(
    workshop: Workshop, target_url: str
) -> None:
    people = "".join(f"P{n},Example,p{n}@example.com,,NSW,Sydney,AU,\n" for n in range(200))
    first = load(workshop, HEADER + people)
    second = accept(workshop, HEADER + people + "Extra,Example,extra@example.com,,NSW,Sydney,AU,\n")
    for stage in (imports.run_raw_csv, imports.run_validated_customers, imports.run_deduplicated_customers):
        stage(workshop, second)
    other = Workshop(workshop.home, workshop.settings, connect(target_url))
    barrier = threading.Barrier(2)
    results: list[Any] = []

    def run(job: Any, *words: Any) -> None:
        barrier.wait()
        results.append(job(*words))

    threads = [
        threading.Thread(target=run, args=(undo, workshop, first, "eva")),
        threading.Thread(target=run, args=(imports.run_loaded_customers, other, second)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    other.target.dispose()
    assert len(results) == 2
    record = record_of(workshop, second)
    assert (record.rows_loaded, record.rows_failed) in ((201, 0), (1, 200))
    assert len(rows(workshop, customers)) == 201
    assert len(rows(workshop, matched_customers)) == record.rows_failed


def test_two_undos_at_once_remove_once(workshop: Workshop, target_url: str) -> None:
    import_id = load(workshop, FILE)
    others = [Workshop(workshop.home, workshop.settings, connect(target_url)) for _ in range(2)]
    results: list[Undone] = []
    threads = [threading.Thread(target=lambda one=one: results.append(undo(one, import_id, "eva"))) for one in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    for one in others:
        one.target.dispose()
    assert sorted((one.is_repeat, one.removed) for one in results) == [(False, 2), (True, 0)]
