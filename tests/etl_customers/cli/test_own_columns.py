"""The account's own columns from the command line."""

import csv
import io
import json
from pathlib import Path
from typing import Any


def test_a_field_that_is_added_is_listed_and_in_the_template_until_it_is_removed(run: Any) -> None:
    assert run("fields", "add", "Shoe size", "--type", "number", "--required").code == 0
    assert json.loads(run("fields", "list", "--json").out)["fields"] == [
        {"id": "shoe_size", "label": "Shoe size", "type": "number", "required": True, "choices": []}
    ]
    header = next(csv.reader(io.StringIO(run("template").out)))
    assert "Shoe size*" in header
    assert run("fields", "remove", "shoe_size").code == 0
    assert "Shoe size*" not in run("template").out


def test_a_property_type_gets_its_fields_by_label_or_id(run: Any) -> None:
    run("properties", "add", "Pet")
    assert run("properties", "add", "Pet", "Name").code == 0
    kind = run("properties", "add", "pet", "Kind", "--type", "one_of", "--choice", "dog", "--choice", "cat")
    assert kind.code == 0, kind.err
    listed = json.loads(run("properties", "--json").out)["properties"]
    assert [(t["id"], [field["label"] for field in t["fields"]]) for t in listed] == [("pet", ["Name", "Kind"])]
    assert "dog; cat" in run("properties").out
    assert run("properties", "remove", "Pet", "kind").code == 0
    assert run("properties", "remove", "pet").code == 0
    assert json.loads(run("properties", "--json").out) == {"properties": []}


def test_a_field_that_cannot_be_is_refused_with_exit_2(run: Any) -> None:
    assert run("fields", "add", "email").code == 2
    assert run("fields", "add", "Size", "--type", "one_of").code == 2
    assert run("fields", "remove", "nothing").code == 2


def test_a_second_pet_is_a_second_pet_beside_a_property_type_that_is_nearly_called_so(
    run: Any, home: Path, tmp_path: Path
) -> None:
    for words in (("Pet",), ("pet", "Name"), ("Pét",), ("Pét", "Name")):
        assert run("properties", "add", *words).code == 0
    assert run("properties", "add", "Dog", "--id", "pet2").code == 2
    file = tmp_path / "pets.csv"
    file.write_text("first_name,last_name,city,email,Pet: Name,Pet 2: Name\nAnn,Ash,Reno,ann@example.com,Rex,Tom\n")
    assert run("import", file).code == 0
    shown = json.loads(run("customers", "show", 1, "--json").out)
    assert [(p["type"], p["number"], p["values"]) for p in shown["properties"]] == [
        ("pet", 1, {"name": "Rex"}),
        ("pet", 2, {"name": "Tom"}),
    ]


def test_a_field_whose_header_an_alias_has_is_refused_and_an_alias_that_has_a_fields_header_too(
    run: Any, home: Path, tmp_path: Path
) -> None:
    home.mkdir()
    alias = home / "settings.toml"
    alias.write_text('[csv.aliases]\nloyalty = "suburb"\n"pet 2: name" = "city"\n')
    for words in (("fields", "add", "Loyalty"), ("fields", "add", "Points", "--id", "loyalty")):
        refused = run(*words)
        assert (refused.code, "alias loyalty" in refused.err) == (2, True), refused.err
    assert run("properties", "add", "Pet").code == 0
    refused = run("properties", "add", "pet", "Name")
    assert (refused.code, "alias pet 2: name" in refused.err) == (2, True), refused.err
    assert json.loads(run("fields", "list", "--json").out) == {"fields": []}
    alias.write_text("")
    assert run("fields", "add", "Loyalty").code == 0
    refused = run("settings", "set", "csv.aliases.LOYALTY", "suburb")
    assert (refused.code, "custom field loyalty" in refused.err.replace("\n", " ")) == (2, True), refused.err
    assert alias.read_text() == ""
    alias.write_text('[csv.aliases]\nloyalty = "suburb"\n')
    assert run("fields", "add", "Other").code == 0
    file = tmp_path / "loyal.csv"
    file.write_text("first_name,last_name,city,Loyalty\nAnn,Ash,Reno,Gold\n")
    for command in (("template",), ("import", file)):
        refused = run(*command)
        assert refused.code == 2
        assert "csv.aliases: 'loyalty' is also a header of the custom field loyalty" in refused.err.replace("\n", " ")


def test_a_template_file_opens_in_a_spreadsheet_and_is_private(run: Any, tmp_path: Path) -> None:
    output = tmp_path / "template.csv"
    assert run("template", "--output", output).code == 0
    assert output.read_bytes().startswith(b"\xef\xbb\xbf")
    assert output.stat().st_mode & 0o077 == 0


def test_a_template_for_a_folder_that_is_not_there_is_a_wrong_word_not_a_full_disk(run: Any, tmp_path: Path) -> None:
    for output in (tmp_path / "nowhere" / "template.csv", tmp_path):
        refused = run("template", "--output", output)
        assert refused.code == 2
        assert "folder" in refused.err
