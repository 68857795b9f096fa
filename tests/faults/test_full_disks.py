"""Small disks and failing system calls: whatever is refused, the same import ends well afterwards.

These take long: they are collected only in the full form.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest

from etl_customers.database.connect import connect
from tests.faults.killing import NO_FAULT, Fault, Processes
from tests.faults.sweeping import Sweep, assert_survived

SYSTEM_CALLS = [
    (call, fault)
    for call, error in (("pwrite64", "error=ENOSPC"), ("fsync", "error=EIO"), ("fdatasync", "error=EIO"))
    for fault in (error, "signal=KILL")
]
"""By which SQLite and DuckDB write."""
FREE = [2**half * 4096 for half in range(11)]


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


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
@pytest.mark.parametrize(("call", "fault"), SYSTEM_CALLS, ids=[" ".join(pair) for pair in SYSTEM_CALLS])
def test_an_import_ends_well_when_any_write_of_the_databases_failed_or_was_the_last(
    call: str, fault: str, sqlite_sweep: Sweep, tmp_path: Path, subtests: pytest.Subtests
) -> None:
    sweep = sqlite_sweep
    log = tmp_path / "strace.log"
    for number in count(1):
        sweep.reset()
        options = ["-o", str(log), "-e", f"trace={call}", "-e", f"inject={call}:{fault}:when={number}"]
        outcome = sweep.run(Fault(strace=options))
        if not outcome.is_killed and "INJECTED" not in log.read_text(encoding="utf-8"):
            break
        with subtests.test(f"the {number}. {call}"):
            assert_survived(sweep, outcome)
    assert number > 2
