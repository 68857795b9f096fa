"""Retention with a moved clock: what has its time behind it goes, what is under way or waits stays."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.engine import Engine

from etl_customers.base.errors import UploadRefused
from etl_customers.changes.retention import Deleted, delete_expired
from etl_customers.changes.undoing import undo
from etl_customers.imports import stages
from etl_customers.imports.installation import Installation
from etl_customers.settings.home import Home
from etl_customers.settings.sections import Company, Retention, Settings
from tests.imported import accept, load, record_of

FILE = "first_name,last_name,email,city\nAda,Example,ada@example.com,Sydney\nBob,,bob@example.com,Sydney\n"
NOW = datetime.now(UTC)
LATER = NOW + timedelta(days=8)


@pytest.fixture
def installation(tmp_path: Path, target: Engine) -> Installation:
    """A home of its own on a fresh target."""
    return Installation(Home(tmp_path / "home").make(), Settings(company=Company(country="AU")), target)


def files(installation: Installation) -> set[str]:
    """Return the home's files but the database, by folder."""
    home = installation.home
    folders = (home.staging, home.failed, home.uploads, home.inbox)
    return {str(path.parent.name) for folder in folders for path in folder.rglob("*") if path.is_file()}


def test_files_of_an_ended_import_are_deleted_when_their_time_is_over(installation: Installation) -> None:
    load(installation, FILE)
    assert delete_expired(installation, NOW + timedelta(days=6)) == Deleted()
    assert files(installation) == {"staging", "failed"}
    assert delete_expired(installation, LATER) == Deleted(staging=1, failed_rows=1)
    assert files(installation) == set()
    assert delete_expired(installation, LATER) == Deleted()


def test_an_undone_import_has_its_time_from_the_undo_on(installation: Installation) -> None:
    undo(installation, load(installation, FILE), "eva")
    assert delete_expired(installation, NOW + timedelta(days=6)).files == 0
    assert delete_expired(installation, LATER).files == 2


def test_with_no_days_files_go_when_their_import_has_just_ended(installation: Installation) -> None:
    impatient = Installation(installation.home, Settings(retention=Retention(days=0)), installation.target)
    load(impatient, FILE)
    under_way = accept(impatient, FILE + "Cy,Example,,Sydney\n")
    assert delete_expired(impatient, datetime.now(UTC)).files == 0
    assert delete_expired(impatient, NOW + timedelta(hours=1)) == Deleted(staging=1, failed_rows=1)
    assert record_of(impatient, under_way).status == "accepted"


def test_what_waits_in_the_inbox_is_never_deleted_and_what_is_done_is(installation: Installation) -> None:
    home = installation.home
    for folder in (home.inbox, home.inbox_accepted, home.inbox_rejected, home.inbox_done):
        (folder / "customers.csv").write_text(FILE)
        os.utime(folder / "customers.csv", (NOW.timestamp(), NOW.timestamp()))
    assert delete_expired(installation, LATER) == Deleted(inbox_done=1)
    assert files(installation) == {"inbox", "accepted", "rejected"}


def test_files_that_no_import_is_known_by_go_by_their_own_age(installation: Installation) -> None:
    for folder in (installation.home.staging, installation.home.failed, installation.home.uploads):
        suffix = {"staging": ".duckdb", "failed": ".csv", "uploads": ".upload"}[folder.name]
        (folder / f"csv-20200101T000000Z-00000000{suffix}").touch()
    assert delete_expired(installation, NOW).files == 0
    assert delete_expired(installation, LATER) == Deleted(staging=1, failed_rows=1, uploads=1)


def test_an_import_that_nobody_carried_on_is_refused_and_can_be_imported_again(installation: Installation) -> None:
    import_id = accept(installation, FILE)
    stages.run_raw_csv(installation, import_id)
    assert delete_expired(installation, NOW + timedelta(days=6)).abandoned == 0
    assert delete_expired(installation, LATER).abandoned == 1
    record = record_of(installation, import_id)
    assert (record.status, record.refusal_code) == ("refused", "abandoned")
    assert files(installation) == set()
    with pytest.raises(UploadRefused, match="import the file, or pull, again"):
        stages.run_validated_customers(installation, import_id)
    assert load(installation, FILE) == import_id
    assert record_of(installation, import_id).status == "finished"


def test_an_import_that_a_process_works_on_is_not_abandoned(installation: Installation) -> None:
    import_id = accept(installation, FILE)
    held = "import sys, duckdb; c = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", held, str(installation.staging_path(import_id))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        assert delete_expired(installation, LATER) == Deleted()
        process.communicate()
    assert record_of(installation, import_id).status == "accepted"
    assert installation.upload_path(import_id).exists()


def test_a_dry_run_counts_the_same_and_deletes_nothing(installation: Installation) -> None:
    load(installation, FILE)
    accept(installation, FILE + "Cy,Example,,Sydney\n")
    before = files(installation)
    counted = delete_expired(installation, LATER, is_dry_run=True)
    assert files(installation) == before
    assert delete_expired(installation, LATER) == counted == Deleted(staging=1, failed_rows=1, abandoned=1)
