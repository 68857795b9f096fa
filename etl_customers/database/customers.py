"""Finding customers in the target, showing one, and telling where it came from; changing one is in ``edits``."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, RowMapping

from etl_customers.base.errors import NotFound, UsageError
from etl_customers.database.ledger import ImportRecord, find_import
from etl_customers.database.pulls import ProviderLink, links_of_customer
from etl_customers.database.removals import ERASED, RemovedCustomer, find_removed
from etl_customers.database.tables import customer_changes, customers, imports, properties, provider_customers
from etl_customers.database.text_search import has_words
from etl_customers.database.values import as_utc
from etl_customers.texts.folding import fold
from etl_customers.texts.invisible import visible
from schemas.columns import CUSTOMER_COLUMNS, IDENTITY_COLUMNS

_LARGEST_ID = 2**63 - 1
_PHONES = (*IDENTITY_COLUMNS["mobile"], *IDENTITY_COLUMNS["phone"])
_NOT_SEARCHED = ("customer_title", "customer_type", "date_joined")
_TEXTS = tuple(name for name in CUSTOMER_COLUMNS if name not in _NOT_SEARCHED)
_NUMBER_AS_TYPED = re.compile(r"[0-9+()./\-\s]+")
_FEWEST_DIGITS = 3


@dataclass(frozen=True)
class Customer:
    """One customer as it stands; times are UTC."""

    id: int
    values: Mapping[str, str | date | None]
    """A value per customer column, in their order."""
    custom_fields: Mapping[str, Any]
    """Custom field id to value: text, number, true or false, a list of texts; dates as YYYY-MM-DD."""
    has_password: bool
    is_active: bool
    warnings: list[dict[str, str]]
    """Column and code of each default that the import filled in."""
    import_id: str
    import_row: int
    parent_row: int | None
    """Row of the import that its import corrects, where that row was corrected."""
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True)
class Property:
    """One property of a customer, such as its second pet."""

    type: str
    number: int
    values: Mapping[str, Any]
    """Property field id to value."""
    provider: str | None = None
    """Whose pulls made it and keep it as the books have it; None: a file's."""


@dataclass(frozen=True)
class CustomerDetails:
    """A customer with all that belongs to it, and the import that brought it."""

    customer: Customer
    properties: list[Property]
    record: ImportRecord
    links: list[ProviderLink]
    """What providers call it."""


@dataclass(frozen=True)
class CustomerChange:
    """A value that an update or an edit replaced; a password's values are never kept."""

    column: str
    old_value: Any
    new_value: Any
    import_id: str | None
    """The import that changed it,"""
    changed_by: str | None
    """or the person who did."""
    changed_at: datetime


@dataclass(frozen=True)
class Trace:
    """Where a customer came from and what became of it since."""

    customer_id: int
    record: ImportRecord
    """The import, with file name, SHA-256, times and run."""
    import_row: int
    """The row of the file, as a spreadsheet numbers it."""
    parent: ImportRecord | None
    """The import that this one corrected, if it did."""
    parent_row: int | None
    """The failed row of that import which became this customer."""
    changes: list[CustomerChange]
    """Oldest first."""
    links: list[ProviderLink]
    """What providers call it."""


class CustomerRemoved(UsageError):
    """The customer was in the target once; its import was undone, or the person was erased."""

    def __init__(self, removed: RemovedCustomer) -> None:
        super().__init__(removed)
        self.removed = removed

    def __str__(self) -> str:
        """Say what became of it, when, by whom, and where it had come from."""
        gone = self.removed
        what = "was erased" if gone.reason == ERASED else "was removed when its import was undone"
        by = f" by {gone.removed_by}" if gone.removed_by else ""
        return (
            f"customer {gone.customer_id} {what}, on {gone.removed_at:%Y-%m-%d %H:%M} UTC{by}; "
            f"it came from row {gone.import_row} of import {gone.import_id}"
        )


def search_customers(
    connection: Connection,
    text: str | None = None,
    source: str | None = None,
    import_id: str | None = None,
    limit: int = 50,
    offset: int = 0,
) -> list[Customer]:
    """Return the customers that have every word of ``text`` somewhere, by ascending id.

    Args:
        connection: To the target.
        text: Parts of names, business name, e-mail, phone or address, or of what a provider calls the
            customer; case, accents, apostrophes and hyphens do not count. A phone number may be typed in
            any form, also without its country.
        source: ``csv``, ``quickbooks`` or ``xero``.
        import_id: Only customers of this import.
        limit: Most customers to return.
        offset: Customers to skip.
    """
    query = sa.select(customers).order_by(customers.c.id).limit(limit).offset(offset)
    if text is not None and (text := visible(text)).strip():
        query = query.where(_matches(connection.dialect, text))
    if source is not None:
        query = query.join(imports, imports.c.import_id == customers.c.import_id).where(imports.c.source == source)
    if import_id is not None:
        query = query.where(customers.c.import_id == import_id)
    return [customer_of(row) for row in connection.execute(query).mappings()]


def show_customer(connection: Connection, customer_id: int) -> CustomerDetails:
    """Return a customer with its properties and its import.

    Raises:
        NotFound: There is no such customer.
    """
    customer = find_customer(connection, customer_id)
    query = sa.select(properties).where(properties.c.customer_id == customer_id)
    found = connection.execute(query.order_by(properties.c.property_type_id, properties.c.number)).mappings()
    return CustomerDetails(
        customer=customer,
        properties=[
            Property(row["property_type_id"], row["number"], row["field_values"], row["provider"]) for row in found
        ],
        record=_import_of(connection, customer.import_id),
        links=links_of_customer(connection, customer_id),
    )


def trace_customer(connection: Connection, customer_id: int) -> Trace:
    """Return where a customer came from: file, row, import, the import that it corrected, later changes.

    Raises:
        NotFound: There is no such customer.
    """
    customer = find_customer(connection, customer_id)
    record = _import_of(connection, customer.import_id)
    query = sa.select(customer_changes).where(customer_changes.c.customer_id == customer_id)
    found = connection.execute(query.order_by(customer_changes.c.id)).mappings()
    return Trace(
        customer_id=customer_id,
        record=record,
        import_row=customer.import_row,
        parent=_import_of(connection, record.parent_import_id) if record.parent_import_id else None,
        parent_row=customer.parent_row,
        changes=[
            CustomerChange(
                column=row["column"],
                old_value=row["old_value"],
                new_value=row["new_value"],
                import_id=row["import_id"],
                changed_by=row["changed_by"],
                changed_at=as_utc(row["changed_at"]),
            )
            for row in found
        ],
        links=links_of_customer(connection, customer_id),
    )


def find_customer(connection: Connection, customer_id: int, *, is_locked: bool = False) -> Customer:
    """Return a customer, and keep others from changing it if asked to.

    Raises:
        NotFound: There never was such a customer.
        CustomerRemoved: It was undone or erased.
    """
    row = None
    if 0 < customer_id <= _LARGEST_ID:
        query = sa.select(customers).where(customers.c.id == customer_id)
        row = connection.execute(query.with_for_update() if is_locked else query).mappings().first()
        removed = find_removed(connection, customer_id) if row is None else None
        if removed is not None:
            raise CustomerRemoved(removed)
    if row is None:
        raise NotFound("customer", str(customer_id), "to find it, run: etl-customers customers TEXT")
    return customer_of(row)


def customer_of(row: RowMapping) -> Customer:
    """Return a row of ``customers`` as a customer, without the hash of its password."""
    return Customer(
        id=row["id"],
        values={name: row[name] for name in CUSTOMER_COLUMNS},
        custom_fields=row["custom_fields"] or {},
        has_password=row["password_hash"] is not None,
        is_active=row["is_active"],
        warnings=row["warnings"] or [],
        import_id=row["import_id"],
        import_row=row["import_row"],
        parent_row=row["parent_row"],
        created_at=as_utc(row["created_at"]),
        updated_at=as_utc(row["updated_at"]),
    )


def _import_of(connection: Connection, import_id: str) -> ImportRecord:
    record = find_import(connection, import_id)
    assert record is not None, "a foreign key keeps it"
    return record


def _matches(dialect: sa.Dialect, text: str) -> sa.ColumnElement[bool]:
    """Build the condition for a search; words cannot reach from one column into the next."""
    storable = text.encode("utf-8", "replace").decode().replace("\0", "")
    # Each word by itself: one may stand in the provider's name alone, and the next in the city.
    each = fold(storable).split() or [storable]
    words = sa.and_(*(sa.or_(has_words(dialect, _TEXT, word), _is_called(dialect, word)) for word in each))
    digits = "".join(re.findall("[0-9]", storable))
    if len(digits) < _FEWEST_DIGITS or not _NUMBER_AS_TYPED.fullmatch(storable):
        return words
    # Stored numbers are E.164: without a trunk zero or the 00 before a country's code.
    return sa.or_(words, _joined(_PHONES).contains(digits.lstrip("0"), autoescape=True))


def _is_called(dialect: sa.Dialect, word: str) -> sa.ColumnElement[bool]:
    """Build the condition that a customer's name at a provider has a word in it; asked only of whom the rest misses."""
    link = provider_customers.c
    name = sa.type_coerce(sa.func.coalesce(link.qualified_name, link.display_name, ""), sa.Text())
    return sa.exists().where(link.customer_id == customers.c.id, has_words(dialect, name, word))


def _joined(names: tuple[str, ...]) -> sa.ColumnElement[str]:
    first, *others = (sa.func.coalesce(customers.c[name], "") for name in names)
    joined: sa.ColumnElement[str] = first
    for other in others:
        joined = joined.op("||")(sa.literal_column("'\n'")).op("||")(other)
    return sa.type_coerce(joined, sa.Text())


_TEXT = _joined(_TEXTS)
