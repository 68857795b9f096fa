"""The form in which names and addresses are compared."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl_customers.texts.folding import fold, name_address_keys
from tests.properties import examples


@pytest.mark.parametrize(
    ("texts", "folded"),
    [
        (["Nguyễn", "NGUYỄN", "nguyen", "Nguye\u0302\u0303n"], "nguyen"),
        (["O'Neil", "O\u2019Neil", "O\u2018NEIL", "O`Neil", "O\u00b4Neil", "O\u02bcNeil", "O\u2032Neil", "ONeil", "O\uff07Neil"], "oneil"),
        (["ŁUKASZ", "Łukasz", "lukasz"], "lukasz"),
        (["Søren Đặng", "SOREN  DANG", " soren\tdang\n"], "soren dang"),
        (["Straße", "STRASSE", "STRAẞE"], "strasse"),
        (["Þóra Æsa", "THORA AESA"], "thora aesa"),
        (["Œuvre", "oeuvre"], "oeuvre"),
        (["İpek Yıldız", "ipek yildiz", "IPEK YILDIZ"], "ipek yildiz"),
        (["Smith-Jones", "Smith\u2013Jones", "Smith\u2010Jones", "Smith\u2212Jones", "SmithJones", "Smith\u00adJones"], "smithjones"),
        (["1-2", "1\u20132", "1\u20112", "1--2"], "1-2"),
        (["12", "\uff11\uff12"], "12"),
        (["Γεώργιος", "ΓΕΩΡΓΙΟΣ"], "γεωργιοσ"),
        (["Фёдор", "ФЕДОР"], "федор"),
        (["ﬁne", "FINE"], "fine"),
        (["", " ", "'", "-", "\u00b4", "\u200b"], ""),
    ],
)  # fmt: skip
def test_texts_that_people_take_for_the_same_have_one_form(texts: list[str], folded: str) -> None:
    assert [fold(text) for text in texts] == [folded] * len(texts)


@pytest.mark.parametrize(
    ("one", "other"), [("राम", "रीमा"), ("が", "か"), ("มานี", "มาน"), ("1-2", "12"), ("김", "기"), ("Ann", "Anne")]
)
def test_what_makes_another_name_stays(one: str, other: str) -> None:
    assert fold(one) != fold(other)


@examples(300, 20_000)
@given(text=st.text(st.characters(), max_size=20))
def test_what_is_folded_stays_as_it_is_when_it_is_folded_again(text: str) -> None:
    assert fold(fold(text)) == fold(text)


def test_the_key_of_name_and_address_does_not_run_one_column_into_the_next() -> None:
    one, other, third, fourth = name_address_keys(
        [["Ann", None, "Lee"], ["Ann", "Lee", None], ["O'Neil", None, None], ["O\u2019NEIL", "", " "]]
    )
    assert one != other
    assert third == fourth
