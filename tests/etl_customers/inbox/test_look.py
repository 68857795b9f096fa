"""Looking at the inbox: complete files are found, unfinished ones wait, all else is named."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from etl_customers.base.errors import DiskUnavailable
from etl_customers.inbox.folders import held
from etl_customers.inbox.look import EXAMINED, Look, look
from etl_customers.settings.home import Home

LIMIT = 1_000


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").make()


def look_twice(home: Home) -> Look:
    """Look, wait for the ten seconds that a file must be the same, and look again."""
    first = look(home, LIMIT, 10, {}, now=1_000)
    return look(home, LIMIT, 10, first.seen, now=1_010)


def test_a_file_is_ready_when_it_was_the_same_for_long_enough(home: Home) -> None:
    (home.inbox / "customers.csv").write_text("x")
    first = look(home, LIMIT, 10, {}, now=1_000)
    assert (first.ready, first.waiting) == ([], 1)
    second = look(home, LIMIT, 10, first.seen, now=1_009.9)
    assert (second.ready, second.waiting) == ([], 1)
    third = look(home, LIMIT, 10, second.seen, now=1_010)
    assert [entry.path.name for entry in third.ready] == ["customers.csv"]
    assert third.waiting == 0


def test_a_file_is_never_ready_at_the_first_look_however_short_the_wait(home: Home) -> None:
    (home.inbox / "customers.csv").write_text("x")
    first = look(home, LIMIT, 0, {}, now=1_000)
    assert first.ready == []
    assert len(look(home, LIMIT, 0, first.seen, now=1_000).ready) == 1


def test_a_file_that_grows_or_is_replaced_or_touched_begins_to_wait_anew(home: Home) -> None:
    path = home.inbox / "customers.csv"
    path.write_text("x")
    seen = look(home, LIMIT, 10, {}, now=1_000).seen

    def grow() -> None:
        path.write_text("xy")

    def replace() -> None:
        times = path.stat()
        path.with_name(".other").write_text("xz")
        path.with_name(".other").replace(path)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))

    for number, change in enumerate((grow, replace, path.touch), 1):
        change()
        found = look(home, LIMIT, 10, seen, now=1_000 + 100 * number)
        assert (found.ready, found.waiting) == ([], 1)
        seen = found.seen


def test_a_clock_that_was_set_back_makes_a_file_wait_and_no_longer(home: Home) -> None:
    (home.inbox / "customers.csv").write_text("x")
    seen = look(home, LIMIT, 10, {}, now=100_000).seen
    found = look(home, LIMIT, 10, seen, now=1_000)
    assert found.ready == []
    assert len(look(home, LIMIT, 10, found.seen, now=1_010).ready) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells who has a file open")
def test_a_file_that_another_process_has_open_for_writing_waits(home: Home) -> None:
    path = home.inbox / "customers.csv"
    path.write_text("x")
    code = (
        f"file = open({str(path)!r}, 'a'); print('open', flush=True); input(); file.close(); print('shut', flush=True)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdin=-1, stdout=-1, text=True) as writer:
        assert writer.stdin is not None
        assert writer.stdout is not None
        assert writer.stdout.readline() == "open\n"
        found = look_twice(home)
        assert (found.ready, found.waiting) == ([], 1)
        writer.stdin.write("\n")
        writer.stdin.flush()
        assert writer.stdout.readline() == "shut\n"
    assert len(look_twice(home).ready) == 1


def test_unfinished_names_wait_for_ever_and_our_folders_are_no_entries(home: Home) -> None:
    for name in (".hidden", "a.part", "b~"):
        (home.inbox / name).write_text("x")
    found = look_twice(home)
    assert (found.ready, found.odd, found.waiting) == ([], [], 3)


def test_all_that_can_be_no_upload_is_named_and_nothing_of_it_is_opened(home: Home) -> None:
    inbox = home.inbox
    (inbox / "link.csv").symlink_to("/etc/passwd")
    (inbox / "dangling.csv").symlink_to("nowhere")
    os.mkfifo(inbox / "pipe.csv")
    (inbox / "folder").mkdir()
    (inbox / "empty.csv").touch()
    (inbox / "large.csv").write_bytes(b"x" * (LIMIT + 1))
    (inbox / "turned\u202evsc").write_text("x")
    Path(os.fsdecode(os.fsencode(inbox) + b"/bad\xff.csv")).write_text("x")
    (inbox / ("n" * 201)).write_text("x")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(inbox / "socket"))
        found = look_twice(home)
    assert found.ready == []
    codes = {odd.entry.path.name.encode("utf-8", "replace").decode(): odd.refusal.code for odd in found.odd}
    assert codes == {
        "link.csv": "not_a_regular_file",
        "dangling.csv": "not_a_regular_file",
        "pipe.csv": "not_a_regular_file",
        "socket": "not_a_regular_file",
        "folder": "not_a_regular_file",
        "empty.csv": "empty_file",
        "large.csv": "too_large",
        "turned\u202evsc": "hostile_name",
        "bad?.csv": "hostile_name",
        "n" * 201: "hostile_name",
    }


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read_is_named(home: Home) -> None:
    (home.inbox / "secret.csv").write_text("x")
    (home.inbox / "secret.csv").chmod(0)
    assert [odd.refusal.code for odd in look_twice(home).odd] == ["unreadable_file"]


def test_a_look_examines_a_thousand_entries_the_oldest_first_and_remembers_no_name(home: Home) -> None:
    for number in range(EXAMINED + 5):
        (home.inbox / f"canary-{number:04}.csv").write_text("x")
    found = look_twice(home)
    assert len(found.ready) == EXAMINED == len(found.seen)
    assert found.unexamined == 5
    times = [entry.looked_at.st_ctime_ns for entry in found.ready]
    assert times == sorted(times)
    assert "canary" not in repr(found.seen)


@pytest.mark.parametrize("folder", ["accepted", "done", "rejected"])
def test_a_folder_of_ours_that_is_a_link_is_not_followed(home: Home, tmp_path: Path, folder: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (home.inbox / folder).rmdir()
    (home.inbox / folder).symlink_to(elsewhere)
    with pytest.raises(DiskUnavailable, match="must be a folder"), held(home):
        pass
