from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from etl_customers.columns.account_fields import NO_FIELDS
from etl_customers.read.raw_csv import ReadCounts, password_state, read_passwords, read_raw_csv
from etl_customers.settings.sections import Csv
from etl_customers.staging import Staging, open_staging
from tests.refused import refused_as

HEADER = "first_name,last_name,password,city\n"
PARENT = "csv-20261122T081443Z-3fa9c1d2"


@pytest.fixture
def staging(tmp_path: Path) -> Iterator[Staging]:
    with open_staging(tmp_path / "import.duckdb", 256) as opened:
        yield opened


@pytest.fixture
def read(staging: Staging, tmp_path: Path) -> Callable[..., ReadCounts]:
    def read(content: str, find_parent: Callable[[str], bool] = lambda _: False, csv: Csv | None = None) -> ReadCounts:
        path = tmp_path / "generated.upload"
        path.write_bytes(content.encode())
        return read_raw_csv(staging, path, NO_FIELDS, csv or Csv(), None, find_parent)

    return read


def raw(staging: Staging) -> list[tuple[Any, ...]]:
    return staging.rows('select * from raw_csv order by "row"')


def test_cells_are_staged_as_they_are_and_passwords_are_not(staging: Staging, read: Callable[..., ReadCounts]) -> None:
    counts = read(HEADER + ' Ann ,"L\0ee\n",s3cret,\n=1+1,\'x,,"Null"\n')
    assert counts == ReadCounts(2, 0, None)
    assert raw(staging) == [
        (2, 2, None, "given", " Ann ", "L\0ee\n", ""),
        (3, 4, None, None, "=1+1", "'x", "Null"),
    ]
    assert [name for name, *_ in staging.rows("describe raw_csv")][4:] == ["c0", "c1", "c3"]


def test_what_each_column_is_and_how_many_rows_there_are_is_staged(
    staging: Staging, read: Callable[..., ReadCounts]
) -> None:
    read(HEADER + "Ann,Lee,,Rome\n\nBob,,,\n")
    assert [(c.position, c.header, c.role, c.key) for c in staging.upload_columns()] == [
        (0, "first_name", "column", "first_name"),
        (1, "last_name", "column", "last_name"),
        (2, "password", "password", "password"),
        (3, "city", "column", "city"),
    ]
    facts = {name: (number, text) for name, number, text in staging.rows("select * from facts")}
    assert facts == {
        "rows_read": (1, None),
        "rows_unread": (1, None),
        "parent_import_id": (None, None),
        "header_has_password": (1, None),
    }


def test_rows_pass_in_chunks_and_none_is_lost(staging: Staging, read: Callable[..., ReadCounts]) -> None:
    text = HEADER + "".join(f"Ann,{number},,\n" for number in range(26_001))
    assert read(text, csv=Csv(max_rows=30_000)) == ReadCounts(26_001, 0, None)
    assert staging.rows('select count(*), min("row"), max("row"), sum(c1::bigint) from raw_csv') == [
        (26_001, 2, 26_002, 26_001 * 26_000 // 2)
    ]
    assert staging.number('select count(*) from raw_csv where c1::bigint <> "row" - 2 or line <> "row"') == 0


def test_reading_again_replaces_what_was_read(staging: Staging, read: Callable[..., ReadCounts]) -> None:
    read(HEADER + "Ann,Lee,,\nBob,Ray,,\n")
    assert read("last_name,first_name\nFox,Cy\n") == ReadCounts(1, 0, None)
    assert [row[4:] for row in raw(staging)] == [("Fox", "Cy")]
    assert len(staging.upload_columns()) == 2


def test_a_refused_file_leaves_staging_as_it_was(staging: Staging, read: Callable[..., ReadCounts]) -> None:
    read(HEADER + "Ann,Lee,,\n")
    with refused_as("ragged_rows"):
        read("first_name,last_name\n" + "Bob,Ray\n" * 30_000 + "x\n" * 30_001, csv=Csv(max_rows=10**6))
    assert [row[4:] for row in raw(staging)] == [("Ann", "Lee", "")]


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("", None),
        (" \t", None),
        (" s3cret", "given"),
        ("x" * 1024, "given"),
        ("é" * 1025, "too_long"),
        ("a\0b", "unprintable"),
        ("a\nb", "unprintable"),
        ("a\x9fb", "unprintable"),
    ],
)
def test_a_password_has_a_state_per_row(text: str, state: str | None) -> None:
    assert password_state(text) == state


def test_a_password_that_nobody_sees_is_none_and_any_other_is_taken_as_it_is() -> None:
    assert password_state("\u200b \u00ad") is None
    assert password_state("\u200bsecret") == "given"


def test_passwords_are_read_from_the_upload_for_the_rows_that_have_one(tmp_path: Path) -> None:
    path = tmp_path / "generated.upload"
    path.write_bytes((HEADER + "Ann,Lee, =s3cret ,\nBob,Ray,,\nCy,Fox,'+x,\nDi,Orr,a\0b,\n\nEd,Poe,late,\n").encode())
    assert list(read_passwords(path, NO_FIELDS, Csv(), None)) == [(2, " =s3cret "), (4, "'+x")]
    path.write_bytes(b"first_name,last_name\nAnn,Lee\n")
    assert list(read_passwords(path, NO_FIELDS, Csv(), None)) == []


def test_a_corrected_file_names_its_parent_and_the_rows_of_it(
    staging: Staging, read: Callable[..., ReadCounts]
) -> None:
    asked: list[str] = []

    def note(import_id: str) -> bool:
        asked.append(import_id)
        return True

    text = f"import_id,row,first_name,last_name,errors\n{PARENT},4,Ann,Lee,x\n{PARENT}, 7 ,Bob,Ray,\n,,Cy,Fox,\n{PARENT},x,Di,Orr,\n"
    counts = read(text, find_parent=note)
    assert (counts.parent_import_id, asked) == (PARENT, [PARENT])
    assert [(row[0], row[2]) for row in raw(staging)] == [(2, 4), (3, 7), (4, None), (5, -1)]
    assert [column.role for column in staging.upload_columns()] == ["own", "own", "column", "column", "own"]
    assert staging.rows("select text from facts where name = 'parent_import_id'") == [(PARENT,)]


def test_only_in_our_own_file_is_the_escape_undone(staging: Staging, read: Callable[..., ReadCounts]) -> None:
    read(
        f"import_id,row,first_name,last_name,errors\n{PARENT},4,'+61,''=x,\n{PARENT},5,'Ann,+1,\n",
        find_parent=lambda _: True,
    )
    assert [row[4:] for row in raw(staging)] == [("+61", "'=x"), ("'Ann", "+1")]
    read("first_name,last_name\n'+61,''=x\n")
    assert [row[4:] for row in raw(staging)] == [("'+61", "''=x")]


def test_a_file_that_corrects_several_imports_or_an_unknown_one_is_refused(read: Callable[..., ReadCounts]) -> None:
    header = "import_id,row,first_name,last_name,errors\n"
    with refused_as("several_parent_imports", match="row 3"):
        read(f"{header}{PARENT},4,Ann,Lee,\ncsv-2,5,Bob,Ray,\n", find_parent=lambda _: True)
    with refused_as("unknown_parent_import", match="remove the columns import_id, row and errors") as caught:
        read(f"{header}{PARENT},4,Ann,Lee,\n")
    assert PARENT not in str(caught.value)


def test_as_many_columns_as_a_spreadsheet_has_can_be_staged(staging: Staging, read: Callable[..., ReadCounts]) -> None:
    header = ",".join(["first_name", "last_name", *(f"x{number}" for number in range(2000))])
    read(f"{header}\n{','.join(['Ann'] * 2002)}\n", csv=Csv(ignore_unknown_columns=True))
    assert staging.rows("select c0, c2001 from raw_csv") == [("Ann", "Ann")]


def test_a_ragged_row_is_staged_whole_with_its_error_and_no_cell_that_may_be_its_password(
    staging: Staging, read: Callable[..., ReadCounts]
) -> None:
    counts = read(HEADER + "Ann,Lee,s3cret,Rome\nBob,12 High St, Unit 4,s3cret,Oslo\nCy,Fox\nDi,Orr,,Bonn\nEd,Poe,,\n")
    assert counts == ReadCounts(5, 0, None)
    assert raw(staging)[1:3] == [(3, 3, None, None, "Bob", "12 High St", ""), (4, 4, None, None, "", "", "")]
    assert staging.rows("select * from overflowing_cells") == [(3, ["Oslo"]), (4, [""])]
    hidden = " (its password may be among them and was not kept: type the password again)"
    assert staging.rows('select "row", "column", code, reference from row_errors order by "row"') == [
        (3, "row", "ragged_row", "too many cells, 5 instead of 4: the cells from column 5 on have no header" + hidden),
        (4, "row", "ragged_row", "too few cells, 2 instead of 4: the cells from column 3 on are missing" + hidden),
    ]


def test_the_passwords_of_the_other_rows_stay_on_their_rows(staging: Staging, tmp_path: Path) -> None:
    path = tmp_path / "generated.upload"
    path.write_text(HEADER + "Ann,Lee,one,Rome\nBob,Ray,x,two,Oslo\nCy,Fox,three,Bonn\n")
    read_raw_csv(staging, path, NO_FIELDS, Csv(), None, lambda _: False)
    assert list(read_passwords(path, NO_FIELDS, Csv(), None)) == [(2, "one"), (4, "three")]


@pytest.mark.parametrize(
    "again",
    [
        "first_name,last_name,password,city",
        "First Name, LAST_NAME ,Password*,City",
        "Given Name,Surname,,Town",
        ",Surname,,Town",
    ],
)
def test_a_header_that_comes_again_fails(staging: Staging, read: Callable[..., ReadCounts], again: str) -> None:
    read(HEADER + f"Ann,Lee,,\n{again}\nBob,Last,,City\n")
    assert staging.rows('select "row", code from row_errors') == [(3, "header_again")]


@pytest.mark.parametrize("row", ["First name,Surname,,Ann", ",Surname,,", "Ann,Surname,,City"])
def test_a_row_of_which_a_cell_means_another_column_or_only_one_means_its_own_is_no_header(
    staging: Staging, read: Callable[..., ReadCounts], row: str
) -> None:
    read(HEADER + f"{row}\n")
    assert staging.rows("select code from row_errors") == []
