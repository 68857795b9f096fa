"""What a row can break that is to be loaded."""

from typing import Any

from schemas.columns import COLUMNS, CUSTOMER_COLUMNS, Kind
from tests.schemas.normalised_faults import OF_STORED_TEXTS, VALUES
from tests.schemas.rows import Fault

SOUND: dict[str, Any] = {
    "row": 2,
    **VALUES,
    "custom_fields": '{"tier": "Gold", "limit": 1250.50}',
    "has_password": True,
    "parent_row": 7,
    "warnings": '[{"column": "city", "code": "city_defaulted"}]',
}

_STORED = [column for column in COLUMNS if column.kind in (Kind.TEXT, Kind.CITY, Kind.STATE)]
_EMAILS, _NUMBERS = ("email", "email2", "email3"), ("mobile", "mobile2", "mobile3", "phone", "phone2", "phone3")
_NO_EMAILS = (
    "not an e-mail", "a", "a@b", "@example.com", "a@@example.com", "a@example.COM", "a@example..com", "a b@example.com",
    "a@exam ple.com", "a\x00@example.com", "x" * 65 + "@example.com", "a@example.com\n",
)  # fmt: skip
_NO_NUMBERS = ("abc", "0491570156", "+0491570156", "+6149 157", "+", "+1234567890123456", "+61491570156\n")


def _beside_nothing(name: str) -> tuple[tuple[str, str], ...]:
    if name == "business_name":
        return (("business_name", "business_name_missing"),)
    return (("state", "state_without_country"),) if name == "country" else ()


FAULTS: tuple[Fault, ...] = (
    Fault("a row is one of a spreadsheet below its header", {"row": 1}, "row", "not_a_row"),
    Fault("a title is one of the five", {"customer_title": "King"}, "customer_title", "unknown_title"),
    Fault("a title is written as we write it", {"customer_title": "mr."}, "customer_title", "unknown_title"),
    Fault("a customer is Personal or Business", {"customer_type": "Firm"}, "customer_type", "unknown_customer_type"),
    Fault("a customer has a type", {"customer_type": None}, "customer_type", "required"),
    *(Fault(f"{name} is well formed", {name: text}, name, "invalid_email") for name in _EMAILS for text in _NO_EMAILS),
    *(
        Fault(f"{name} is not longer than an address may be", {name: f"a@{'b' * 249}.com"}, name, "too_long")
        for name in _EMAILS
    ),
    *(Fault(f"{name} is E.164", {name: text}, name, "invalid_phone") for name in _NUMBERS for text in _NO_NUMBERS),
    *(
        Fault("a country is a code of ISO 3166-1", {"country": text}, "country", "unknown_country")
        for text in ("zz!", "ZZ", "au", "AUS", "")
    ),
    *OF_STORED_TEXTS,
    *(
        Fault(f"{column.name} is trimmed, and null instead of empty", {column.name: text}, column.name, "not_trimmed")
        for column in _STORED
        for text in ("", " ", " Ada", "Ada\u00a0", "Ada\n")
    ),
    *(
        Fault("a customer joined on a day that databases know", {"date_joined": day}, "date_joined", "invalid_date")
        for day in (-800_000, 3_000_000)
    ),
    *(
        Fault("custom fields are a JSON object of values", {"custom_fields": text}, "custom_fields", "no_json_object")
        for text in (
            "",
            "{",
            '{"a": 1} x',
            "[1]",
            '"{}"',
            "null",
            "{'a': 1}",
            "{}",
            '{"a": }',
            '{"a": "x}',
            '{"a": "\n"}',
            '{"a": {}}',
            '{"a": "\\x"}',
        )
    ),
    *(
        Fault("warnings are a JSON list", {"warnings": text}, "warnings", "no_json_list")
        for text in ("", "[", "{}", '"[]"', "city", "[]", '[{"column": "city"}]')
    ),
    Fault("it is known whether a row has a password", {"has_password": None}, "has_password", "required"),
    Fault("the row that is corrected has a number", {"parent_row": -1}, "parent_row", "invalid_failed_row"),
    Fault("a row has a number", {"row": None}, "row", "required"),
    Fault("no row is there twice", {}, "row", "not_unique", times=2),
    Fault("a Business has its name", {"business_name": None}, "business_name", "business_name_missing"),
    Fault("a state is one of a country", {"country": None}, "state", "state_without_country"),
)

_OF_EVERY_SOURCE = ("business_name_missing", "state_without_country")
FAULTS_OF_SOURCES: tuple[Fault, ...] = (
    *(fault for fault in FAULTS if fault.code not in _OF_EVERY_SOURCE),
    *(
        Fault(f"{name} has a value where it is required", {name: None}, name, "required", _beside_nothing(name))
        for name in CUSTOMER_COLUMNS
        if name != "customer_type"
    ),
    Fault(
        "somebody has a name",
        {"first_name": None, "last_name": None, "business_name": None, "customer_type": "Personal"},
        "business_name",
        "name_missing",
        tuple((name, "required") for name in ("first_name", "last_name", "business_name")),
    ),
)
