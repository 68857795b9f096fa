"""What is suggested for titles, types, choices and numbers that cannot be read."""

import pytest

from etl_customers.validate.phones import read_phone, suggest_phone
from etl_customers.validate.suggest import near
from schemas.columns import CUSTOMER_TYPES, TITLES

COLOURS = ("Dark blue", "Light blue", "Red", "Grün")


@pytest.mark.parametrize(
    ("text", "choices", "suggested"),
    [
        ("Mis", TITLES, "Miss"), ("Misss", TITLES, "Miss"), ("Mr & Mrs", TITLES, None), ("Mx", TITLES, None), ("Sir", TITLES, None),
        ("Prof", TITLES, None), ("Busines", CUSTOMER_TYPES, "Business"), ("Business customer", CUSTOMER_TYPES, "Business"),
        ("Non-Business", CUSTOMER_TYPES, None), ("Persnal", CUSTOMER_TYPES, "Personal"), ("retail", CUSTOMER_TYPES, None),
        ("dark", COLOURS, "Dark blue"), ("blue", COLOURS, None), ("Reds", COLOURS, "Red"), ("GRUN", COLOURS, "Grün"), ("Rot", COLOURS, None),
        ("Drak blue", COLOURS, "Dark blue"), ("", COLOURS, None),
    ],
)  # fmt: skip
def test_a_choice_is_suggested_where_one_is_near(text: str, choices: tuple[str, ...], suggested: str | None) -> None:
    words: dict[str, str]
    for words in ({}, {"missis": "Mrs", "company": "Business"}):
        assert near(text, choices, words) == suggested


@pytest.mark.parametrize(
    ("text", "suggested"),
    [
        ("0061412345678", "+61412345678"), ("00 61 (0)412 345 678", "+61412345678"), ("+00 61 412 345 678", "+61412345678"),
        ("0044 20 7946 0018", "+442079460018"), ("0064-21-123-4567", "+64211234567"), ("011 44 20 7946 0018", "+442079460018"),
        ("0011 61 412 345 678", "+61412345678"), ("0412", None), ("00", None), ("000000000", None), ("00999123456789", None),
        ("0061412345678 ext 5", None), ("0" * 100_000, None), ("\u0660\u0660\u0666\u0661412345678", None),
    ],
)  # fmt: skip
def test_a_number_behind_an_exit_code_is_suggested_with_its_country(text: str, suggested: str | None) -> None:
    assert suggest_phone(text) == suggested
    if suggested is not None:
        assert read_phone(suggested, None) == (suggested, True)
