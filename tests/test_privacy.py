"""What a customer's row holds is in the target, in staging and in the failed-rows file, and nowhere else.

How that stands when something fails is in ``tests/faults/test_canaries*.py``, what is left
of a person who was erased in ``tests/etl_customers/changes/erasing``.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.engine import Engine

from etl_customers.changes.retention import delete_expired
from etl_customers.changes.undoing import undo
from etl_customers.cli import main
from etl_customers.database.connect import connect
from etl_customers.imports import accepting, dry_run, whole
from etl_customers.imports.installation import Installation
from etl_customers.inbox.accept import accept_files
from etl_customers.inbox.look import look_at
from etl_customers.inbox.settle import settle_files
from etl_customers.settings.home import Home
from etl_customers.settings.sections import Company, Settings
from tests.canaries import FILE, OWN_TABLES, PASSWORDS, PERSONAL, add_fields, found_in, found_in_tables, words_in
from tests.environment import keep_only_ours

IN_TABLES = OWN_TABLES - {"customer_changes", "provider_customers"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The file of canaries, outside of the home."""
    path = tmp_path / "Customers.csv"
    path.write_text(FILE, encoding="utf-8")
    return path


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sqlite_url: str) -> dict[str, str]:
    """What the command line is to find: a target with the columns of the file, and a folder for temporary files."""
    keep_only_ours(monkeypatch)
    target = connect(sqlite_url)
    add_fields(target)
    target.dispose()
    (tmp_path / "temporary").mkdir()
    given = {"DATABASE_URL": sqlite_url, "COMPANY__COUNTRY": "AU", "HOME": str(tmp_path / "home")}
    found = {f"ETL_CUSTOMERS_{name}": value for name, value in given.items()}
    for name, value in found.items():
        monkeypatch.setenv(name, value)
    return {**os.environ, "TMPDIR": str(tmp_path / "temporary")}


def test_a_finished_import_keeps_customers_where_they_belong_and_no_password_anywhere(
    environment: dict[str, str], tmp_path: Path, file: Path, sqlite_target: Engine
) -> None:
    command = [str(Path(sys.executable).with_name("etl-customers")), "import", str(file)]
    done = subprocess.run(command, env=environment, capture_output=True, timeout=120, check=False)
    assert done.returncode == 1, done.stderr
    assert words_in(done.stdout + done.stderr) == []
    home = tmp_path / "home"
    assert {name.partition("/")[0] for name in found_in(home)} == {"staging", "failed"}
    assert found_in(home, PASSWORDS) == found_in(tmp_path / "temporary") == {}
    assert set(found_in_tables(sqlite_target)) == IN_TABLES
    assert found_in_tables(sqlite_target, PASSWORDS) == {}
    assert (home / "dagster").is_dir()
    assert list((home / "uploads").iterdir()) == []


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (lambda text: text.replace("street_address", "Canarystreet"), {"Canarystreet"}),
        (lambda text: text.replace("first_name,last_name", "Canaryfïrst,Canarylast"), {"Canaryfïrst", "Canarylast"}),
        (lambda text: text.replace(",Canary-pass-2,", ',"Canary-pass-2,'), set()),
        (lambda text: text.partition("\n")[2], set()),
        (lambda text: text + "Canaryfïrst,Canarylast\n" * 9, set()),
    ],
    ids=["unknown column", "unknown columns", "broken quotes", "no header", "ragged rows"],
)
def test_a_refused_import_leaves_nothing_personal_but_the_headers_it_names(
    environment: dict[str, str],
    tmp_path: Path,
    file: Path,
    spoil: Callable[[str], str],
    named: set[str],
    sqlite_target: Engine,
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert environment
    file.write_text(spoil(FILE), encoding="utf-8")
    code = main(["import", str(file)])
    done = capfd.readouterr()
    assert code == 2, done.err
    assert "Traceback" not in done.err
    assert set(words_in(done.out + done.err)) <= named
    assert {word for words in found_in(tmp_path / "home" / "dagster").values() for word in words} <= named
    assert found_in(tmp_path / "home", PASSWORDS) == {}
    assert {word for words in found_in_tables(sqlite_target).values() for word in words} <= named
    assert list((tmp_path / "home" / "uploads").iterdir()) == []


@pytest.fixture
def installation(tmp_path: Path, target: Engine) -> Installation:
    """A home of its own on a fresh target with the columns of the file."""
    add_fields(target)
    return Installation(Home(tmp_path / "home").make(), Settings(company=Company(country="AU")), target)


@pytest.mark.parametrize("target_url", ["sqlite"], indirect=True)
def test_a_dry_run_leaves_nothing(installation: Installation, file: Path) -> None:
    with dry_run.dry_run(installation, file) as tried:
        assert tried.staging.number("select count(*) from deduplicated_rows") == 2
    assert found_in(installation.home.path, (*PERSONAL, *PASSWORDS)) == {}
    assert found_in_tables(installation.target, (*PERSONAL, *PASSWORDS)) == {}


def test_a_file_goes_through_inbox_correction_undo_and_retention_without_leaving_a_password(
    installation: Installation, file: Path
) -> None:
    home = installation.home
    dropped = file.rename(home.inbox / "customers.csv")
    accept_files(installation, [look_at(dropped, 2**20)], most=1, seconds=60)
    (upload,) = home.uploads.glob("*.upload")
    (waiting,) = home.inbox_accepted.iterdir()
    places = {str(path.relative_to(home.path)) for path in (upload, waiting)}
    assert set(found_in(home.path)) == set(found_in(home.path, PASSWORDS)) == places

    whole.run_import(installation, upload.stem)
    settle_files(installation, [], seconds=60)
    assert found_in(home.path, PASSWORDS) == found_in_tables(installation.target, PASSWORDS) == {}
    assert {str(Path(name).parent) for name in found_in(home.path)} == {"staging", "failed", "inbox/done"}

    corrected = home.path.parent / "corrected.csv"
    text = installation.failed_rows_path(upload.stem).read_text("utf-8-sig")
    corrected.write_text(text.replace("<Canary.Mail@", "other@").replace("Canarystate", "NSW"), encoding="utf-8")
    again = accepting.accept_upload(installation, corrected).record.import_id
    whole.run_import(installation, again)
    assert found_in(home.path, PASSWORDS) == found_in_tables(installation.target, PASSWORDS) == {}

    undo(installation, again, "eva")
    undo(installation, upload.stem, "eva")
    assert found_in_tables(installation.target) == {}
    delete_expired(installation, datetime.now(UTC) + timedelta(days=8))
    assert found_in(home.path) == {}
