"""Reads a text that is to be a value of a custom field or property field, by the field's type (R21)."""

import json
import re
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal

from etl_customers.columns.account_fields import Field
from schemas.columns import CHOICE_SEPARATOR, FieldType

_NUMBER = re.compile(r"[+-]?[0-9]{1,30}(\.[0-9]{1,30})?")
_DATE = re.compile(r"([0-9]{4})/([0-9]{2})/([0-9]{2})")
_YES_NO = {
    "yes": "true",
    "y": "true",
    "true": "true",
    "1": "true",
    "no": "false",
    "n": "false",
    "false": "false",
    "0": "false",
}


def json_reader(field: Field) -> Callable[[str], str | None]:
    """Return the function that reads a trimmed text into a JSON fragment, None where it cannot be read."""
    choices = {choice.casefold(): choice for choice in field.choices}
    return {
        FieldType.TEXT: lambda text: json.dumps(text, ensure_ascii=False),
        FieldType.NUMBER: _number,
        FieldType.DATE: _date,
        FieldType.YES_NO: lambda text: _YES_NO.get(text.casefold()),
        FieldType.ONE_OF: lambda text: _choice(choices, text),
        FieldType.SEVERAL_OF: lambda text: _several(choices, text),
    }[field.type]


def _number(text: str) -> str | None:
    if not _NUMBER.fullmatch(text):
        return None
    number = Decimal(text)
    return f"{number:f}" if number else "0"


def _date(text: str) -> str | None:
    match = _DATE.fullmatch(text)
    if not match:
        return None
    try:
        return f'"{date(*map(int, match.groups())).isoformat()}"'
    except ValueError:
        return None


def _choice(choices: Mapping[str, str], text: str) -> str | None:
    choice = choices.get(text.casefold())
    return None if choice is None else json.dumps(choice, ensure_ascii=False)


def _several(choices: Mapping[str, str], text: str) -> str | None:
    parts = [part.strip().casefold() for part in text.split(CHOICE_SEPARATOR) if part.strip()]
    if not parts or any(part not in choices for part in parts):
        return None
    return json.dumps([choices[part] for part in dict.fromkeys(parts)], ensure_ascii=False)
