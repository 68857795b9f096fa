"""The account's columns: their ids, kinds and limits (docs/rules.md, R2).

Custom fields and properties are added by each account and live in the target
database (``etl_customers.columns.account_fields``); this module knows the fixed columns only.
"""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """How a column's text is read; decides which rule and which error code it gets."""

    TEXT = "text"
    TITLE = "title"
    CUSTOMER_TYPE = "customer_type"
    EMAIL = "email"
    MOBILE = "mobile"
    PHONE = "phone"
    PASSWORD = "password"
    COUNTRY = "country"
    STATE = "state"
    CITY = "city"
    DATE = "date"


UNPRINTABLE = r"[\x00-\x08\x0B\x0C\x0E-\x1F\x7F-\x9F]"
"""Control characters, for Rust's and Python's regular expressions; tab and line ends are legitimate in an address."""


@dataclass(frozen=True)
class Column:
    """One fixed column of the template."""

    name: str
    kind: Kind
    description: str
    max_length: int = 255
    """Longest value in characters; a longer cell fails with ``too_long``."""


COLUMNS: tuple[Column, ...] = (
    Column("customer_title", Kind.TITLE, "One of Dr, Mr, Mrs, Miss, Ms."),
    Column("first_name", Kind.TEXT, "Given name of the contact."),
    Column("last_name", Kind.TEXT, "Family name of the contact."),
    Column("first_name2", Kind.TEXT, "Second given name of the same contact."),
    Column("last_name2", Kind.TEXT, "Second family name of the same contact."),
    Column("first_name3", Kind.TEXT, "Third given name of the same contact."),
    Column("last_name3", Kind.TEXT, "Third family name of the same contact."),
    Column("customer_type", Kind.CUSTOMER_TYPE, "Personal or Business."),
    Column("business_name", Kind.TEXT, "Name of the business; needed when the type is Business."),
    Column("email", Kind.EMAIL, "E-mail address; the domain is kept in lower case."),
    Column("email2", Kind.EMAIL, "Second e-mail address of the same contact."),
    Column("email3", Kind.EMAIL, "Third e-mail address of the same contact."),
    Column("mobile", Kind.MOBILE, "Mobile number in E.164."),
    Column("mobile2", Kind.MOBILE, "Second mobile number of the same contact."),
    Column("mobile3", Kind.MOBILE, "Third mobile number of the same contact."),
    Column("phone", Kind.PHONE, "Phone number in E.164."),
    Column("phone2", Kind.PHONE, "Second phone number of the same contact."),
    Column("phone3", Kind.PHONE, "Third phone number of the same contact."),
    Column("password", Kind.PASSWORD, "Plain text in the upload; only its hash is kept.", 1024),
    Column("unit", Kind.TEXT, "Flat, suite or unit."),
    Column("street_address", Kind.TEXT, "Street and number.", 500),
    Column("suburb", Kind.TEXT, "Suburb or district."),
    Column("city", Kind.CITY, "City or town."),
    Column("state", Kind.STATE, "Subdivision of the country, by its name in the reference list."),
    Column("postcode", Kind.TEXT, "Postal code, as written.", 32),
    Column("country", Kind.COUNTRY, "ISO 3166-1 alpha-2 code."),
    Column("date_joined", Kind.DATE, "Day the customer joined, YYYY/MM/DD in the upload."),
)

COLUMN_BY_NAME: dict[str, Column] = {column.name: column for column in COLUMNS}
CUSTOMER_COLUMNS: tuple[str, ...] = tuple(c.name for c in COLUMNS if c.kind is not Kind.PASSWORD)
"""Names of the columns that are staged and loaded as they are: all but ``password``."""

TITLES: tuple[str, ...] = ("Dr", "Mr", "Mrs", "Miss", "Ms")
CUSTOMER_TYPES: tuple[str, ...] = ("Personal", "Business")

IDENTITY_COLUMNS: dict[str, tuple[str, ...]] = {
    family: (family, f"{family}2", f"{family}3") for family in ("email", "mobile", "phone")
}
"""Columns of each family that the setting ``duplicates.keys`` may name (R18)."""

IDENTITY_KINDS: dict[str, str] = {"email": "email", "mobile": "phone", "phone": "phone"}
"""Family to kind of identity key: mobiles and phones share one space (R18)."""

NAME_ADDRESS_KIND = "name_address"
"""Kind of the key that identifies a customer who has no other (R18)."""

NAME_ADDRESS_COLUMNS: tuple[str, ...] = (
    "first_name",
    "last_name",
    "business_name",
    "unit",
    "street_address",
    "suburb",
    "city",
    "state",
    "postcode",
    "country",
)
"""Columns of which that key is made, in this order."""

PROVIDER_KIND = "provider"
"""Kind of the key that a provider's id is: every customer that a pull created or linked has one."""


class FieldType(StrEnum):
    """Types of a custom field or a property field (R21)."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    YES_NO = "yes_no"
    ONE_OF = "one_of"
    SEVERAL_OF = "several_of"


CHOICE_SEPARATOR = ";"
"""Between the choices in a cell of a field of several of a list; no choice has it."""
