"""Tags name a file by its content, and by its name only where the user allows that."""

import dataclasses

import pytest
from dagster._utils.tags import is_valid_strict_tag_value

from assets.display.tags import file_label, import_tags
from etl_customers.database.connect import reading
from etl_customers.database.ledger import ImportRecord, find_import
from etl_customers.imports.installation import Installation
from etl_customers.settings.sections import Settings, Ui

SHOWN = Settings().model_copy(update={"ui": Ui(password=None, show_file_names=True)})


@pytest.fixture
def record(installation: Installation, import_id: str) -> ImportRecord:
    with reading(installation.target) as connection:
        found = find_import(connection, import_id)
    assert found is not None
    return found


def test_a_file_is_named_by_its_content_unless_the_user_lets_names_be_shown(record: ImportRecord) -> None:
    record = dataclasses.replace(record, accepted_by=None)
    assert import_tags(record, Settings()) == {"source": "csv", "file": (record.sha256 or "")[:8]}
    assert import_tags(record, SHOWN) == {"source": "csv", "file": "customers.csv"}


@pytest.mark.parametrize("name", ["Müller & Söhne.csv", "../../x.csv", "a" * 300, "\u202egnp.csv", "客户.csv", "?"])
def test_a_name_that_is_shown_is_a_valid_tag_whatever_it_was(record: ImportRecord, name: str) -> None:
    label = file_label(dataclasses.replace(record, file_name=name), SHOWN)
    assert label
    assert is_valid_strict_tag_value(label)


def test_an_import_without_a_file_has_no_tag_for_it(record: ImportRecord) -> None:
    pull = dataclasses.replace(record, source="xero", file_name=None, sha256=None, accepted_by=None)
    assert import_tags(pull, SHOWN) == {"source": "xero"}


@pytest.mark.parametrize(
    ("who", "shown"),
    [
        ("inbox", "inbox"),
        ("run 0f3c", "run-0f3c"),
        ("OFFICE\\ada", "OFFICE-ada"),
        ("a" * 128, "a" * 60),
        ("客户", None),
    ],
)
def test_a_tag_says_who_or_what_accepted_an_import(record: ImportRecord, who: str, shown: str | None) -> None:
    tag = import_tags(dataclasses.replace(record, accepted_by=who), Settings()).get("accepted_by")
    assert tag == shown
    assert tag is None or is_valid_strict_tag_value(tag)
