import csv
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from etl_customers.base.errors import DiskUnavailable
from etl_customers.columns.account_fields import NO_FIELDS
from etl_customers.read.raw_csv import read_raw_csv
from etl_customers.report.failed_rows import write_failed_rows
from etl_customers.settings.sections import Csv
from etl_customers.staging import Staging, open_staging
from tests.properties import examples

HEADER = ("first_name", "last_name", "city")
IMPORT = "csv-20261122T081443Z-3fa9c1d2"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def staging(folder: Path) -> Iterator[Staging]:
    with open_staging(folder / "import.duckdb", 256) as opened:
        yield opened


def read(staging: Staging, path: Path, content: str | None = None) -> None:
    if content is not None:
        path.write_bytes(content.encode())
    read_raw_csv(staging, path, NO_FIELDS, Csv(max_rows=10**6, ignore_unknown_columns=True), None, lambda _: True)


def records(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file, strict=True))


def test_the_file_has_the_uploads_columns_between_ours_and_no_password(staging: Staging, folder: Path) -> None:
    text = "First Name*,last_name,Password,,Fax,template:00000000\nAnn,Lee,s3cret,,1,\nBob,+61,,,2,\nCy,Fox,x,,3,\n"
    read(staging, folder / "upload", text)
    assert write_failed_rows(staging, folder / "failed.csv", IMPORT, {4: "city is empty", 3: "=x"}) == 2
    assert records(folder / "failed.csv") == [
        ["import_id", "row", "First Name*", "last_name", "Password", "", "Fax", "errors"],
        [IMPORT, "3", "Bob", "'+61", "", "", "2", "'=x"],
        [IMPORT, "4", "Cy", "Fox", "", "", "3", "city is empty"],
    ]
    content = (folder / "failed.csv").read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    assert b"s3cret" not in content
    assert stat.S_IMODE((folder / "failed.csv").stat().st_mode) == 0o600


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_every_cell_is_in_quotes_so_that_no_other_delimiter_finds_a_formula_in_it(
    delimiter: str, staging: Staging, folder: Path
) -> None:
    read(staging, folder / "upload", f"first_name,last_name\nAnn,x{delimiter}=HYPERLINK(1)\n")
    write_failed_rows(staging, folder / "failed.csv", IMPORT, {2: f"a{delimiter}=b"})
    header, row = (folder / "failed.csv").read_text(encoding="utf-8-sig").splitlines()
    assert header == '"import_id","row","first_name","last_name","errors"'
    assert row == f'"{IMPORT}","2","Ann","x{delimiter}=HYPERLINK(1)","a{delimiter}=b"'


def test_a_corrected_file_that_fails_again_carries_the_new_import_and_its_rows(staging: Staging, folder: Path) -> None:
    read(staging, folder / "upload", "import_id,row,first_name,last_name,errors\ncsv-1,9,Ann,Lee,bad\n")
    write_failed_rows(staging, folder / "again.csv", IMPORT, [(2, "worse")])
    assert records(folder / "again.csv") == [
        ["import_id", "row", "first_name", "last_name", "errors"],
        [IMPORT, "2", "Ann", "Lee", "worse"],
    ]


def test_without_failed_rows_there_is_no_file(staging: Staging, folder: Path) -> None:
    read(staging, folder / "upload", "first_name,last_name\nAnn,Lee\n")
    assert write_failed_rows(staging, folder / "none.csv", IMPORT, {}) == 0
    assert not (folder / "none.csv").exists()


def test_rows_are_written_in_chunks_and_in_order(staging: Staging, folder: Path) -> None:
    count = 25_000
    read(staging, folder / "upload", "first_name,last_name\n" + "".join(f"Ann,{n}\n" for n in range(2, count + 2)))
    assert write_failed_rows(staging, folder / "many.csv", IMPORT, ((row, "x") for row in range(2, count + 2))) == count
    found = records(folder / "many.csv")[1:]
    assert [row[1] for row in found] == [row[3] for row in found] == [str(n) for n in range(2, count + 2)]


def test_a_file_that_cannot_be_written_leaves_the_old_one(staging: Staging, folder: Path) -> None:
    read(staging, folder / "upload", "first_name,last_name\nAnn,Lee\n")
    with pytest.raises(DiskUnavailable):
        write_failed_rows(staging, folder / "gone" / "failed.csv", IMPORT, {2: "x"})


def test_a_write_that_breaks_off_leaves_neither_a_half_file_nor_a_temporary_one(staging: Staging, folder: Path) -> None:
    read(staging, folder / "upload", "first_name,last_name\n" + "Ann,Lee\n" * 20_000)
    before = set(folder.iterdir())

    def errors() -> Iterator[tuple[int, str]]:
        yield from ((row, "x") for row in range(2, 15_000))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_failed_rows(staging, folder / "broken.csv", IMPORT, errors())
    assert set(folder.iterdir()) == before


CELLS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.text("'=+-@\t\r\n＝\0\",;a", max_size=5)


@examples(60, 1_000)
@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=8))
@example([("''=\0\r\n\"x\"", "\ufeff")])
@example([("\u2028", "\r"), ("", "")])
def test_what_is_written_is_read_back_exactly_whatever_the_text(
    staging: Staging, folder: Path, table: list[tuple[str, str]]
) -> None:
    upload, failed = folder / "upload", folder / "failed.csv"
    with upload.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, quoting=csv.QUOTE_ALL).writerows([HEADER, *((*cells, "Rome") for cells in table)])
    read(staging, upload)
    assert write_failed_rows(staging, failed, IMPORT, dict.fromkeys(range(2, len(table) + 2), "x")) == len(table)
    read(staging, failed)
    found = staging.rows('select parent_row, c2, c3 from raw_csv order by "row"')
    assert found == [(row, *cells) for row, cells in enumerate(table, 2)]
