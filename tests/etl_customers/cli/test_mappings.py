"""mappings: shown as a file, changed, put in force, listed and taken out again, as a person types it."""

import json
from pathlib import Path

from etl_customers.mappings.kept import shipped_mapping
from tests.etl_customers.cli.conftest import Run


def test_a_mapping_is_shown_changed_put_in_force_and_taken_out_again(run: Run, tmp_path: Path) -> None:
    home, file = tmp_path / "home", tmp_path / "quickbooks.toml"
    shown = run("mappings", "show", "quickbooks", at=home).out
    assert shown == shipped_mapping("quickbooks").text
    file.write_text(shown.replace('Notes = ""', 'Notes = "Remarks"'), encoding="utf-8-sig")

    refused = run("mappings", "add", str(file), at=home)
    assert (refused.code, refused.out) == (2, "")
    assert "line 26: there is no such column" in refused.err

    assert run("fields", "add", "Remarks", at=home).code == 0
    added = run("mappings", "add", str(file), at=home)
    assert (added.code, added.err) == (0, "")
    assert "QuickBooks Online, version 1, is in force; the next pull reads all customers again" in added.out
    listed = json.loads(run("mappings", "--json", at=home).out)["mappings"]
    assert [(one["source"], one["version"], one["is_in_force"]) for one in listed] == [
        ("quickbooks", 0, False),
        ("quickbooks", 1, True),
        ("xero", 0, True),
    ]
    assert "shipped" in run("mappings", at=home).out

    removed = run("mappings", "remove", "quickbooks", at=home)
    said = "no mapping fills these custom fields now; customers keep the values that they have: Remarks"
    assert (removed.code, said in " ".join(removed.out.split()), said in added.out) == (0, True, False)
    assert run("mappings", "show", "quickbooks", at=home).out == shown


def test_what_is_no_mapping_is_said_on_one_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "latin.toml").write_bytes(b"# \xe9\n")
    for words in (
        ["add", str(tmp_path / "none.toml")],
        ["add", str(tmp_path / "latin.toml")],
        ["show", "sage"],
        ["remove", "x"],
    ):
        done = run("mappings", *words, at=tmp_path / "home")
        assert (done.code, done.out, len(done.err.splitlines())) == (2, "", 1)


def test_a_mapping_that_fills_a_custom_field_no_more_says_that_its_values_stay(run: Run, tmp_path: Path) -> None:
    home, file, text = tmp_path / "home", tmp_path / "quickbooks.toml", shipped_mapping("quickbooks").text
    for label in ("Remarks", "Site"):
        run("fields", "add", label, at=home)
    both = text.replace('Notes = ""', 'Notes = "Remarks"').replace('"WebAddr.URI" = ""', '"WebAddr.URI" = "Site"')
    file.write_text(both, encoding="utf-8")
    assert json.loads(run("mappings", "add", str(file), "--json", at=home).out)["unfilled_fields"] == []
    file.write_text(text.replace('Notes = ""', 'Notes = "Site"'), encoding="utf-8")
    assert json.loads(run("mappings", "add", str(file), "--json", at=home).out)["unfilled_fields"] == ["remarks"]
    refused = run("fields", "remove", "site", at=home)
    assert (refused.code, "the mapping of QuickBooks Online fills it with Notes" in refused.err) == (2, True)
    assert run("fields", "remove", "remarks", at=home).code == 0


def test_a_shipping_address_is_made_a_property_by_the_commands_of_the_guide(run: Run, tmp_path: Path) -> None:
    home, file, text = tmp_path / "home", tmp_path / "quickbooks.toml", shipped_mapping("quickbooks").text
    mapped = text.replace('ShipAddr = "address"', 'ShipAddr = "Address: Lines"')
    file.write_text(f'{mapped}\n[constants]\n"Address: Kind" = "Shipping"\n', encoding="utf-8")
    refused = run("mappings", "add", str(file), at=home)
    assert refused.code == 2
    assert "line 24: there is no such property type" in refused.err
    for words in (["Address"], ["address", "Kind"], ["address", "Lines"]):
        assert run("properties", "add", *words, at=home).code == 0
    assert run("mappings", "add", str(file), at=home).code == 0

    for words in (["address"], ["Address", "lines"]):
        kept = run("properties", "remove", *words, at=home)
        assert (kept.code, "was not removed: the mapping of QuickBooks Online fills it" in kept.err) == (2, True)

    file.write_text(text, encoding="utf-8")
    assert json.loads(run("mappings", "add", str(file), "--json", at=home).out)["unmade_properties"] == ["Address"]
    assert run("properties", "remove", "address", at=home).code == 0


def test_a_mapping_that_makes_a_property_no_more_says_that_the_next_pull_takes_it_away(
    run: Run, tmp_path: Path
) -> None:
    home, file, text = tmp_path / "home", tmp_path / "xero.toml", shipped_mapping("xero").text
    for words in (["Address"], ["address", "Lines"]):
        run("properties", "add", *words, at=home)
    file.write_text(text.replace('POBOX" = "address"', 'POBOX" = "Address 2: Lines"'), encoding="utf-8")
    run("mappings", "add", str(file), at=home)
    said = "the mapping no longer makes these properties; the next pull removes those that pulls made: Address 2"
    assert said in " ".join(run("mappings", "remove", "xero", at=home).out.split())
