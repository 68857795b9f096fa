"""Characters that nobody sees: two texts that look alike are alike, and what a script needs stays."""

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl_customers.columns.header_names import normalise_header
from etl_customers.texts.invisible import are_blank, is_blank, visible
from tests.properties import examples

UNSEEN = [
    *(
        "\u200b",
        "\u2060",
        "\u00ad",
        "\ufeff",
        "\u200e",
        "\u200f",
        "\u061c",
        "\u202a",
        "\u202c",
        "\u202e",
        "\u2066",
        "\u2069",
    ),
    *("\u180e", "\u115f", "\u1160", "\u3164", "\uffa0", "\u034f", "\u17b4", "\u2061", "\u2064", "\u206f", "\ufe0f"),
    *("\u200c", "\u200d", "\U000e0041", "\U000e0100", "\U0001d173", "\U0001bca0", "\ufff9"),
]
KEPT = {
    "Persian": "می\u200cخواهم",
    "Malayalam at the end of a word": "അച്യുതാനന്ദന്\u200d",
    "Sinhala": "ක්\u200dෂ",
    "Hindi": "क्\u200cष",
    "Mongolian": "ᠨᠢᠭ\u180eᠠ",
    "a variant of a Japanese name": "葛\U000e0100城",
    "a family": "👨\u200d👩\u200d👧",
    "a heart on fire": "❤\ufe0f\u200d🔥",
    "a keycap": "1\ufe0f\u20e3",
    "a flag": "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
}
texts = st.text(st.sampled_from(["a", "é", " ", "م", "ക", "്", "👩", "❤", "葛", "\u2800", *UNSEEN]), max_size=8)


@pytest.mark.parametrize("unseen", UNSEEN, ids=lambda sign: f"U+{ord(sign):04X}")
def test_what_nobody_sees_is_taken_out_wherever_it_stands(unseen: str) -> None:
    assert visible(f"{unseen}Ann{unseen}é{unseen}") == "Anné"
    assert is_blank(unseen)
    assert are_blank(["", f" {unseen}\u00a0", unseen])
    assert normalise_header(f"{unseen}E{unseen}-mail{unseen}") == "email"


@pytest.mark.parametrize("text", KEPT.values(), ids=KEPT)
def test_what_a_script_or_an_emoji_needs_between_visible_characters_stays(text: str) -> None:
    assert visible(text) == text
    assert visible(f"\u200b{text}\u200b") == text


def test_a_joiner_among_other_unseen_characters_stays_once() -> None:
    assert visible("می\u200b\u200c\u200c\u2060خواهم") == "می\u200cخواهم"


@pytest.mark.parametrize("blank", [" ", "\u00a0", "\u2003", "\u202f", "\u3000", "\u2028", "\u2800", "\t\n\u0085"])
def test_white_space_of_any_kind_is_nothing(blank: str) -> None:
    assert is_blank(blank)


@pytest.mark.parametrize("name", ["Zoë", "Nguyễn", "Ω", "李", "Ольга", "مريم", "O’Neil", "ßÄ", "e\u0301"])
def test_names_stay_as_they_are(name: str) -> None:
    assert visible(name) == name
    assert not are_blank(["", name])


@examples(200, 5_000)
@given(text=texts)
def test_a_text_that_was_cleaned_is_clean(text: str) -> None:
    assert visible(visible(text)) == visible(text)


def test_every_format_character_that_draws_nothing_is_known() -> None:
    drawn = {0x70F, 0x110BD, 0x110CD, *range(0x600, 0x606), 0x6DD, 0x890, 0x891, 0x8E2, *range(0x13430, 0x13440)}
    format_characters = [chr(c) for c in range(sys.maxunicode + 1) if unicodedata.category(chr(c)) == "Cf"]
    assert [c for c in format_characters if not is_blank(c) and ord(c) not in drawn] == []
