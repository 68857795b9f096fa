"""Whatever the disk refuses: the message says so, nothing is half done, and the same import ends well afterwards."""

import os
import re
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy.engine import Engine

from etl_customers.target.connect import connect, writing
from tests.faults.importing import Undisturbed, workshop_of, write_file
from tests.faults.killing import FULL, NO_FAULT, Fault, Outcome, Processes
from tests.faults.points import DISK, DISK_BROKEN, DISK_FULL, STAGING, TARGET
from tests.faults.sweeping import CORRECTED, EARLIER, Sweep, numbered

KINDS = (DISK, STAGING, TARGET)
FAILURES = (DISK_FULL, DISK_BROKEN) if FULL else (DISK_FULL,)
QUICK = 8
PARTS = 3 if FULL else 1
SIZES = [2**half * 512 // 10 * 10 for half in range(15)] if FULL else [500, 20_000, 500_000]
"""Bytes that a file may have at most; the import needs about two million."""
COMMAND_SIZES = [2_000, 20_000, 60_000, 150_000, 250_000] if FULL else [60_000]
FREE = [2**half * 4096 for half in range(11)]
only_full = pytest.mark.skipif(not FULL, reason="only where ETL_CUSTOMERS_FULL_FAULTS is set")
VALUES = re.compile("|".join(re.findall(r"[a-z]+@example\.com|secret|hidden|canary", EARLIER + CORRECTED)))


def assert_told(outcome: Outcome) -> None:
    """The process came to an end by itself, and said in one message of ours what to do where it failed."""
    assert outcome.signal in (None, signal.SIGKILL)
    if outcome.code == "unreadable_file":
        # The user's own file, not one of ours.
        assert outcome.exit_code == 2
    elif outcome.code is not None:
        assert outcome.exit_code == 3, outcome.message
        assert "again" in outcome.message, outcome.message
        assert "\n" not in outcome.message
        assert not VALUES.search(outcome.message)


def assert_survived(sweep: Sweep, outcome: Outcome) -> None:
    """The import is there whole or not at all, and once more without a fault it is as an undisturbed one."""
    assert_told(outcome)
    assert sweep.is_before_or_after()
    sweep.run_again()
    sweep.assert_undisturbed(outcome.message)


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("failure", FAILURES)
def test_an_import_whose_writing_fails_at_any_call_ends_well_when_it_is_repeated(
    failure: str, part: int, sqlite_target: Engine, tmp_path: Path, disturbed: Processes, subtests: pytest.Subtests
) -> None:
    sweep = Sweep(tmp_path, sqlite_target, disturbed)
    points = sweep.points(KINDS, failure)
    for number in numbered(points, None if FULL else QUICK, part, PARTS):
        with subtests.test(f"point {number}, {points[number - 1]}"):
            sweep.reset()
            outcome = sweep.run(Fault(number, KINDS, failure))
            assert outcome.is_reached
            assert_survived(sweep, outcome)


def test_an_import_whose_files_may_not_grow_ends_well_when_it_is_repeated(
    sqlite_target: Engine, tmp_path: Path, disturbed: Processes, subtests: pytest.Subtests
) -> None:
    sweep = Sweep(tmp_path, sqlite_target, disturbed)
    for size in SIZES:
        with subtests.test(f"at most {size} bytes"):
            sweep.reset()
            assert_survived(sweep, sweep.run(Fault(file_bytes=size)))


def test_an_import_into_a_sqlite_file_that_somebody_keeps_locked_says_so_and_can_be_repeated(
    sqlite_target: Engine, tmp_path: Path, disturbed: Processes
) -> None:
    sweep = Sweep(tmp_path, sqlite_target, disturbed)
    sweep.reset()
    with writing(sqlite_target):
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
    assert re.fullmatch(r"error: .* cannot be used .*; nothing is half done, .*again.*\n", done.stderr)
    assert done.stdout == ""
    undisturbed_import.assert_is_whole(sqlite_target)
    assert subprocess.run(command, env=environment, capture_output=True, check=False).returncode == 1
    undisturbed_import.assert_is_done(workshop_of(tmp_path / "home", sqlite_target))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 16 megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16m", "none", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no disk can be mounted here: that takes root")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def filled(disk: Path, free: int) -> Iterator[None]:
    """Leave so many bytes free on a disk."""
    found = os.statvfs(disk)
    (disk / "ballast").write_bytes(bytes(max(0, found.f_bavail * found.f_frsize - free)))
    yield
    (disk / "ballast").unlink()


@only_full
@pytest.mark.parametrize("what", ["home", "target"])
def test_an_import_on_a_full_disk_ends_well_when_there_is_room_again(
    what: str,
    small_disk: Path,
    migrated_sqlite_file: Path,
    tmp_path: Path,
    disturbed: Processes,
    subtests: pytest.Subtests,
) -> None:
    database = (small_disk if what == "target" else tmp_path) / "customers.db"
    target = connect(f"sqlite:///{shutil.copy(migrated_sqlite_file, database)}")
    sweep = Sweep(tmp_path, target, disturbed, small_disk / "home" if what == "home" else None)
    codes = set()
    for free in FREE:
        with subtests.test(f"{free} bytes free"):
            sweep.reset()
            with filled(small_disk, free):
                outcome = sweep.run(NO_FAULT)
            codes.add(outcome.code)
            assert_survived(sweep, outcome)
    target.dispose()
    assert len(codes) > 1, "there was always room, or never"


@only_full
@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
@pytest.mark.parametrize("fault", ["error=ENOSPC", "error=EIO", "signal=KILL"])
@pytest.mark.parametrize("call", ["pwrite64", "fsync", "fdatasync"])
def test_an_import_ends_well_when_any_write_of_the_databases_failed_or_was_the_last(
    call: str, fault: str, sqlite_target: Engine, tmp_path: Path, disturbed: Processes, subtests: pytest.Subtests
) -> None:
    sweep = Sweep(tmp_path, sqlite_target, disturbed)
    log = tmp_path / "strace.log"
    for number in count(1):
        sweep.reset()
        options = ["-o", str(log), "-e", f"trace={call}", "-e", f"inject={call}:{fault}:when={number}"]
        outcome = sweep.run(Fault(strace=options))
        if "INJECTED" not in log.read_text(encoding="utf-8"):
            break
        with subtests.test(f"the {number}. {call}"):
            assert_survived(sweep, outcome)
    assert number > 2
