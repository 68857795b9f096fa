"""The example file shows what the documentation speaks of: most rows load, and every kind of failure is in it."""

import csv
from collections import Counter
from pathlib import Path

import pytest

from etl_customers.database.connect import reading
from etl_customers.database.ledger import failed_rows_of, find_import
from etl_customers.imports.accepting import accept_upload
from etl_customers.imports.installation import open_installation
from etl_customers.imports.whole import run_import
from etl_customers.settings.home import Home
from schemas.codes import ERRORS, LEFT_OUT_CODES

EXAMPLE = Path(__file__).parents[1] / "examples/customers.csv"
_NOT_IN_A_PLAIN_FIRST_FILE = LEFT_OUT_CODES | {
    "already_exists",
    "error_value",
    "header_again",
    "invalid_failed_row",
    "invalid_number",
    "invalid_record",
    "invalid_yes_no",
    "name_missing",
    "ragged_row",
    "unknown_choice",
    "unprintable_character",
}


def test_most_rows_of_the_example_load_and_every_kind_of_failure_is_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ETL_CUSTOMERS_DATABASE_URL", raising=False)
    monkeypatch.setenv("ETL_CUSTOMERS_COMPANY__COUNTRY", "AU")  # as `make import` says for it
    installation = open_installation(Home(tmp_path / "home"))
    import_id = accept_upload(installation, EXAMPLE, accepted_by="test").record.import_id
    run_import(installation, import_id)
    with reading(installation.target) as connection:
        record = find_import(connection, import_id)
        failed = list(failed_rows_of(connection, import_id))
    assert record is not None
    assert (record.rows_read, record.rows_loaded, record.rows_failed, record.rows_unread) == (61, 40, 21, 0)
    codes = Counter(error["code"] for row in failed for error in row.errors)
    assert set(codes) == set(ERRORS) - _NOT_IN_A_PLAIN_FIRST_FILE
    assert max(len(row.errors) for row in failed) >= 3
    installation.target.dispose()


def test_people_of_the_example_are_made_up() -> None:
    with EXAMPLE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        domain = row["email"].casefold().rpartition("@")[2].rpartition("example")
        assert domain[1] == "example" or not row["email"]
        assert domain[2] in {"", ".com", ".net", ".org"}
