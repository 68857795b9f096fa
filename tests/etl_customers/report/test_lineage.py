"""The lineage of columns says what the stages do, and shows no header that the account does not know."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from etl_customers.database.tables import customers
from etl_customers.imports.accepting import accept_upload
from etl_customers.imports.installation import Installation, open_installation
from etl_customers.imports.stages import run_raw_csv
from etl_customers.report.lineage import (
    PROPERTIES,
    headers_of_loaded,
    lineage_of_deduplicated,
    lineage_of_failed_rows,
    lineage_of_loaded,
    lineage_of_validated,
    read_shown_columns,
    shown_columns,
)
from etl_customers.settings.home import Home
from etl_customers.staging import UploadColumn
from schemas.validated_customers import VALIDATED_CUSTOMERS


def column(position: int, header: str, role: str, key: str = "") -> UploadColumn:
    return UploadColumn(position, header, role, key, None, None, None)


UPLOAD = (
    column(0, " First_Name* ", "column", "first_name"),
    column(1, "surname", "column", "last_name"),
    column(2, "Password", "password", "password"),
    column(3, "Canary Ada", "ignored"),
    column(4, "State", "column", "state"),
    column(5, "Loyalty", "custom_field", "loyalty"),
    column(6, "Pet: Name", "property", "Pet: Name"),
    column(7, "cell\u200b", "column", "mobile"),
)


def test_a_column_that_is_not_known_is_named_by_its_place_only() -> None:
    names = [shown.name for shown in shown_columns(UPLOAD)]
    assert names == ["First_Name", "surname", "Password", "column 4", "State", "Loyalty", "Pet: Name", "cell"]


def test_no_two_columns_have_the_same_name() -> None:
    columns = [
        column(0, "line", "custom_field", "line"),
        column(1, "Cell", "column", "mobile"),
        column(2, "Cell*", "column", "phone"),
    ]
    assert [shown.name for shown in shown_columns(columns)] == ["line (column 1)", "Cell", "Cell (column 3)"]


def test_validated_columns_come_from_headers_and_from_those_that_fill_them() -> None:
    lineage = lineage_of_validated(shown_columns(UPLOAD))
    assert lineage["first_name"] == ["First_Name"]
    assert lineage["city"] == ["State"]
    assert lineage["mobile"] == ["cell"]
    assert lineage["custom_fields"] == ["Loyalty"]
    assert lineage[PROPERTIES] == ["Pet: Name"]
    assert lineage["has_password"] == ["password_state"]
    assert lineage["warnings"] == ["State", "cell"]
    assert "country" not in lineage
    assert "business_name" not in lineage
    assert not [name for names in lineage.values() for name in names if name in ("Password", "column 4")]


def test_the_stages_between_have_every_column_of_their_tables() -> None:
    staged = {str(name) for name in VALIDATED_CUSTOMERS.columns} | {PROPERTIES}
    assert set(lineage_of_deduplicated()) == staged
    made = {"id", "is_active", "import_id", "created_at", "updated_at"}
    assert set(lineage_of_loaded()) == {column.name for column in customers.columns} - made | {PROPERTIES}
    assert {name for names in lineage_of_loaded().values() for name in names} == staged


def test_the_failed_rows_file_has_the_uploads_columns_but_no_password() -> None:
    lineage = lineage_of_failed_rows(shown_columns(UPLOAD))
    assert list(lineage) == ["row", "First_Name", "surname", "column 4", "State", "Loyalty", "Pet: Name", "cell"]


def test_a_loaded_column_is_followed_back_to_the_headers_of_the_upload() -> None:
    assert headers_of_loaded(shown_columns(UPLOAD)) == {
        "first_name": ["First_Name"],
        "last_name": ["surname"],
        "mobile": ["cell"],
        "city": ["State"],
        "state": ["State"],
        "custom_fields": ["Loyalty"],
        "warnings": ["State", "cell"],
        PROPERTIES: ["Pet: Name"],
        "password_hash": ["Password"],
    }


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    """A new home on its embedded database."""
    opened = open_installation(Home(tmp_path / "home"))
    yield opened
    opened.target.dispose()


def test_a_real_upload_is_shown_as_its_header_was_understood(installation: Installation, tmp_path: Path) -> None:
    file = tmp_path / "upload.csv"
    file.write_text("given name,LAST-NAME,e-mail,city\nA,B,a@example.com,C\n", encoding="utf-8")
    import_id = accept_upload(installation, file).record.import_id
    run_raw_csv(installation, import_id)
    shown = read_shown_columns(installation.staging_path(import_id), installation.settings.staging)
    assert [(one.name, one.key, one.cell) for one in shown] == [
        ("given name", "first_name", "c0"),
        ("LAST-NAME", "last_name", "c1"),
        ("e-mail", "email", "c2"),
        ("city", "city", "c3"),
    ]
