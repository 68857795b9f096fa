"""A dry run gives the answer of the run, whatever the file (R23, P5)."""

import csv
import io
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from etl_customers import imports
from etl_customers.errors import UploadRefused
from etl_customers.load.failures import staged_failures
from etl_customers.settings import Company, Home, Settings
from etl_customers.target.connect import connect, reading, upgrade
from etl_customers.target.ledger import failed_rows_of
from etl_customers.workshop import Workshop

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


@settings(max_examples=8, suppress_health_check=[HealthCheck.too_slow])
@given(before=ROWS, rows=ROWS)
def test_a_dry_run_answers_as_the_run_does(before: list[tuple[str, ...]], rows: list[tuple[str, ...]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder) / "home").make()
        target = connect(f"sqlite:///{home.embedded_database}")
        upgrade(target)
        workshop = Workshop(home, Settings(company=Company(country="AU", city="Sydney")), target)
        # The second file differs in its bytes even where its rows are the same.
        for name, text in (("before", as_csv(before)), ("file", as_csv(rows) + "\n")):
            path = Path(folder) / f"{name}.csv"
            path.write_text(text, encoding="utf-8", newline="")
            with imports.dry_run(workshop, path) as tried:
                assert tried.read is not None
                expected = list(staged_failures(tried.staging, 0, 10**9))
                to_load = tried.staging.number("select count(*) from deduplicated_rows")
            import_id = imports.accept_upload(workshop, path).record.import_id
            imports.run_import(workshop, import_id)
            with reading(target) as connection:
                found = list(failed_rows_of(connection, import_id))
            counts = imports.run_loaded_customers(workshop, import_id)
            assert found == expected
            assert (counts.read, counts.loaded) == (tried.read.read, to_load)
        target.dispose()


def test_a_dry_run_of_what_is_no_file_is_refused_as_the_run_is(tmp_path: Path) -> None:
    home = Home(tmp_path / "home").make()
    target = connect(f"sqlite:///{home.embedded_database}")
    upgrade(target)
    workshop = Workshop(home, Settings(), target)
    messages = []
    for attempt in (
        lambda: imports.accept_upload(workshop, tmp_path),
        lambda: imports.dry_run(workshop, tmp_path).__enter__(),
    ):
        try:
            attempt()
        except UploadRefused as refusal:
            messages.append(str(refusal))
    target.dispose()
    assert len(messages) == 2
    assert messages[0] == messages[1]
