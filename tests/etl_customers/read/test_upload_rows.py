"""Files as bytes in, rows with their numbers out: the reader as a user meets it."""

import codecs
import csv as csv_module
import io
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl_customers.base.errors import UploadRefused
from etl_customers.columns.account_fields import NO_FIELDS
from etl_customers.read.csv_files import LONGEST_CELL, _filled_lines
from etl_customers.read.row_widths import RaggedCells, describe_width
from etl_customers.read.upload_rows import open_upload
from etl_customers.settings.sections import Csv
from tests.properties import examples
from tests.refused import refused_as

HEADER = "first_name,last_name,city\n"
DATA = Path(__file__).parents[2] / "data"


@pytest.fixture(scope="module")
def upload(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("upload") / "generated.upload"


def rows_of(
    upload: Path, content: str | bytes, encoding: str | None = None, csv: Csv | None = None
) -> list[tuple[int, int, list[str]]]:
    upload.write_bytes(content.encode() if isinstance(content, str) else content)
    with open_upload(upload, NO_FIELDS, csv or Csv(), encoding) as rows:
        return list(rows)


def counts_of(upload: Path, content: str | bytes, csv: Csv | None = None) -> tuple[int, int]:
    upload.write_bytes(content.encode() if isinstance(content, str) else content)
    with open_upload(upload, NO_FIELDS, csv or Csv(), None) as rows:
        for _ in rows:
            pass
        return rows.read, rows.unread


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_all_line_ends_are_read(upload: Path, end: str) -> None:
    text = end.join(["first_name,last_name", "Ann,Lee", '"Bo\nb",Ray', "Cy,Fox"])
    assert rows_of(upload, text) == [(2, 2, ["Ann", "Lee"]), (3, 3, ["Bo\nb", "Ray"]), (4, 5, ["Cy", "Fox"])]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_by_the_header(upload: Path, delimiter: str) -> None:
    text = (
        delimiter.join(["first_name", "last_name"])
        + "\n"
        + delimiter.join(["A;B" if delimiter == "," else "A,B", "Lee"])
    )
    assert rows_of(upload, text)[0][2][1] == "Lee"


def test_a_header_of_one_column_is_a_header(upload: Path) -> None:
    assert rows_of(upload, "first_name\nAnn\n", csv=Csv(required=())) == [(2, 2, ["Ann"])]


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16"])
def test_utf8_with_and_without_mark_and_utf16_with_mark_need_no_name(upload: Path, codec: str) -> None:
    assert rows_of(upload, (HEADER + "Zoë,Łuk,東京\n").encode(codec)) == [(2, 2, ["Zoë", "Łuk", "東京"])]


def test_big_endian_utf16_is_read_by_its_mark_even_if_another_encoding_is_named(upload: Path) -> None:
    content = codecs.BOM_UTF16_BE + (HEADER + "Zoë,Łuk,東京\n").encode("utf-16-be")
    assert rows_of(upload, content, "windows-1252")[0][2] == ["Zoë", "Łuk", "東京"]


def test_windows_1252_is_refused_with_line_and_option_and_read_when_named(upload: Path) -> None:
    content = (DATA / "windows-1252.csv").read_bytes()
    with refused_as("not_utf8", match=r"line 3 .* --encoding windows-1252"):
        rows_of(upload, content)
    assert rows_of(upload, content, "windows-1252")[1][2][0] == "Zoë"
    assert rows_of(upload, content, csv=Csv(encoding="cp1252"))[1][2][0] == "Zoë"


def test_the_line_of_a_bad_byte_is_exact_far_into_a_file(upload: Path) -> None:
    for end in (b"\n", b"\r\n", b"\r"):
        good = end.join([b"first_name,last_name", *[b"Ann,Lee"] * 100_000])
        with refused_as("not_utf8", match="line 100002 "):
            rows_of(upload, good + end + b"Zo\xeb,Lee" + end + b"Ann,Lee", csv=Csv(max_rows=10**6))


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_the_line_of_a_bad_byte_that_is_the_first_of_its_line_is_exact(upload: Path, end: bytes) -> None:
    with refused_as("not_utf8", match="line 3 "):
        rows_of(upload, end.join([b"first_name,last_name", b"Ann,Lee", b"\xc9ve,Lee"]))


def test_utf16_without_its_mark_is_refused_with_the_encoding_to_name(upload: Path) -> None:
    content = (HEADER + "Ann,Lee,Rome\n").encode("utf-16-le")
    with refused_as("not_utf8", match="--encoding utf-16-le"):
        rows_of(upload, content)
    assert rows_of(upload, content, "utf-16-le")[0][2] == ["Ann", "Lee", "Rome"]


@pytest.mark.parametrize(
    "name", ["klingon", "base64", "rot13", "unicode_escape", "utf-7", "idna", "a\0b", "hex", "undefined"]
)
def test_an_encoding_that_text_files_do_not_have_is_refused(upload: Path, name: str) -> None:
    with refused_as("unknown_encoding"):
        rows_of(upload, HEADER, name)


def test_a_blank_row_ends_the_file_and_the_rest_is_counted_as_unread(upload: Path) -> None:
    assert counts_of(upload, HEADER + "Ann,Lee,\n , \t,\u3000\nBob,Ray,\n\nCy,Fox,,,,\n,,\n") == (1, 2)


def test_empty_lines_at_the_end_mean_nothing(upload: Path) -> None:
    assert counts_of(upload, HEADER + "Ann,Lee,\n" + "\n" * 1000 + ",,\n") == (1, 0)


def test_a_header_alone_is_a_file_without_rows(upload: Path) -> None:
    assert counts_of(upload, HEADER.strip()) == (0, 0)


def test_empty_cells_past_the_header_are_dropped(upload: Path) -> None:
    assert rows_of(upload, HEADER + "Ann,Lee,Rome,,\n") == [(2, 2, ["Ann", "Lee", "Rome"])]


def ragged_of(upload: Path, content: str) -> list[int]:
    upload.write_text(content, newline="")
    with open_upload(upload, NO_FIELDS, Csv(required=()), None) as rows:
        return [row for row, _, cells in rows if isinstance(cells, RaggedCells)]


@pytest.mark.parametrize(
    ("content", "ragged"),
    [
        (HEADER + "Ann,Lee,Rome,\nBob,Ray,Oslo\n", [2]),
        (HEADER + "Ann,Lee,Rome,\nBob,Ray,Oslo,\n", []),
        (HEADER + "Ann,Lee,Rome,,\nBob,Ray,Oslo,\nCy,Fox,Bonn,\n", [2]),
        (HEADER + "Ann,Lee,Rome,\nBob,Ray,x,Oslo\nCy,Fox,Bonn,\n", [3]),
        ("first_name,last_name,city,\nAnn,Lee,Rome,\nBob,Ray,Oslo,\nCy,Fox,Bonn\n", []),
        ("first_name,last_name,city,\nAnn,Lee,Rome,\nBob,Ray,Oslo,\nCy,Fox,\n", [4]),
        ("first_name,last_name,city,\nAnn,Lee,Rome\nBob,Ray,Oslo\n", []),
        ("first_name,last_name,city,\nAnn,Lee,Rome\nBob,Ray,Oslo\nCy,Fox,x,Bonn\n", [4]),
        ("first_name,last_name,city,\nAnn,Lee,Rome,\nBob,Ray,Oslo,\nCy,Fox,Bonn,,\n", [4]),
        (HEADER + "Ann,x,Lee,Rome,\nBob,Ray,Oslo,\nCy,Fox,Bonn,\n", [2]),
        (HEADER + "Ann,Lee,Rome\nBob,Ray\nCy,Fox,Bonn\n", [3]),
        (HEADER + "Ann,Lee,Rome\nBob,Ray,Oslo,x\nCy,Fox,Bonn\n\nDi\n", [3]),
    ],
)
def test_empty_cells_beyond_the_header_are_forgiven_only_where_every_row_has_them(
    upload: Path, content: str, ragged: list[int]
) -> None:
    assert ragged_of(upload, content) == ragged


def test_the_cells_of_the_header_are_counted_as_they_are(upload: Path) -> None:
    with refused_as("ragged_rows", match=r"the header has 4 cells, but row 2 .* has 5;"):
        rows_of(upload, "first_name;last_name;city;street_address\nAnn;Ash;Perth;1, High St; x\n")
    with refused_as("ragged_rows", match=r"the header has 3 cells and an empty end .*, but row 3 \(line 3\) has 4"):
        rows_of(upload, HEADER[:-1] + ",\nAnn,Lee,Rome\nBob,Ray,Oslo,\nCy,Fox,Bonn\nDi,Orr\nEd\nFay\n")


def test_a_cell_under_no_header_is_named_by_its_column(upload: Path) -> None:
    upload.write_text("first_name;last_name;city;\nA;One;Perth;x\nB;Two;Perth;\n")
    with open_upload(upload, NO_FIELDS, Csv(), None) as rows:
        first, second = [cells for _, _, cells in rows]
    assert isinstance(first, RaggedCells)
    assert describe_width(first) == "a filled cell in column 4, which has no header"
    assert second == ["B", "Two", "Perth"]


NO_COLUMN = re.compile(r"row (\d+) \(line \d+\) has a cell in column (\d+)")
HEADER_HAS = re.compile(r"the header has (\d+) cells( and an empty end)?")


def check_refusal(refusal: UploadRefused, grid: list[list[str]], header: list[str], named: int) -> None:
    if refusal.code == "cell_without_column":
        place = NO_COLUMN.match(str(refusal))
        assert place
        row, column = map(int, place.groups())
        assert named < column <= len(header)
        assert grid[row - 2][column - 1].strip()
        return
    assert refusal.code == "ragged_rows"
    said = HEADER_HAS.match(str(refusal))
    assert said
    if said[2]:
        assert (int(said[1]), len(header) > named) == (named, True)
    else:
        assert int(said[1]) == len(header)
    ragged = re.findall(r"row (\d+) \(line \d+\) has (\d+)", str(refusal))
    assert ragged
    for number, has in ragged:
        assert len(grid[int(number) - 2]) == int(has) != int(said[1])


@examples(400, 20_000)
@given(
    named=st.integers(1, 3),
    empty=st.integers(0, 2),
    grid=st.lists(st.lists(st.sampled_from(["", "x", " ", "y\nz"]), min_size=1, max_size=7), min_size=1, max_size=6),
)
def test_the_numbers_in_every_message_about_widths_are_true_of_the_file(
    upload: Path, named: int, empty: int, grid: list[list[str]]
) -> None:
    header = ["first_name", "last_name", "city"][:named] + [""] * empty
    with upload.open("w", newline="") as file:
        csv_module.writer(file, quoting=csv_module.QUOTE_ALL).writerows([header, *grid])
    end = next((place for place, cells in enumerate(grid) if not any(map(str.strip, cells))), len(grid))
    grid, widths = grid[:end], {len(cells) for cells in grid[:end]} | {len(header)}
    if not grid:
        return
    found: list[tuple[int, int, list[str]]] = []
    try:
        with open_upload(upload, NO_FIELDS, Csv(required=()), None) as rows:
            found.extend(rows)
    except UploadRefused as refusal:
        check_refusal(refusal, grid, header, named)
    for row, _, cells in found:
        written = grid[row - 2]
        if not isinstance(cells, RaggedCells):
            assert cells == written[:named]
            assert not any(map(str.strip, written[named:]))
            continue
        assert list(cells) == written
        reason = describe_width(cells)
        numbers = [int(number) for number in re.findall(r"\d+", reason)]
        if reason.startswith("a filled cell in column"):
            assert named < numbers[0] <= len(header)
            assert written[numbers[0] - 1].strip()
            continue
        has, instead, from_column = numbers
        assert (has, instead in widths | {named}) == (len(written), True)
        if reason.startswith("too few"):
            assert has < instead
            assert from_column == has + 1
        else:
            assert has > instead
            assert from_column == named + 1


def test_a_ragged_row_with_a_line_break_refuses_the_file_since_nobody_knows_where_it_ends(upload: Path) -> None:
    swallowed = HEADER + 'Ann,"Lee,Rome\nBob,Ray,Oslo"\n' + "Cy,Fox,Bonn\n" * 9
    with refused_as("ragged_rows", match=r"row 2 \(line 2\) has 2 and a line break within a cell"):
        rows_of(upload, swallowed)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("blanks", [" ", "   "])
def test_spaces_before_quotation_marks_are_read_away(upload: Path, delimiter: str, blanks: str) -> None:
    header = [f"first_name{delimiter}{blanks}last_name", f'"first_name"{delimiter}{blanks}"last_name"']
    for first in header:
        text = f'{first}\nAnn{delimiter}{blanks}"Ash{delimiter} B ""x"""\n'
        assert rows_of(upload, text, csv=Csv(required=()))[0][2] == ["Ann", f'Ash{delimiter} B "x"']


def test_spaces_before_cells_stay_where_none_is_before_a_quotation_mark(upload: Path) -> None:
    text = HEADER + 'Ann, Lee,"Rome, ""Roma"""\n'
    assert rows_of(upload, text)[0][2] == ["Ann", " Lee", 'Rome, "Roma"']


@pytest.mark.parametrize("blank", ["\t", "\u00a0"])
def test_another_blank_before_a_quotation_mark_is_refused(upload: Path, blank: str) -> None:
    with refused_as("broken_quotes", match=r"line 3 .*after a tab or a special blank"):
        rows_of(upload, HEADER + f'Eva,Orr,Bonn\nAnn,{blank}"Ash",Rome\n')


@pytest.mark.parametrize("header", ["'first_name','last_name','city'\n", HEADER])
def test_single_quotes_around_all_cells_are_refused_with_what_to_do(upload: Path, header: str) -> None:
    with refused_as("broken_quotes", match='save the file with " around its cells'):
        rows_of(upload, header + "'Ann','Ash','Perth'\n")


@pytest.mark.parametrize(
    "row",
    [
        *("“Ann”,“Ash”,“Perth”", "„Ann“,„Ash“,„Bonn“", "«Ann»,«Ash»,«Paris»", "‘Ann’,‘Ash’,‘Perth’"),
        *("»Ann«,»Ash«,»Bonn«", "‚Ann‘,‚Ash‘,‚Bonn‘", '„Ann",„Ash",„Bonn"', "‚Ann’,‚Ash’,‚Brno’"),
        *("»Ann»,»Ash»,»Turku»", "‹Ann›,‹Ash›,‹Bern›", "›Ann‹,›Ash‹,›Bonn‹", "’Ann’,’Ash’,’Turku’"),
    ],
)
def test_typographic_quotes_around_all_cells_are_refused_in_the_same_way(upload: Path, row: str) -> None:
    with refused_as("broken_quotes", match=r"line 2 .*typographic ones"):
        rows_of(upload, f"{HEADER}{row}\n")


def test_unknown_headers_in_quotation_marks_are_no_header_and_no_broken_quotes(upload: Path) -> None:
    with refused_as("no_header", match="first row is not a header"):
        rows_of(upload, '"Vorname","Nachname","Ort"\n"Ann","Ash","Perth"\n')


def test_rows_above_the_header_are_told_from_it_by_its_number(upload: Path) -> None:
    for delimiter in ",;":
        text = "Customer list,,\nExported 2026-11-01,,\n,,\nfirst_name,last_name,city\nAnn,Smith,Perth\n"
        with refused_as("no_header", match="row 4 looks like the header"):
            rows_of(upload, text.replace(",", delimiter))


def test_ragged_rows_are_refused_with_row_line_and_count(upload: Path) -> None:
    text = HEADER + '"A\nnn",Lee,Rome\nBob,Ray\nCy,Fox,Oslo,x\nDi,Orr,Bonn\n' + "Ed,Poe\n" * 7
    with refused_as("ragged_rows") as caught:
        rows_of(upload, text)
    assert "row 3 (line 4) has 2, row 4 (line 5) has 4, row 6 (line 7) has 2" in str(caught.value)
    assert "4 more rows" in str(caught.value)


@pytest.mark.parametrize("row", ['"Ann,Lee,Rome\nBob,Ray,Oslo\n', '"Ann"x,Lee,Rome\n', 'Ann,"Lee" ,Rome\n'])
def test_broken_quotes_are_refused_with_the_line_of_their_row(upload: Path, row: str) -> None:
    with refused_as("broken_quotes", match="line 3 "):
        rows_of(upload, HEADER + "Eva,Orr,Bonn\n" + row)


def test_a_file_with_too_many_rows_says_into_how_many_to_break_it(upload: Path) -> None:
    with refused_as("too_many_rows", match=r"7 rows, at most 3 .* 3 files"):
        rows_of(upload, HEADER + "Ann,Lee,\n" * 7 + "\nBob,Ray,\n", csv=Csv(max_rows=3))
    assert len(rows_of(upload, HEADER + "Ann,Lee,\n" * 3 + "\nBob,Ray,\n", csv=Csv(max_rows=3))) == 3


def test_columns_without_a_name_must_be_empty(upload: Path) -> None:
    assert len(rows_of(upload, "first_name,,last_name,,\nAnn,,Lee,,\nBob, ,Ray\n")) == 2
    with refused_as("cell_without_column", match=r"row 3 \(line 3\) has a cell in column 2"):
        rows_of(upload, "first_name,,last_name\nAnn,,Lee\nBob,x,Ray\n")
    for empty in (",", ",,", ", ,\u200b"):
        with refused_as("cell_without_column", match=r"row 2 \(line 2\) has a cell in column 3"):
            rows_of(upload, f"first_name,last_name{empty}\nAnn,Lee,x\n")
    with refused_as("cell_without_column"):
        rows_of(upload, "first_name,last_name,template:00000000\nAnn,Lee,x\n")


def test_nul_characters_stay_in_their_cells(upload: Path) -> None:
    assert rows_of(upload, HEADER + "A\0nn,Lee,\n") == [(2, 2, ["A\0nn", "Lee", ""])]


def test_a_cell_longer_than_pythons_own_limit_is_read(upload: Path) -> None:
    assert len(rows_of(upload, HEADER + "x" * 500_000 + ",Lee,\n")[0][2][0]) == 500_000


@pytest.mark.parametrize("content", [b"", codecs.BOM_UTF8, codecs.BOM_UTF16_LE])
def test_an_empty_file_is_refused(upload: Path, content: bytes) -> None:
    with refused_as("empty_file"):
        rows_of(upload, content)


def test_a_blank_first_row_is_no_header(upload: Path) -> None:
    for content in ("\n" + HEADER, ",,\n" + HEADER, "   "):
        with refused_as("no_header"):
            rows_of(upload, content)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"%PDF-1.7\n", "PDF"),
        (b"\x1f\x8b\x08\x00", "gzip"),
        (b"PK\x03\x04 and no more", "damaged"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, r"\.xls"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "password"),
        (b"\x89PNG\r\n\x1a\n", "picture"),
        (b"\xef\xbb\xbf <!DOCTYPE html><table>", "HTML"),
        (b"SQLite format 3\0", "SQLite"),
    ],
)
def test_what_is_really_another_kind_of_file_is_named_as_such(upload: Path, content: bytes, kind: str) -> None:
    with refused_as("not_csv", match=kind):
        rows_of(upload, content)


CELLS = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
TABLES = st.lists(st.tuples(CELLS, CELLS, CELLS), max_size=8)


@examples(60, 5_000)
@given(
    table=TABLES,
    delimiter=st.sampled_from(",;\t|"),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    codec=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_no_row_of_a_well_formed_file_is_lost(
    upload: Path, table: list[tuple[str, str, str]], delimiter: str, end: str, codec: str
) -> None:
    text = io.StringIO(newline="")
    writer = csv_module.writer(text, delimiter=delimiter, lineterminator=end, quoting=csv_module.QUOTE_ALL)
    writer.writerows([("first_name", "last_name", "city"), *table])
    upload.write_bytes(text.getvalue().encode(codec))
    filled = [any(cell.strip() for cell in row) for row in table]
    length = [*filled, False].index(False)
    with open_upload(upload, NO_FIELDS, Csv(), None) as rows:
        found = list(rows)
        assert [tuple(cells) for _, _, cells in found] == table[:length]
        assert [row for row, _, _ in found] == list(range(2, 2 + length))
        assert (rows.read, rows.unread) == (length, sum(filled[length:]))


def test_a_row_in_which_nobody_sees_anything_ends_the_file(upload: Path) -> None:
    content = HEADER + "Ann,Lee,Rome\n\u200b, \u00a0,\ufeff\nBob,Ray,Oslo\n\u200b,\u2060,\n"
    assert counts_of(upload, content) == (1, 1)


def test_cells_under_no_header_may_hold_what_nobody_sees(upload: Path) -> None:
    content = "first_name,\u200b,last_name,city,\ufeff\nAnn,\u00ad,Lee,Rome,\u200b,\u2060\n"
    assert [cells[0] for _, _, cells in rows_of(upload, content)] == ["Ann"]


def test_a_cell_too_long_for_any_text_is_refused_with_its_line(upload: Path) -> None:
    rows = "Ann,Lee,Rome\nBob,{},Oslo\n"
    assert len(rows_of(upload, HEADER + rows.format("x" * LONGEST_CELL))) == 2
    with refused_as("cell_too_long", match="line 3"):
        rows_of(upload, HEADER + rows.format("x" * (LONGEST_CELL + 1)))
    with refused_as("cell_too_long", match="line 3"):
        rows_of(upload, HEADER + rows.format('"' + "x\n" * LONGEST_CELL + '"'))


@pytest.mark.parametrize("codec", ["utf-8", "utf-16"])
def test_a_line_too_long_to_be_in_memory_is_refused_before_it_is_read(upload: Path, codec: str) -> None:
    content = (HEADER + "Ann,Lee,Rome\n" + "x," * 10 * LONGEST_CELL + "\nBob,Ray,Oslo\n").encode(codec)
    with refused_as("cell_too_long", match="line 3"):
        rows_of(upload, content)


def test_a_header_of_a_million_cells_is_refused(upload: Path) -> None:
    with refused_as("too_many_columns"):
        rows_of(upload, "first_name," + "x," * 1_000_000 + "\n")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_rows_after_the_blank_one_are_counted_and_empty_lines_pass_in_blocks(upload: Path, end: str) -> None:
    blank, quoted = end * 3_000_000, f'"{end * 5} a",,{end}"{end * 5}\u200b",,{end}'
    content = (
        HEADER + "Ann,Lee,Rome\n" + blank + f"Bob,,{end}" + blank + f" ,\t,{end}" + quoted + f"Cy,,{end}" * 200_000
    )
    assert counts_of(upload, content) == (1, 200_002)
    text = io.StringIO(content, newline="")
    assert sum(1 for _ in _filled_lines(text)) < 200_000 + 40


def test_broken_quotes_after_the_blank_row_are_refused_with_their_line(upload: Path) -> None:
    with refused_as("broken_quotes", match="line 6"):
        counts_of(upload, HEADER + 'Ann,Lee,Rome\n\n\nBob,,\n"Cy"x,,\n')


@pytest.mark.parametrize("cell", ['" ""x"" "', '"\t""x"', '"a, ""b"""', '"a,\t""b"""'])
def test_a_blank_in_quotation_marks_before_another_one_is_part_of_the_cell(tmp_path: Path, cell: str) -> None:
    [expected] = next(csv_module.reader([cell]))
    path = tmp_path / "file.csv"
    path.write_text(f'"first_name","last_name","city"\n"Ann",{cell},"  Perth"\n', encoding="utf-8", newline="")
    with open_upload(path, NO_FIELDS, Csv(), None) as rows:
        assert [cells for _, _, cells in rows] == [["Ann", expected, "  Perth"]]


def test_a_row_with_some_of_the_headers_empty_end_may_have_lost_or_got_a_delimiter_and_is_ragged(upload: Path) -> None:
    text = (
        "first_name,last_name,city,street_address,,\nAnn,Ash,Perth,1 St,,\nSmith, Jr,Ash,Perth,\nBob,Oak,Perth,2 St,,\n"
    )
    upload.write_text(text, encoding="utf-8")
    with open_upload(upload, NO_FIELDS, Csv(), None) as rows:
        assert [row for row, _, cells in rows if isinstance(cells, RaggedCells)] == [3]
