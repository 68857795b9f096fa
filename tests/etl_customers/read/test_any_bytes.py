"""Whatever the bytes, a reader as plain as can be finds the same rows, or the file is refused."""

import codecs
import csv
import io
import re
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl_customers.base.errors import UploadRefused
from etl_customers.columns.account_fields import NO_FIELDS
from etl_customers.read.row_widths import RaggedCells
from etl_customers.read.split import split_file
from etl_customers.read.upload_rows import UploadRows, open_upload
from etl_customers.settings.sections import Csv
from tests.properties import examples, mutated

HEADER = ["first_name", "last_name", "city"]
CELLS = st.text(st.characters(exclude_categories=["Cs"]), max_size=6) | st.sampled_from(
    ["", "", " ", "Ann", '"', "a,b", "x\ny", "é", "'=1"]
)
TABLES = st.lists(st.tuples(CELLS, CELLS, CELLS), max_size=8)
LAYOUTS = st.tuples(
    st.sampled_from(",;\t|"),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "windows-1252"]),
)
Answer = tuple[list[str], list[list[str]], int]
"""Header, rows, and the number of rows that stay unread."""
NAMED = st.sampled_from([None, None, None, "windows-1252", "shift_jis", "utf-16-le"])
MARKS = {codecs.BOM_UTF32_LE: "utf-32-le", codecs.BOM_UTF32_BE: "utf-32-be", codecs.BOM_UTF8: "utf-8"}
MARKS |= {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


def as_csv(table: list[tuple[str, ...]], layout: tuple[str, str, int, str]) -> bytes:
    """Write a table with the header, as a layout says; what the encoding lacks becomes question marks."""
    delimiter, end, quoting, codec = layout
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=quoting).writerows([HEADER, *table])  # type: ignore[arg-type]
    return text.getvalue().encode(codec, "replace")


FILES = mutated(st.builds(as_csv, TABLES, LAYOUTS)) | st.binary(max_size=60)


BLANK_BEFORE_QUOTE = re.compile(r'[^\S\r\n]"')
"""RFC 4180 does not say what that means."""


@pytest.fixture
def upload(tmp_path: Path) -> Path:
    return tmp_path / "generated.upload"


def plain_text(content: bytes, named: str | None) -> str | None:
    """Decode by the byte order mark, else as named, else as UTF-8; None where that cannot be."""
    for mark, codec in MARKS.items():
        if content.startswith(mark):
            content, named = content[len(mark) :], codec
            break
    try:
        return content.decode(named or "utf-8")
    except UnicodeError:
        return None


def plain_records(text: str, delimiter: str) -> list[list[str]] | None:
    """Read records by RFC 4180, cell by cell; None where quotation marks are not as it says."""
    after = re.escape(delimiter)
    cell = re.compile(rf'(?:"((?:[^"]|"")*)"|((?!")[^{after}\r\n]*))({after}|\r\n|\r|\n|\Z)')
    records: list[list[str]] = [[]]
    place = 0
    while place < len(text) or records[-1]:
        found = cell.match(text, place)
        if found is None:
            return None
        quoted, plain, end = found.groups()
        records[-1].append(plain if quoted is None else quoted.replace('""', '"'))
        place = found.end()
        if end != delimiter:
            records.append([])
    return records[:-1]


def is_filled(record: list[str]) -> bool:
    return any(map(str.strip, record))


def plain_answer(text: str, delimiter: str) -> Answer | None:
    """Return header, rows up to the blank one as they are, and how many filled ones come after it; None: no header."""
    records = plain_records(text, delimiter)
    if not records or not is_filled(records[0]):
        return None
    header, *rest = records
    while not header[-1].strip():
        header.pop()
    end = next((place for place, record in enumerate(rest) if not is_filled(record)), len(rest))
    return header, rest[:end], sum(map(is_filled, rest[end:]))


def lines_up(answer: Answer) -> bool:
    """Tell whether all rows have as many cells as the header, or the same number of empty ones after them."""
    header, rows, _ = answer
    return len({len(row) for row in rows}) <= 1 and not any(
        len(row) < len(header) or is_filled(row[len(header) :]) for row in rows
    )


def is_read_from(cells: list[str], row: list[str], width: int) -> bool:
    """Tell whether a row was read as it is: cut to the header's width, or whole and said to be ragged."""
    if isinstance(cells, RaggedCells):
        return cells == row
    return cells == row[:width] and not is_filled(row[width:])


def plain_answers(content: bytes, named: str | None) -> list[Answer]:
    """Return what a plain reader reads, by each delimiter with which the file is well formed."""
    text = plain_text(content, named)
    if text is None:
        return []
    if BLANK_BEFORE_QUOTE.search(text):
        return []
    return [answer for delimiter in ",;\t|" if (answer := plain_answer(text, delimiter))]


def all_rows(path: Path, named: str | None, most: int) -> list[list[str]]:
    with open_upload(path, NO_FIELDS, Csv(max_rows=most), named) as rows:
        return [cells for _, _, cells in rows]


def read_or_refusal(path: Path, named: str | None) -> tuple[UploadRows, list[list[str]]] | UploadRefused:
    """Read a file to its end."""
    try:
        with open_upload(path, NO_FIELDS, Csv(), named) as rows:
            return rows, [cells for _, _, cells in rows]
    except UploadRefused as refusal:
        return refusal


@examples(200, 10_000)
@given(content=FILES, named=NAMED)
def test_a_file_is_read_as_a_plain_reader_reads_it_or_refused(upload: Path, content: bytes, named: str | None) -> None:
    upload.write_bytes(content)
    expected = plain_answers(content, named)
    read = read_or_refusal(upload, named)
    if isinstance(read, UploadRefused):
        assert str(read)
        assert not any(answer[0] == HEADER and lines_up(answer) for answer in expected), (
            "a well-formed file was refused"
        )
        return
    rows, found = read
    header = [column.header.strip() for column in rows.columns]
    if BLANK_BEFORE_QUOTE.search(plain_text(content, named) or ""):
        return
    fitting = [
        answer
        for answer in expected
        if [*map(str.strip, answer[0])] == header
        and (len(answer[1]), answer[2]) == (len(found), rows.unread)
        and all(is_read_from(cells, row, len(header)) for cells, row in zip(found, answer[1], strict=True))
    ]
    assert fitting
    assert not (lines_up(fitting[0]) and any(isinstance(cells, RaggedCells) for cells in found))
    assert rows.read == len(found)


@examples(60, 3_000)
@given(content=FILES, most=st.integers(1, 4), named=NAMED)
def test_the_parts_of_a_file_together_are_the_file(content: bytes, most: int, named: str | None) -> None:
    with TemporaryDirectory() as folder:
        source = Path(folder) / "customers.csv"
        source.write_bytes(content)
        try:
            parts = split_file(source, Csv(max_rows=most), named, Path(folder))
        except UploadRefused:
            assert [path.name for path in Path(folder).iterdir()] == ["customers.csv"]
            return
        texts = [part.read_bytes() for part in parts]
        repeated, odd = divmod(sum(map(len, texts)) - len(content), len(texts) - 1)
        assert (odd, repeated > 0) == (0, True)
        assert len({text[:repeated] for text in texts}) == 1, "a part has another header"
        assert texts[0] + b"".join(text[repeated:] for text in texts[1:]) == content
        read = read_or_refusal(source, named)
        if not isinstance(read, UploadRefused):
            assert [row for part in parts for row in all_rows(part, named, most)] == read[1]
