"""Whatever the disk refuses: the message says so, nothing is half done, and the same import ends well afterwards."""

import os
import re
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy.engine import Engine

from etl_customers.database.connect import writing
from etl_customers.staging import open_staging
from tests.faults.importing import Undisturbed, installation_of, write_file
from tests.faults.killing import Fault
from tests.faults.points import DISK, DISK_BROKEN, DISK_FULL, STAGING, TARGET
from tests.faults.sweeping import Sweep, assert_survived, numbered
from tests.full_form import FULL

KINDS = (DISK, STAGING, TARGET)
FAILURES = (DISK_FULL, DISK_BROKEN) if FULL else (DISK_FULL,)
QUICK = 6
PARTS = 3 if FULL else 1
SIZES = [2**half * 512 // 10 * 10 for half in range(15)] if FULL else [500, 100_000]
"""Bytes that a file may have at most; the import needs about two million."""
COMMAND_SIZES = [2_000, 20_000, 60_000, 150_000, 250_000] if FULL else [60_000]
"""The same for the command, which has Dagster's databases, too."""


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("failure", FAILURES)
def test_an_import_whose_writing_fails_at_any_call_ends_well_when_it_is_repeated(
    failure: str, part: int, sqlite_sweep: Sweep, subtests: pytest.Subtests
) -> None:
    sweep = sqlite_sweep
    points = sweep.points(KINDS, failure)
    for number in numbered(points, None if FULL else QUICK, part, PARTS):
        with subtests.test(f"point {number}, {points[number - 1]}"):
            sweep.reset()
            outcome = sweep.run(Fault(number, KINDS, failure))
            assert outcome.is_reached
            assert_survived(sweep, outcome)


def test_an_import_whose_files_may_not_grow_ends_well_when_it_is_repeated(
    sqlite_sweep: Sweep, subtests: pytest.Subtests
) -> None:
    sweep = sqlite_sweep
    for size in SIZES:
        with subtests.test(f"at most {size} bytes"):
            sweep.reset()
            assert_survived(sweep, sweep.run(Fault(file_bytes=size)))


def test_an_import_into_a_sqlite_file_that_somebody_keeps_locked_says_so_and_can_be_repeated(
    sqlite_sweep: Sweep,
) -> None:
    sweep = sqlite_sweep
    sweep.reset()
    with writing(sweep.target):
        outcome = sweep.run(Fault(busy_seconds=0.2))
    assert outcome.code == "database_unavailable"
    assert "another process has been writing to it for too long" in outcome.message
    assert_survived(sweep, outcome)


@pytest.mark.parametrize("size", COMMAND_SIZES)
def test_the_command_whose_files_may_not_grow_says_so_in_one_line_and_can_be_repeated(
    size: int, sqlite_target: Engine, tmp_path: Path, undisturbed_import: Undisturbed
) -> None:
    url = sqlite_target.url.render_as_string()
    environment = os.environ | {"ETL_CUSTOMERS_DATABASE_URL": url, "ETL_CUSTOMERS_COMPANY__COUNTRY": "AU"}
    program = str(Path(sys.executable).with_name("etl-customers"))
    command = [program, "import", str(write_file(tmp_path)), "--home", str(tmp_path / "home")]

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    done = subprocess.run(command, env=environment, preexec_fn=limit, capture_output=True, text=True, check=False)
    assert done.returncode == 3, done.stderr
    assert re.fullmatch(r"error: .* cannot be used .*; nothing is half done[,;] .*again.*\n", done.stderr)
    assert done.stdout == ""
    undisturbed_import.assert_is_whole(sqlite_target)
    if FULL:
        assert subprocess.run(command, env=environment, capture_output=True, check=False).returncode == 1
        # An import that was loaded before is reported only; whoever opens its staging file next brings the log into it.
        (staged,) = (tmp_path / "home/staging").glob("*.duckdb")
        with open_staging(staged, 128):
            pass
        undisturbed_import.assert_is_done(installation_of(tmp_path / "home", sqlite_target))
