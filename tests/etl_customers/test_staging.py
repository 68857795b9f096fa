"""The staging file: locked down, one process at a time, all or nothing."""

import gc
import subprocess
import sys
import threading
import time
import weakref
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from etl_customers.base.errors import DiskUnavailable, ImportBusy
from etl_customers.staging import StagingDamaged, kept_open, open_staging, remove_staging

HOLD = """
import sys, time
from pathlib import Path
from etl_customers.staging import open_staging
with open_staging(Path(sys.argv[1]), 128):
    print("held", flush=True)
    sys.stdin.readline()
"""

LEAVE_UNREAD = """
import sys
from pathlib import Path
from etl_customers.staging import open_staging
held = []
with open_staging(Path(sys.argv[1]), 128) as staging:
    staging.execute("create table numbers as select range as number from range(1000000)")
    held += [staging.batches("select number from numbers", 10), staging.cursor()]
    next(held[0])
    held[1].execute("select number from numbers").fetchmany(10)
with open_staging(Path(sys.argv[1]), 128) as staging:
    print(staging.number("select count(*) from numbers"))
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a staging file may be made."""
    return tmp_path / "import.duckdb"


@pytest.mark.parametrize(
    "sql",
    [
        "select * from read_csv('{}/secret.csv')",
        "select * from '{}/secret.csv'",
        "copy facts to '{}/out.csv'",
        "attach '{}/other.duckdb'",
        "install httpfs",
        "set enable_external_access = true",
        "set memory_limit = '100GB'",
        "select * from frame",
    ],
)
def test_duckdb_reaches_nothing_but_its_own_file(path: Path, sql: str) -> None:
    (path.parent / "secret.csv").write_text("a\n1\n")
    frame = pl.DataFrame({"a": [1]})  # a variable that a query must not see
    with open_staging(path, 128) as staging, pytest.raises(duckdb.Error):
        staging.rows(sql.format(path.parent))
    assert frame.height == 1
    assert not (path.parent / "out.csv").exists()


def test_the_file_is_readable_by_its_owner_only(path: Path) -> None:
    with open_staging(path, 128):
        assert path.stat().st_mode & 0o777 == 0o600


def test_what_a_broken_transaction_wrote_is_gone(path: Path) -> None:
    with open_staging(path, 128) as staging:

        def write_and_break() -> None:
            with staging.transaction():
                staging.execute("insert into facts values ('rows_read', 1, null)")
                raise RuntimeError

        with pytest.raises(RuntimeError):
            write_and_break()
        assert staging.number("select count(*) from facts") == 0


def test_what_was_written_is_there_when_the_file_is_opened_again(path: Path) -> None:
    with open_staging(path, 128) as staging, staging.transaction():
        staging.append("facts", pl.DataFrame({"name": ["rows_read"], "number": [7]}))
    with open_staging(path, 128) as staging:
        assert staging.frame("select name, number from facts").rows() == [("rows_read", 7)]


def test_an_appended_frame_is_let_go_before_its_transaction_ends(path: Path) -> None:
    class Watched(pl.DataFrame):
        def to_arrow(self, **options: Any) -> Any:
            table = super().to_arrow(**options)
            copies.append(weakref.ref(table))
            return table

    copies: list[Any] = []
    with open_staging(path, 128) as staging, staging.transaction():
        for number in range(3):
            staging.append("deduplicated_rows", Watched({"row": [number]}))
        gc.collect()
        assert [copy() for copy in copies] == [None, None, None]


def test_a_frame_with_a_column_too_many_is_not_appended(path: Path) -> None:
    with open_staging(path, 128) as staging, pytest.raises(ValueError, match="deduplicated_rows has no column other"):
        staging.append("deduplicated_rows", pl.DataFrame({"row": [1], "other": [2]}))


def test_a_file_of_which_something_was_not_read_to_its_end_can_be_opened_again(path: Path) -> None:
    """In a process of its own: where it cannot, DuckDB 2.0.0 waits for ever, and nothing can stop it from inside."""
    done = subprocess.run(
        [sys.executable, "-c", LEAVE_UNREAD, str(path)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout == "1000000\n", done.stderr


def test_a_file_that_is_kept_open_is_the_same_and_as_locked_down_when_it_is_opened_again(path: Path) -> None:
    with kept_open():
        with open_staging(path, 128) as staging:
            staging.execute("insert into facts values ('rows_read', 3, null)")
        with open_staging(path, 128) as staging:
            assert staging.number("select number from facts") == 3
            with pytest.raises(duckdb.Error):
                staging.execute("set memory_limit = '100GB'")
        assert is_held(path)
    assert not is_held(path)
    assert [left.name for left in path.parent.iterdir()] == [path.name]


def test_a_file_that_is_removed_while_it_is_kept_open_is_made_anew(path: Path) -> None:
    with kept_open():
        with open_staging(path, 128) as staging:
            staging.execute("insert into facts values ('rows_read', 3, null)")
        remove_staging(path)
        assert not path.exists()
        with open_staging(path, 128) as staging:
            assert staging.number("select count(*) from facts") == 0
        assert path.exists()


def test_a_file_that_failed_is_not_kept_open(path: Path) -> None:
    with kept_open():
        with pytest.raises(StagingDamaged), open_staging(path, 128) as staging:
            staging.execute("select * from nothing")
        assert not is_held(path)


def test_a_file_that_cannot_be_closed_keeps_no_other_open(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connect, opened = duckdb.connect, list[Path]()

    def connect_and_keep(at: Path) -> duckdb.DuckDBPyConnection | Unclosable:
        opened.append(at)
        # A file is opened to be worked on, and then to be kept open.
        return Unclosable(connect(at)) if at == path and opened.count(at) == 2 else connect(at)

    monkeypatch.setattr(duckdb, "connect", connect_and_keep)
    other = path.with_name("other.duckdb")

    def open_files(*files: Path) -> None:
        for each in files:
            with open_staging(each, 128):
                pass

    with pytest.raises(duckdb.IOException), kept_open():
        open_files(path, other)
    assert not is_held(other)
    open_files(path)
    assert not is_held(path)


class Unclosable:
    """A connection for whose last write the disk has no room."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def close(self) -> None:
        """Close it, and fail."""
        self._connection.close()
        raise duckdb.IOException("no space left on device")


def is_held(path: Path) -> bool:
    """Tell whether this process keeps the file from another one."""
    code = f"import duckdb; duckdb.connect({str(path)!r})"
    return subprocess.run([sys.executable, "-c", code], stderr=subprocess.DEVNULL, check=False).returncode != 0


def test_a_second_process_waits_until_the_first_is_done(path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdin is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(ImportBusy, match="import"), open_staging(path, 128, wait_seconds=0.3):
            pass
        release = threading.Timer(0.5, holder.stdin.close)
        release.start()
        started = time.monotonic()
        with open_staging(path, 128, wait_seconds=30):
            assert time.monotonic() - started > 0.1
        release.join()


def test_a_file_that_is_no_staging_file_is_said_so_without_its_content(path: Path) -> None:
    path.write_bytes(b"Ada,Example,ada@example.com\n" * 1000)
    with pytest.raises(DiskUnavailable) as refused, open_staging(path, 128):
        pass
    assert "Ada" not in str(refused.value)


def test_a_folder_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(DiskUnavailable), open_staging(tmp_path / "no" / "import.duckdb", 128):
        pass


def test_removing_takes_everything_that_duckdb_keeps_beside_the_file(path: Path) -> None:
    with open_staging(path, 128):
        pass
    path.with_name(path.name + ".wal").write_text("")
    spill = path.with_name(path.name + ".tmp")
    spill.mkdir()
    (spill / "block").write_text("")
    other = path.with_name("other.duckdb")
    other.write_text("")
    remove_staging(path)
    assert list(path.parent.iterdir()) == [other]


def test_a_full_disk_is_told_as_such_and_not_as_a_bug(path: Path) -> None:
    # A limit on the size of files stands for the disk; DuckDB rolls back by itself when a write fails.
    program = """
import resource, sys
from pathlib import Path
from etl_customers.base.errors import DiskUnavailable
from etl_customers.staging import open_staging
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
try:
    with open_staging(Path(sys.argv[1]), 128) as staging, staging.transaction():
        staging.execute("insert into row_errors select 'read', i, md5(i::varchar), '', '', '' from range(200000) t(i)")
except DiskUnavailable as error:
    print(error)
"""
    for limit in (20_000, 600_000, 2_000_000):
        command = [sys.executable, "-c", program, str(path), str(limit)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        assert "no space left" in done.stdout, limit
        remove_staging(path)
