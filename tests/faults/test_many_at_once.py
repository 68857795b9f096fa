"""Several processes import at the same moment: the same file is imported once, and a customer of two files once."""

import shutil
import time
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from etl_customers.database.connect import reading
from etl_customers.database.tables import customers, identity_keys, imports
from etl_customers.settings.home import Home
from tests.faults.importing import Undisturbed, empty, installation_of, write_file
from tests.faults.killing import Processes
from tests.full_form import FULL

TIMES = 8 if FULL else 3
ROUNDS = 50 if FULL else 2
HEADER = "first_name,last_name,email,city\n"
SHARED, OWN = 10, 3


def test_processes_that_import_the_same_file_make_one_import_and_report_the_same(
    disturbed: Processes, target: Engine, undisturbed_import: Undisturbed, tmp_path: Path
) -> None:
    home, file = tmp_path / "home", write_file(tmp_path)
    Home(home).make()
    outcomes = disturbed.run_side_by_side(home, target, "import at", [(file, soon())] * TIMES)
    assert [(one.crash, one.message) for one in outcomes] == [("", "")] * TIMES
    reports = [one.result for one in outcomes]
    assert reports == reports[:1] * TIMES
    assert reports[0]["rows"] == {"read": 12, "loaded": 8, "failed": 4, "unread": 0}
    undisturbed_import.assert_is_done(installation_of(home, target))


def test_of_two_files_that_share_customers_each_customer_is_loaded_once_by_one_of_them(
    disturbed: Processes, target: Engine, tmp_path: Path
) -> None:
    for number in range(ROUNDS):
        home = tmp_path / "home"
        Home(home).make()
        # In opposite orders, so that each is in the way of the other.
        files = [write(tmp_path, name, number, is_reversed) for name, is_reversed in (("one", False), ("two", True))]
        outcomes = disturbed.run_side_by_side(home, target, "import at", [(file, soon()) for file in files])
        assert [(one.crash, one.message) for one in outcomes] == [("", "")] * 2
        assert_is_union(target, [one.result for one in outcomes])
        empty(target)
        shutil.rmtree(home)


def soon() -> float:
    """Return a moment at which all processes are there."""
    return time.monotonic() + 0.3


def write(folder: Path, name: str, number: int, is_reversed: bool) -> Path:
    """Write a file of customers that the other one has, too, and of some that it has not."""
    shared = [f"Shared,Customer,shared{n}-{number}@example.com,Sydney\n" for n in range(SHARED)]
    own = [f"{name},Customer,{name}{n}-{number}@example.com,Sydney\n" for n in range(OWN)]
    path = folder / f"{name}.csv"
    path.write_text(HEADER + "".join(shared[::-1] + own if is_reversed else own + shared), encoding="utf-8")
    return path


def assert_is_union(target: Engine, reports: list[dict[str, Any]]) -> None:
    """See that the customers of both files are there once, and that each row is accounted for."""
    with reading(target) as connection:
        found = connection.execute(
            sa.select(customers.c.email, customers.c.id, imports.c.import_id).join_from(customers, imports)
        ).all()
        keys = connection.scalar(sa.select(sa.func.count()).select_from(identity_keys))
    assert len({email for email, _, _ in found}) == len(found) == keys == SHARED + 2 * OWN
    assert sum(report["rows"]["loaded"] for report in reports) == len(found)
    for report, other in (reports, reports[::-1]):
        rows = report["rows"]
        assert rows["read"] == rows["loaded"] + rows["failed"] == SHARED + OWN
        assert rows["failed"] == len(report["failed"])
        theirs = {
            f"email already belongs to customer {one}" for _, one, made_by in found if made_by == other["import_id"]
        }
        for row in report["failed"]:
            (error,) = row["errors"]
            assert error["code"] == "already_exists"
            assert error["message"] in theirs
