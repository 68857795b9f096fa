"""An import whose process is killed at any point ends, when it is run again, as if nothing had happened."""

from pathlib import Path

import pytest
from sqlalchemy.engine import Engine

from etl_customers import imports
from etl_customers.settings import Company, Home, Settings
from etl_customers.workshop import Workshop
from tests.faults.killing import FULL, Fault, Processes
from tests.faults.points import DISK, STAGES, STAGING, TARGET
from tests.faults.sweeping import Sweep, numbered

KINDS = (TARGET, STAGING, DISK, STAGES)
QUICK = {"sqlite": 9, "postgresql": 5}
BOUNDARIES = {
    "sqlite": ["before staging._lock_down", "after ledger.finish_import", "after load.load_customers"],
    "postgresql": ["after ledger.finish_import"],
}
"""Where things went wrong before, or nearly: these are always looked at."""
PARTS = 6 if FULL else 1
FILE = "first_name,last_name,email,city\nAda,Example,ada@example.com,Sydney\nBob,,bob@example.com,Sydney\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """One customer, and one row that fails."""
    path = tmp_path / "customers.csv"
    path.write_text(FILE, encoding="utf-8")
    return path


@pytest.mark.parametrize("part", range(PARTS))
def test_an_import_that_is_killed_at_any_call_and_run_again_ends_as_an_undisturbed_one(
    part: int, target: Engine, tmp_path: Path, disturbed: Processes
) -> None:
    sweep = Sweep(tmp_path, target, disturbed)
    points = sweep.points(KINDS)
    assert len(points) >= 200
    numbers = numbered(points, None if FULL else QUICK[target.dialect.name], part, PARTS)
    faults = {f"point {number}, {points[number - 1]}": Fault(number, KINDS) for number in numbers}
    faults |= {boundary: Fault(boundary) for boundary in BOUNDARIES[target.dialect.name] if part == 0}
    for name, fault in faults.items():
        sweep.reset()
        assert sweep.run(fault).is_killed, f"{name} is not passed"
        assert sweep.is_before_or_after(), name
        sweep.run_again()
        sweep.assert_undisturbed(name)


def test_the_copy_of_a_dry_run_that_was_killed_is_deleted_by_the_next_import(
    sqlite_target: Engine, file: Path, tmp_path: Path, disturbed: Processes
) -> None:
    home = tmp_path / "home"
    disturbed.kill(home, sqlite_target, "dry run", file, at="after validate.validate_customers")
    assert [path for path in (home / "staging").iterdir() if path.is_dir()]
    disturbed.run(home, sqlite_target, "import", file)
    assert not [path for path in (home / "staging").iterdir() if path.is_dir()]


def test_files_of_a_process_that_works_are_left_to_it(
    sqlite_target: Engine, file: Path, tmp_path: Path, disturbed: Processes
) -> None:
    settings = Settings(company=Company(country="AU"))
    workshop = Workshop(Home(tmp_path / "home").make(), settings, sqlite_target)
    with imports.dry_run(workshop, file) as dry:
        disturbed.run(workshop.home.path, sqlite_target, "import", file)
        assert dry.upload.path.exists()
        assert list(workshop.home.uploads.iterdir()) == []
