from hypothesis import example, given
from hypothesis import strategies as st

from etl_customers.texts.formula_escapes import escape_formula, unescape_formula


@given(st.text() | st.text("'=+-@\t\r\n＝＋－＠a", max_size=5))
@example("''=x")
@example("'")
def test_undoing_the_escape_gives_back_any_text(text: str) -> None:
    assert unescape_formula(escape_formula(text)) == text


@given(st.text("'=+-@\t\r\n＝＋－＠a", max_size=5))
def test_no_escaped_text_begins_as_a_formula(text: str) -> None:
    assert not escape_formula(text).startswith(tuple("=+-@\t\r\n＝＋－＠"))


def test_plain_text_is_left_alone() -> None:
    assert [escape_formula(text) for text in ("Ann", "", "'Ann", "O'Neil", "a=b")] == [
        "Ann",
        "",
        "'Ann",
        "O'Neil",
        "a=b",
    ]
