"""An import whose process is killed at any point ends, when it is run again, as if nothing had happened."""

import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from etl_customers import imports
from etl_customers.settings import Company, Home, Settings
from etl_customers.target.connect import connect
from etl_customers.target.tables import customers, failed_rows, identity_keys
from etl_customers.target.tables import imports as ledger
from etl_customers.workshop import Workshop
from tests.faults.killing import BEGIN

FILE = "first_name,last_name,email,password,city\n" + "".join(
    f"First,{'' if n % 5 == 0 else f'Last {n}'},p{n}@example.com,{'' if n % 7 else 'secret'},Sydney\n"
    for n in range(20)
)
KILLED = f"""
from etl_customers import imports
{BEGIN}
file, what = arguments
if what == "dry-run":
    with imports.dry_run(workshop, Path(file)):
        pass
else:
    imports.run_import(workshop, imports.accept_upload(workshop, Path(file)).record.import_id)
"""
POINTS = [
    ("uploads", "_copy", "return"),
    ("ledger", "accept_import", "return"),
    ("staging", "_lock_down", "call"),
    ("staging", "append", "return"),
    ("passwords", "hash_passwords", "return"),
    ("bulk", "append_frame", "return"),
    ("ledger", "finish_import", "return"),
    ("load", "load_customers", "return"),
    ("failed_rows", "_records", "return"),
]
POINTS_OF_TARGETS = [
    *(pytest.param("sqlite", point, id=" ".join(point)) for point in POINTS),
    # The stages are the same; one point inside the transaction shows that PostgreSQL takes it back.
    pytest.param("postgresql", ("ledger", "finish_import", "return"), id="postgresql finish_import"),
]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Twenty customers, of whom four lack a name and three have a password."""
    path = tmp_path / "customers.csv"
    path.write_text(FILE, encoding="utf-8")
    return path


@pytest.fixture
def undisturbed(migrated_sqlite_file: Path, tmp_path: Path) -> Iterator[Engine]:
    """Another target, for the import that nobody kills."""
    engine = connect(f"sqlite:///{shutil.copy(migrated_sqlite_file, tmp_path / 'undisturbed.db')}")
    yield engine
    engine.dispose()


def kill_import(home: Path, target: Engine, file: Path, point: tuple[str, str, str], what: str = "import") -> None:
    """Run an import in a process that is killed at a point."""
    url = target.url.render_as_string(hide_password=False)
    done = subprocess.run([sys.executable, "-c", KILLED, str(home), url, *point, str(file), what], check=False)
    assert done.returncode == -signal.SIGKILL, f"{point} is never passed"


def run_again(home: Path, target: Engine, file: Path) -> Workshop:
    """Do what the same command does."""
    workshop = Workshop(Home(home).make(), Settings(company=Company(country="AU")), target)
    accepted = imports.accept_upload(workshop, file)
    if accepted.is_repeat:
        imports.run_failed_rows(workshop, accepted.record.import_id)
    else:
        imports.run_import(workshop, accepted.record.import_id)
    return workshop


def dump(target: Engine) -> dict[str, list[Any]]:
    """Return what an import wrote, but for ids, times and salts."""
    queries = {
        "customers": sa.select(
            customers.c.import_row, customers.c.email, customers.c.last_name, customers.c.password_hash.is_not(None)
        ),
        "keys": sa.select(customers.c.import_row, identity_keys.c.kind, identity_keys.c.value).join_from(
            customers, identity_keys
        ),
        "failed": sa.select(
            failed_rows.c.row, failed_rows.c.line, failed_rows.c.errors, failed_rows.c.password_hash.is_not(None)
        ),
        "imports": sa.select(ledger.c.status, ledger.c.rows_read, ledger.c.rows_loaded, ledger.c.rows_failed),
    }
    with target.connect() as connection:
        return {name: sorted(map(repr, connection.execute(query))) for name, query in queries.items()}


def left_in(home: Path) -> set[str]:
    """Return the kinds of files in the home's folders of imports."""
    folders = (Home(home).uploads, Home(home).staging, Home(home).failed)
    return {path.suffix for folder in folders for path in folder.iterdir()}


@pytest.mark.parametrize(("target_url", "point"), POINTS_OF_TARGETS, indirect=["target_url"])
def test_a_killed_import_that_is_run_again_ends_as_an_undisturbed_one(
    point: tuple[str, str, str], target: Engine, undisturbed: Engine, file: Path, tmp_path: Path
) -> None:
    kill_import(tmp_path / "killed", target, file, point)
    workshop = run_again(tmp_path / "killed", target, file)
    run_again(tmp_path / "undisturbed", undisturbed, file)
    assert dump(target) == dump(undisturbed)
    assert left_in(workshop.home.path) == {".duckdb", ".csv"}


def test_the_copy_of_a_dry_run_that_was_killed_is_deleted_by_the_next_import(
    target: Engine, file: Path, tmp_path: Path
) -> None:
    kill_import(tmp_path / "home", target, file, ("validate", "validate_customers", "return"), "dry-run")
    workshop = run_again(tmp_path / "home", target, file)
    assert not [path for path in workshop.home.staging.iterdir() if path.is_dir()]


def test_files_of_a_process_that_works_are_left_to_it(target: Engine, file: Path, tmp_path: Path) -> None:
    workshop = Workshop(Home(tmp_path / "home").make(), Settings(company=Company(country="AU")), target)
    with imports.dry_run(workshop, file) as dry:
        run_again(workshop.home.path, target, file)
        assert dry.upload.path.exists()
        assert list(workshop.home.uploads.iterdir()) == []
