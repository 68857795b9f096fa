"""Blanked copies: no password is left, and every other cell is as it was."""

import csv
import io
from pathlib import Path

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from etl_customers.base.errors import UploadRefused
from etl_customers.columns.account_fields import NO_FIELDS
from etl_customers.inbox.blank import write_blanked
from etl_customers.settings.sections import Csv

LIMITS = Csv()
CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\ufeff§"), max_size=12)
PASSWORD = st.text("xyzäß'\"=+, ;", max_size=8).map(lambda text: f"§{text}§")


def blank(source: Path, content: bytes, encoding: str | None = None) -> bytes | None:
    source.write_bytes(content)
    copy = write_blanked(source, source.parent, NO_FIELDS, LIMITS, encoding)
    return None if copy is None else copy.read_bytes()


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.tuples(CELL, CELL, PASSWORD, CELL), max_size=6),
    blank_at=st.integers(0, 6),
    delimiter=st.sampled_from(",;\t|"),
    codec=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    line_end=st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_only_the_cells_of_passwords_differ(
    tmp_path: Path,
    rows: list[tuple[str, str, str, str]],
    blank_at: int,
    delimiter: str,
    codec: str,
    line_end: str,
) -> None:
    records = [["first name", "Surname", "PASSWORD", "town"], *map(list, rows)]
    records.insert(1 + min(blank_at, len(rows)), ["", "", "", ""])
    text = io.StringIO(newline="")
    # Python's writer leaves a bare CR without quotes where it is no part of the line's end.
    if line_end == "\r\n":
        csv.writer(text, delimiter=delimiter, lineterminator=line_end).writerows(records)
    else:
        csv.writer(text, delimiter=delimiter, lineterminator=line_end, quoting=csv.QUOTE_ALL).writerows(records)
    done = blank(tmp_path / "x", text.getvalue().encode(codec))
    assert done is not None
    assert "§" not in done.decode(codec)
    found = list(csv.reader(io.StringIO(done.decode(codec), newline=""), delimiter=delimiter, strict=True))
    assert found[0] == records[0]
    assert [[first, last, city] for first, last, _, city in found[1:]] == [
        [first, last, city] for first, last, _, city in records[1:]
    ]


def test_a_file_without_a_column_of_passwords_needs_no_copy(tmp_path: Path) -> None:
    assert blank(tmp_path / "x", b"first_name,last_name\nAda,pass-word\n") is None
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_rows_after_the_blank_one_and_short_and_long_ones_are_blanked_too(tmp_path: Path) -> None:
    done = blank(tmp_path / "x", b"first_name,last_name,password\n\nA,B,secret-1\nsecret-3\nD,x,E,secret-2,,\n")
    assert done == b'first_name,last_name,password\r\n\r\nA,B,\r\n""\r\nD,x,,,,\r\n'


def test_a_password_that_moved_under_an_empty_header_is_blanked_and_rows_that_fit_keep_their_cells(
    tmp_path: Path,
) -> None:
    header = b"first_name,password,last_name,city,\n"
    done = blank(tmp_path / "x", header + b"A,secret-1,B,Perth,\nC,x,secret-2,D,Perth\nE,secret-3,F,Perth\n")
    assert done is not None
    assert done.splitlines()[1:] == [b"A,,B,Perth,", b"C,,,D,Perth", b",,F,Perth"]


def test_escaped_formulas_and_quotes_stay_as_they_are(tmp_path: Path) -> None:
    done = blank(
        tmp_path / "x", b'import_id,row,first_name,last_name,password,errors\nz,2,\'=1+1,"a ""b""",s3cret,\'-\n'
    )
    assert done is not None
    assert done.splitlines()[1] == b'z,2,\'=1+1,"a ""b""",,\'-'


def test_another_encoding_is_kept(tmp_path: Path) -> None:
    content = "first_name,last_name,password\r\nJürgen,Groß,geheim\r\n".encode("windows-1252")
    assert blank(tmp_path / "x", content, "windows-1252") == content.replace(b"geheim", b"")


def test_of_a_workbook_the_imported_sheet_is_written_without_passwords_and_with_no_text_made_a_formula(
    tmp_path: Path,
) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (
        ["first_name", "last_name", "password", "postcode"],
        ["Zoë", "=x", "s3cret-1", 2000],
        [None, None, "s3cret-2"],
    ):
        sheet.append(row)
    sheet["B2"].data_type = "s"
    book.create_sheet("other").append(["s3cret-3"])
    file = io.BytesIO()
    book.save(file)
    done = blank(tmp_path / "x", file.getvalue())
    assert done is not None
    assert done.decode("utf-8-sig") == (
        '"first_name","last_name","password","postcode"\r\n"Zoë","\'=x","","2000"\r\n"","","",""\r\n'
    )


@pytest.mark.parametrize(
    "content", [b"first_name,last_name,Kennwort\nA,B,secret\n", b"1,2\n", b'first_name,last_name,password\n"x']
)
def test_a_file_that_cannot_be_read_any_more_leaves_no_copy(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(UploadRefused):
        blank(tmp_path / "x", content)
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_a_copy_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    source = tmp_path / "x"
    source.write_bytes(b"first_name,last_name,password\nA,B,C\n")
    copy = write_blanked(source, tmp_path, NO_FIELDS, LIMITS, None)
    assert copy is not None
    assert copy.stat().st_mode & 0o777 == 0o600
