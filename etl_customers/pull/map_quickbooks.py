"""Maps a customer of QuickBooks Online to a row: which field goes where, and which customers are none of ours.

What a text must be to be kept is not said here.
"""

import re
from collections.abc import Callable, Mapping

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
from etl_customers.settings.sections import QuickBooks
from schemas.codes import PROJECT, SUB_CUSTOMER
from schemas.provider_records import ADDRESS
from schemas.quickbooks_customers import ADDRESSES

_LINES = ("Line1", "Line2", "Line3", "Line4", "Line5")
_PLACES = {"city": "City", "state": "CountrySubDivisionCode", "postcode": "PostalCode", "country": "Country"}
_FLAT_NAMES = {
    name: (
        tuple(f"{name}.{line}" for line in _LINES),
        tuple((column, f"{name}.{field}") for column, field in _PLACES.items()),
    )
    for name in ADDRESSES
}
"""Of each address the fields of a flat record: lines, and columns with theirs."""
_FIELDS_OF = {
    name: frozenset((*lines, *(field for _, field in places))) for name, (lines, places) in _FLAT_NAMES.items()
}
_MARK = " (deleted"
_DELETED = re.compile(r" \(deleted(?: [0-9]+)?\)$")
"""What QuickBooks puts behind the names of an inactive customer."""
_DELETED_ABOVE = re.compile(r" \(deleted(?: [0-9]+)?\)(?=:)")
"""The same behind the name of one above it; the record does not say whether that one is active."""
_NAMES = frozenset(("GivenName", "MiddleName", "FamilyName", "CompanyName", "DisplayName", "FullyQualifiedName"))


def map_quickbooks(record: FlatRecord, settings: QuickBooks, plan: Plan) -> MappedRecord:
    """Map a customer by its fields alone, each to the column that the plan says.

    A company name makes it a Business; without one, a person's name makes it Personal;
    with neither it is a Business of the name that is displayed.

    Source:
        Intuit's page of the Customer entity (as of 2026-11); docs/providers.md.
    """
    texts, is_active = record.texts, record.flags.get("Active", True)
    parent_id = texts.get("ParentRef.value")
    if record.flags.get("IsProject"):
        return MappedRecord(is_active=is_active, parent_id=parent_id, left_out=LeftOut(PROJECT, "IsProject"))
    if parent_id and settings.sub_customers == "leave_out":
        left_out = LeftOut(SUB_CUSTOMER, "ParentRef", parent_id)
        return MappedRecord(is_active=is_active, parent_id=parent_id, left_out=left_out)

    def text_of(field: str) -> str | None:
        if field in _NAMES:
            return _written(texts, field, is_active)
        return address_text(_address(texts, field)) if field in ADDRESSES else texts.get(field)

    def joined(column: str) -> str:
        fields = plan.of(column)
        # Most columns are made of one field, or of none.
        return join_texts(*map(text_of, fields)) if len(fields) > 1 else (fields and text_of(fields[0])) or ""

    cells = Cells()
    _put_names(cells, joined, texts, is_active, plan)
    for column in ("customer_title", "last_name2", "first_name3", "last_name3"):
        cells.put(column, joined(column))
    cells.put_all("email", split_emails(*(texts.get(field) for field in plan.of("email"))))
    for family in ("mobile", "phone"):
        numbers = (number for field in plan.of(family) for number in split_numbers(texts.get(field)))
        cells.put_all(family, list(dict.fromkeys(numbers)))
    put_address(cells, [_address(texts, name) for name in plan.of(ADDRESS) if not _FIELDS_OF[name].isdisjoint(texts)])
    cells.put_day("date_joined", next(filter(None, map(texts.get, plan.of("date_joined"))), None))
    cells.put_own(plan, text_of)
    names = cells.names(*(_written(texts, field, is_active) for field in ("DisplayName", "FullyQualifiedName")))
    return MappedRecord(cells.texts, is_active, parent_id, names, warnings=cells.warnings)


def _put_names(
    cells: Cells, joined: Callable[[str], str], texts: Mapping[str, str], is_active: bool, plan: Plan
) -> None:
    company = joined("business_name")
    # A middle name or a suffix alone is no person.
    fields = (*plan.of("first_name"), *plan.of("last_name"))
    is_person = any(field in texts for field in fields if field != "Suffix")
    business = company or ("" if is_person else _written(texts, "DisplayName", is_active))
    cells.put("first_name", joined("first_name"))
    cells.put("last_name", joined("last_name") if is_person else "")
    cells.put("first_name2", joined("first_name2"))
    cells.put("business_name", business)
    cells.put("customer_type", "Business" if business else "Personal")


def _written(texts: Mapping[str, str], field: str, is_active: bool) -> str:
    """Return a name as it was written, without what QuickBooks puts behind those of an inactive customer."""
    text = texts.get(field, "")
    if _MARK in text:
        text = _DELETED_ABOVE.sub("", text) if field == "FullyQualifiedName" else text
        return text if is_active else _DELETED.sub("", text)
    return text


def _address(texts: Mapping[str, str], name: str) -> Address:
    lines, places = _FLAT_NAMES[name]
    address: dict[str, str | None] = {"street_address": join_lines(texts, *lines)}
    for column, field in places:
        address[column] = texts.get(field)
    return address
