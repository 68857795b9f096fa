"""Maps a customer of QuickBooks Online to a row: which field goes where, and which customers are none of ours.

What a text must be to be kept is not said here.
"""

import re

from etl_customers.pull.flat_records import FlatRecord
from etl_customers.pull.mapping import (
    Address,
    Cells,
    LeftOut,
    MappedRecord,
    join_lines,
    join_texts,
    put_address,
    split_emails,
    split_numbers,
)
from etl_customers.settings import QuickBooks
from schemas.codes import PROJECT, SUB_CUSTOMER

_LINES = ("Line1", "Line2", "Line3", "Line4", "Line5")
_PLACES = {"city": "City", "state": "CountrySubDivisionCode", "postcode": "PostalCode", "country": "Country"}
_DELETED = re.compile(r" \(deleted(?: [0-9]+)?\)$")
"""What QuickBooks puts behind the names of an inactive customer."""


def map_quickbooks(record: FlatRecord, settings: QuickBooks) -> MappedRecord:
    """Map a customer by its fields alone.

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
    cells = Cells()
    _put_names(cells, texts, is_active)
    cells.put("customer_title", texts.get("Title"))
    cells.put_all("email", split_emails(texts.get("PrimaryEmailAddr.Address")))
    cells.put_all("mobile", _numbers(texts, "Mobile"))
    cells.put_all("phone", _numbers(texts, "PrimaryPhone", "AlternatePhone"))
    _put_address(cells, texts)
    cells.put_day("date_joined", texts.get("MetaData.CreateTime"))
    names = cells.names(*(_written(texts, field, is_active) for field in ("DisplayName", "FullyQualifiedName")))
    return MappedRecord(cells.texts, is_active, parent_id, names, warnings=cells.warnings)


def _numbers(texts: dict[str, str], *fields: str) -> list[str]:
    numbers = (number for field in fields for number in split_numbers(texts.get(f"{field}.FreeFormNumber")))
    return list(dict.fromkeys(numbers))


def _put_names(cells: Cells, texts: dict[str, str], is_active: bool) -> None:
    def name(field: str) -> str:
        return _written(texts, field, is_active)

    first, last, company = name("GivenName"), name("FamilyName"), name("CompanyName")
    is_person = bool(first or last)
    business = company or ("" if is_person else name("DisplayName"))
    cells.put("first_name", first)
    cells.put("last_name", join_texts(last, texts.get("Suffix")) if is_person else "")
    cells.put("first_name2", name("MiddleName"))
    cells.put("business_name", business)
    cells.put("customer_type", "Business" if business else "Personal")


def _written(texts: dict[str, str], field: str, is_active: bool) -> str:
    """Return a name as it was written, without what QuickBooks puts behind those of an inactive customer."""
    text = texts.get(field, "")
    return text if is_active else _DELETED.sub("", text)


def _put_address(cells: Cells, texts: dict[str, str]) -> None:
    """Take the billing address, the shipping address where that has nothing but its id."""
    put_address(cells, (_address(texts, name) for name in ("BillAddr", "ShipAddr")))


def _address(texts: dict[str, str], name: str) -> Address:
    street = join_lines(texts, *(f"{name}.{line}" for line in _LINES))
    return {"street_address": street, **{column: texts.get(f"{name}.{field}") for column, field in _PLACES.items()}}
