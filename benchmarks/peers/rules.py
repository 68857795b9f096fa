"""The rules that peers share: what a good programmer writes with ``phonenumbers`` at hand. Not those of the engine.

Imported in the peers' environments: nothing but the standard library and ``phonenumbers``.
"""

import phonenumbers

from schemas.columns import COLUMNS, CUSTOMER_COLUMNS, CUSTOMER_TYPES, TITLES, Kind

REGION = "AU"
DATE_FORMAT = "%Y/%m/%d"
EMAILS = tuple(column.name for column in COLUMNS if column.kind is Kind.EMAIL)
NUMBERS = tuple(column.name for column in COLUMNS if column.kind in {Kind.MOBILE, Kind.PHONE})
MAX_LENGTHS = {column.name: column.max_length for column in COLUMNS if column.name in CUSTOMER_COLUMNS}

_TITLES = {title.casefold(): title for title in TITLES}
_TYPES = {name.casefold(): name for name in CUSTOMER_TYPES}


def read_title(text: str) -> str | None:
    """Return a title of the list, however it is written."""
    return _TITLES.get(text.rstrip(".").casefold())


def read_type(text: str, business_name: str) -> str | None:
    """Return a type of the list; where none is given, the one that the name of a business says."""
    if not text:
        return "Business" if business_name else "Personal"
    return _TYPES.get(text.casefold())


def read_phone(text: str) -> str | None:
    """Return a number in E.164, or nothing where it cannot be one."""
    try:
        number = phonenumbers.parse(text, REGION)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
