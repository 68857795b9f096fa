import hashlib
import os
import socket
import stat
from pathlib import Path

import pytest

from etl_customers.base.errors import DiskUnavailable, UploadRefused
from etl_customers.read.uploads import store_upload
from tests.refused import refused_as

LIMIT = 1_000_000


@pytest.fixture
def uploads(tmp_path: Path) -> Path:
    folder = tmp_path / "uploads"
    folder.mkdir()
    return folder


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "customers.csv"
    path.write_bytes(b"first_name\nAnn\n")
    return path


def test_a_file_is_copied_under_a_generated_name_that_only_its_owner_reads(source: Path, uploads: Path) -> None:
    stored = store_upload(source, uploads, LIMIT)
    assert stored.path.parent == uploads
    assert "customers" not in stored.path.name
    assert stat.S_IMODE(stored.path.stat().st_mode) == 0o600
    assert stored.path.read_bytes() == source.read_bytes()
    assert stored.sha256 == hashlib.sha256(source.read_bytes()).hexdigest()
    assert (stored.bytes, stored.file_name) == (15, "customers.csv")


def test_the_same_file_twice_gives_two_copies(source: Path, uploads: Path) -> None:
    assert store_upload(source, uploads, LIMIT).path != store_upload(source, uploads, LIMIT).path


def test_a_link_is_not_followed(source: Path, uploads: Path) -> None:
    link = source.with_name("link.csv")
    link.symlink_to(source)
    with refused_as("not_a_regular_file", match="a link"):
        store_upload(link, uploads, LIMIT)


def test_a_folder_a_pipe_a_socket_and_a_device_are_refused_without_waiting(tmp_path: Path, uploads: Path) -> None:
    pipe, bound = tmp_path / "pipe", tmp_path / "socket"
    os.mkfifo(pipe)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(bound))
        for path, kind in ((tmp_path, "folder"), (pipe, "pipe"), (bound, "socket"), (Path("/dev/zero"), "device")):
            with refused_as("not_a_regular_file", match=kind):
                store_upload(path, uploads, LIMIT)
    with pytest.raises(UploadRefused):
        store_upload(Path("/dev/stdin"), uploads, LIMIT)
    assert list(uploads.iterdir()) == []


def test_a_file_that_is_not_there_is_refused(tmp_path: Path, uploads: Path) -> None:
    for path in (tmp_path / "missing.csv", tmp_path / "customers.csv" / "x", Path("a\0b")):
        with refused_as("file_not_found"):
            store_upload(path, uploads, LIMIT)


def test_a_file_over_the_limit_is_refused_before_it_is_read(tmp_path: Path, uploads: Path) -> None:
    huge = tmp_path / "huge.csv"
    with huge.open("wb") as file:
        file.truncate(10**12)
    with refused_as("too_large", match="split"):
        store_upload(huge, uploads, LIMIT)


def test_a_file_without_bytes_is_refused_even_where_the_system_says_so_of_a_full_one(uploads: Path) -> None:
    with refused_as("empty_file"):
        store_upload(Path("/proc/self/status"), uploads, LIMIT)


def test_a_file_that_is_another_than_the_one_that_was_chosen_is_not_copied(source: Path, uploads: Path) -> None:
    looked_at = source.stat()
    assert store_upload(source, uploads, LIMIT, looked_at).bytes == 15
    other = source.with_name("other.csv")
    other.write_bytes(b"first_name\nBob\n")
    os.utime(other, ns=(looked_at.st_atime_ns, looked_at.st_mtime_ns))
    other.replace(source)
    with refused_as("changed_while_copied"):
        store_upload(source, uploads, LIMIT, looked_at)


def test_a_folder_that_cannot_be_written_is_a_matter_of_the_disk(source: Path, tmp_path: Path) -> None:
    with pytest.raises(DiskUnavailable):
        store_upload(source, tmp_path / "gone", LIMIT)


def test_a_file_name_is_kept_without_what_a_database_or_terminal_cannot_show(tmp_path: Path, uploads: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/a\xff\x1b[31m.csv"))
    path.write_bytes(b"first_name\n")
    assert store_upload(path, uploads, LIMIT).file_name == "a??[31m.csv"
