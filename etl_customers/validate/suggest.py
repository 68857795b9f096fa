"""Suggests the right form of a cell that failed, where its meaning is certain or a near one is known."""

import re
from collections.abc import Callable
from datetime import datetime

import polars as pl

from etl_customers.columns.account_fields import AccountFields
from etl_customers.staging import UploadColumn
from etl_customers.texts.folding import fold
from etl_customers.texts.nearness import KnownKeys, is_placeholder, only
from etl_customers.validate.phones import suggest_phone
from etl_customers.validate.places import Places
from schemas.columns import CUSTOMER_TYPES, TITLES

_LONGEST_TEXT = 100
_DATES_IN_WORDS = ("%d %B %Y", "%d %b %Y", "%B %d %Y", "%b %d %Y", "%d-%b-%Y", "%d-%B-%Y")
_TITLES_IN_WORDS = {"doctor": "Dr", "doc": "Dr", "mister": "Mr", "missis": "Mrs", "missus": "Mrs"}
_SAY_NOTHING = frozenset(("customer", "client", "contact", "account", "type"))
_TYPES_IN_WORDS = {
    "company": "Business",
    "commercial": "Business",
    "organisation": "Business",
    "organization": "Business",
    "b2b": "Business",
    "individual": "Personal",
    "person": "Personal",
    "private": "Personal",
    "residential": "Personal",
}


class Suggester:
    """Looks up a failed cell of one chunk and suggests what it may have meant."""

    def __init__(
        self,
        texts: pl.DataFrame,
        values: pl.DataFrame,
        fields: AccountFields,
        columns: list[UploadColumn],
        places: Places,
    ) -> None:
        self._texts, self._values, self._places = texts, values, places
        self._index = {row: index for index, row in enumerate(texts["row"])}
        self._choices = _choices(fields, columns)
        self._suggested: dict[tuple[str, str, str, str | None], str | None] = {}

    def suggest(self, row: int, column: str, code: str) -> str | None:
        """Return a suggestion for the cell, None where there is no certain or near one."""
        look_up = _BY_CODE.get(code)
        if look_up is None:
            return None
        index = self._index[row]
        text = self._texts[column][index]
        if text is None:
            return None
        country = self._values["country"][index] if code in _OF_A_COUNTRY else None
        asked = (code, column, text, country)
        if asked not in self._suggested:
            is_said = len(text) <= _LONGEST_TEXT and not is_placeholder(text)
            self._suggested[asked] = look_up(self, text, column, country) if is_said else None
        return self._suggested[asked]

    def country_of(self, row: int) -> str | None:
        """Return the code of a row's country."""
        country: str | None = self._values["country"][self._index[row]]
        return country

    def title(self, text: str, _column: str, _country: str | None) -> str | None:
        """Suggest a title."""
        return near(text, TITLES, _TITLES_IN_WORDS)

    def customer_type(self, text: str, _column: str, _country: str | None) -> str | None:
        """Suggest a customer type."""
        return near(text, CUSTOMER_TYPES, _TYPES_IN_WORDS)

    def country(self, text: str, _column: str, _country: str | None) -> str | None:
        """Suggest a country."""
        return self._places.suggest_country(text)

    def state(self, text: str, _column: str, country: str | None) -> str | None:
        """Suggest states of the row's country."""
        return " or ".join(self._places.suggest_states(text, country or "")) or None

    def phone(self, text: str, _column: str, _country: str | None) -> str | None:
        """Suggest a number with its country's code."""
        return suggest_phone(text)

    def date(self, text: str, _column: str, _country: str | None) -> str | None:
        """Suggest a date in the form that is asked for."""
        return certain_date(text)

    def choice(self, text: str, column: str, _country: str | None) -> str | None:
        """Suggest a choice of an account's own field."""
        return near(text, self._choices.get(column, ()), {})


# Not of the suggester itself: it would hold itself, and with it its chunk, until Python looks for cycles.
_BY_CODE: dict[str, Callable[[Suggester, str, str, str | None], str | None]] = {
    "unknown_title": Suggester.title,
    "unknown_customer_type": Suggester.customer_type,
    "unknown_country": Suggester.country,
    "unknown_state": Suggester.state,
    "invalid_phone": Suggester.phone,
    "invalid_date": Suggester.date,
    "unknown_choice": Suggester.choice,
}


_OF_A_COUNTRY = frozenset(("unknown_state",))


def near(text: str, choices: tuple[str, ...], words: dict[str, str]) -> str | None:
    """Return the choice that a word stands for, that begins with the text, or that is spelt nearly like it."""
    said = [word for word in re.findall(r"\w+", fold(text)) if word not in _SAY_NOTHING]
    key = "".join(said)
    keys = {"".join(re.findall(r"\w+", fold(choice))): choice for choice in choices}
    known = words | keys
    for form in (key, key.removesuffix("s")):
        if form in known:
            return known[form]
    return only(KnownKeys(keys).beginning_with(key) or KnownKeys(known).spelt_nearly(key))


def certain_date(text: str) -> str | None:
    """Return ``YYYY/MM/DD`` where day, month and year can be told apart for certain.

    ``12/05/2018`` cannot: it is 5 December in one country and 12 May in another.
    """
    if match := re.fullmatch(r"([0-9]{4})\W([0-9]{1,2})\W([0-9]{1,2})(?:[ T][0-9:.]+Z?)?", text):
        return _format_date(*(int(part) for part in match.groups()))
    if match := re.fullmatch(r"([0-9]{1,2})\W([0-9]{1,2})\W([0-9]{4})", text):
        first, second, year = (int(part) for part in match.groups())
        readings = {_format_date(year, first, second), _format_date(year, second, first)} - {None}
        return readings.pop() if len(readings) == 1 else None
    plain = text.replace(",", " ").replace(".", " ")
    for form in _DATES_IN_WORDS:
        try:
            return datetime.strptime(" ".join(plain.split()), form).strftime("%Y/%m/%d")  # noqa: DTZ007 (a day, no time)
        except ValueError:
            continue
    return None


def _format_date(year: int, month: int, day: int) -> str | None:
    try:
        return datetime(year, month, day).strftime("%Y/%m/%d")  # noqa: DTZ001 (a day, no time)
    except ValueError:
        return None


def _choices(fields: AccountFields, columns: list[UploadColumn]) -> dict[str, tuple[str, ...]]:
    """Return the choices of each cell column that has some."""
    custom = {field.id: field.choices for field in fields.custom_fields}
    of_type = {(kind.id, field.id): field.choices for kind in fields.property_types for field in kind.fields}
    found = {}
    for column in columns:
        if column.role == "custom_field":
            found[column.cell] = custom[column.key]
        elif column.role == "property" and column.property_type and column.field:
            found[column.cell] = of_type[column.property_type, column.field]
    return found
