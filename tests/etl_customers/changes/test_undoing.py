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

from etl_customers.base.errors import ImportBusy, NotFound, UploadRefused, UsageError
from etl_customers.changes.editing import edit
from etl_customers.changes.undoing import Undone, undo
from etl_customers.columns.field_changes import add_custom_field
from etl_customers.database.connect import connect, writing
from etl_customers.database.ledger import accept_import
from etl_customers.database.tables import (
    customer_changes,
    customers,
    failed_rows,
    identity_keys,
    matched_customers,
    provider_customers,
    removed_customers,
    sync_cursors,
)
from etl_customers.imports import stage_gate, stages
from etl_customers.imports.installation import Installation
from etl_customers.load.load import load_customers
from etl_customers.settings.home import Home
from etl_customers.settings.sections import Company, Settings
from etl_customers.staging import open_staging
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
def installation(tmp_path: Path, target: Engine) -> Installation:
    """A home of its own on a fresh target, of a company in Australia."""
    return Installation(Home(tmp_path / "home").make(), Settings(company=Company(country="AU", city="Sydney")), target)


def rows(installation: Installation, table: sa.Table) -> list[dict[str, Any]]:
    """Return all rows of a table."""
    with installation.target.connect() as connection:
        return [dict(row) for row in connection.execute(sa.select(table).order_by(*table.primary_key)).mappings()]


def kept(undone: Undone) -> list[tuple[int, int | None, str]]:
    """Return customer, row and code of what was kept."""
    return [(one.customer_id, one.row, one.code) for one in undone.kept]


def pull(installation: Installation, *changes: tuple[int, str, Any, Any]) -> str:
    """Enter an import that changed customers: customer, column, value before and after; return its id."""
    with writing(installation.target) as connection:
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


def test_the_customers_of_an_import_go_and_it_is_remembered_that_they_were_there(installation: Installation) -> None:
    import_id = load(installation, FILE)
    undone = undo(installation, import_id, "eva")
    assert (undone.removed, undone.restored, undone.kept, undone.is_repeat) == (2, 0, [], False)
    assert rows(installation, customers) == rows(installation, identity_keys) == []
    record = record_of(installation, import_id)
    assert (record.status, record.undone_by, record.undone_at) == ("undone", "eva", undone.undone_at)
    assert (record.rows_read, record.rows_loaded, record.rows_failed) == (3, 2, 1)
    assert [
        (one["customer_id"], one["import_row"], one["reason"]) for one in rows(installation, removed_customers)
    ] == [
        (1, 2, "undone"),
        (2, 3, "undone"),
    ]


def test_the_same_bytes_make_a_new_import_after_an_undo(installation: Installation) -> None:
    first = load(installation, FILE)
    undo(installation, first, "eva")
    second = load(installation, FILE)
    assert second != first
    assert record_of(installation, second).rows_loaded == 2
    assert [row["id"] for row in rows(installation, customers)] == [3, 4]
    assert undo(installation, second, "eva").removed == 2


def test_undoing_twice_says_so_and_changes_nothing(installation: Installation) -> None:
    import_id = load(installation, FILE)
    first = undo(installation, import_id, "eva")
    load(installation, FILE)
    again = undo(installation, import_id, "bob")
    assert (again.is_repeat, again.removed, again.undone_at) == (True, 0, first.undone_at)
    assert len(rows(installation, customers)) == 2


def test_an_edited_customer_is_kept_and_its_editor_named(installation: Installation) -> None:
    import_id = load(installation, FILE)
    edit(installation, 1, {"city": "Perth", "state": "WA"}, "eva")
    undone = undo(installation, import_id, "bob")
    assert (undone.removed, kept(undone)) == (1, [(1, 2, "edited")])
    assert "by eva" in undone.kept[0].message
    assert [row["id"] for row in rows(installation, customers)] == [1]


def test_a_customer_that_another_import_matched_is_kept_until_that_one_is_undone(installation: Installation) -> None:
    first, second = load(installation, FILE), load(installation, OTHER)
    undone = undo(installation, first, "eva")
    assert (undone.removed, kept(undone)) == (1, [(2, 3, "matched")])
    assert f"row 2 of import {second}" in undone.kept[0].message
    assert [row["customer_id"] for row in rows(installation, matched_customers)] == [2]


def test_a_match_of_an_import_that_was_undone_keeps_nobody(installation: Installation) -> None:
    first, second = load(installation, FILE), load(installation, OTHER)
    assert undo(installation, second, "eva").removed == 1
    assert undo(installation, first, "eva").removed == 2


def test_a_customer_that_a_pull_linked_is_kept(installation: Installation) -> None:
    import_id = load(installation, FILE)
    other = load(installation, HEADER + "Di,Example,di@example.com,,NSW,Sydney,AU,\n")
    with writing(installation.target) as connection:
        link = {
            "provider": "xero",
            "tenant_id": "t",
            "provider_id": "x",
            "customer_id": 2,
            "import_id": other,
            "synced_at": datetime.now(UTC),
        }
        connection.execute(provider_customers.insert().values(link))
    undone = undo(installation, import_id, "eva")
    assert (undone.removed, kept(undone)) == (1, [(2, 3, "matched")])


def test_values_that_an_import_had_changed_are_put_back_with_their_keys(installation: Installation) -> None:
    load(installation, FILE)
    edit(installation, 1, {"email": "new@example.com", "date_joined": "2021/02/03"}, None)
    pulled = pull(
        installation,
        (1, "email", "ada@example.com", "between@example.com"),
        (1, "date_joined", "2020-01-31", "2021-02-03"),
        (1, "email", "between@example.com", "new@example.com"),
    )
    undone = undo(installation, pulled, "eva")
    assert (undone.restored, undone.kept) == (2, [])
    row = rows(installation, customers)[0]
    assert (row["email"], str(row["date_joined"])) == ("ada@example.com", "2020-01-31")
    assert {key["value"] for key in rows(installation, identity_keys) if key["customer_id"] == 1} == {
        "ada@example.com",
        "+61491570156",
    }
    assert {change["changed_by"] for change in rows(installation, customer_changes)[-2:]} == {f"undo of {pulled}"}


def test_a_value_that_was_changed_again_since_is_kept(installation: Installation) -> None:
    load(installation, FILE)
    pulled = pull(installation, (1, "city", "Melbourne", "Perth"))
    undone = undo(installation, pulled, "eva")
    assert (undone.restored, kept(undone)) == (0, [(1, None, "changed_since")])
    assert rows(installation, customers)[0]["city"] == "Sydney"


def test_a_value_whose_key_another_customer_took_since_is_kept_and_the_others_come_back(
    installation: Installation,
) -> None:
    load(installation, FILE)
    edit(installation, 1, {"email": "new@example.com", "last_name": "Newname"}, None)
    pulled = pull(
        installation,
        (1, "email", "bob@example.com", "new@example.com"),
        (1, "last_name", "Example", "Newname"),
    )
    undone = undo(installation, pulled, "eva")
    assert (undone.restored, kept(undone)) == (1, [(1, None, "key_taken")])
    assert "customer 2" in undone.kept[0].message
    row = rows(installation, customers)[0]
    assert (row["email"], row["last_name"]) == ("new@example.com", "Example")


def test_a_value_that_would_break_a_rule_now_is_kept(installation: Installation) -> None:
    load(installation, FILE)
    pulled = pull(installation, (1, "last_name", None, "Example"))
    undone = undo(installation, pulled, "eva")
    assert (undone.restored, kept(undone)) == (0, [(1, None, "rule_broken")])
    assert rows(installation, customers)[0]["last_name"] == "Example"


def test_whether_a_customer_is_active_comes_back_and_a_password_cannot(installation: Installation) -> None:
    load(installation, FILE)
    pulled = pull(installation, (1, "is_active", False, True), (2, "password", None, None))
    undone = undo(installation, pulled, "eva")
    assert (undone.restored, kept(undone)) == (1, [(2, None, "password_not_kept")])
    assert [row["is_active"] for row in rows(installation, customers)] == [False, True]


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
    installation: Installation, type_: FieldType, before: Any, after: Any, text: str
) -> None:
    choices = ("a", "b", "c") if type_ is FieldType.SEVERAL_OF else ()
    with writing(installation.target) as connection:
        add_custom_field(connection, "Extra", type_, choices=choices, id="extra")
    load(installation, FILE)
    edit(installation, 1, {"extra": text}, None)
    undone = undo(installation, pull(installation, (1, "extra", before, after)), "eva")
    assert (undone.restored, undone.kept) == (1, [])
    assert (rows(installation, customers)[0]["custom_fields"] or {}).get("extra") == before


def test_the_next_pull_after_an_undo_is_a_full_one(installation: Installation) -> None:
    pulled = pull(installation)
    with writing(installation.target) as connection:
        entry = {"provider": "xero", "tenant_id": "t", "cursor": "c", "import_id": pulled}
        connection.execute(sync_cursors.insert().values(entry | {"updated_at": datetime.now(UTC)}))
    undo(installation, pulled, "eva")
    assert rows(installation, sync_cursors) == []


def test_a_dry_run_gives_the_answer_of_the_undo_and_changes_nothing(installation: Installation) -> None:
    import_id = load(installation, FILE)
    edit(installation, 1, {"city": "Perth", "state": "WA"}, "eva")
    before = [rows(installation, table) for table in (customers, identity_keys, customer_changes)]
    tried = undo(installation, import_id, "eva", is_dry_run=True)
    assert [rows(installation, table) for table in (customers, identity_keys, customer_changes)] == before
    assert record_of(installation, import_id).status == "finished"
    done = undo(installation, import_id, "eva")
    assert (tried.removed, tried.restored, tried.kept) == (done.removed, done.restored, done.kept)


def test_an_import_that_has_not_ended_is_discarded_with_all_its_files(installation: Installation) -> None:
    import_id = accept(installation, FILE)
    stages.run_raw_csv(installation, import_id)
    assert undo(installation, import_id, "eva", is_dry_run=True).was_accepted
    assert installation.upload_path(import_id).exists()
    assert undo(installation, import_id, "eva").was_accepted
    assert not installation.upload_path(import_id).exists()
    assert not installation.staging_path(import_id).exists()
    with pytest.raises(stage_gate.ImportUndone):
        stages.run_raw_csv(installation, import_id)
    assert load(installation, FILE) != import_id


def test_an_import_that_a_stage_is_working_on_is_left_alone(installation: Installation) -> None:
    import_id = accept(installation, FILE)
    path = installation.staging_path(import_id)
    held = "import sys, duckdb; c = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", held, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(ImportBusy):
            undo(installation, import_id, "eva")
        process.communicate()
    assert record_of(installation, import_id).status == "accepted"
    assert installation.upload_path(import_id).exists()


def test_a_refused_import_has_nothing_to_undo(installation: Installation) -> None:
    import_id = accept(installation, "nonsense\n1\n")
    with pytest.raises(UploadRefused):
        stages.run_raw_csv(installation, import_id)
    with pytest.raises(UsageError, match="was refused"):
        undo(installation, import_id, "eva")
    with pytest.raises(NotFound):
        undo(installation, "csv-20260101T000000Z-00000000", "eva")


def test_no_stage_of_an_undone_import_is_run_again(installation: Installation) -> None:
    import_id = load(installation, FILE)
    undo(installation, import_id, "eva")
    in_order = (
        stages.run_raw_csv,
        stages.run_validated_customers,
        stages.run_deduplicated_customers,
        stages.run_loaded_customers,
        stages.run_failed_rows,
    )
    for stage in in_order:
        with pytest.raises(stage_gate.ImportUndone):
            stage(installation, import_id)
    with (
        open_staging(installation.staging_path(import_id), 256) as staging,
        pytest.raises(UsageError, match="is undone"),
    ):
        load_customers(staging, installation.target, import_id, {}, None)
    assert rows(installation, customers) == []
    assert len(rows(installation, failed_rows)) == 1
    assert installation.failed_rows_path(import_id).exists()


def test_an_undo_beside_an_import_that_matches_leaves_every_row_loaded_once_or_matched(
    installation: Installation, target_url: str
) -> None:
    people = "".join(f"P{n},Example,p{n}@example.com,,NSW,Sydney,AU,\n" for n in range(200))
    first = load(installation, HEADER + people)
    second = accept(installation, HEADER + people + "Extra,Example,extra@example.com,,NSW,Sydney,AU,\n")
    for stage in (stages.run_raw_csv, stages.run_validated_customers, stages.run_deduplicated_customers):
        stage(installation, second)
    other = Installation(installation.home, installation.settings, connect(target_url))
    barrier = threading.Barrier(2)
    results: list[Any] = []

    def run(job: Any, *words: Any) -> None:
        barrier.wait()
        results.append(job(*words))

    threads = [
        threading.Thread(target=run, args=(undo, installation, first, "eva")),
        threading.Thread(target=run, args=(stages.run_loaded_customers, other, second)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    other.target.dispose()
    assert len(results) == 2
    record = record_of(installation, second)
    assert (record.rows_loaded, record.rows_failed) in ((201, 0), (1, 200))
    assert len(rows(installation, customers)) == 201
    assert len(rows(installation, matched_customers)) == record.rows_failed


def test_two_undos_at_once_remove_once(installation: Installation, target_url: str) -> None:
    import_id = load(installation, FILE)
    others = [Installation(installation.home, installation.settings, connect(target_url)) for _ in range(2)]
    results: list[Undone] = []
    threads = [threading.Thread(target=lambda one=one: results.append(undo(one, import_id, "eva"))) for one in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    for one in others:
        one.target.dispose()
    assert sorted((one.is_repeat, one.removed) for one in results) == [(False, 2), (True, 0)]
