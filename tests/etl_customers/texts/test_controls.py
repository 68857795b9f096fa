"""Characters that steer a screen: how JSON shows them, and which of them no text may have."""

import json
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from etl_customers.texts.controls import escape_json

STEERING = "".join(
    map(
        chr, [*range(0x7F, 0xA0), 0x61C, 0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2066, 0x206A), 0xD800, 0xDFFF]
    )
)
"""What ``json.dumps`` leaves as it is and a terminal obeys."""
_TEXTS = st.text(st.characters(exclude_categories=()) | st.sampled_from(STEERING + '\\"\x1b'))


@given(st.recursive(_TEXTS, lambda inner: st.lists(inner) | st.dictionaries(_TEXTS, inner), max_leaves=5))
def test_json_without_steering_characters_reads_back_the_same(value: object) -> None:
    escaped = escape_json(json.dumps(value, ensure_ascii=False, indent=2))
    assert json.loads(escaped) == value
    assert not set(escaped) & set(STEERING)
    assert {character for character in escaped if unicodedata.category(character) in ("Cc", "Cs")} <= {"\n"}


def test_other_letters_stay_as_they_are() -> None:
    text = json.dumps("Zoë 客户 🐕 \u200d \xa0 \\", ensure_ascii=False)
    assert escape_json(text) == text
