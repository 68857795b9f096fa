"""Phone numbers: what is read, what is refused, and nothing decided otherwise than phonenumbers does."""

import random
from collections.abc import Iterator

import phonenumbers
import polars as pl
import pytest
from phonenumbers import PhoneMetadata

from etl_customers.validate.phone_patterns import known_regions, read_plain_phones
from etl_customers.validate.phones import read_phone, read_phones
from tests.full_form import FULL


def _read(*pairs: tuple[str | None, str | None]) -> list[tuple[str | None, bool]]:
    texts, regions = [text for text, _ in pairs], [region for _, region in pairs]
    return read_phones(pl.Series(texts, dtype=pl.String), pl.Series(regions, dtype=pl.String)).rows()


def _numbers_of(region: str) -> list[str]:
    data = PhoneMetadata.metadata_for_region(region, None)
    assert data is not None
    kinds = (data.mobile, data.fixed_line, data.toll_free, data.voip, data.premium_rate, data.uan, data.shared_cost)
    return [kind.example_number for kind in kinds if kind is not None and kind.example_number]


def _mutations(region: str, dice: random.Random, times: int) -> Iterator[tuple[str, str]]:
    """Yield numbers near the real ones: digits changed, added and lost, every kind of prefix in front."""
    data = PhoneMetadata.metadata_for_region(region, None)
    assert data is not None
    code, trunk = str(data.country_code), data.national_prefix or ""
    prefixes = [
        "",
        "",
        trunk,
        f"+{code}",
        f"+{code}",
        code,
        f"+{code}{trunk}",
        code + trunk,
        f"00{code}",
        "0",
        "1",
        "8",
        "9",
        "011",
    ]
    for number in _numbers_of(region) * times:
        digits = list(number)
        for _ in range(dice.choice([0, 0, 1, 1, 2, 4, 8])):
            digits[dice.randrange(len(digits))] = dice.choice("0123456789")
        digits = dice.choice([digits] * 6 + [[*digits, dice.choice("0123456789")], digits[:-1], digits[2:]])
        text = dice.choice([*prefixes, trunk + str(dice.randrange(100)), code + str(dice.randrange(10))]) + "".join(
            digits
        )
        where = dice.randrange(1, len(text))
        yield text[:where] + dice.choice(["", "", " ", "-", ".", " (", ") "]) + text[where:], region


@pytest.mark.hypothesis  # it makes its own examples, and more of them with the others
def test_the_patterns_never_differ_from_phonenumbers_in_any_region() -> None:
    dice, times = random.Random(20261122), 300 if FULL else 15
    pairs = [pair for region in sorted(phonenumbers.SUPPORTED_REGIONS) for pair in _mutations(region, dice, times)]
    table = pl.DataFrame(pairs, schema=["text", "region"], orient="row").with_row_index("position")
    decided = table.join(read_plain_phones(table), on="position")
    wrong = [row for row in decided.iter_rows() if read_phone(row[1], row[2]) != (row[3], True)]
    assert wrong == []
    assert len(table) > 10_000
    assert len(decided) > 1_500


def test_the_patterns_read_the_plain_mobiles_of_nearly_all_regions() -> None:
    pairs = []
    for region in known_regions():
        number = phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE)
        if number is not None:
            pairs.append((phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL), region))
    table = pl.DataFrame(pairs, schema=["text", "region"], orient="row").with_row_index("position")
    assert len(read_plain_phones(table)) > 0.9 * len(table)


@pytest.mark.parametrize(
    ("text", "region", "e164"),
    [
        ("0491 570 156", "AU", "+61491570156"),
        ("(02) 9876 5432", "AU", "+61298765432"),
        ("+61 (0) 491 570 156", "AU", "+61491570156"),
        ("61 491 570 156", "AU", "+61491570156"),
        ("0011 44 20 7946 0958", "AU", "+442079460958"),
        ("+44 20 7946 0958", "AU", "+442079460958"),
        ("+44 20 7946 0958", None, "+442079460958"),
        ("650-253-0000", "US", "+16502530000"),
        ("1 (650) 253-0000", "CA", "+16502530000"),
        ("01.42.68.53.00", "FR", "+33142685300"),
        ("06 698 12345", "IT", "+390669812345"),
        ("050-234-5678", "IL", "+972502345678"),
        ("321 1234567", "CO", "+573211234567"),
        ("11 96123-4567", "BR", "+5511961234567"),
        ("\u202a+61 491 570 156\u202c", "AU", "+61491570156"),
        ("\u0660\u0664\u0669\u0661 \u0665\u0667\u0660 \u0661\u0665\u0666", "AU", "+61491570156"),
        ("\uff0b61 491 570 156", "US", "+61491570156"),
        ("1-800-FLOWERS", "US", "+18003569377"),
    ],
)
def test_an_assigned_number_becomes_e164(text: str, region: str | None, e164: str) -> None:
    assert _read((text, region)) == [(e164, True)]


@pytest.mark.parametrize(
    ("text", "region", "e164"),
    [("06 1234 5678", "AU", "+61612345678"), ("555-555-5555", "US", "+15555555555")],
)
def test_a_possible_but_unassigned_number_is_read_and_told_apart(text: str, region: str, e164: str) -> None:
    assert _read((text, region)) == [(e164, False)]


@pytest.mark.parametrize(
    "text",
    [
        "", "-", "+", "+61", "12", "not a number", "0491 570 15", "0491 570 156 789", "9876 5432", "+999 12345678",
        "0491 570 156 x12", "0491 570 156 ext. 3", "02 9876 5432 #5", "0491570156;ext=5", "0491570156;isub=5",
        "Ann 0491 570 156", "0491 570 156 Mum", "0491 570 156 ab", "0491 570 156 / 0491 570 157", "0491@570156",
        "491570156.0", "0491570156.00", "+61491570156.0", "4.9157E+08", "0491\x00570156", "\x00", "0491 570 156\n0491 570 157",
        "9" * 10_000, "+" * 10_000, "0491 570 156" + " " * 10_000, "(" * 10_000, "4a" * 5_000,
    ],
)  # fmt: skip
def test_what_is_no_possible_number_or_would_lose_something_is_null(text: str) -> None:
    assert _read((text, "AU")) == [(None, False)]


def test_without_a_region_of_its_own_only_international_numbers_are_read() -> None:
    assert _read(("0491 570 156", None), ("0491 570 156", "AQ"), ("+61 491 570 156", "AQ")) == [
        (None, False),
        (None, False),
        ("+61491570156", True),
    ]


def test_order_repeats_and_empty_cells_are_kept() -> None:
    assert _read(
        ("0491 570 156", "AU"), (None, "AU"), ("650-253-0000", "US"), (None, None), ("0491 570 156", "AU")
    ) == [
        ("+61491570156", True),
        (None, False),
        ("+16502530000", True),
        (None, False),
        ("+61491570156", True),
    ]


def test_a_column_of_nothing_gives_a_column_of_nothing() -> None:
    assert _read() == []
    read = read_phones(pl.Series([None]), pl.Series([None]))
    assert read.schema == {"e164": pl.String, "is_assigned": pl.Boolean}
