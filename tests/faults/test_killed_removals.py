"""An undo or an erasure whose process is killed leaves before or after, and doing it again finishes."""

from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from etl_customers import imports
from etl_customers.erasing.erase import erase
from etl_customers.settings import Company, Home, Settings
from etl_customers.target.tables import customers, failed_rows, identity_keys, removed_customers
from etl_customers.undoing import undo
from etl_customers.workshop import Workshop
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
def workshop(tmp_path: Path, target: Engine) -> Workshop:
    """A home on a fresh target."""
    return Workshop(Home(tmp_path / "home").make(), Settings(company=Company(country="AU")), target)


def load(workshop: Workshop) -> str:
    """Import the file, and leave it as the inbox does."""
    path = workshop.home.path.parent / "customers.csv"
    path.write_text(FILE, encoding="utf-8")
    import_id = imports.accept_upload(workshop, path).record.import_id
    imports.run_import(workshop, import_id)
    path.rename(workshop.home.inbox_done / f"{import_id}--customers.csv")
    return import_id


def count(workshop: Workshop, table: sa.Table) -> int:
    """Return the number of rows of a table."""
    with workshop.target.connect() as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0


@pytest.mark.parametrize("point", UNDO_POINTS)
def test_an_undo_that_was_killed_has_done_nothing_and_can_be_repeated(
    workshop: Workshop, point: str, disturbed: Processes
) -> None:
    import_id = load(workshop)
    disturbed.kill(workshop.home.path, workshop.target, "undo", import_id, at=point)
    assert (count(workshop, customers), count(workshop, identity_keys)) == (2, 2)
    assert count(workshop, removed_customers) == 0
    assert undo(workshop, import_id, "eva").removed == 2
    assert count(workshop, customers) == 0


@pytest.mark.parametrize(
    ("target_url", "point"),
    [
        *(pytest.param("sqlite", point, id=f"sqlite {point}") for point in ERASE_POINTS),
        pytest.param("postgresql", ERASE_POINTS[4], id=f"postgresql {ERASE_POINTS[4]}"),
    ],
    indirect=["target_url"],
)
def test_an_erasure_that_was_killed_is_finished_by_the_next(
    workshop: Workshop, point: str, disturbed: Processes
) -> None:
    load(workshop)
    disturbed.kill(workshop.home.path, workshop.target, "erase", 1, at=point)
    assert erase(workshop, 1, "eva").still_there == []
    assert count(workshop, customers) == count(workshop, removed_customers) == 1
    with workshop.target.connect() as connection:
        found = connection.execute(sa.select(failed_rows.c.row, failed_rows.c.erased_at, failed_rows.c.password_hash))
        assert {row: (at is not None, hashed) for row, at, hashed in found} == {4: (True, None), 5: (False, None)}
    everything = [path for path in workshop.home.path.parent.rglob("*") if path.is_file()]
    assert not [path for path in everything if b"anary" in path.read_bytes().replace(b"canary.db", b"")]
