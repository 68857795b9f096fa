"""Reading phone numbers into E.164 (R11): plain ones all at once, all others by phonenumbers."""

import re
from collections.abc import Iterable
from contextlib import suppress

import phonenumbers
import polars as pl
from phonenumbers import PhoneNumberType, ValidationResult

from etl_customers.validate.phone_patterns import DECIMAL, read_plain_phones

_MAX_LENGTH = 250
"""phonenumbers reads no longer text either."""

_SERVICE_TYPES = frozenset(
    {PhoneNumberType.TOLL_FREE, PhoneNumberType.SHARED_COST, PhoneNumberType.PREMIUM_RATE, PhoneNumberType.UAN}
)
_DECIMAL = re.compile(DECIMAL, re.ASCII)
_EXIT_CODES = ("00", "0011", "010", "011")
"""Of nearly all countries, Australia, Japan and North America."""
_NUMBER_START = re.compile(r"[+\uff0b\d]")
_READ = {"text": pl.String, "region": pl.String, "e164": pl.String, "is_assigned": pl.Boolean}


def read_phones(texts: pl.Series, regions: pl.Series) -> pl.DataFrame:
    """Read phone numbers, each as it would be dialled in its region.

    A number is read when it is possible: assigned, or of a length that the country's
    mobiles or fixed lines have, with area code. Refused, because something of the cell would be lost or guessed:
    a number with an extension (E.164 has no place for it), letters in front of it or
    behind it, two numbers in a cell, a local number without its area code, a number
    that a spreadsheet made a decimal (412345678.0). Letters on a dial (1-800-FLOWERS)
    are read for service numbers alone, where they are in use.

    Args:
        texts: Text as in the cells, trimmed; null where there is none.
        regions: Alpha-2 code of the country for each text, in capitals. Null or a country
            without numbers of its own: only numbers that begin with + are read.

    Returns:
        As many rows, in the same order: ``e164`` (text; null where the text was null or
        is no possible number) and ``is_assigned`` (false where the number is possible,
        but of no range that is in use; false too where ``e164`` is null).

    Source:
        phonenumbers, ``is_possible_number_for_type_with_reason`` and ``is_valid_number``,
        is the authority; each distinct pair is read once. docs/rules.md, R11.
    """
    column = pl.DataFrame({"text": texts.cast(pl.String), "region": regions.cast(pl.String)})
    pairs = column.drop_nulls("text").unique(maintain_order=True).with_row_index("position")
    plain = read_plain_phones(pairs)
    rest = pairs.join(plain, on="position", how="anti").select("text", "region")
    read = pl.concat(
        [
            pairs.join(plain, on="position").select("text", "region", "e164", is_assigned=pl.lit(True)),
            _read_each(rest.iter_rows()),
        ]
    )
    joined = column.join(read, on=["text", "region"], how="left", nulls_equal=True, maintain_order="left")
    return joined.select("e164", pl.col("is_assigned").fill_null(False))


def read_phone(text: str, region: str | None) -> tuple[str | None, bool]:
    """Read one number by phonenumbers alone: its E.164 form, null if not possible, and whether it is assigned."""
    if len(text) > _MAX_LENGTH or ";" in text or _DECIMAL.match(text):
        return None, False
    start = _NUMBER_START.search(text)
    if start is None or any(character.isalpha() for character in text[: start.start()]):
        return None, False
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None, False
    is_assigned = phonenumbers.is_valid_number(number)
    if number.extension or not _is_possible(number, is_assigned):
        return None, False
    letters = sum(character.isalpha() for character in text)
    if letters and (letters < 3 or phonenumbers.number_type(number) not in _SERVICE_TYPES):
        return None, False
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164), is_assigned


def suggest_phone(text: str) -> str | None:
    """Return the E.164 form of a number behind another country's exit code, where one meaning alone is possible.

    Most of the world dials 00 to other countries. What follows has to be an assigned number with
    its country's code. The exit code of the row's own country needs no suggestion: it is read.
    """
    digits = re.sub(r"[\s()./\u2010-\u2015-]", "", text).removeprefix("+")
    if len(digits) > _MAX_LENGTH or re.fullmatch("[0-9]+", digits) is None:
        return None
    found = set()
    for exit_code in filter(digits.startswith, _EXIT_CODES):
        with suppress(phonenumbers.NumberParseException):
            number = phonenumbers.parse(f"+{digits.removeprefix(exit_code)}")
            if phonenumbers.is_valid_number(number):
                found.add(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
    return found.pop() if len(found) == 1 else None


def _is_possible(number: phonenumbers.PhoneNumber, is_assigned: bool) -> bool:
    """Tell by length. Only assigned numbers may be shorter or longer than mobiles and fixed lines are.

    Short service numbers would else make a mobile that lacks a digit, or a local
    number without its area code, possible (all of 5 to 10 digits in Australia).
    """
    if phonenumbers.is_possible_number_with_reason(number) != ValidationResult.IS_POSSIBLE:
        return False
    reason = phonenumbers.is_possible_number_for_type_with_reason(number, PhoneNumberType.FIXED_LINE_OR_MOBILE)
    return is_assigned or reason == ValidationResult.IS_POSSIBLE


def _read_each(pairs: Iterable[tuple[str, str | None]]) -> pl.DataFrame:
    rows = [(text, region, *read_phone(text, region)) for text, region in pairs]
    return pl.DataFrame(rows, schema=_READ, orient="row")
