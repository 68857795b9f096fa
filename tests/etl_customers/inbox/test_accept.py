"""Accepting: once per content, and a crash at any point neither loses nor doubles a file."""

import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from etl_customers.base.errors import DiskUnavailable, UploadRefused
from etl_customers.imports.accepting import accept_upload
from etl_customers.imports.installation import open_installation
from etl_customers.imports.whole import run_import
from etl_customers.inbox.accept import MOST_ACCEPTED, NotInInbox, accept_file, accept_files, accept_named, move_accepted
from etl_customers.inbox.names import parts_of
from etl_customers.inbox.tries import find_starts
from etl_customers.settings.home import Home
from tests.etl_customers.inbox.conftest import FILE, Inbox


def test_a_complete_file_becomes_an_import_and_waits_for_its_end(inbox: Inbox) -> None:
    assert inbox.accept(inbox.drop("Our customers.csv")) == 1
    (record,) = inbox.records()
    assert (record.status, record.accepted_by, record.file_name) == ("accepted", "inbox", "Our customers.csv")
    assert inbox.installation.upload_path(record.import_id).read_text("utf-8") == FILE
    assert inbox.names()["accepted"] == [f"{record.import_id}--Our-customers.csv"]
    assert inbox.names()["inbox"] == []


def test_the_same_content_under_other_names_is_one_import(inbox: Inbox) -> None:
    inbox.accept(inbox.drop("a.csv"), inbox.drop("b.csv"))
    inbox.run()
    inbox.accept(inbox.drop("c.csv"), inbox.drop("a.csv"))
    (record,) = inbox.records()
    outcomes = [str(one.outcome) for one in inbox.settle().settled]
    assert sorted(outcomes) == ["imported", *["imported already"] * 3]
    assert (record.rows_loaded, inbox.names()["accepted"]) == (1, [])


def test_a_file_that_changes_between_the_look_and_the_copy_is_left(inbox: Inbox) -> None:
    path = inbox.drop()
    chosen = inbox.entry(path)
    path.write_text(f"{FILE}more", "utf-8")
    done = accept_files(inbox.installation, [chosen], most=10, seconds=60)
    assert (done.accepted, done.left) == (0, 1)
    assert inbox.records() == []
    assert inbox.names()["inbox"] == ["customers.csv"]
    assert list(inbox.home.uploads.iterdir()) == []


def test_a_link_or_pipe_that_takes_a_files_place_is_neither_followed_nor_waited_for(inbox: Inbox) -> None:
    for make in (lambda path: path.symlink_to("/etc/passwd"), os.mkfifo):
        chosen = inbox.entry(inbox.drop())
        chosen.path.unlink()
        make(chosen.path)
        assert accept_files(inbox.installation, [chosen], most=10, seconds=60).accepted == 0
        chosen.path.unlink()
    assert inbox.records() == []


def test_a_file_that_takes_anothers_place_after_the_copy_stays_in_the_inbox(inbox: Inbox) -> None:
    path = inbox.drop()
    chosen = inbox.entry(path)
    record = accept_upload(inbox.installation, path, looked_at=chosen.looked_at).record
    inbox.drop("other.csv", "other").replace(path)
    with pytest.raises(UploadRefused):
        move_accepted(inbox.installation, chosen, record.import_id)
    assert inbox.names()["accepted"] == []
    assert path.read_text("utf-8") == "other"


def test_a_crash_between_the_ledger_and_the_move_doubles_nothing(inbox: Inbox) -> None:
    path = inbox.drop()
    accept_upload(inbox.installation, path, accepted_by="inbox", looked_at=inbox.entry(path).looked_at)
    assert inbox.accept(path) == 1
    inbox.run()
    (record,) = inbox.records()
    assert record.rows_loaded == 1
    assert inbox.settle().settled[0].outcome == "imported"


def test_a_file_whose_import_ended_before_it_was_moved_is_put_away_and_not_run_again(inbox: Inbox) -> None:
    path = inbox.drop()
    record = accept_upload(inbox.installation, path, looked_at=inbox.entry(path).looked_at).record
    run_import(inbox.installation, record.import_id)
    assert inbox.accept(path) == 1
    assert find_starts(inbox.installation, lambda _: {}, most=10, now=0).to_start == []
    assert len(inbox.settle().settled) == 1
    assert len(inbox.records()) == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another user")
def test_a_file_that_may_not_be_moved_does_not_hold_up_the_others() -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:  # pytest's own is closed to other users
        inbox = Inbox(open_installation(Home(Path(folder) / "home")))
        stuck, other = inbox.drop("stuck.csv"), inbox.drop("other.csv", f"{FILE}other")
        inbox.installation.target.dispose()
        for path in (Path(folder), *Path(folder).rglob("*")):
            os.chown(path, 65534, 65534)
        os.chown(stuck, 0, 0)
        stuck.chmod(0o644)
        os.chown(inbox.home.inbox, 0, 0)
        inbox.home.inbox.chmod(0o1777)  # a folder where nobody moves another user's files
        chosen = [inbox.entry(stuck), inbox.entry(other)]
        os.seteuid(65534)
        try:
            done = accept_files(inbox.installation, chosen, most=10, seconds=60)
            inbox.installation.target.dispose()
        finally:
            os.seteuid(0)
        assert (done.accepted, done.left, done.problems) == (1, 0, {"Operation not permitted": 1})
        assert inbox.names()["inbox"] == ["stuck.csv"]


def test_a_tick_accepts_so_many_files_and_for_so_long(inbox: Inbox) -> None:
    chosen = [inbox.entry(inbox.drop(f"{n}.csv", f"{FILE}{n}")) for n in range(5)]
    assert accept_files(inbox.installation, chosen, most=10, seconds=-1).accepted == 0
    done = accept_files(inbox.installation, chosen, most=2, seconds=60)
    assert (done.accepted, done.left) == (2, 3)


def test_files_wait_in_the_inbox_while_too_many_are_under_way(inbox: Inbox) -> None:
    for number in range(MOST_ACCEPTED - 1):
        (inbox.home.inbox_accepted / f"{number:04}").touch()
    assert inbox.accept(inbox.drop("a.csv"), inbox.drop("b.csv", f"{FILE}b")) == 1


def test_a_disk_that_cannot_be_written_leaves_the_file_and_says_no_name(inbox: Inbox) -> None:
    path = inbox.drop("canary.csv")
    inbox.home.uploads.rename(inbox.home.uploads.with_name("gone"))
    with pytest.raises(DiskUnavailable) as error:
        accept_file(inbox.installation, inbox.entry(path))
    assert "canary" not in str(error.value)
    assert inbox.names()["inbox"] == ["canary.csv"]


def test_a_named_file_is_accepted_or_found_accepted_already(inbox: Inbox) -> None:
    inbox.drop("Our customers.csv")
    first = accept_named(inbox.installation, "Our customers.csv")
    assert parts_of(first[1].name) == (first[0], "Our-customers.csv")
    assert accept_named(inbox.installation, "Our customers.csv") == first


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../settings.toml", "/etc/passwd", "accepted/x", ".hidden", "a\0b", "missing.csv"]
)
def test_what_is_no_name_of_a_file_in_the_inbox_is_refused_without_repeating_it(inbox: Inbox, name: str) -> None:
    inbox.drop(".hidden")
    with pytest.raises(NotInInbox) as error:
        accept_named(inbox.installation, name)
    assert not name.strip(".") or name not in str(error.value)


def test_a_named_entry_that_can_be_no_upload_is_refused_and_stays(inbox: Inbox, tmp_path: Path) -> None:
    (inbox.home.inbox / "link.csv").symlink_to(tmp_path)
    for name in ("link.csv", "accepted"):
        with pytest.raises(UploadRefused, match="is a"):
            accept_named(inbox.installation, name)
    assert inbox.names()["inbox"] == ["link.csv"]


def test_two_that_take_the_same_files_at_once_take_each_once(inbox: Inbox) -> None:
    chosen = [inbox.entry(inbox.drop(f"{n}.csv", f"{FILE}{n}")) for n in range(5)]
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda _: accept_files(inbox.installation, chosen, most=10, seconds=60), range(2)))
    assert sum(one.accepted for one in both) == 5
    assert len(inbox.records()) == len(inbox.names()["accepted"]) == 5


def test_a_file_goes_all_the_way_on_either_kind_of_target(
    tmp_path: Path, target_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ETL_CUSTOMERS_DATABASE_URL", target_url)
    inbox = Inbox(open_installation(Home(tmp_path / "other")))
    inbox.accept(inbox.drop("a.csv"), inbox.drop("b.csv"))
    inbox.run()
    assert sorted(str(one.outcome) for one in inbox.settle().settled) == ["imported", "imported already"]
    assert [record.rows_loaded for record in inbox.records()] == [1]
    inbox.installation.target.dispose()
