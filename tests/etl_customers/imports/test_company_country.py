"""A company whose country nobody has set: files must say it, and nothing is read as American by chance."""

from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pytest

from etl_customers.base.errors import UploadRefused, UsageError
from etl_customers.changes.editing import edit
from etl_customers.database.connect import reading
from etl_customers.database.customers import find_customer
from etl_customers.database.ledger import ImportRecord
from etl_customers.imports import accepting, dry_run, whole
from etl_customers.imports.installation import Installation, open_installation
from etl_customers.settings.changes import set_setting
from etl_customers.settings.home import Home
from tests.environment import COUNTRY
from tests.imported import record_of
from tests.refused import refused_as

NO_COLUMN = "first_name,last_name,mobile,city\nAda,Byron,0412 345 678,Sydney\n"
SOME = "first_name,last_name,mobile,city,country\nAda,Byron,0412 345 678,Sydney,AU\nBob,Ray,0412 345 679,Sydney,{}\n"
COMMAND = "etl-customers settings set company.country AU"


@pytest.fixture
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    """A new home in which nobody has set anything."""
    monkeypatch.delenv(COUNTRY)
    opened = open_installation(Home(tmp_path / "home"))
    yield opened
    opened.target.dispose()


def write(folder: Path, text: str) -> Path:
    """Write a file to import."""
    path = folder / "customers.csv"
    path.write_text(text, encoding="utf-8")
    return path


def finish(installation: Installation, file: Path) -> ImportRecord:
    """Import a file and return what the ledger has of it."""
    import_id = accepting.accept_upload(installation, file).record.import_id
    whole.run_import(installation, import_id)
    return record_of(installation, import_id)


def with_country(installation: Installation) -> Installation:
    """Set the company's country as the command does, and open the home again."""
    set_setting(installation.home, "company.country", "AU", lambda _: None)
    return open_installation(installation.home)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (NO_COLUMN, "no country column"),
        (SOME.format(""), r"row 3 \(line 3\)"),
        (SOME.format("  "), "row 3"),
        (SOME.format("\u200b"), "row 3"),
    ],
)
def test_a_file_whose_rows_do_not_say_their_country_is_refused_with_the_command_that_sets_it(
    installation: Installation, tmp_path: Path, text: str, named: str
) -> None:
    file = write(tmp_path, text)
    import_id = accepting.accept_upload(installation, file).record.import_id
    with refused_as("country_not_set", match=named) as refused:
        whole.run_import(installation, import_id)
    assert COMMAND in str(refused.value)
    record = record_of(installation, import_id)
    assert (record.status, record.refusal_code, record.rows_loaded) == ("refused", "country_not_set", None)
    with dry_run.dry_run(installation, file) as tried:
        assert str(tried.refusal) == str(refused.value)
        assert tried.staging.number("select count(*) from facts") == 0


def test_a_workbook_is_refused_like_a_csv(installation: Installation, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active.append(["first_name", "last_name", "city"])
    book.active.append(["Ada", "Byron", "Sydney"])
    book.save(tmp_path / "customers.xlsx")
    with dry_run.dry_run(installation, tmp_path / "customers.xlsx") as tried:
        assert tried.refusal is not None
        assert tried.refusal.code == "country_not_set"


@pytest.mark.parametrize(
    "text", [SOME.format("NZ"), SOME.format("Atlantis"), SOME.format("NZ") + ",,,,\nEve,Late,,,\n"]
)
def test_a_file_that_says_the_country_of_each_row_needs_no_setting(
    installation: Installation, tmp_path: Path, text: str
) -> None:
    assert finish(installation, write(tmp_path, text)).status == "finished"


def test_the_same_file_is_imported_once_the_country_is_set(installation: Installation, tmp_path: Path) -> None:
    file = write(tmp_path, NO_COLUMN)
    with pytest.raises(UploadRefused):
        finish(installation, file)
    settled = with_country(installation)
    record = finish(settled, file)
    assert (record.status, record.rows_loaded, record.refusal_code) == ("finished", 1, None)
    with reading(settled.target) as connection:
        customer = find_customer(connection, 1)
    assert (customer.values["country"], customer.values["mobile"]) == ("AU", "+61412345678")
    settled.target.dispose()


def test_the_environment_sets_it_as_well(
    installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(COUNTRY, "US")
    opened = open_installation(installation.home)
    assert finish(opened, write(tmp_path, NO_COLUMN)).status == "finished"
    opened.target.dispose()


def test_an_edit_cannot_leave_a_customer_without_a_country_of_its_own(
    installation: Installation, tmp_path: Path
) -> None:
    finish(installation, write(tmp_path, SOME.format("NZ")))
    with pytest.raises(UsageError, match=COMMAND):
        edit(installation, 1, {"country": ""}, "test")
    assert [change.column for change in edit(installation, 1, {"city": "Perth"}, "test")] == ["city"]
    settled = with_country(installation)
    assert [change.new_value for change in edit(settled, 2, {"country": ""}, "test")] == ["AU"]
    settled.target.dispose()


def test_what_was_imported_before_is_answered_as_before(
    installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(tmp_path, NO_COLUMN)
    with monkeypatch.context() as environment:
        environment.setenv(COUNTRY, "US")
        before = open_installation(installation.home)
        finish(before, file)
        before.target.dispose()
    assert accepting.accept_upload(installation, file).is_repeat
