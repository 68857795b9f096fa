import pickle
from datetime import UTC, datetime

from etl_customers.base import refusals
from etl_customers.base.errors import UploadRefused
from etl_customers.base.refusals import (
    Abandoned,
    AmbiguousColumns,
    BrokenQuotes,
    CellTooLong,
    CellWithoutColumn,
    CountryNotSet,
    DamagedWorkbook,
    DuplicateColumns,
    EmptyFile,
    FileChanged,
    FileNotThere,
    FileUnreadable,
    FormulaWithoutValue,
    MissingColumns,
    NoHeader,
    NotARegularFile,
    NotCsv,
    NothingToSplit,
    NotSplitExactly,
    NotText,
    NotTitles,
    PartExists,
    RaggedRow,
    RaggedRows,
    SeveralParentImports,
    StaleTemplate,
    TooLarge,
    TooManyColumns,
    TooManyRows,
    UnknownColumns,
    UnknownEncoding,
    UnknownHeader,
    UnknownParentImport,
    UnpackedTooLarge,
)

UNKNOWN = (UnknownHeader(3, "Fax", None, None), UnknownHeader(4, "Pet: Size", None, datetime(2026, 1, 2, tzinfo=UTC)))
ONE_OF_EACH: tuple[UploadRefused, ...] = (
    Abandoned(7),
    AmbiguousColumns("Site 66: Name", 4, ["number 66 of the property site", "number 1 of the property site_66"]),
    BrokenQuotes(3),
    CellWithoutColumn(3, 4, 5),
    DamagedWorkbook(),
    DuplicateColumns([("email", [1, 2])]),
    EmptyFile(),
    FileChanged(),
    CountryNotSet(3, 4, has_column=True),
    FileNotThere(),
    FileUnreadable("Permission denied"),
    CellTooLong(3, 1_000_000),
    FormulaWithoutValue(3, 4),
    MissingColumns(["first_name"]),
    NoHeader(),
    NotARegularFile("a pipe"),
    NotCsv("a PDF"),
    NotSplitExactly("ISO2022_JP"),
    NotText("UTF-8", 3, False),
    NothingToSplit(3, 2500),
    PartExists("customers-1-of-2.csv"),
    RaggedRows(3, [RaggedRow(2, 2, 4)], 1),
    SeveralParentImports(3, 4),
    NotTitles("Title"),
    StaleTemplate(UNKNOWN, ["first_name"]),
    TooLarge(5),
    TooManyColumns(20_000, 16_384),
    TooManyRows(5001, 2500),
    UnknownColumns(UNKNOWN),
    UnknownEncoding("klingon"),
    UnknownParentImport(3, 4),
    UnpackedTooLarge(5),
)


def test_every_reason_is_a_class_with_a_code_of_its_own() -> None:
    classes = {c for c in vars(refusals).values() if isinstance(c, type) and issubclass(c, UploadRefused)} - {
        UploadRefused
    }
    assert classes == {type(refusal) for refusal in ONE_OF_EACH}
    assert len({refusal.code for refusal in ONE_OF_EACH}) == len(classes)
    assert "refused" not in {refusal.code for refusal in ONE_OF_EACH}


def test_a_refusal_is_the_same_after_pickling() -> None:
    for refusal in ONE_OF_EACH:
        again = pickle.loads(pickle.dumps(refusal))  # noqa: S301
        assert (type(again), str(again)) == (type(refusal), str(refusal))


def test_a_message_is_one_line_and_says_what_to_do() -> None:
    for refusal in ONE_OF_EACH:
        assert "\n" not in str(refusal)
        assert any(mark in str(refusal) for mark in (";", ":")), str(refusal)
