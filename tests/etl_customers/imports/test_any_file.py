"""Whatever a file's bytes: it is refused, or every row is loaded or failed, and the ledger, the target and the report agree."""

import csv
import io
import shutil
import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from etl_customers.base.errors import UploadRefused
from etl_customers.database.connect import connect
from etl_customers.imports import accepting, whole
from etl_customers.imports.installation import Installation
from etl_customers.report.accounting import count_target_rows
from etl_customers.settings.home import Home
from etl_customers.settings.sections import Company, Settings
from tests.imported import record_of
from tests.properties import examples, mutated

COLUMNS = ["First Name*", "last_name", "E-mail", "mobile", "password", "City", "country", "date_joined"]
NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
CELLS = NAMES | st.sampled_from(
    [
        "Ann",
        "ann@example.com",
        "ANN@EXAMPLE.COM",
        "0491570156",
        "+61 491 570 156",
        "Sydney",
        "AU",
        "2020/02/30",
        "=1",
        "\x00",
    ]
)
ROWS = st.lists(st.lists(CELLS, min_size=len(COLUMNS), max_size=len(COLUMNS)), min_size=1, max_size=6)


def as_csv(rows: list[list[str]], delimiter: str) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter).writerows([COLUMNS, *rows])
    return text.getvalue().encode()


@examples(6, 300)
@given(content=mutated(st.builds(as_csv, ROWS, st.sampled_from(",;\t")), most=2))
def test_any_file_is_refused_or_every_row_is_loaded_or_failed(migrated_sqlite_file: Path, content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder) / "home").make()
        target = connect(f"sqlite:///{shutil.copy(migrated_sqlite_file, home.embedded_database)}")
        installation = Installation(home, Settings(company=Company(country="AU", city="Sydney")), target)
        path = Path(folder) / "customers.csv"
        path.write_bytes(content)
        import_id = ""
        try:
            import_id = accepting.accept_upload(installation, path).record.import_id
            whole.run_import(installation, import_id)
        except UploadRefused:
            assert not import_id or record_of(installation, import_id).status == "refused"
        else:
            assert_all_agree(installation, import_id)
        assert not list(home.uploads.iterdir())
        target.dispose()


def assert_all_agree(installation: Installation, import_id: str) -> None:
    """Hold the ledger's counts against the rows of the target and the records of the failed-rows file."""
    record, counted = record_of(installation, import_id), count_target_rows(installation.target, import_id)
    loaded, failed = record.rows_loaded or 0, record.rows_failed or 0
    assert record.status == "finished"
    assert record.rows_read == loaded + failed
    assert (counted.loaded, counted.failed) == (loaded, failed)
    report = installation.failed_rows_path(import_id)
    assert report.exists() == bool(failed)
    if failed:
        with report.open(encoding="utf-8-sig", newline="") as file:
            assert len(list(csv.DictReader(file, strict=True))) == failed
