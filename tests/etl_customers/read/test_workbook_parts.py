"""Workbooks that are made to cost: each part is looked at once, in bytes that grow with the file, before a parser sees it."""

import io
import re
import tempfile
import zipfile
from functools import cache
from pathlib import Path

import openpyxl
import pytest

from etl_customers.base.errors import UploadRefused
from etl_customers.columns.account_fields import NO_FIELDS
from etl_customers.read.upload_rows import open_upload
from etl_customers.read.workbook_parts import DEEPEST, LONGEST_TAG, CheckedArchive
from etl_customers.settings.sections import Csv
from tests.etl_customers.read.test_xlsx_files import share_texts
from tests.refused import refused_as

SHEET = "xl/worksheets/sheet1.xml"
STRINGS = "xl/sharedStrings.xml"
PARTS = [SHEET, STRINGS, "xl/workbook.xml", "xl/styles.xml", "xl/_rels/workbook.xml.rels", "[Content_Types].xml"]
LONG = 3 * 1024 * 1024
HOSTILE = {
    "a tag": b"<" + b"a" * LONG + b"/>",
    "an attribute": b'<a b="' + b"x" * LONG + b'"/>',
    "an attribute full of >": b"<a b='" + b">" * LONG + b"'/>",
    "many attributes": b"<a " + b" ".join(b'a%d=""' % number for number in range(LONG // 10)) + b"/>",
    "an end tag": b"<a></a" + b" " * LONG + b">",
    "a comment": b"<!--" + b"<a>" * (LONG // 3) + b"-->",
    "a processing instruction": b"<?a " + b"<a>" * (LONG // 3) + b"?>",
    "a CDATA section": b"<a><![CDATA[" + b"<a>" * (LONG // 3) + b"]]></a>",
    "a text": b"<a>" + b"x" * LONG + b"</a>",
    "a text full of >": b"<a>" + b">" * LONG + b"</a>",
    "nothing that ends": b"<!--" + b"x" * LONG,
    "a document type": b'<!DOCTYPE a [<!ENTITY b "c">]>',
    "depth": b"<a>" * 100_000 + b"</a>" * 100_000,
    "depth behind what looks like ends": b"<a>/></a><a b='/>'>" * 50_000 + b"</a>" * 50_000,
    "elements": b"<a/>" * 1_100_000,
}


@cache
def workbook() -> bytes:
    """Return a small workbook with a table of shared texts."""
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in (["first_name", "last_name", "city"], ["Ann", "Lee", "Rome"]):
        book.active.append(row)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "book.xlsx"
        book.save(path)
        share_texts(path)
        return path.read_bytes()


def with_part(path: Path, name: str, content: bytes) -> Path:
    """Write the workbook with another part in the place of one."""
    with zipfile.ZipFile(io.BytesIO(workbook())) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for one in old.namelist():
            new.writestr(one, content if one == name else old.read(one))
    return path


def part(name: str) -> bytes:
    with zipfile.ZipFile(io.BytesIO(workbook())) as archive:
        return archive.read(name)


def with_rows(path: Path, rows: bytes) -> Path:
    return with_part(path, SHEET, part(SHEET).replace(b"</sheetData>", rows + b"</sheetData>"))


def rows_of(path: Path, csv: Csv | None = None) -> list[list[str]]:
    with open_upload(path, NO_FIELDS, csv or Csv(), None) as rows:
        return [cells for _, _, cells in rows]


@pytest.fixture
def upload(tmp_path: Path) -> Path:
    return tmp_path / "generated.upload"


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
def test_what_no_workbook_needs_is_refused_in_a_sheet(upload: Path, hostile: bytes) -> None:
    with refused_as("damaged_workbook"):
        rows_of(with_part(upload, SHEET, part(SHEET).replace(b"<sheetData>", hostile + b"<sheetData>")))


@pytest.mark.parametrize("name", PARTS)
@pytest.mark.parametrize("hostile", ["an attribute", "a comment", "depth"])
def test_what_no_workbook_needs_is_refused_in_every_part(upload: Path, name: str, hostile: str) -> None:
    content = part(name)
    end = content.rindex(b"</")
    with refused_as("damaged_workbook"):
        rows_of(with_part(upload, name, content[:end] + HOSTILE[hostile] + content[end:]))


@pytest.mark.parametrize("name", [name for name in PARTS if name != SHEET])
def test_elements_without_end_are_refused_in_every_part(upload: Path, name: str) -> None:
    content = part(name)
    end = content.rindex(b"</")
    elements = b'<a b=":si>:c :row"/>' * 310_000
    with refused_as("damaged_workbook"):
        rows_of(with_part(upload, name, content[:end] + elements + content[end:]))


def test_a_million_tags_of_cells_and_texts_are_a_large_workbook(upload: Path) -> None:
    row = b"<row><c><v>1</v></c><c s='0'><v>2</v></c></row>" * 130_000
    text = b"<si><r><rPr><b/><i/></rPr><t>x</t></r></si>" * 50_000
    for name, content, close in ((SHEET, row, b"</sheetData>"), (STRINGS, text, b"</sst>")):
        prefixed = re.sub(rb"<(/?)(?=\w)", rb"<\1x:", content)
        root = b"<worksheet><sheetData>" if name == SHEET else b"<sst>"
        with zipfile.ZipFile(upload, "w", zipfile.ZIP_DEFLATED) as new:
            new.writestr(name, root + prefixed + close + (b"</worksheet>" if name == SHEET else b""))
        with upload.open("rb") as file:
            archive = CheckedArchive(file)
            archive.inspect_sheets()
            archive.open(name).close()


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-16-be"])
def test_it_is_refused_in_utf16_too(upload: Path, codec: str) -> None:
    sheet = part(SHEET).replace(b"<sheetData>", HOSTILE["an attribute"] + b"<sheetData>").decode()
    with refused_as("damaged_workbook"):
        rows_of(with_part(upload, SHEET, sheet.encode(codec)))


def test_a_sheet_in_utf16_is_read(upload: Path) -> None:
    assert rows_of(with_part(upload, SHEET, part(SHEET).decode().encode("utf-16"))) == [["Ann", "Lee", "Rome"]]


def test_each_byte_of_a_part_is_looked_at_once(upload: Path) -> None:
    row = b'<row><c t="inlineStr"><is><t>Ann</t></is></c></row>'
    with with_rows(upload, row * 50_000).open("rb") as file:
        archive = CheckedArchive(file)
        archive.inspect_sheets()
        archive.open(SHEET).close()
        assert archive.bytes_scanned == archive.getinfo(SHEET).file_size


@pytest.mark.parametrize(
    ("name", "harmless"),
    [
        ("a comment", b"<!-- made by > a <program> -->"),
        ("an instruction", b"<?program > 1?>"),
        ("a CDATA section", b'<row r="3"><c r="A3" t="inlineStr"><is><t><![CDATA[<a> & > b]]></t></is></c></row>'),
        ("> in an attribute", b'<row r="3" ht="/>"><c r="A3" t="inlineStr"><is><t>/></t></is></c></row>'),
        ("a long text", b'<row r="3"><c r="A3" t="inlineStr"><is><t>' + b"&lt;" * 32_767 + b"</t></is></c></row>"),
        ("some depth", b"<a>" * (DEEPEST - 9) + b"</a>" * (DEEPEST - 9)),
        ("a long tag", b'<a b="' + b">" * (LONGEST_TAG - 100) + b'"/>'),
        ("rows without cells", b"".join(b'<row r="%d"/>' % row for row in range(3, 60_000))),
    ],
)
def test_what_programs_write_is_read(upload: Path, name: str, harmless: bytes) -> None:
    assert rows_of(with_rows(upload, harmless))[0] == ["Ann", "Lee", "Rome"]


def test_a_sheet_under_another_name_is_looked_at_too(upload: Path) -> None:
    moved = {
        "xl/_rels/workbook.xml.rels": part("xl/_rels/workbook.xml.rels").replace(
            b"worksheets/sheet1", b"elsewhere/one"
        ),
        "[Content_Types].xml": part("[Content_Types].xml").replace(b"worksheets/sheet1", b"elsewhere/one"),
    }
    disordered = part(SHEET).replace(b'<row r="2"', b'<row r="0"').replace(b'"A2"', b'"A0"')
    for sheet in (part(SHEET), disordered):
        with zipfile.ZipFile(io.BytesIO(workbook())) as old, zipfile.ZipFile(upload, "w") as new:
            for one in old.namelist():
                if one != SHEET:
                    new.writestr(one, moved.get(one, old.read(one)))
            new.writestr("xl/elsewhere/one.xml", sheet)
        if sheet is disordered:
            with refused_as("damaged_workbook"):
                rows_of(upload)
        else:
            assert rows_of(upload) == [["Ann", "Lee", "Rome"]]


def test_the_first_row_that_is_far_too_wide_refuses_the_file_at_once(upload: Path) -> None:
    rows = b"".join(b'<row r="%d"><c r="XFD%d"><v>1</v></c></row>' % (row, row) for row in range(3, 2_500))
    with refused_as("ragged_rows", match=r"row 3 .* has 16384"):
        rows_of(with_rows(upload, rows))


def test_empty_cells_far_to_the_right_are_none(upload: Path) -> None:
    rows = b"".join(
        b'<row r="%d"><c r="A%d"><v>1</v></c><c r="XFD%d" s="0"/></row>' % (row, row, row) for row in (3, 4)
    )
    assert rows_of(with_rows(upload, rows))[1:] == [["1", "", ""], ["1", "", ""]]


def test_a_cell_beyond_the_last_column_or_twice_in_a_row_is_refused(upload: Path) -> None:
    for cells in (b'<c r="XFE3"><v>1</v></c>', b"<c><v>1</v></c>" * 16_385):
        with pytest.raises(UploadRefused) as caught:
            rows_of(with_rows(upload, b'<row r="3">' + cells + b"</row>"))
        assert caught.value.code in ("damaged_workbook", "ragged_rows")
    with refused_as("damaged_workbook"):
        rows_of(with_rows(upload, b"<row><c><v>1</v></c></row>" * 3 + b'<row r="4"><c><v>1</v></c></row>'))


def test_a_cell_that_is_put_together_of_long_texts_is_refused_with_its_row(upload: Path) -> None:
    runs = b"<r><t>" + b"x" * 300_000 + b"</t></r>"
    with refused_as("cell_too_long", match="line 3"):
        rows_of(with_rows(upload, b'<row r="3"><c r="A3" t="inlineStr"><is>' + runs * 4 + b"</is></c></row>"))


def test_a_wide_sheet_is_limited_by_all_its_cells(upload: Path) -> None:
    rows = b"".join(b'<row r="%d"><c r="IV%d"><v>1</v></c></row>' % (row, row) for row in range(3, 2_003))
    with pytest.raises(UploadRefused) as caught:
        rows_of(with_rows(upload, rows), Csv(max_bytes=200_000))
    assert caught.value.code in ("unpacked_too_large", "ragged_rows")
