"""Importing from the command line: exit codes, the result as JSON and for people, refusals, repeats."""

import csv
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from etl_customers.database.connect import reading
from etl_customers.database.ledger import list_imports
from tests.etl_customers.cli.conftest import target_of

HEADER = "first_name,last_name,email,city\n"


def write(tmp_path: Path, text: str, name: str = "customers.csv") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_the_result_as_json_has_exactly_the_keys_that_scripts_rely_on(record: dict[str, Any]) -> None:
    assert list(record) == [
        "import_id",
        "source",
        "file",
        "sha256",
        "status",
        "repeat",
        "rows",
        "failed",
        "warnings",
        "columns_left_out",
        "failed_rows_file",
        "refusal",
    ]
    assert record["rows"] == {"read": 4, "loaded": 2, "failed": 2, "unread": 1}
    assert [failed["row"] for failed in record["failed"]] == [4, 5]
    assert {error["code"] for error in record["failed"][0]["errors"]} == {
        "unknown_title",
        "invalid_email",
        "unknown_state",
        "invalid_date",
    }
    assert list(record["failed"][0]["errors"][0]) == ["column", "code", "message", "suggestion"]
    assert record["failed"][1]["errors"][0]["code"] == "duplicate_in_file"
    assert [(warning["row"], warning["code"]) for warning in record["warnings"] if warning["column"] == "city"] == [
        (2, "city_defaulted")
    ]
    assert record["refusal"] is None


def test_a_file_imported_again_gives_the_first_result_and_says_so(
    imported: tuple[Path, Path], run: Any, record: dict[str, Any]
) -> None:
    home, file = imported
    again = run("import", file, at=home)
    assert again.code == 1
    assert "already imported on" in again.out
    assert record["repeat"] is True
    with target_of(home) as target, reading(target) as connection:
        assert len(list_imports(connection)) == 1


def test_the_screen_names_failed_rows_with_reason_and_suggestion_and_what_to_do_next(
    imported: tuple[Path, Path], run: Any, record: dict[str, Any]
) -> None:
    home, file = imported
    screen = run("import", file, at=home).out
    assert "4 read = 2 loaded + 2 failed; 1 unread" in screen
    assert "Queensland" in screen
    assert "2018/05/25" in screen
    assert f"etl-customers import {record['failed_rows_file']} --home {home}" in screen
    assert "a blank row ends the file" in screen
    assert "\x1b" not in screen


def test_a_dry_run_gives_the_answer_of_the_run_and_loads_nothing(
    imported: tuple[Path, Path], run: Any, record: dict[str, Any], home: Path
) -> None:
    tried = run("import", imported[1], "--dry-run", "--json")
    answer = json.loads(tried.out)
    assert tried.code == 1
    assert answer["status"] == "dry_run"
    assert [answer[name] for name in ("rows", "failed", "warnings", "sha256")] == [
        record[name] for name in ("rows", "failed", "warnings", "sha256")
    ]
    assert json.loads(run("imports", "--json").out) == {"imports": []}
    assert not list((home / "staging").iterdir())


def test_the_failed_rows_corrected_are_loaded_and_linked_to_the_first_import(tmp_path: Path, run: Any) -> None:
    first = json.loads(run("import", write(tmp_path, HEADER + "Ada,,ada@example.com,Sydney\n"), "--json").out)
    with Path(first["failed_rows_file"]).open(encoding="utf-8-sig", newline="") as file:
        header, row = list(csv.reader(file))
    row[header.index("last_name")] = "Example"
    corrected = tmp_path / "corrected.csv"
    with corrected.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, row])
    second = run("import", corrected, "--json")
    assert second.code == 0, second.out
    shown = json.loads(run("imports", "show", json.loads(second.out)["import_id"], "--json").out)
    assert shown["ledger"]["parent_import_id"] == first["import_id"]


@pytest.mark.parametrize(
    ("text", "code"),
    [("a,b\n1,2\n", "no_header"), ("first_name,last_name,shoe\n1,2,3\n", "unknown_columns"), ("", "empty_file")],
)
def test_a_refused_file_is_one_json_object_with_exit_2_and_can_be_refused_again(
    tmp_path: Path, run: Any, text: str, code: str
) -> None:
    file = write(tmp_path, text)
    for _ in range(2):
        refused = run("import", file, "--dry-run", "--json")
        answer = json.loads(refused.out)
        assert refused.code == 2
        assert answer["status"] == "refused"
        assert answer["refusal"]["code"] == code
        assert answer["rows"] == {"read": 0, "loaded": 0, "failed": 0, "unread": 0}


def test_a_file_refused_by_the_run_is_refused_in_the_ledger(tmp_path: Path, run: Any, home: Path) -> None:
    refused = run("import", write(tmp_path, "first_name,last_name,shoe\n1,2,3\n"))
    assert (refused.code, refused.out) == (2, "")
    assert refused.err.startswith("error: customers.csv was refused, nothing of it was loaded: ")
    assert "Traceback" not in refused.err
    with target_of(home) as target, reading(target) as connection:
        assert [record.status for record in list_imports(connection)] == ["refused"]
    assert not list((home / "uploads").iterdir())


def test_a_missing_file_is_refused_in_one_line(tmp_path: Path, run: Any) -> None:
    refused = run("import", tmp_path / "missing.csv")
    assert refused.code == 2
    assert refused.err.count("\n") == 1


def test_a_database_that_is_not_there_gives_exit_3_and_one_json_object(
    tmp_path: Path, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ETL_CUSTOMERS_DATABASE_URL", "postgresql://nobody:secret@127.0.0.1:1/nothing")
    failed = run("import", write(tmp_path, HEADER), "--json")
    assert failed.code == 3
    assert json.loads(failed.out)["error"]["code"] == "database_unavailable"
    assert "secret" not in failed.out + failed.err


def test_a_terminals_escapes_in_a_file_name_are_not_printed(tmp_path: Path, run: Any) -> None:
    screen = run("import", write(tmp_path, HEADER + "Ada,B,a@example.com,Sydney\n", "\x1b[31mred\x07.csv"))
    assert "\x1b" not in screen.out + screen.err
    assert "\x07" not in screen.out + screen.err


def test_split_parts_import_after_a_file_with_too_many_rows_was_refused(
    tmp_path: Path, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ETL_CUSTOMERS_CSV__MAX_ROWS", "2")
    file = write(tmp_path, HEADER + "".join(f"Ada{n},B,a{n}@example.com,Sydney\n" for n in range(3)))
    refused = run("import", file, "--dry-run")
    assert refused.code == 2
    assert "etl-customers split" in refused.err
    parts = json.loads(run("split", file, "--json").out)["parts"]
    assert len(parts) == 2
    assert run("import", parts[1], "--dry-run").code == 0


def test_failed_writes_the_file_where_it_is_asked_to(
    imported: tuple[Path, Path], run: Any, record: dict[str, Any], tmp_path: Path
) -> None:
    output = tmp_path / "failed.csv"
    done = run("failed", record["import_id"], "--output", output, at=imported[0])
    assert done.code == 0
    assert output.read_bytes() == Path(record["failed_rows_file"]).read_bytes()


def test_an_unknown_import_is_named_with_the_command_that_lists_them(run: Any, home: Path) -> None:
    missing = run("imports", "show", "csv-20200101T000000Z-00000000")
    assert missing.code == 2
    listed = f"see: etl-customers imports --home {home}\n"
    assert missing.err == f"error: there is no import csv-20200101T000000Z-00000000; {listed}"


def test_the_process_prints_one_json_object_nothing_else_and_exits_with_the_result(tmp_path: Path, home: Path) -> None:
    file = write(tmp_path, HEADER + "Ada,Example,ada@example.com,Sydney\nBob,,bob@example.com,Sydney\n")
    done = subprocess.run(
        [Path(sys.executable).with_name("etl-customers"), "import", file, "--json", "--home", home],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=os.environ.copy(),
    )
    assert done.returncode == 1
    assert json.loads(done.stdout)["rows"] == {"read": 2, "loaded": 1, "failed": 1, "unread": 0}
    assert done.stderr == ""


def test_a_sheet_that_was_not_read_is_a_warning_of_the_file(tmp_path: Path, run: Any, home: Path) -> None:
    book = openpyxl.Workbook()
    assert book.active is not None
    for sheet in (book.active, book.create_sheet("More\x85 people" + "x" * 15)):
        for row in (["first_name", "last_name", "city", "country"], ["Ann", "Lee", "Rome", "IT"]):
            sheet.append(row)
    path = tmp_path / "two.xlsx"
    book.save(path)
    told = {
        "row": None,
        "column": None,
        "code": "other_sheet",
        "message": f"the sheet 'More people{'x' * 15}' has cells too and was not read; "
        "to import it, save it as a separate file",
    }
    done, tried = (json.loads(run("import", path, *options, "--json").out) for options in ((), ("--dry-run",)))
    again = json.loads(run("import", path, "--json").out)
    shown = json.loads(run("imports", "show", done["import_id"], "--json").out)
    for result in (done, tried, again, shown):
        assert result["warnings"][0] == told
    assert done["rows"]["loaded"] == 1
    screen = run("imports", "show", done["import_id"]).out
    assert "the sheet 'More people" in screen


def test_columns_that_are_left_out_are_named_on_one_line(run: Callable[..., Any], tmp_path: Path) -> None:
    file = tmp_path / "export.csv"
    file.write_text(
        "first_name,last_name,city,country,Score,Tier,Fax\nAda,Example,Sydney,AU,3,Gold,\n", encoding="utf-8"
    )
    run("settings", "set", "csv.ignore_unknown_columns", "true")
    out = run("import", file).out
    assert "columns left out because the target has no such column: 'Score', 'Tier', 'Fax'" in out
