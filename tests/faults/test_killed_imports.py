"""An import whose process is killed at any point ends, when it is run again, as if nothing had happened."""

from pathlib import Path

import pytest
from sqlalchemy.engine import Engine

from etl_customers.imports import dry_run
from etl_customers.imports.installation import Installation
from etl_customers.settings.home import Home
from etl_customers.settings.sections import Company, Settings
from tests.faults.killing import Fault, Processes
from tests.faults.points import DISK, STAGES, STAGING, TARGET
from tests.faults.sweeping import Sweep, numbered
from tests.full_form import FULL

KINDS = (TARGET, STAGING, DISK, STAGES)
QUICK = {"sqlite": 7, "postgresql": 4}
BOUNDARIES = {
    "sqlite": [
        "after uploads._copy",
        "before staging._lock_down",
        "after ledger.finish_import",
        "after load.load_customers",
        "after failed_rows._records",
    ],
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


@pytest.fixture(params=["sqlite", "postgresql"])
def sweep(request: pytest.FixtureRequest, tmp_path: Path, disturbed: Processes) -> Sweep:
    """An import that can be disturbed again and again, into each kind of target."""
    if request.param == "postgresql":
        return Sweep(tmp_path, request.getfixturevalue("postgresql_target"), disturbed)
    found: Sweep = request.getfixturevalue("sqlite_sweep")
    return found


@pytest.mark.parametrize("part", range(PARTS))
def test_an_import_that_is_killed_at_any_call_and_run_again_ends_as_an_undisturbed_one(
    part: int, sweep: Sweep, subtests: pytest.Subtests
) -> None:
    points, kind = sweep.points(KINDS), sweep.target.dialect.name
    assert len(points) >= 200
    faults = {
        f"point {number}, {points[number - 1]}": Fault(number, KINDS)
        for number in numbered(points, None if FULL else QUICK[kind], part, PARTS)
    }
    faults |= {boundary: Fault(boundary) for boundary in BOUNDARIES[kind] if part == 0}
    for name, fault in faults.items():
        with subtests.test(name):
            sweep.reset()
            assert sweep.run(fault).is_killed, "it is not passed"
            assert sweep.is_before_or_after()
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
    installation = Installation(Home(tmp_path / "home").make(), settings, sqlite_target)
    with dry_run.dry_run(installation, file) as dry:
        disturbed.run(installation.home.path, sqlite_target, "import", file)
        assert dry.upload.path.exists()
        assert list(installation.home.uploads.iterdir()) == []
