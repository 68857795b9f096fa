"""Whatever was done to a workbook, it is read as it was, or refused: never with other cells, never with fewer rows."""

import io
import re
import zipfile
from functools import cache
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl_customers.base.errors import UploadRefused
from etl_customers.columns.account_fields import NO_FIELDS
from etl_customers.read.upload_rows import open_upload
from etl_customers.settings.sections import Csv
from tests.properties import examples, mutated

ROWS = [["first_name", "last_name", "city"], ["Ann", "Lee", "Rome"], ["Bob", "", "Oslo"], ["Cy", "Fox", "Paris"]]
SHEET = "xl/worksheets/sheet1.xml"
PARTS = [SHEET, "xl/workbook.xml", "xl/styles.xml", "[Content_Types].xml", "xl/_rels/workbook.xml.rels"]


@cache
def workbook() -> bytes:
    """Return a small workbook whose cells are all text."""
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in ROWS:
        book.active.append(row)
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


def part(name: str) -> bytes:
    with zipfile.ZipFile(io.BytesIO(workbook())) as archive:
        return archive.read(name)


def with_part(name: str, content: bytes) -> bytes:
    """Return the workbook with another part in the place of one."""
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook())) as old, zipfile.ZipFile(written, "w") as new:
        for one in old.namelist():
            new.writestr(one, content if one == name else old.read(one))
    return written.getvalue()


@pytest.fixture
def upload(tmp_path: Path) -> Path:
    return tmp_path / "generated.upload"


def read_or_refusal(upload: Path, content: bytes) -> list[list[str]] | UploadRefused:
    """Read header and rows of a workbook."""
    upload.write_bytes(content)
    try:
        with open_upload(upload, NO_FIELDS, Csv(), None) as rows:
            found = [cells for _, _, cells in rows]
            return [[column.header for column in rows.columns], *found]
    except UploadRefused as refusal:
        return refusal


@examples(40, 5_000)
@given(content=mutated(st.builds(workbook)))
def test_a_damaged_file_is_refused_or_read_as_it_was(upload: Path, content: bytes) -> None:
    read = read_or_refusal(upload, content)
    if not isinstance(read, UploadRefused):
        assert read == ROWS


@examples(40, 5_000)
@given(data=st.data(), name=st.sampled_from(PARTS))
def test_a_part_that_says_something_else_does_no_harm(upload: Path, data: st.DataObject, name: str) -> None:
    changed = data.draw(mutated(st.builds(part, st.just(name))))
    read = read_or_refusal(upload, with_part(name, changed))
    if isinstance(read, UploadRefused):
        assert str(read)
        return
    if name != SHEET:
        assert len(read) == len(ROWS)


@examples(20, 2_000)
@given(
    places=st.permutations(range(1, len(ROWS))),
    gone=st.sets(st.integers(1, len(ROWS) - 1)),
    twice=st.sets(st.integers(1, len(ROWS) - 1), max_size=1),
)
def test_no_row_is_lost_whatever_the_order_of_rows_in_the_file(
    upload: Path, places: list[int], gone: set[int], twice: set[int]
) -> None:
    sheet = part(SHEET).decode()
    rows = re.findall("<row.*?</row>", sheet)
    kept = [0, *(place for place in places if place not in gone)]
    kept = [place for place in kept for _ in range(1 + (place in twice))]
    changed = sheet.replace("".join(rows), "".join(rows[place] for place in kept))
    read = read_or_refusal(upload, with_part(SHEET, changed.encode()))
    if kept == sorted(set(kept)):
        assert read == ROWS[: min([*gone, len(ROWS)])]
    else:
        assert isinstance(read, UploadRefused)
        assert read.code == "damaged_workbook"


@pytest.mark.parametrize("order", [(1, 0, 2), (0, 2, 1), (0, 0, 1), (0, 1, 1, 2)])
def test_a_row_whose_cells_are_not_in_order_is_refused(upload: Path, order: tuple[int, ...]) -> None:
    sheet = part(SHEET).decode()
    row = re.findall("<row.*?</row>", sheet)[1]
    cells = re.findall("<c .*?</c>", row)
    changed = sheet.replace("".join(cells), "".join(cells[place] for place in order))
    read = read_or_refusal(upload, with_part(SHEET, changed.encode()))
    assert isinstance(read, UploadRefused)
    assert read.code == "damaged_workbook"
