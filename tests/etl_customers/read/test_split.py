import codecs
from pathlib import Path

import openpyxl
import pytest

from etl_customers.base.errors import DiskUnavailable
from etl_customers.columns.account_fields import NO_FIELDS
from etl_customers.read.split import split_file
from etl_customers.read.upload_rows import open_upload
from etl_customers.settings.sections import Csv
from tests.refused import refused_as

CSV = Csv(max_rows=2)
ROWS = ['Ann,"Le\r\n""e"', "Bob,Ray", "Zoë,Fox ", '"Di",Orr', "Ed,Poe"]


def source(tmp_path: Path, content: bytes, name: str = "customers.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_parts_without_their_headers_are_the_file_byte_for_byte(tmp_path: Path, codec: str, end: str) -> None:
    header = "first_name,last_name" + end
    content = (header + end.join(ROWS)).encode(codec)
    parts = split_file(source(tmp_path, content), CSV, None, tmp_path)
    assert [part.name for part in parts] == [f"customers-{number}-of-3.csv" for number in (1, 2, 3)]
    start = header.encode(codec)
    assert all(part.read_bytes().startswith(start) for part in parts)
    assert start + b"".join(part.read_bytes().removeprefix(start) for part in parts) == content


@pytest.mark.parametrize("blank", [";", "\u200b;\u00a0"])
def test_every_part_can_be_imported_and_together_they_have_all_rows(tmp_path: Path, blank: str) -> None:
    rows_before = "".join(f"Ann;{number}\n" for number in range(7))
    content = f"first_name;last_name\n{rows_before}{blank}\nBob;late\n".encode()
    found, unread = [], 0
    for part in split_file(source(tmp_path, content), Csv(max_rows=3), None, tmp_path):
        with open_upload(part, NO_FIELDS, Csv(max_rows=3), None) as rows:
            found += [cells[1] for _, _, cells in rows]
            unread += rows.unread
    assert (found, unread) == ([str(number) for number in range(7)], 1)


def test_a_named_encoding_is_kept(tmp_path: Path) -> None:
    content = ("first_name,last_name\n" + "Zoë,Lee\n" * 3).encode("cp1252")
    first, second = split_file(source(tmp_path, content), CSV, "windows-1252", tmp_path)
    assert first.read_bytes() == ("first_name,last_name\n" + "Zoë,Lee\n" * 2).encode("cp1252")
    assert second.read_bytes().endswith("Zoë,Lee\n".encode("cp1252"))


def test_big_endian_utf16_keeps_its_mark_in_every_part(tmp_path: Path) -> None:
    content = codecs.BOM_UTF16_BE + ("first_name,last_name\n" + "Zoë,Lee\n" * 3).encode("utf-16-be")
    for part in split_file(source(tmp_path, content), CSV, None, tmp_path):
        assert part.read_bytes().startswith(codecs.BOM_UTF16_BE + "first_name".encode("utf-16-be"))


def test_an_encoding_that_cannot_be_written_back_exactly_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    content = b"first_name,last_name\n" + b'\x1b$B\x1b$B$"\x1b(B,x\n' * 3  # the same escape twice: never written so
    with refused_as("not_split_exactly"):
        split_file(source(tmp_path, content), CSV, "iso2022_jp", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["customers.csv"]


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    path = source(tmp_path, b"first_name,last_name\n" + b"Ann,Lee\n" * 5)
    kept = source(tmp_path, b"mine", "customers-2-of-3.csv")
    with refused_as("part_exists", match=r"customers-2-of-3\.csv"):
        split_file(path, CSV, None, tmp_path)
    assert kept.read_bytes() == b"mine"
    assert not (tmp_path / "customers-1-of-3.csv").exists()


def test_a_file_that_is_short_enough_is_not_split(tmp_path: Path) -> None:
    with refused_as("nothing_to_split"):
        split_file(source(tmp_path, b"first_name,last_name\n" + b"Ann,Lee\n" * 2 + b"\nBob,Ray\n"), CSV, None, tmp_path)


def test_what_cannot_be_read_as_rows_is_refused(tmp_path: Path) -> None:
    with refused_as("broken_quotes"):
        split_file(source(tmp_path, b'first_name,last_name\n"Ann,Lee\n'), CSV, None, tmp_path)
    with refused_as("not_a_regular_file"):
        split_file(tmp_path, CSV, None, tmp_path)


def test_a_folder_that_is_not_there_is_a_matter_of_the_disk(tmp_path: Path) -> None:
    with pytest.raises(DiskUnavailable):
        split_file(source(tmp_path, b"first_name,last_name\n" + b"Ann,Lee\n" * 5), CSV, None, tmp_path / "gone")


def test_parts_may_be_read_by_whom_the_file_may_be_read(tmp_path: Path) -> None:
    path = source(tmp_path, b"first_name,last_name\n" + b"Ann,Lee\n" * 3)
    path.chmod(0o600)
    assert {part.stat().st_mode & 0o777 for part in split_file(path, CSV, None, tmp_path)} == {0o600}


def test_a_workbook_is_split_into_csv_parts(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in (["first_name", "last_name"], ["Zoë", 'L"e'], ["Bob", "R\nay"], ["Cy", "Fox"]):
        book.active.append(row)
    book.save(tmp_path / "customers.xlsx")
    parts = split_file(tmp_path / "customers.xlsx", CSV, None, tmp_path)
    assert [part.name for part in parts] == ["customers-1-of-2.csv", "customers-2-of-2.csv"]
    with open_upload(parts[0], NO_FIELDS, CSV, None) as rows:
        assert [cells for _, _, cells in rows] == [["Zoë", 'L"e'], ["Bob", "R\nay"]]


def test_a_part_whose_rows_all_have_a_cell_more_than_the_others_is_not_made(tmp_path: Path) -> None:
    text = "first_name,last_name\n" + "Ann,Lee\n" * 4 + "Bob,Ray,\n" * 2
    with refused_as("ragged_rows", match="header has 2 cells, but row 6 has 3"):
        split_file(source(tmp_path, text.encode()), CSV, None, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["customers.csv"]


def test_blanks_before_quotation_marks_are_read_away_before_rows_are_counted(tmp_path: Path) -> None:
    text = 'first_name, last_name\nAnn, "Lee\n Low"\nBob, "Ray, B"\nCy, "Fox"\n'
    parts = split_file(source(tmp_path, text.encode()), CSV, None, tmp_path)
    with open_upload(parts[0], NO_FIELDS, CSV, None) as rows:
        assert [cells for _, _, cells in rows] == [["Ann", "Lee\n Low"], ["Bob", "Ray, B"]]
