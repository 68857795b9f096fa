"""A dry run gives the answer of the run, whatever the file (R23, P5)."""

import csv
import io
import shutil
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from etl_customers.base.errors import UploadRefused
from etl_customers.database.connect import connect, reading, upgrade
from etl_customers.database.ledger import failed_rows_of
from etl_customers.imports import accepting, dry_run, whole
from etl_customers.imports.installation import Installation
from etl_customers.load.failures import staged_failures
from etl_customers.settings.home import Home
from etl_customers.settings.sections import Company, Settings
from etl_customers.staging import Staging, open_staging
from tests.imported import load, record_of
from tests.properties import examples

COLUMNS = ["first_name", "last_name", "email", "mobile", "phone2", "state", "city", "country", "date_joined"]
CELLS = {
    "first_name": ["Ada", "Bob", "", "x" * 300, "=1+1"],
    "last_name": ["Example", "", "O'Neil, Jr"],
    "email": ["", "ada@example.com", "ADA@example.com", "bob@example.com", "broken"],
    "mobile": ["", "0491570156", "+61491570156", "12"],
    "phone2": ["", "0491 570 156", "0491570157"],
    "state": ["", "NSW", "Quensland", "VIC"],
    "city": ["", "Sydney", "a\x00b"],
    "country": ["", "Australia", "NZ", "Atlantis"],
    "date_joined": ["", "2020/02/29", "2021/02/29"],
}
ROWS = st.lists(st.tuples(*(st.sampled_from(CELLS[column]) for column in COLUMNS)), min_size=1, max_size=12)


def as_csv(rows: list[tuple[str, ...]]) -> str:
    """Write rows as a person's spreadsheet would."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    writer.writerows(rows)
    return text.getvalue()


def warnings_of(staging: Staging) -> list[tuple[Any, ...]]:
    return staging.rows("select * from row_warnings order by all")


@examples(3, 100)
@given(before=ROWS, rows=ROWS)
def test_a_dry_run_answers_as_the_run_does(
    migrated_sqlite_file: Path, before: list[tuple[str, ...]], rows: list[tuple[str, ...]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder) / "home").make()
        target = connect(f"sqlite:///{shutil.copy(migrated_sqlite_file, home.embedded_database)}")
        installation = Installation(home, Settings(company=Company(country="AU", city="Sydney")), target)
        load(installation, as_csv(before))
        path = Path(folder) / "file.csv"
        # The second file differs in its bytes even where its rows are the same, and has a row that is not read.
        path.write_text(as_csv(rows) + "\nAnn,Late\n", encoding="utf-8", newline="")
        with dry_run.dry_run(installation, path) as tried:
            assert tried.read is not None
            expected = list(staged_failures(tried.staging, 0, 10**9))
            warned = warnings_of(tried.staging)
            to_load = tried.staging.number("select count(*) from deduplicated_rows")
        import_id = accepting.accept_upload(installation, path).record.import_id
        whole.run_import(installation, import_id)
        record = record_of(installation, import_id)
        with reading(target) as connection:
            assert list(failed_rows_of(connection, import_id)) == expected
        with open_staging(installation.staging_path(import_id), 256) as staging:
            assert warnings_of(staging) == warned
        assert (record.rows_read, record.rows_unread) == (tried.read.read, tried.read.unread)
        assert (record.rows_loaded, record.rows_failed) == (to_load, len(expected))
        assert record.rows_read == to_load + len(expected)
        target.dispose()


def test_a_dry_run_of_what_is_no_file_is_refused_as_the_run_is(tmp_path: Path) -> None:
    home = Home(tmp_path / "home").make()
    target = connect(f"sqlite:///{home.embedded_database}")
    upgrade(target)
    installation = Installation(home, Settings(), target)
    messages = []
    for attempt in (
        lambda: accepting.accept_upload(installation, tmp_path),
        lambda: dry_run.dry_run(installation, tmp_path).__enter__(),
    ):
        try:
            attempt()
        except UploadRefused as refusal:
            messages.append(str(refusal))
    target.dispose()
    assert len(messages) == 2
    assert messages[0] == messages[1]
