import datetime
import io
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.styles import numbers

from etl_customers.columns.account_fields import NO_FIELDS
from etl_customers.read.upload_rows import open_upload
from etl_customers.read.workbook_texts import number_text
from etl_customers.settings.sections import Csv
from etl_customers.texts.error_values import OTHER
from tests.refused import refused_as

NAMESPACE = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
HEADER = ["first_name", "last_name", "city"]
_BOMB = """<?xml version="1.0"?><!DOCTYPE w [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>
<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1">
<c r="A1" t="inlineStr"><is><t>&b;</t></is></c></row></sheetData></worksheet>"""


def workbook(tmp_path: Path, *rows: list[Any]) -> tuple[openpyxl.Workbook, Path]:
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in [HEADER, *rows]:
        book.active.append(row)
    return book, tmp_path / "generated.upload"


def rows_of(path: Path, csv: Csv | None = None) -> list[tuple[int, int, list[str]]]:
    with open_upload(path, NO_FIELDS, csv or Csv(), None) as rows:
        return list(rows)


def cells_of(tmp_path: Path, *values: Any, number_format: str | None = None) -> list[str]:
    book, path = workbook(tmp_path, *([value, "Lee", "Rome"] for value in values))
    if number_format is not None:
        for row in range(2, len(values) + 2):
            book.active.cell(row, 1).number_format = number_format  # type: ignore[union-attr]
    book.save(path)
    return [cells[0] for _, _, cells in rows_of(path)]


def with_part(path: Path, name: str, content: str | bytes) -> None:
    """Replace one part of a workbook."""
    with zipfile.ZipFile(path) as old:
        parts = {part: old.read(part) for part in old.namelist()}
    parts[name] = content.encode() if isinstance(content, str) else content
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for part, data in parts.items():
            new.writestr(part, data)


def share_texts(path: Path) -> None:
    """Keep each text once in a table of its own, as Excel does."""
    with zipfile.ZipFile(path) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()
        types = archive.read("[Content_Types].xml").decode()
    found = re.compile(r't="inlineStr"><is>(<t[^>]*>[^<]*</t>)</is>')
    texts = list(dict.fromkeys(found.findall(sheet)))
    sheet = found.sub(lambda match: f't="s"><v>{texts.index(match[1])}</v>', sheet)
    table = "".join(f"<si>{text}</si>" for text in texts)
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    part = f'<Override PartName="/xl/sharedStrings.xml" ContentType="{kind}"/></Types>'
    with_part(path, "xl/worksheets/sheet1.xml", sheet)
    with_part(path, "xl/sharedStrings.xml", f"<sst {NAMESPACE}>{table}</sst>")
    with_part(path, "[Content_Types].xml", types.replace("</Types>", part))


def test_texts_kept_in_a_table_are_read(tmp_path: Path) -> None:
    book, path = workbook(tmp_path, ["Ann", "Lee", " Rome "])
    book.save(path)
    share_texts(path)
    assert rows_of(path) == [(2, 2, ["Ann", "Lee", " Rome "])]


def test_cells_are_read_as_text_as_they_are_shown(tmp_path: Path) -> None:
    values = ["Ann", 5, 5.0, 0.1 + 0.2, 61255501234, 1e21, True, False, "#N/A", " x ", "=", "012"]
    expected = ["Ann", "5", "5", "0.3", "61255501234", "1" + "0" * 21, "TRUE", "FALSE", "#N/A", " x ", "=", "012"]
    assert cells_of(tmp_path, *values) == expected


def test_dates_are_written_with_slashes_whatever_their_format(tmp_path: Path) -> None:
    day = datetime.date(2018, 5, 12)
    midnight, morning = (
        datetime.datetime.fromisoformat("2018-05-12"),
        datetime.datetime.fromisoformat("2018-05-12T09:30"),
    )
    assert cells_of(tmp_path, day, midnight) == ["2018/05/12"] * 2
    assert cells_of(tmp_path, day, number_format=numbers.FORMAT_DATE_DMYSLASH) == ["2018/05/12"]
    assert cells_of(tmp_path, morning, datetime.time(9, 30)) == [
        "2018/05/12 09:30:00",
        "09:30:00",
    ]


@pytest.mark.parametrize(
    ("value", "number_format", "text"),
    [
        (800, "00000", "00800"),
        (123456, "00000", "123456"),
        (412345678, "0000 000 000", "0412 345 678"),
        (412345678, r"0000\ 000\ 000", "0412 345 678"),
        (255501234, '"("00") "0000" "0000', "(02) 5550 1234"),
        (800.0, "00000;-00000", "00800"),
        (0, "000", "000"),
        (1250.5, "#,##0.00", "1250.5"),
        (1250, '"$"#,##0', "1250"),
        (7, "0", "7"),
        (-7, "00000", "-7"),
        (0.25, "0%", "0.25"),
        (7, "General", "7"),
    ],
)
def test_formats_made_of_zeros_are_honoured_and_no_others(value: float, number_format: str, text: str) -> None:
    assert number_text(value, number_format) == text


def test_zeros_in_front_are_read_from_a_workbook(tmp_path: Path) -> None:
    assert cells_of(tmp_path, 800, 90210, number_format="00000") == ["00800", "90210"]


def test_rows_that_the_sheet_leaves_out_are_blank_and_end_the_file(tmp_path: Path) -> None:
    book, path = workbook(tmp_path, ["Ann", "Lee"], ["Bob", "Ray", "Rome", None])
    book.active.cell(6, 1, "Cy")  # type: ignore[union-attr]
    book.save(path)
    with open_upload(path, NO_FIELDS, Csv(), None) as rows:
        assert list(rows) == [(2, 2, ["Ann", "Lee", ""]), (3, 3, ["Bob", "Ray", "Rome"])]
        assert (rows.read, rows.unread) == (2, 1)


def test_the_first_visible_sheet_is_read(tmp_path: Path) -> None:
    book, path = workbook(tmp_path, ["Ann", "Lee", "Rome"])
    hidden = book.create_sheet("notes", 0)
    hidden.append(["nothing"])
    hidden.sheet_state = "hidden"
    book.save(path)
    assert len(rows_of(path)) == 1


def test_a_formula_without_a_stored_result_is_refused_with_its_place(tmp_path: Path) -> None:
    book, path = workbook(tmp_path, ["Ann", "=A2&B2", "Rome"])
    book.save(path)
    with refused_as("formula_without_value", match="row 2, column 2"):
        rows_of(path)


def test_a_formula_is_read_by_its_stored_result_even_if_that_is_empty(tmp_path: Path) -> None:
    book, path = workbook(tmp_path, ["Ann", "=A2&B2", '=""'])
    book.save(path)
    with zipfile.ZipFile(path) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()
    sheet = sheet.replace('<c r="B2"><f>A2&amp;B2</f><v />', '<c r="B2" t="str"><f>A2&amp;B2</f><v>Lee</v>')
    sheet = sheet.replace('<c r="C2"><f>""</f><v />', '<c r="C2" t="str"><f>""</f><v></v>')
    with_part(path, "xl/worksheets/sheet1.xml", sheet)
    assert rows_of(path) == [(2, 2, ["Ann", "Lee", ""])]


def test_a_workbook_that_unpacks_to_too_much_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    book, path = workbook(tmp_path, ["Ann", "Lee", "Rome"])
    book.save(path)
    with_part(path, "xl/media/bomb.bin", b"\0" * 5_000_000)
    assert path.stat().st_size < 50_000
    with refused_as("unpacked_too_large"):
        rows_of(path, Csv(max_bytes=4_000_000))


def test_a_text_that_many_cells_share_counts_once_for_each(tmp_path: Path) -> None:
    book, path = workbook(tmp_path, *([["x" * 30_000, "Lee", "Rome"]] * 100))
    book.save(path)
    share_texts(path)
    with refused_as("unpacked_too_large"):
        rows_of(path, Csv(max_bytes=1_000_000))


def test_entities_are_not_expanded(tmp_path: Path) -> None:
    book, path = workbook(tmp_path, ["Ann", "Lee", "Rome"])
    book.save(path)
    with_part(path, "xl/worksheets/sheet1.xml", _BOMB)
    with refused_as("damaged_workbook"):
        rows_of(path)


@pytest.mark.parametrize(
    ("part", "content"),
    [
        ("xl/worksheets/sheet1.xml", "<worksheet"),
        ("xl/worksheets/sheet1.xml", b"\0\1\2"),
        ("xl/workbook.xml", "<x/>"),
        ("xl/sharedStrings.xml", "no"),
        ("xl/styles.xml", "no"),
        ("[Content_Types].xml", "<Types/>"),
    ],
)
def test_a_damaged_workbook_is_refused(tmp_path: Path, part: str, content: str | bytes) -> None:
    book, path = workbook(tmp_path, ["Ann", "Lee", "Rome"])
    book.save(path)
    share_texts(path)
    with_part(path, part, content)
    with refused_as("damaged_workbook"):
        rows_of(path)


def test_rows_and_columns_that_no_spreadsheet_has_do_not_run_for_ever(tmp_path: Path) -> None:
    book, path = workbook(tmp_path, ["Ann", "Lee", "Rome"])
    book.save(path)
    cell = '<c r="{}" t="inlineStr"><is><t>first_name</t></is></c>'
    sheet = f'<worksheet {NAMESPACE}><sheetData><row r="1">{cell.format("A1")}</row><row r="99999999999">'
    with_part(
        path, "xl/worksheets/sheet1.xml", sheet + f"{cell.format('ZZZ99999999999')}</row></sheetData></worksheet>"
    )
    assert rows_of(path, Csv(required=())) == []


@pytest.mark.parametrize(
    ("part", "kind"),
    [
        ("xl/vbaProject.bin", "macros"),
        ("xl/workbook.bin", "xlsb"),
        ("word/document.xml", "Word"),
        ("content.xml", "OpenDocument"),
    ],
)
def test_other_files_in_a_zip_are_named_as_what_they_are(tmp_path: Path, part: str, kind: str) -> None:
    path = tmp_path / "generated.upload"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(part, b"x")
        archive.writestr("readme.txt", b"x")
    path.write_bytes(packed.getvalue())
    with refused_as("not_csv", match=kind):
        rows_of(path)


def test_a_cell_of_type_error_is_an_error_value_whatever_its_text(tmp_path: Path) -> None:
    book, path = workbook(tmp_path, ["#N/A", "#REF!", "Rome"])
    book.save(path)
    with zipfile.ZipFile(path) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()
    assert sheet.count('t="e"') == 2
    with_part(path, "xl/worksheets/sheet1.xml", sheet.replace("#REF!", "Ann"))
    assert [cells[:2] for _, _, cells in rows_of(path)] == [["#N/A", OTHER]]


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("1 High St_x000D_", "1 High St\r"),
        ("a_x000a_b_x0009_c", "a\nb\tc"),
        ("_x005F_x000D_", "_x000D_"),
        ("_x005f_x005F_", "_x005F_"),
        ("_xD83D__xDE00_", "\U0001f600"),
        ("_xD83D_", "\0"),
        ("_x0000_", "\0"),
        ("_x00e9_", "é"),
        ("_x00G0_ _x000_ x000D_ _X000D_", "_x00G0_ _x000_ x000D_ _X000D_"),
    ],
)
@pytest.mark.parametrize("kind", ["inline", "shared", "in runs", "the result of a formula", "header"])
def test_escapes_are_undone_in_every_text(tmp_path: Path, kind: str, written: str, text: str) -> None:
    header = kind == "header"
    book, path = workbook(tmp_path, ["Zoë", "Lee", "Rome", *(["Ann"] * header)])
    if header:
        book.active["D1"] = "Zoë"  # type: ignore[index]
    book.save(path)
    if kind in ("shared", "in runs"):
        share_texts(path)
    name = "xl/sharedStrings.xml" if kind in ("shared", "in runs") else "xl/worksheets/sheet1.xml"
    with zipfile.ZipFile(path) as archive:
        content = archive.read(name).decode()
    assert "<t>Zoë</t>" in content
    if kind == "in runs":
        content = content.replace("<t>Zoë</t>", f"<r><t>{written}</t></r><rPh><t>x</t></rPh><r><t/></r>")
    elif kind == "the result of a formula":
        content = re.sub(
            r't="inlineStr"><is><t>Zoë</t></is>', lambda _: f't="str"><f>A1</f><v>{written}</v>', content, count=1
        )
    else:
        content = content.replace("<t>Zoë</t>", f"<t>{written}</t>")
    with_part(path, name, content)
    with open_upload(path, NO_FIELDS, Csv(ignore_unknown_columns=True), None) as rows:
        found = rows.columns[3].header if header else next(iter(rows))[2][0]
    assert found == text


def test_other_visible_sheets_with_cells_are_named(tmp_path: Path) -> None:
    book, path = workbook(tmp_path, ["Ann", "Lee", "Rome"])
    for title, state in (("More", "visible"), ("Lists", "hidden"), ("Empty", "visible"), ("Numbers", "visible")):
        sheet = book.create_sheet(title)
        sheet.sheet_state = state
        if title != "Empty":
            sheet["B7"] = 1 if title == "Numbers" else "Bob"
    book.create_chartsheet("Chart")
    book.save(path)
    with open_upload(path, NO_FIELDS, Csv(), None) as rows:
        assert [cells[0] for _, _, cells in rows] == ["Ann"]
        assert rows.other_sheets == ("More", "Numbers")


def test_where_the_first_sheet_is_empty_the_one_that_is_not_is_named(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.create_sheet("Customers").append(["first_name", "last_name"])
    book.save(tmp_path / "book.xlsx")
    with (
        refused_as("empty_file", match=r"the first sheet is empty.* make 'Customers' the first one"),
        open_upload(tmp_path / "book.xlsx", NO_FIELDS, Csv(), None),
    ):
        pass


def test_workbooks_are_read_by_the_same_parser_whether_lxml_is_installed_or_not() -> None:
    pytest.importorskip("lxml", reason="without lxml there is one parser only")
    code = "import etl_customers.read.xlsx_files, openpyxl; print(openpyxl.LXML, openpyxl.DEFUSEDXML)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout == "False True\n"
