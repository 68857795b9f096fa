"""What a normalised row can break."""

from datetime import date
from typing import Any

from schemas.codes import ERROR_VALUE
from schemas.columns import COLUMNS, CUSTOMER_COLUMNS, Kind
from tests.schemas.rows import Fault

_NUMBERS = {name: "+6149157015" + str(place) for place, name in enumerate(("mobile", "mobile2", "mobile3"))}
_NUMBERS |= {name: "+6125550123" + str(place) for place, name in enumerate(("phone", "phone2", "phone3"))}
VALUES: dict[str, Any] = {
    **dict.fromkeys(CUSTOMER_COLUMNS, "Ada"),
    **{name: f"{name}@example.com" for name in ("email", "email2", "email3")},
    **_NUMBERS,
    "customer_title": "Mrs",
    "customer_type": "Business",
    "business_name": "Books & Co",
    "city": "Sydney",
    "state": "New South Wales",
    "postcode": "2000",
    "country": "AU",
    "date_joined": date(2024, 2, 29),
}
"""A value of each column that may be loaded."""

_TEXTS = {
    **{name: VALUES[name] for name in VALUES if name.startswith(("email", "mobile", "phone"))},
    "customer_title": "mrs.",
    "customer_type": "BUSINESS",
    "state": "NSW",
    "country": "Australia",
    "date_joined": "2024/02/29",
}
SOUND: dict[str, Any] = {
    **VALUES,
    **{f"{name}:text": text for name, text in _TEXTS.items()},
    "password": "given",
    "parent_row": 7,
    "row": 2,
}

_STORED = [column for column in COLUMNS if column.kind in (Kind.TEXT, Kind.CITY, Kind.STATE)]
_UNREAD = {
    **dict.fromkeys(("email", "email2", "email3"), "invalid_email"),
    **dict.fromkeys(_NUMBERS, "invalid_phone"),
    "customer_title": "unknown_title",
    "customer_type": "unknown_customer_type",
    "state": "unknown_state",
    "date_joined": "invalid_date",
}


def _empty(name: str) -> dict[str, None]:
    return {name: None, f"{name}:text": None} if name in _TEXTS else {name: None}


def _beside_nothing(name: str) -> tuple[tuple[str, str], ...]:
    return (("business_name", "business_name_missing"),) if name == "business_name" else ()


OF_STORED_TEXTS: tuple[Fault, ...] = (
    *(
        Fault(
            f"{column.name} is not longer than its column",
            {column.name: "é" * (column.max_length + 1)},
            column.name,
            "too_long",
        )
        for column in _STORED
    ),
    *(
        Fault(
            f"{column.name} has no control characters", {column.name: f"a{sign}b"}, column.name, "unprintable_character"
        )
        for column in _STORED
        for sign in ("\x00", "\x1b", "\x7f", "\x9f")
    ),
)
"""What a text can break, in both contracts that look at texts."""

FAULTS: tuple[Fault, ...] = (
    *OF_STORED_TEXTS,
    *(
        Fault(
            f"{name} has a text of which something came",
            {f"{name}:text": "x", name: None},
            name,
            code,
            ((name, "required"),),
        )
        for name, code in _UNREAD.items()
    ),
    Fault(
        "country has a text of which a country came; it alone is told",
        {"country:text": "Atlantis", "country": None, "state": None, "mobile": None, "mobile:text": "0491 570 156"},
        "country",
        "unknown_country",
        (("country", "required"), ("state", "required"), ("mobile", "required")),
    ),
    Fault(
        "a number with its country's code is judged even where the row's country is unknown",
        {"country:text": "Atlantis", "country": None, "phone": None, "phone:text": "+99"},
        "phone",
        "invalid_phone",
        (("country", "unknown_country"), ("country", "required"), ("phone", "required")),
    ),
    Fault("a country is one of ISO 3166-1, whoever set it", {"country": "ZZ"}, "country", "unknown_country"),
    *(Fault(f"{name} fits E.164", {name: "+49301234567890123"}, name, "invalid_phone") for name in _NUMBERS),
    *(
        Fault(f"{name} has a value where it is required", _empty(name), name, "required", _beside_nothing(name))
        for name in CUSTOMER_COLUMNS
        if name not in ("first_name", "last_name")
    ),
    *(
        Fault(f"{name} has a value where it is required", {name: None}, name, "required")
        for name in ("first_name", "last_name")
    ),
    Fault(
        "a Business has its name",
        {"business_name": None},
        "business_name",
        "business_name_missing",
        (("business_name", "required"),),
    ),
    Fault(
        "somebody has a name",
        {"first_name": None, "last_name": None, "business_name": None, "customer_type": "Personal"},
        "business_name",
        "name_missing",
        tuple((name, "required") for name in ("first_name", "last_name", "business_name")),
    ),
    Fault("a row has a number", {"row": None}, "row", "required"),
    Fault("a password is not too long", {"password": "too_long"}, "password", "too_long"),
    Fault("a password has no control characters", {"password": "unprintable"}, "password", "unprintable_character"),
    Fault("the row that is corrected has a number", {"parent_row": -1}, "row", "invalid_failed_row"),
    *(
        Fault(f"{name} is no error value", {f"{name}:{ERROR_VALUE}": "#N/A"}, name, ERROR_VALUE)
        for name in ("password", *CUSTOMER_COLUMNS)
    ),
)
