"""An undo or an erasure whose process is killed leaves before or after, and doing it again finishes."""

from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from etl_customers.changes.erasing.erase import erase
from etl_customers.changes.undoing import undo
from etl_customers.database.tables import customers, failed_rows, identity_keys, removed_customers
from etl_customers.imports import accepting, whole
from etl_customers.imports.installation import Installation
from etl_customers.settings.home import Home
from etl_customers.settings.sections import Company, Settings
from tests.faults.killing import Processes

FILE = (
    "first_name,last_name,email,password,city\n"
    "Canaryfirst,Canarylast,canary.mail@example.com,secret,Sydney\n"
    "Bob,Other,bob@example.com,,Sydney\n"
    "Canaryfirst,Canarylast,broken@,secret,Sydney\n"
    "Cy,,cy@example.com,,Sydney\n"
)
UNDO_POINTS = ["after removals.remove_customers_of", "after ledger.undo_import"]
ERASE_POINTS = [
    "after removals.erase_failed_rows",
    "after texts._write",
    "after texts.without_rows",
    "after staging.remove_staging",
    "after removals.erase_customer",
    "before connect.empty_log",
]


@pytest.fixture
def installation(tmp_path: Path, target: Engine) -> Installation:
    """A home on a fresh target."""
    return Installation(Home(tmp_path / "home").make(), Settings(company=Company(country="AU")), target)


def load(installation: Installation) -> str:
    """Import the file, and leave it as the inbox does."""
    path = installation.home.path.parent / "customers.csv"
    path.write_text(FILE, encoding="utf-8")
    import_id = accepting.accept_upload(installation, path).record.import_id
    whole.run_import(installation, import_id)
    path.rename(installation.home.inbox_done / f"{import_id}--customers.csv")
    return import_id


def count(installation: Installation, table: sa.Table) -> int:
    """Return the number of rows of a table."""
    with installation.target.connect() as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0


@pytest.mark.parametrize("point", UNDO_POINTS)
def test_an_undo_that_was_killed_has_done_nothing_and_can_be_repeated(
    installation: Installation, point: str, disturbed: Processes
) -> None:
    import_id = load(installation)
    disturbed.kill(installation.home.path, installation.target, "undo", import_id, at=point)
    assert (count(installation, customers), count(installation, identity_keys)) == (2, 2)
    assert count(installation, removed_customers) == 0
    assert undo(installation, import_id, "eva").removed == 2
    assert count(installation, customers) == 0


@pytest.mark.parametrize(
    ("target_url", "point"),
    [
        *(pytest.param("sqlite", point, id=f"sqlite {point}") for point in ERASE_POINTS),
        pytest.param("postgresql", ERASE_POINTS[4], id=f"postgresql {ERASE_POINTS[4]}"),
    ],
    indirect=["target_url"],
)
def test_an_erasure_that_was_killed_is_finished_by_the_next(
    installation: Installation, point: str, disturbed: Processes
) -> None:
    load(installation)
    disturbed.kill(installation.home.path, installation.target, "erase", 1, at=point)
    assert erase(installation, 1, "eva").still_there == []
    assert count(installation, customers) == count(installation, removed_customers) == 1
    with installation.target.connect() as connection:
        found = connection.execute(sa.select(failed_rows.c.row, failed_rows.c.erased_at, failed_rows.c.password_hash))
        assert {row: (at is not None, hashed) for row, at, hashed in found} == {4: (True, None), 5: (False, None)}
    everything = [path for path in installation.home.path.parent.rglob("*") if path.is_file()]
    assert not [path for path in everything if b"anary" in path.read_bytes().replace(b"canary.db", b"")]
