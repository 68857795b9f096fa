"""Retention with a moved clock: what has its time behind it goes, what is under way or waits stays."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.engine import Engine

from etl_customers import imports
from etl_customers.errors import UploadRefused
from etl_customers.retention import Deleted, delete_expired
from etl_customers.settings import Company, Home, Retention, Settings
from etl_customers.undoing import undo
from etl_customers.workshop import Workshop
from tests.imported import accept, load, record_of

FILE = "first_name,last_name,email,city\nAda,Example,ada@example.com,Sydney\nBob,,bob@example.com,Sydney\n"
NOW = datetime.now(UTC)
LATER = NOW + timedelta(days=8)


@pytest.fixture
def workshop(tmp_path: Path, target: Engine) -> Workshop:
    """A home of its own on a fresh target."""
    return Workshop(Home(tmp_path / "home").make(), Settings(company=Company(country="AU")), target)


def files(workshop: Workshop) -> set[str]:
    """Return the home's files but the database, by folder."""
    home = workshop.home
    folders = (home.staging, home.failed, home.uploads, home.inbox)
    return {str(path.parent.name) for folder in folders for path in folder.rglob("*") if path.is_file()}


def test_files_of_an_ended_import_are_deleted_when_their_time_is_over(workshop: Workshop) -> None:
    load(workshop, FILE)
    assert delete_expired(workshop, NOW + timedelta(days=6)) == Deleted()
    assert files(workshop) == {"staging", "failed"}
    assert delete_expired(workshop, LATER) == Deleted(staging=1, failed_rows=1)
    assert files(workshop) == set()
    assert delete_expired(workshop, LATER) == Deleted()


def test_an_undone_import_has_its_time_from_the_undo_on(workshop: Workshop) -> None:
    undo(workshop, load(workshop, FILE), "eva")
    assert delete_expired(workshop, NOW + timedelta(days=6)).files == 0
    assert delete_expired(workshop, LATER).files == 2


def test_with_no_days_files_go_when_their_import_has_just_ended(workshop: Workshop) -> None:
    impatient = Workshop(workshop.home, Settings(retention=Retention(days=0)), workshop.target)
    load(impatient, FILE)
    under_way = accept(impatient, FILE + "Cy,Example,,Sydney\n")
    assert delete_expired(impatient, datetime.now(UTC)).files == 0
    assert delete_expired(impatient, NOW + timedelta(hours=1)) == Deleted(staging=1, failed_rows=1)
    assert record_of(impatient, under_way).status == "accepted"


def test_what_waits_in_the_inbox_is_never_deleted_and_what_is_done_is(workshop: Workshop) -> None:
    home = workshop.home
    for folder in (home.inbox, home.inbox_accepted, home.inbox_rejected, home.inbox_done):
        (folder / "customers.csv").write_text(FILE)
        os.utime(folder / "customers.csv", (NOW.timestamp(), NOW.timestamp()))
    assert delete_expired(workshop, LATER) == Deleted(inbox_done=1)
    assert files(workshop) == {"inbox", "accepted", "rejected"}


def test_files_that_no_import_is_known_by_go_by_their_own_age(workshop: Workshop) -> None:
    for folder in (workshop.home.staging, workshop.home.failed, workshop.home.uploads):
        suffix = {"staging": ".duckdb", "failed": ".csv", "uploads": ".upload"}[folder.name]
        (folder / f"csv-20200101T000000Z-00000000{suffix}").touch()
    assert delete_expired(workshop, NOW).files == 0
    assert delete_expired(workshop, LATER) == Deleted(staging=1, failed_rows=1, uploads=1)


def test_an_import_that_nobody_carried_on_is_refused_and_can_be_imported_again(workshop: Workshop) -> None:
    import_id = accept(workshop, FILE)
    imports.run_raw_csv(workshop, import_id)
    assert delete_expired(workshop, NOW + timedelta(days=6)).abandoned == 0
    assert delete_expired(workshop, LATER).abandoned == 1
    record = record_of(workshop, import_id)
    assert (record.status, record.refusal_code) == ("refused", "abandoned")
    assert files(workshop) == set()
    with pytest.raises(UploadRefused, match="import the file, or pull, again"):
        imports.run_validated_customers(workshop, import_id)
    assert load(workshop, FILE) == import_id
    assert record_of(workshop, import_id).status == "finished"


def test_an_import_that_a_process_works_on_is_not_abandoned(workshop: Workshop) -> None:
    import_id = accept(workshop, FILE)
    held = "import sys, duckdb; c = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", held, str(workshop.staging_path(import_id))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        assert delete_expired(workshop, LATER) == Deleted()
        process.communicate()
    assert record_of(workshop, import_id).status == "accepted"
    assert workshop.upload_path(import_id).exists()


def test_a_dry_run_counts_the_same_and_deletes_nothing(workshop: Workshop) -> None:
    load(workshop, FILE)
    accept(workshop, FILE + "Cy,Example,,Sydney\n")
    before = files(workshop)
    counted = delete_expired(workshop, LATER, is_dry_run=True)
    assert files(workshop) == before
    assert delete_expired(workshop, LATER) == counted == Deleted(staging=1, failed_rows=1, abandoned=1)
