"""Putting away: done without passwords, rejected with a note, never over another file, and safe to repeat."""

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from etl_customers.base.errors import UploadRefused
from etl_customers.changes.undoing import undo
from etl_customers.database.connect import writing
from etl_customers.database.tables import imports
from etl_customers.imports.installation import Installation, open_installation
from etl_customers.imports.whole import run_import
from etl_customers.inbox.blank import TEMPORARY
from etl_customers.inbox.look import look
from etl_customers.inbox.settle import Outcome, settle_files, settle_one
from etl_customers.settings.sections import Csv
from tests.environment import COUNTRY
from tests.etl_customers.inbox.conftest import FILE, Inbox
from tests.refused import refused_as


def imported(inbox: Inbox, *names: str, text: str = FILE) -> str:
    """Drop, accept and run; return the import's id."""
    inbox.accept(*[inbox.drop(name, text) for name in names])
    inbox.run()
    return inbox.records()[0].import_id


def outcomes(inbox: Inbox) -> list[Outcome]:
    return [one.outcome for one in inbox.settle().settled]


def note_on(inbox: Inbox, name: str) -> str:
    return (inbox.home.inbox_rejected / f"{name}.why.txt").read_text("utf-8")


def files_with(folder: Path, word: bytes) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_file() and word in path.read_bytes()]


def test_an_imported_file_goes_to_done_without_its_passwords(inbox: Inbox) -> None:
    import_id = imported(inbox, "customers.csv")
    assert outcomes(inbox) == [Outcome.DONE]
    assert inbox.names() == {"inbox": [], "accepted": [], "done": [f"{import_id}--customers.csv"], "rejected": []}
    assert files_with(inbox.home.inbox, b"pass-word-1") == []
    assert files_with(inbox.home.inbox, b"ada@example.com") == [f"{import_id}--customers.csv"]


def test_a_file_without_passwords_goes_to_done_as_it_is_and_its_retention_time_begins(inbox: Inbox) -> None:
    text = 'first_name,last_name,city\r\n\'Ada\',"Love""lace",Sydney\n\nrest\n'
    path = inbox.drop("a.csv", text)
    os.utime(path, (1, 1))
    inbox.accept(path)
    inbox.run()
    assert outcomes(inbox) == [Outcome.DONE]
    (done,) = inbox.home.inbox_done.iterdir()
    assert done.read_text("utf-8") == text.replace("\r\n", "\n")
    assert datetime.now(UTC).timestamp() - done.stat().st_mtime < 60


def test_a_refused_file_is_rejected_as_it_is_with_the_reason(inbox: Inbox) -> None:
    inbox.accept(inbox.drop("bad.csv", "first_name,last_name,shoe\nA,B,C\n"))
    with pytest.raises(UploadRefused):
        inbox.run()
    assert outcomes(inbox) == [Outcome.REFUSED]
    name = f"{inbox.records()[0].import_id}--bad.csv"
    assert inbox.names()["rejected"] == [name, f"{name}.why.txt"]
    assert (inbox.home.inbox_rejected / name).read_text("utf-8") == "first_name,last_name,shoe\nA,B,C\n"
    assert note_on(inbox, name).startswith("bad.csv\nwas refused")
    assert "'shoe'" in note_on(inbox, name)
    assert "into inbox/ again" in note_on(inbox, name)


def test_a_file_without_countries_is_rejected_with_the_command_and_taken_once_the_companys_is_set(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(COUNTRY)
    unset = Inbox(open_installation(inbox.home))
    unset.accept(unset.drop())
    with refused_as("country_not_set"):
        run_import(unset.installation, unset.records()[0].import_id)
    unset.settle()
    unset.installation.target.dispose()
    note = note_on(inbox, f"{inbox.records()[0].import_id}--customers.csv")
    assert "etl-customers settings set company.country AU" in note
    inbox.accept(inbox.drop())
    inbox.run()
    inbox.settle()
    assert inbox.names()["done"] == [f"{inbox.records()[0].import_id}--customers.csv"]
    assert [record.status for record in inbox.records()] == ["finished"]


def test_an_undone_import_is_said_in_the_note(inbox: Inbox) -> None:
    import_id = imported(inbox, "customers.csv")
    with writing(inbox.installation.target) as connection:
        connection.execute(sa.update(imports).values(status="undone"))
    assert outcomes(inbox) == [Outcome.UNDONE]
    assert f"import {import_id} was undone" in note_on(inbox, f"{import_id}--customers.csv")


def test_an_import_under_way_leaves_its_file_where_it_is(inbox: Inbox) -> None:
    inbox.accept(inbox.drop())
    settlement = inbox.settle()
    assert (settlement.settled, len(settlement.under_way)) == ([], 1)
    (path,) = inbox.home.inbox_accepted.iterdir()
    assert settle_one(inbox.installation, path).settled == []


def test_what_somebody_wrote_after_the_acceptance_is_not_called_imported(inbox: Inbox) -> None:
    imported(inbox, "customers.csv")
    (path,) = inbox.home.inbox_accepted.iterdir()
    with path.open("a") as file:
        file.write("Bob,More,Sydney,bob@example.com,\n")
    assert outcomes(inbox) == [Outcome.CHANGED]
    assert "somebody wrote to it" in note_on(inbox, path.name)
    assert inbox.names()["done"] == []


def test_a_file_whose_passwords_cannot_be_found_any_more_is_not_called_blanked(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_id = imported(inbox, "a.csv", text="first_name,last_name,city\nA,B,C\n")
    settings = inbox.installation.settings
    stricter = settings.model_copy(update={"csv": settings.csv.model_copy(update={"required": ("email",)})})
    installation = Installation(inbox.home, stricter, inbox.installation.target)
    assert [one.outcome for one in settle_files(installation, [], seconds=60).settled] == [Outcome.NOT_BLANKED]
    note = note_on(inbox, f"{import_id}--a.csv")
    assert "was imported" in note
    assert "may still hold passwords" in note


@pytest.mark.parametrize(
    ("aliases", "is_staged"),
    [({}, True), ({}, False), ({"Kennwort": "zip"}, True), ({"hint": "password"}, True)],
)
def test_a_file_whose_column_of_passwords_is_another_one_now_is_not_put_into_done(
    inbox: Inbox, aliases: dict[str, str], is_staged: bool
) -> None:
    then = Csv(aliases={"Kennwort": "password"}, ignore_unknown_columns=True)
    now = then.model_copy(update={"aliases": aliases})

    def under(csv: Csv) -> Inbox:
        settings = inbox.installation.settings.model_copy(update={"csv": csv})
        return Inbox(Installation(inbox.home, settings, inbox.installation.target))

    import_id = imported(under(then), "a.csv", text="first_name,last_name,Kennwort,hint\nA,B,pass-word-1,\n")
    if not is_staged:
        inbox.installation.staging_path(import_id).unlink()
    assert outcomes(under(now)) == [Outcome.NOT_BLANKED]
    assert inbox.names()["done"] == []
    assert "may still hold passwords" in note_on(inbox, f"{import_id}--a.csv")


def test_a_file_whose_import_a_process_still_works_on_is_left_for_the_next_time(inbox: Inbox) -> None:
    import_id = imported(inbox, "a.csv")
    path = inbox.installation.staging_path(import_id)
    code = f"import duckdb; c = duckdb.connect({str(path)!r}); print(flush=True); input()"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", code], **pipes) as other:  # type: ignore[call-overload]
        other.stdout.readline()
        settlement = inbox.settle()
        assert (settlement.settled, [one.import_id for one in settlement.under_way]) == ([], [import_id])
        other.communicate(b"\n")
    assert outcomes(inbox) == [Outcome.DONE]


def test_the_note_on_an_undone_import_that_had_loaded_nothing_says_so(inbox: Inbox) -> None:
    inbox.accept(inbox.drop())
    (record,) = inbox.records()
    undo(inbox.installation, record.import_id, "somebody")
    assert outcomes(inbox) == [Outcome.UNDONE]
    assert "was undone: nothing of it had been loaded" in note_on(inbox, f"{record.import_id}--customers.csv")


@pytest.mark.parametrize("kind", ["link", "folder", "pipe", "file"])
def test_what_others_put_among_the_accepted_files_is_set_aside(inbox: Inbox, tmp_path: Path, kind: str) -> None:
    path = inbox.home.inbox_accepted / ("csv-20260101T000000Z-00000000--x" if kind == "file" else "x")
    if kind == "link":
        path.symlink_to(tmp_path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.touch()
    assert outcomes(inbox) == [Outcome.UNKNOWN]
    assert inbox.names()["rejected"] == [path.name, f"{path.name}.why.txt"]


def test_odd_entries_of_the_inbox_are_set_aside_under_clean_names_with_notes(inbox: Inbox, tmp_path: Path) -> None:
    folder = inbox.home.inbox
    (folder / "my link.csv").symlink_to(tmp_path)
    (folder / "folder").mkdir()
    os.mkfifo(folder / "pipe")
    (folder / "empty.csv").touch()
    Path(os.fsdecode(os.fsencode(folder) + b"/bad\xff\x1b.csv")).write_text("x")
    seen = look(inbox.home, 100, 0, {}, 1).seen
    settlement = settle_files(inbox.installation, look(inbox.home, 100, 0, seen, 1).odd, seconds=60)
    assert settlement.set_aside == {"not_a_regular_file": 3, "empty_file": 1, "hostile_name": 1}
    names = inbox.names()
    assert names["inbox"] == []
    moved = [name.partition("--")[2] for name in names["rejected"]]
    entries = ["bad-.csv", "empty.csv", "folder", "my-link.csv", "pipe"]
    assert sorted(moved) == sorted([*entries, *(f"{name}.why.txt" for name in entries)])
    notes = "".join(path.read_text("utf-8") for path in inbox.home.inbox_rejected.glob("*.why.txt"))
    assert "a link" in notes
    assert "bad\\udcff\\x1b.csv" in notes
    assert tmp_path.is_dir()


def test_nothing_in_rejected_is_ever_overwritten(inbox: Inbox) -> None:
    for number in range(3):
        inbox.accept(inbox.drop("bad.csv", "shoe\n"))
        with pytest.raises(UploadRefused):
            inbox.run()
        assert outcomes(inbox) == [Outcome.REFUSED]
        assert len(inbox.names()["rejected"]) == 2 * (number + 1)


def test_a_crash_before_the_original_is_deleted_leaves_one_copy_in_the_end(inbox: Inbox) -> None:
    imported(inbox, "customers.csv")
    (path,) = inbox.home.inbox_accepted.iterdir()
    original = path.read_bytes()
    assert outcomes(inbox) == [Outcome.DONE]
    (inbox.home.inbox_done / f"{TEMPORARY}half").write_text("Ada")
    path.write_bytes(original)
    assert len(outcomes(inbox)) == 1
    assert inbox.names()["done"] == [path.name]


def test_a_folder_in_the_place_of_an_accepted_file_does_not_hold_up_the_others(inbox: Inbox) -> None:
    inbox.accept(inbox.drop("gone.csv"))
    imported(inbox, "a.csv", text=FILE.replace("ada@", "bob@"))
    gone = inbox.home.inbox_accepted / next(name for name in inbox.names()["accepted"] if "gone" in name)
    gone.unlink()
    gone.mkdir()
    assert set(outcomes(inbox)) == {Outcome.UNKNOWN, Outcome.DONE}
    assert inbox.names()["accepted"] == []


def test_no_file_is_begun_when_the_time_is_over(inbox: Inbox) -> None:
    imported(inbox, "customers.csv")
    settlement = settle_files(inbox.installation, [], seconds=-1)
    assert (settlement.settled, settlement.left) == ([], 1)
