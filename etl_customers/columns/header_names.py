"""How headers are compared: the normalised form, and the plain synonyms of the fixed columns (R3)."""

import re
import unicodedata
from collections.abc import Iterator

from etl_customers.texts.invisible import visible
from etl_customers.texts.text_formulas import plain_text
from schemas.columns import COLUMN_BY_NAME

OWN_COLUMNS: tuple[str, str, str] = ("import_id", "row", "errors")
"""Columns of our failed-rows file: first, second and last (R19)."""

BEYOND_PREFIX = "beyond_"
"""Begins the headers, in our failed-rows file, of cells that had none in the upload; a number from 1 on follows."""

STAMP_PREFIX = "template:"
"""Begins the header of the template's last column; eight hexadecimal digits follow."""

_IGNORED = re.compile(r"[\s*_.'\u2019\u2010-\u2014-]+")
_SYNONYMS: dict[str, tuple[str, ...]] = {
    "customer_title": ("title", "salutation", "honorific"),
    "first_name": ("given name", "forename", "first", "first name 1"),
    "last_name": ("surname", "family name", "last", "last name 1"),
    "first_name2": ("given name 2", "forename 2"),
    "last_name2": ("surname 2", "family name 2"),
    "first_name3": ("given name 3", "forename 3"),
    "last_name3": ("surname 3", "family name 3"),
    "customer_type": ("client type", "contact type"),
    "business_name": ("company", "company name", "organisation", "organization", "trading name"),
    "email": ("email address", "email 1"),
    "email2": ("email address 2",),
    "email3": ("email address 3",),
    "mobile": ("mobile phone", "mobile number", "cell", "cell phone", "cell number", "mobile 1"),
    "mobile2": ("mobile phone 2", "mobile number 2", "cell 2", "cell phone 2", "cell number 2"),
    "mobile3": ("mobile phone 3", "mobile number 3", "cell 3", "cell phone 3", "cell number 3"),
    "phone": ("telephone", "phone number", "telephone number", "tel", "landline", "phone 1"),
    "phone2": ("telephone 2", "phone number 2", "telephone number 2", "tel 2"),
    "phone3": ("telephone 3", "phone number 3", "telephone number 3", "tel 3"),
    "unit": ("flat", "suite", "apartment", "unit number"),
    "street_address": ("street", "address", "address line 1", "address 1"),
    "suburb": ("district", "neighbourhood", "neighborhood"),
    "city": ("town",),
    "state": ("province",),
    "postcode": ("postal code", "zip", "zip code"),
    "country": ("country code", "country name"),
    "date_joined": ("joined", "join date", "joined on", "customer since"),
}


def normalise_header(text: str) -> str:
    """Return the form in which headers are compared.

    Case, white space, ``*``, hyphens, underscores, dots, apostrophes and invisible
    characters do not count; everything else does.
    """
    folded = unicodedata.normalize("NFKC", plain_text(visible(text)))
    written = "".join(c for c in folded if unicodedata.category(c) not in ("Cf", "Cc"))
    return _IGNORED.sub("", written.casefold())


def fixed_texts() -> Iterator[tuple[str, str]]:
    """Yield each name and plain synonym of a fixed column as it is written, with the column."""
    yield from ((name, name) for name in COLUMN_BY_NAME)
    for column, synonyms in _SYNONYMS.items():
        yield from ((synonym, column) for synonym in synonyms)


def fixed_names() -> dict[str, str]:
    """Return normalised header → fixed column, for ids, labels and synonyms; no name is ambiguous."""
    names: dict[str, str] = {}
    for text, column in fixed_texts():
        taken = names.setdefault(normalise_header(text), column)
        assert taken == column, f"synonym {text} is ambiguous"
    return names


def reserved_names() -> dict[str, str]:
    """Return every normalised name that no custom field may take, with what it stands for."""
    reserved = {normalise_header(name): f"{name} of the failed-rows file" for name in OWN_COLUMNS}
    return {**reserved, **{name: f"column {column}" for name, column in fixed_names().items()}}
