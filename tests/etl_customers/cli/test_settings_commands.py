"""Setting and unsetting from the command line."""

import json
from pathlib import Path
from typing import Any

import pytest


def test_a_setting_that_is_set_is_in_force_and_taken_out_it_is_the_default_again(run: Any, home: Path) -> None:
    changed = run("settings", "set", "company.city", "Sydney")
    assert (changed.code, changed.out) == (0, f"company.city is now Sydney in {home / 'settings.toml'}\n")
    listed = {one["name"]: one for one in json.loads(run("settings", "--json").out)["settings"]}
    assert listed["company.city"]["value"] == "Sydney"
    assert run("settings", "set", "company.city", "Sydney").out.startswith("company.city is already Sydney")
    assert run("settings", "unset", "company.city").out.startswith("company.city is no longer set")
    assert run("settings", "unset", "company.city").out.startswith("company.city is not set")


def test_a_country_is_taken_by_its_name_and_another_word_is_refused_with_the_nearest(run: Any, home: Path) -> None:
    assert "company.country is now NZ" in run("settings", "set", "company.country", "new zealand").out
    refused = run("settings", "set", "company.country", "Austrlia")
    assert (refused.code, "did you mean Australia?" in refused.err) == (2, True)
    refused = run("settings", "set", "xero.country", "Atlantis")
    assert (refused.code, "xero.country must be a country" in refused.err) == (2, True)
    assert 'country = "NZ"' in (home / "settings.toml").read_text("utf-8")


def test_a_variable_that_wins_is_said(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ETL_CUSTOMERS_CSV__MAX_ROWS", "7")
    said = run("settings", "set", "csv.max_rows", "8")
    assert "but the environment variable ETL_CUSTOMERS_CSV__MAX_ROWS is set and takes precedence" in said.out
    changed = json.loads(run("settings", "set", "csv.max_rows", "9", "--json").out)
    assert (changed["value"], changed["changed"], changed["overridden_by"]) == (9, True, "ETL_CUSTOMERS_CSV__MAX_ROWS")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("csv.encoding", "klingon"), "not a text encoding"),
        (("csv.aliases.Size", "shoe_size"), "must name a column"),
        (("csv.max_rows", "-5"), "csv.max_rows must be at least 1"),
        (("alerts.log_file", "/nope/dir/x.log"), "there is no folder /nope/dir; make it first"),
        (("alerts.log_file", "/"), "/ is not a file"),
        (("reference.states_file", "missing.csv"), "cannot be read"),
        (("ui.password", "correct horse battery"), "ETL_CUSTOMERS_UI__PASSWORD"),
    ],
)
def test_what_its_readers_could_not_use_is_refused_and_nothing_is_written(
    run: Any, home: Path, words: tuple[str, str], said: str
) -> None:
    refused = run("settings", "set", *words)
    assert (refused.code, said in refused.err) == (2, True)
    assert not (home / "settings.toml").exists()


def test_an_alias_cannot_take_the_header_of_a_field(run: Any) -> None:
    run("fields", "add", "Loyalty", "--type", "text")
    assert run("settings", "set", "csv.aliases.Loyalty", "suburb").code == 2
    assert run("settings", "set", "csv.aliases.Bezirk, Ort", "suburb").code == 0


def test_a_log_file_in_a_folder_that_is_there_can_be_set_and_doctor_misses_the_folder(run: Any, tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    assert run("settings", "set", "alerts.log_file", f"{folder}/alerts.jsonl").code == 0
    assert list(folder.iterdir()) == []
    folder.rmdir()
    assert f"there is no folder {folder}" in run("doctor").out
    assert run("settings", "unset", "alerts.log_file").code == 0


@pytest.mark.parametrize("number", ["99999999999999999999", "0"])
def test_a_number_that_no_customer_can_have_is_nobodys(run: Any, number: str) -> None:
    for words in (("customers", "show"), ("customers", "edit"), ("trace",), ("erase",)):
        refused = run(*words, number, *(["city=x"] if words[-1] == "edit" else []))
        assert (refused.code, f"there is no customer {number}" in refused.err) == (2, True), words
    assert run("customers", "--limit", number).code == 2
    assert run("imports", "--limit", number).code == 2
