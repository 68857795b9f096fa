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
