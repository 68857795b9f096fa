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
    assert 'country = "NZ"' in (home / "settings.toml").read_text("utf-8")


def test_a_variable_that_wins_is_said(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ETL_CUSTOMERS_CSV__MAX_ROWS", "7")
    said = run("settings", "set", "csv.max_rows", "8")
    assert "but the environment variable ETL_CUSTOMERS_CSV__MAX_ROWS is set, which wins" in said.out
    changed = json.loads(run("settings", "set", "csv.max_rows", "9", "--json").out)
    assert (changed["value"], changed["changed"], changed["overridden_by"]) == (9, True, "ETL_CUSTOMERS_CSV__MAX_ROWS")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("csv.encoding", "klingon"), "not a text encoding"),
        (("csv.aliases.Size", "shoe_size"), "must name a column"),
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
