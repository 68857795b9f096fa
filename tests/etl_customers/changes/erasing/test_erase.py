"""Erasing a person: no byte of them is left in home and database, everybody else and the counts stay."""

import csv
import os
import time
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from etl_customers.base.errors import NotFound
from etl_customers.changes.editing import edit
from etl_customers.changes.erasing.erase import Erasure, erase
from etl_customers.changes.undoing import undo
from etl_customers.database.connect import connect, reading, writing
from etl_customers.database.customers import CustomerRemoved, show_customer
from etl_customers.database.tables import (
    customer_changes,
    customers,
    failed_rows,
    identity_keys,
    provider_customers,
    removed_customers,
)
from etl_customers.imports import stages, whole
from etl_customers.imports.installation import Installation
from etl_customers.report.accounting import count_target_rows
from etl_customers.settings.home import Home
from etl_customers.settings.sections import Company, Settings
from etl_customers.staging import open_staging
from tests.imported import accept, load, record_of

HEADER = "first_name,last_name,email,mobile,password,street_address,state,city\n"
FILE = (
    HEADER
    + "Canaryfirst,Canarylast,canary.mail@example.com,0491 570 156,secret,Canarystreet 1,NSW,Sydney\n"
    + "Bob,Other,bob@example.com,,,Main Street 2,NSW,Sydney\n"
    + "Cy,,cy@example.com,,secret,Main Street 3,NSW,Sydney\n"
    + "Someone,,Canary.Mail@Example.com,,secret,Canarystreet 4,NSW,Sydney\n"
    + "Again,Other,CANARY.MAIL@example.com,,secret,Canarystreet 5,NSW,Sydney\n"
)
CANARIES = (b"Canaryfirst", b"Canarylast", b"anary.", b"ANARY.MAIL", b"491570156", b"491 570 156", b"Canarystreet")


@pytest.fixture
def installation(tmp_path: Path, target: Engine) -> Installation:
    """A home of its own on a fresh target, of a company in Australia."""
    return Installation(Home(tmp_path / "home").make(), Settings(company=Company(country="AU", city="Sydney")), target)


def rows(installation: Installation, table: sa.Table) -> list[dict[str, Any]]:
    """Return all rows of a table."""
    with reading(installation.target) as connection:
        return [dict(row) for row in connection.execute(sa.select(table).order_by(*table.primary_key)).mappings()]


def in_file(installation: Installation, import_id: str) -> list[str]:
    """Return the row numbers in an import's failed-rows file."""
    with installation.failed_rows_path(import_id).open(encoding="utf-8-sig", newline="") as file:
        return [row["row"] for row in csv.DictReader(file)]


def files_with_canaries(installation: Installation) -> list[str]:
    """Return what in the folder of the test, the SQLite files included, has a byte of the person."""
    folder = installation.home.path.parent
    return [
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and any(word in path.read_bytes() for word in CANARIES)
    ]


def values_with_canaries(installation: Installation) -> list[str]:
    """Return the tables that have a value of the person."""
    words = [word.decode() for word in CANARIES]
    return [
        table.name
        for table in customers.metadata.sorted_tables
        if any(word in str(rows(installation, table)) for word in words)
    ]


def done(installation: Installation, import_id: str, content: bytes) -> Path:
    """Leave a file in inbox/done as the inbox does."""
    path = installation.home.inbox_done / f"{import_id}--customers.csv"
    path.write_bytes(content)
    return path


def whats(erasure: Erasure) -> str:
    """Return all that is still there as one text."""
    return "; ".join(one.what for one in erasure.still_there)


def test_no_byte_of_the_person_is_left_and_everybody_else_is(installation: Installation) -> None:
    import_id = load(installation, FILE)
    edit(installation, 1, {"street_address": "Canarystreet 9"}, "eva")
    erasure = erase(installation, 1, "eva")
    assert erasure.still_there == []
    assert erasure.erased_at is not None
    assert files_with_canaries(installation) == []
    assert values_with_canaries(installation) == []
    assert [row["first_name"] for row in rows(installation, customers)] == ["Bob"]
    assert {row["customer_id"] for row in rows(installation, identity_keys)} == {2}
    assert rows(installation, customer_changes) == []
    assert in_file(installation, import_id) == ["4"]


def test_the_counts_stay_true(installation: Installation) -> None:
    import_id = load(installation, FILE)
    before = record_of(installation, import_id)
    erase(installation, 1, "eva")
    record = record_of(installation, import_id)
    assert record == before
    counted = count_target_rows(installation.target, import_id)
    assert (counted.loaded, counted.failed, counted.erased) == (record.rows_loaded, record.rows_failed, 2)
    assert [
        (row["customer_id"], row["import_row"], row["reason"]) for row in rows(installation, removed_customers)
    ] == [(1, 2, "erased")]


def test_of_the_persons_failed_rows_only_codes_remain(installation: Installation) -> None:
    load(installation, FILE)
    erase(installation, 1, "eva")
    found = {row["row"]: row for row in rows(installation, failed_rows)}
    assert {row: one["erased_at"] is not None for row, one in found.items()} == {4: False, 5: True, 6: True}
    assert {row: one["password_hash"] is not None for row, one in found.items()} == {4: True, 5: False, 6: False}
    assert {error["suggestion"] for error in found[5]["errors"]} == {None}
    assert [error["code"] for error in found[6]["errors"]] == ["duplicate_in_file"]


def test_failed_rows_can_still_be_asked_for_afterwards(installation: Installation) -> None:
    import_id = load(installation, FILE)
    installation.failed_rows_path(import_id).unlink()
    erase(installation, 1, "eva")
    assert in_file(installation, import_id) == ["4"]
    assert stages.run_failed_rows(installation, import_id) == 0
    assert in_file(installation, import_id) == ["4"]


def test_a_row_of_another_import_that_matched_the_person_is_erased_too(installation: Installation) -> None:
    load(installation, FILE)
    second = load(installation, HEADER + "Bob,Third,canary.mail@example.com,,secret,Canarystreet 8,NSW,Sydney\n")
    assert erase(installation, 1, "eva").failed_rows == 3
    assert files_with_canaries(installation) == []
    assert not installation.failed_rows_path(second).exists()
    assert count_target_rows(installation.target, second).erased == 1


def test_a_failed_row_is_the_persons_by_what_is_in_its_cells(installation: Installation) -> None:
    theirs = (
        "X,,,+61 491-570-156,,,NSW,Sydney\n",
        "X,,,(0491) 570 156,,,NSW,Sydney\n",
        "X,,<CANARY.mail@example.com>,,,,NSW,Sydney\n",
        "CANARYFIRST,  canarylast ,nonsense,,,,Nowhere,Sydney\n",
        "X,,canary\u200b.mail@example.com,,,,NSW,Sydney\n",
    )
    load(installation, FILE)
    second = load(installation, HEADER + "".join(theirs) + "X,,someone@else.example,,,,NSW,Sydney\n")
    erase(installation, 1, "eva")
    assert in_file(installation, second) == ["7"]


def test_a_failed_row_of_somebody_else_is_kept(installation: Installation) -> None:
    others = {
        "a longer address": "X,,a.canary.mail@example.com,,,,NSW,Sydney\n",
        "a longer domain": "X,,canary.mail@example.com.au,,,,NSW,Sydney\n",
        "another number": "X,,,0491570157,,,NSW,Sydney\n",
        "the first name alone": "Canaryfirst,,,,,,NSW,Sydney\n",
    }
    load(installation, FILE)
    second = load(installation, HEADER + "".join(others.values()))
    erase(installation, 1, "eva")
    assert in_file(installation, second) == ["2", "3", "4", "5"]


def test_an_address_that_the_person_had_before_is_looked_for_too(installation: Installation) -> None:
    load(installation, FILE)
    edit(installation, 1, {"email": "new@example.com"}, "eva")
    load(installation, HEADER + "X,,canary.mail@example.com,,,,NSW,Sydney\n")
    erase(installation, 1, "eva")
    assert files_with_canaries(installation) == []


def test_a_file_that_was_imported_from_the_inbox_loses_the_persons_rows_and_nothing_else(
    installation: Installation,
) -> None:
    import_id = load(installation, FILE)
    lines = FILE.replace("secret", "").replace("\n", "\r\n").replace("Main Street 2", '"Main ""Street"" 2"').encode()
    path = done(installation, import_id, lines)
    os.utime(path, (1, 1))
    erasure = erase(installation, 1, "eva")
    assert path in erasure.rewritten
    kept = lines.splitlines(keepends=True)
    assert path.read_bytes() == kept[0] + kept[2] + kept[3]
    assert path.stat().st_mtime == 1


def test_an_imported_file_in_an_old_encoding_keeps_its_other_bytes(installation: Installation) -> None:
    import_id = load(installation, FILE)
    other = "Jürgen,Other,,,,Hauptstraße,NSW,Sydney\n".encode("windows-1252")
    path = done(installation, import_id, FILE.encode() + other)
    erase(installation, 1, "eva")
    assert path.read_bytes().endswith(other)
    assert files_with_canaries(installation) == []


def test_a_workbook_that_was_imported_is_deleted_and_named(installation: Installation) -> None:
    import_id = load(installation, FILE)
    path = installation.home.inbox_done / f"{import_id}--customers.xlsx"
    book = openpyxl.Workbook()
    assert book.active is not None
    for line in FILE.splitlines():
        book.active.append(line.split(","))
    book.save(path)
    assert path in erase(installation, 1, "eva").deleted
    assert not path.exists()


def test_a_workbook_with_a_row_that_was_corrected_to_the_person_is_deleted_too(installation: Installation) -> None:
    broken = HEADER + "Canaryfirst,,nonsense,,,,NSW,Sydney\n"
    first = load(installation, broken)
    corrected = (
        installation.failed_rows_path(first)
        .read_text("utf-8-sig")
        .replace('"","nonsense"', '"Canarylast","c@example.com"')
    )
    load(installation, corrected)
    path = installation.home.inbox_done / f"{first}--customers.xlsx"
    book = openpyxl.Workbook()
    assert book.active is not None
    for line in broken.splitlines():
        book.active.append(line.split(","))
    book.save(path)
    assert path in erase(installation, 1, "eva").deleted
    assert files_with_canaries(installation) == []


def test_while_an_import_that_has_not_ended_holds_the_person_the_customer_is_kept(installation: Installation) -> None:
    load(installation, FILE)
    waiting = accept(installation, HEADER + "Canaryfirst,Canarylast,,,,,NSW,Perth\n")
    erasure = erase(installation, 1, "eva")
    assert erasure.erased_at is None
    assert f"import {waiting}" in whats(erasure)
    assert [row["id"] for row in rows(installation, customers)] == [1, 2]
    stages.run_raw_csv(installation, waiting)
    assert erase(installation, 1, "eva").erased_at is None
    undo(installation, waiting, "eva")
    assert erase(installation, 1, "eva").erased_at is not None
    assert files_with_canaries(installation) == []


@pytest.mark.parametrize("folder", ["inbox", "inbox_accepted", "inbox_rejected"])
def test_a_file_that_waits_with_the_person_in_it_is_named_and_left_alone(
    installation: Installation, folder: str
) -> None:
    load(installation, FILE)
    path = getattr(installation.home, folder) / "waiting.csv"
    path.write_text(FILE, encoding="utf-8")
    (installation.home.inbox / "other.csv").write_text(HEADER + "Bob,,,,,,,\n", encoding="utf-8")
    erasure = erase(installation, 1, "eva")
    assert erasure.erased_at is None
    assert whats(erasure) == f"the file {path}"
    path.unlink()
    assert erase(installation, 1, "eva").still_there == []


def test_a_file_that_cannot_be_read_is_named_but_keeps_nobody_from_being_erased(installation: Installation) -> None:
    load(installation, FILE)
    (installation.home.inbox_rejected / "old.xls").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"x" * 600)
    erasure = erase(installation, 1, "eva")
    assert erasure.erased_at is not None
    assert [one.is_certain for one in erasure.still_there] == [False]


def test_a_person_who_was_erased_is_said_to_have_been(installation: Installation) -> None:
    load(installation, FILE)
    first = erase(installation, 1, "eva")
    again = erase(installation, 1, "bob")
    assert (again.is_repeat, again.erased_at) == (True, first.erased_at)
    with reading(installation.target) as connection, pytest.raises(CustomerRemoved, match=r"was erased, on .* by eva"):
        show_customer(connection, 1)
    with pytest.raises(NotFound):
        erase(installation, 99, "eva")


def test_a_customer_that_was_undone_is_erased_from_what_its_import_left(installation: Installation) -> None:
    import_id = load(installation, FILE)
    undo(installation, import_id, "eva")
    with reading(installation.target) as connection, pytest.raises(CustomerRemoved, match="its import was undone"):
        show_customer(connection, 1)
    assert erase(installation, 1, "eva").erased_at is not None
    assert files_with_canaries(installation) == []
    assert {row["customer_id"]: row["reason"] for row in rows(installation, removed_customers)} == {
        1: "erased",
        2: "undone",
    }


@pytest.mark.parametrize("folder", ["inbox", "inbox_rejected"])
def test_who_was_undone_is_still_known_when_the_file_that_waited_is_gone(
    installation: Installation, folder: str
) -> None:
    import_id = load(installation, FILE)
    undo(installation, import_id, "eva")
    waiting = getattr(installation.home, folder) / "waiting.csv"
    waiting.write_text(FILE.replace("Cy,", "Cyrus,"), encoding="utf-8")
    for _ in range(2):
        erasure = erase(installation, 1, "eva")
        assert (erasure.erased_at, whats(erasure)) == (None, f"the file {waiting}")
        assert installation.staging_path(import_id).exists()
    waiting.unlink()
    assert erase(installation, 1, "eva").erased_at is not None
    assert files_with_canaries(installation) == []


def test_the_names_of_others_with_the_persons_address_are_not_looked_for(installation: Installation) -> None:
    load(installation, FILE)
    others = load(
        installation,
        HEADER
        + "Dora,Stranger,canary.mail@example.com,,,Main Street 7,NSW,Sydney\n"
        + "Emil,Elsewhere,canary.mail@example.com,,,Main Street 8,NSW,Sydney\n",
    )
    strangers = load(
        installation,
        HEADER + "Dora,Stranger,no address,,,,NSW,Sydney\n" + "Emil,Stranger,no address,,,,NSW,Sydney\n",
    )
    assert erase(installation, 1, "eva").still_there == []
    assert files_with_canaries(installation) == []
    assert not installation.failed_rows_path(others).exists()
    assert in_file(installation, strangers) == ["2", "3"]


def test_thousands_of_rows_with_the_persons_address_take_seconds(installation: Installation) -> None:
    load(installation, FILE)
    many = load(
        installation,
        HEADER + "".join(f"First{n},Last{n},canary.mail@example.com,,,,NSW,Sydney\n" for n in range(2_400)),
    )
    began = time.monotonic()
    assert erase(installation, 1, "eva").erased_at is not None
    assert time.monotonic() - began < 20
    assert {row["erased_at"] is None for row in rows(installation, failed_rows) if row["import_id"] == many} == {False}


def test_a_providers_customer_stays_known_by_its_id_alone(installation: Installation) -> None:
    import_id = load(installation, FILE)
    link = {"provider": "xero", "tenant_id": "t", "provider_id": "x", "customer_id": 1}
    with writing(installation.target) as connection:
        connection.execute(
            provider_customers.insert().values(
                link | {"import_id": import_id, "synced_at": sa.func.current_timestamp()}
            )
        )
    erase(installation, 1, "eva")
    (left,) = rows(installation, provider_customers)
    assert (left["provider_id"], left["customer_id"]) == ("x", None)
    assert left["erased_at"] is not None


def test_the_stages_of_an_import_with_an_erased_person_can_be_run_again(installation: Installation) -> None:
    import_id = load(installation, FILE)
    erase(installation, 1, "eva")
    whole.run_import(installation, import_id)
    assert in_file(installation, import_id) == ["4"]
    assert not installation.staging_path(import_id).exists()


def test_a_log_that_another_process_reads_is_named_and_emptied_the_next_time(sqlite_url: str, tmp_path: Path) -> None:
    target = connect(sqlite_url)
    installation = Installation(Home(tmp_path / "home").make(), Settings(company=Company(country="AU")), target)
    load(installation, FILE)
    reader = connect(sqlite_url)
    with reading(reader) as connection:
        connection.execute(sa.select(customers)).all()
        with target.connect() as other:
            other.exec_driver_sql("pragma busy_timeout = 100")
        erasure = erase(installation, 1, "eva")
        assert "write-ahead log" in whats(erasure)
    assert erase(installation, 1, "eva").still_there == []
    assert files_with_canaries(installation) == []
    reader.dispose()
    target.dispose()


def test_the_staging_of_other_imports_stays(installation: Installation) -> None:
    load(installation, FILE)
    other = load(installation, HEADER + "Di,Other,di@example.com,,,,NSW,Sydney\n")
    erase(installation, 1, "eva")
    with open_staging(installation.staging_path(other), 256) as staging:
        assert staging.number("select count(*) from raw_csv") == 1
