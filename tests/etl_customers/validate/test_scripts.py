"""Alphabets of addresses."""

import pytest

from etl_customers.validate.scripts import mixes_scripts


@pytest.mark.parametrize(
    "email",
    [
        *("аnn@example.com", "anν@example.com", "ann@exаmple.com", "ann@mail.раypal.com", "роса@example.com"),
        *("ann@аррӏе.com", "ａｎｎ@example.com", "𝐚nn@example.com", "ann.οlee@example.com", "иванνa@пример.рф"),
    ],
)
def test_an_address_that_is_not_what_it_seems_mixes_alphabets(email: str) -> None:
    assert mixes_scripts(email)


@pytest.mark.parametrize(
    "email",
    [
        *(
            "ann@example.com",
            "zoë@example.com",
            "иван@example.com",
            "иван@пример.рф",
            "роса@роса.рф",
            "βασίλης@example.gr",
        ),
        *(
            "李@例え.jp",
            "山田taro@example.jp",
            "김lee@example.kr",
            "ann@müller.de",
            "ann1@почта.рф",
            "o’neil@example.com",
        ),
    ],
)
def test_an_address_in_one_alphabet_does_not(email: str) -> None:
    assert not mixes_scripts(email)
