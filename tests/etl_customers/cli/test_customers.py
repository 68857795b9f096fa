"""Customers from the command line: searching, showing, editing, tracing."""

import io
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from etl_customers.cli import main
from etl_customers.database.connect import connect, writing
from etl_customers.database.tables import customers, imports, provider_customers
from tests.etl_customers.texts.test_controls import STEERING


def test_a_first_word_that_is_no_command_is_searched_for(imported: tuple[Path, Path], run: Any) -> None:
    found = json.loads(run("customers", "wattle", "--json", at=imported[0]).out)
    assert [customer["first_name"] for customer in found["customers"]] == ["Olivia"]
    assert "jack@example.net" in run("customers", at=imported[0]).out
    assert run("customers", "nobody", at=imported[0]).out == "no such customer\n"


def test_square_brackets_in_a_name_are_shown_as_they_are(imported: tuple[Path, Path], run: Any) -> None:
    assert "[bold]Nguyen" in run("customers", "olivia", at=imported[0]).out
    assert "[bold]Nguyen" in run("customers", "show", 1, at=imported[0]).out


def test_a_trace_names_the_file_its_hash_and_the_row(
    imported: tuple[Path, Path], run: Any, record: dict[str, Any]
) -> None:
    traced = json.loads(run("trace", 2, "--json", at=imported[0]).out)
    assert traced["row"] == 3
    assert traced["import"]["file"] == "customers.csv"
    assert traced["import"]["sha256"] == record["sha256"]
    assert traced["import"]["run_id"]
    assert "customers.csv" in run("trace", 2, at=imported[0]).out


@pytest.fixture
def edited_home(imported: tuple[Path, Path], tmp_path: Path) -> Path:
    """A copy of the home that may be changed."""
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(imported[0], copy)
    return copy


def test_an_edit_changes_the_customer_and_is_traced(edited_home: Path, run: Any) -> None:
    changed = run("customers", "edit", 2, "city=Newcastle", "mobile=+61 491 570 110", at=edited_home)
    assert changed.code == 0, changed.err
    shown = json.loads(run("customers", "show", 2, "--json", at=edited_home).out)
    assert (shown["city"], shown["mobile"]) == ("Newcastle", "+61491570110")
    traced = json.loads(run("trace", 2, "--json", at=edited_home).out)
    assert {change["column"] for change in traced["changes"]} == {"city", "mobile"}


def test_an_edit_that_breaks_rules_lists_them_by_column_and_changes_nothing(edited_home: Path, run: Any) -> None:
    refused = run("customers", "edit", 2, "state=Quensland", "email=jack@", at=edited_home)
    assert refused.code == 2
    assert "Queensland" in refused.err
    assert "etl-customers states AU --home" in refused.err
    answer = json.loads(run("customers", "edit", 2, "state=Quensland", "email=jack@", "--json", at=edited_home).out)
    assert [error["column"] for error in answer["error"]["errors"]] == ["email", "state"]
    assert json.loads(run("trace", 2, "--json", at=edited_home).out)["changes"] == []


@pytest.mark.parametrize("change", ["city", "=x", "nothing=x"])
def test_an_edit_of_no_column_is_a_usage_error(edited_home: Path, run: Any, change: str) -> None:
    assert run("customers", "edit", 2, change, at=edited_home).code == 2


def test_an_unknown_customer_is_a_usage_error(imported: tuple[Path, Path], run: Any) -> None:
    for command in (("customers", "show", 999), ("trace", 999), ("customers", "edit", 999, "city=x")):
        assert run(*command, at=imported[0]).code == 2


def test_a_customer_is_shown_and_traced_with_what_its_provider_calls_it(edited_home: Path, run: Any) -> None:
    at = datetime(2026, 11, 22, tzinfo=UTC)
    link = {"provider": "xero", "tenant_id": "company-1", "provider_id": "a-1", "customer_id": 2, "synced_at": at}
    target = connect(f"sqlite:///{edited_home / 'customers.db'}")
    with writing(target) as connection:
        import_id = connection.scalar(sa.select(imports.c.import_id))
        connection.execute(provider_customers.insert().values(**link, import_id=import_id, merged_into="b-1"))
    target.dispose()
    for command in (("customers", "show", 2), ("trace", 2)):
        assert "a-1 of tenant company-1, merged into b-1" in " ".join(run(*command, at=edited_home).out.split())
        (found,) = json.loads(run(*command, "--json", at=edited_home).out)["links"]
        assert (found["provider"], found["connection"], found["provider_id"]) == ("xero", "company-1", "a-1")


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_no_json_has_a_character_that_steers_a_terminal(
    edited_home: Path, run: Any, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    name = f"Zoë\x1b{STEERING.encode('utf-8', 'ignore').decode()}"
    target = connect(f"sqlite:///{edited_home / 'customers.db'}")
    with writing(target) as connection:  # as an earlier version may have loaded it
        connection.execute(sa.update(customers).values(first_name=name))
        connection.execute(sa.update(imports).values(file_name=f"{name}.csv"))
    target.dispose()
    assert run("customers", "edit", 2, "first_name=Jim", at=edited_home).code == 0
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(io.BytesIO(), encoding))
    answers = []
    for words in (("customers",), ("customers", "show", "1"), ("trace", "2"), ("imports",)):
        main([*words, "--json", "--home", str(edited_home)])
        sys.stdout.flush()
        printed = sys.stdout.buffer
        assert isinstance(printed, io.BytesIO)
        text = printed.getvalue().decode(encoding)
        printed.seek(0)
        printed.truncate()
        assert not set(text) & {*STEERING, "\x1b"}, words
        assert ("Zoë" in text) is (encoding == "utf-8"), words
        answers.append(json.loads(text))
    listed, shown, traced, histories = answers
    assert listed["customers"][0]["first_name"] == shown["first_name"] == traced["changes"][0]["old_value"] == name
    assert traced["import"]["file"] == histories["imports"][0]["file_name"] == f"{name}.csv"


def test_the_help_of_a_search_says_that_names_in_the_books_are_searched(run: Any) -> None:
    assert "name in the books" in " ".join(run("customers", "list", "--help").out.split())
