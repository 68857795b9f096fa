"""Maps a contact of Xero to a row: which field goes where, and which contacts are no customers.

What a text must be to be kept is not said here.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from etl_customers.mappings.document import Plan
from etl_customers.pull.flat_records import FlatRecord
from etl_customers.pull.mapped_record import (
    Address,
    Cells,
    LeftOut,
    MappedRecord,
    address_text,
    join_lines,
    join_texts,
    put_address,
    split_emails,
    split_numbers,
)
from etl_customers.settings.sections import Xero
from schemas.codes import ATTENTION, ERASED, MERGED, SUPPLIER_ONLY, UNUSED
from schemas.provider_records import ADDRESS
from schemas.xero_contacts import TO_ERASE

_ACTIVE = "ACTIVE"
_FURTHER_NAMES = ("2", "3")
_PERSON = {"first_name": "FirstName", "last_name": "LastName"}
_LINES = ("AddressLine1", "AddressLine2", "AddressLine3", "AddressLine4")
_PLACES = {"city": "City", "state": "Region", "postcode": "PostalCode", "country": "Country"}
_KNOWN_TYPES = frozenset(("STREET", "POBOX", "DEFAULT", "DDI", "OFFICE", "MOBILE", "FAX"))
_OTHER = "other"
"""Stands in a mapping for the types that Xero may add."""

_NO_DIGITS = re.compile(r"[^0-9]+")


def map_xero(record: FlatRecord, settings: Xero, plan: Plan) -> MappedRecord:
    """Map a contact by its fields alone, each to the column that the plan says.

    A contact whose name is that of its person is Personal, every other one that has a
    name is a Business, its person being whom to ask for.

    Source:
        Contact in Xero's OpenAPI description 16.1.0 (2026-07-13); docs/providers.md.
    """
    texts = record.texts
    status = texts.get("ContactStatus", _ACTIVE)
    left_out = _left_out(record, status, settings)
    if left_out is not None:
        return MappedRecord(is_active=status == _ACTIVE, left_out=left_out)
    persons, phones, addresses = (record.lists.get(name, []) for name in ("ContactPersons", "Phones", "Addresses"))

    def texts_of(field: str) -> list[str]:
        kind, _, inner = field.partition(".")
        if kind == "Phones":
            return [
                _join_number(phone, phone["PhoneNumber"])
                for phone in _numbered(phones)
                if _kind(phone, "PhoneType") == inner
            ]
        if kind == "Addresses":
            return [_whole(address) for address in addresses if _kind(address, "AddressType") == inner]
        if inner:
            return [one[inner] for one in record.lists.get(kind, ()) if inner in one]
        return [texts[field]] if field in texts else []

    cells = Cells()
    _put_names(cells, texts, plan)
    _put_further_names(cells, persons, plan)
    cells.put("customer_title", join_texts(*[text for field in plan.of("customer_title") for text in texts_of(field)]))
    cells.put_all("email", split_emails(*[text for field in plan.of("email") for text in texts_of(field)]))
    _put_numbers(cells, phones, plan)
    _put_address(cells, texts, addresses, plan)
    cells.put_own(plan, lambda field: "; ".join(filter(None, texts_of(field))))
    names = cells.names(texts.get("Name"))
    return MappedRecord(cells.texts, is_active=status == _ACTIVE, names=names, warnings=cells.warnings)


def _left_out(record: FlatRecord, status: str, settings: Xero) -> LeftOut | None:
    merged_into = record.texts.get("MergedToContactID")
    is_supplier, is_customer = record.flags.get("IsSupplier"), record.flags.get("IsCustomer")
    if status == TO_ERASE:
        return LeftOut(ERASED, "ContactStatus")
    if merged_into:
        return LeftOut(MERGED, "MergedToContactID", merged_into)
    if is_supplier and not is_customer and not settings.include_suppliers:
        return LeftOut(SUPPLIER_ONLY, "IsSupplier")
    if is_supplier is False and is_customer is False and not settings.include_unused:
        return LeftOut(UNUSED, "IsCustomer")
    return None


def _put_names(cells: Cells, texts: Mapping[str, str], plan: Plan) -> None:
    first, last, name = [
        join_texts(*map(texts.get, plan.of(column))) for column in ("first_name", "last_name", "business_name")
    ]
    is_business = bool(name) and name.casefold() != join_texts(first, last).casefold()
    cells.put("first_name", first)
    cells.put("last_name", last)
    cells.put("business_name", name if is_business else "")
    cells.put("customer_type", "Business" if is_business else "Personal")


def _put_further_names(cells: Cells, persons: Sequence[Mapping[str, str]], plan: Plan) -> None:
    if not persons:
        return
    inners = [name for column, name in _PERSON.items() if f"ContactPersons.{name}" in plan.of(column)]
    named = [person for person in persons if any(name in person for name in inners)]
    for person, slot in zip(named, _FURTHER_NAMES, strict=False):
        for column, name in _PERSON.items():
            cells.put(f"{column}{slot}", person.get(name) if name in inners else None)
    if len(named) > len(_FURTHER_NAMES):
        cells.no_place("first_name")


def _put_numbers(cells: Cells, phones: Iterable[Mapping[str, str]], plan: Plan) -> None:
    """Put each number into one column, a mobile's before all others; of a type that the plan leaves out, into none."""
    kinds = plan.kinds("Phones", "mobile", "phone")
    given = [(kind, phone) for phone in _numbered(phones) if (kind := kinds.get(_kind(phone, "PhoneType")))]
    given.sort(key=lambda one: one[0].place)
    seen: set[str] = set()
    families: dict[str, list[str]] = {"mobile": [], "phone": []}
    for kind, phone in given:
        for part in split_numbers(phone["PhoneNumber"]):
            number = _join_number(phone, part)
            dialled = _NO_DIGITS.sub("", number) or number
            if dialled not in seen:
                seen.add(dialled)
                families[kind.column].append(number)
    for family, numbers in families.items():
        cells.put_all(family, numbers)


def _numbered(phones: Iterable[Mapping[str, str]]) -> Iterator[Mapping[str, str]]:
    return (phone for phone in phones if "PhoneNumber" in phone)


def _kind(one: Mapping[str, str], type_field: str) -> str:
    """Return which kind of a mapping a phone or address is."""
    written = one.get(type_field, _OTHER)
    return written if written in _KNOWN_TYPES else _OTHER


def _join_number(phone: Mapping[str, str], number: str) -> str:
    """Join country code, area code and number; a number that begins with + is whole."""
    if number.startswith("+"):
        return number
    # Most have neither: that is found out faster than by an expression.
    written_country, written_area = phone.get("PhoneCountryCode"), phone.get("PhoneAreaCode")
    if not written_country and not written_area:
        return number
    country, area = _NO_DIGITS.sub("", written_country or ""), _NO_DIGITS.sub("", written_area or "")
    if country:
        return join_texts(f"+{country}", area.removeprefix("0"), number)
    return join_texts(area, number)


def _put_address(cells: Cells, texts: Mapping[str, str], addresses: Iterable[Mapping[str, str]], plan: Plan) -> None:
    """Take the first address in the plan's order that has something in it."""
    kinds = plan.kinds("Addresses", ADDRESS)
    given = [(kind, address) for address in addresses if (kind := kinds.get(_kind(address, "AddressType")))]
    in_order = [address for _, address in sorted(given, key=lambda one: one[0].place)]
    put_address(cells, map(_address, in_order))
    # Only of addresses that become columns: whom another one is for is in the text that it becomes.
    attentions = {address["AttentionTo"].casefold() for address in in_order if "AttentionTo" in address}
    if attentions:
        names = (texts.get("Name"), join_texts(texts.get("FirstName"), texts.get("LastName")))
        if attentions - {name.casefold() for name in names if name}:
            cells.warn("street_address", ATTENTION)


def _whole(address: Mapping[str, str]) -> str:
    """Return an address as a text, behind whom it is for."""
    return ", ".join(filter(None, (address.get("AttentionTo"), address_text(_address(address)))))


def _address(address: Mapping[str, str]) -> Address:
    found: dict[str, str | None] = {"street_address": join_lines(address, *_LINES)}
    for column, field in _PLACES.items():
        found[column] = address.get(field)
    return found
