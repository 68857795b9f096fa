"""The pattern of a word finds what the folding in Python says, on SQLite and on PostgreSQL."""

import re
import unicodedata

import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.engine import Engine

from etl_customers.database.connect import writing
from etl_customers.database.text_search import has_words, pattern_of
from etl_customers.texts.folding import fold
from tests.properties import examples

BLOCKS = [
    (0x0041, 0x024F), (0x0250, 0x02AF), (0x0370, 0x052F), (0x1C80, 0x1C8F), (0x1D00, 0x1DBF), (0x1E00, 0x1FFF),
    (0x2C60, 0x2C7F), (0xA640, 0xA69F), (0xA720, 0xA7FF), (0xAB30, 0xAB6F), (0xFB00, 0xFB06), (0xFF21, 0xFF5A),
]  # fmt: skip
LETTERS = [
    chr(code) for first, last in BLOCKS for code in range(first, last + 1) if unicodedata.category(chr(code))[0] == "L"
]
TEXTS = st.text(
    st.sampled_from([*LETTERS, *"aeiosstfflhijn'\u2019\u00b4`-\u2013\u0301\u0308\u00ad %_.\\[](^$"]), max_size=12
)


def test_a_letter_is_found_by_what_it_is_folded_to_and_by_nothing_else(target: Engine) -> None:
    folded = {letter: fold(letter) for letter in LETTERS}
    with writing(target) as connection:
        connection.execute(sa.text("create temporary table letters (letter text)"))
        letters = sa.table("letters", sa.column("letter", sa.Text()))
        connection.execute(sa.insert(letters), [{"letter": letter} for letter in LETTERS])
        for word in sorted(set(folded.values()) - {""}):
            wanted = {letter for letter, form in folded.items() if word in form}
            query = sa.select(letters.c.letter).where(has_words(connection.dialect, letters.c.letter, word))
            assert set(connection.scalars(query)) == wanted, word
        connection.execute(sa.text("drop table letters"))


@examples(400, 20_000)
@given(text=TEXTS, part=st.tuples(st.integers(0, 12), st.integers(1, 12)), other=TEXTS)
def test_a_word_is_found_where_the_folded_text_has_it(text: str, part: tuple[int, int], other: str) -> None:
    folded = fold(text)
    for word in (*folded[part[0] : part[0] + part[1]].split(), *fold(other).split()):
        assert (re.search(pattern_of(word), text) is not None) == (word in folded)


def test_a_dash_between_digits_is_found_by_any_dash() -> None:
    for text in ("1-2", "1\u20132", "1--2"):
        assert re.search(pattern_of("1-2"), text)
        assert not re.search(pattern_of("12"), text)
