"""The account's own columns: custom fields, property types and their fields (R21, R22).

They live in the target database; ``field_changes`` adds and removes them. Those that were removed
are known still, so that a template that has their column can be told that it is stale.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import sqlalchemy as sa

from etl_customers.columns.header_names import normalise_header
from etl_customers.database.tables import custom_fields, property_fields, property_types
from etl_customers.database.values import as_utc
from schemas.columns import FieldType

END_NUMBER = re.compile(r"[\s_.-]*[0-9]+\Z")


@dataclass(frozen=True)
class Field:
    """A custom field, or a field of a property type; ``choices`` are of one_of and several_of."""

    id: str
    label: str
    type: FieldType
    is_required: bool
    choices: tuple[str, ...]


@dataclass(frozen=True)
class PropertyType:
    """Things that a customer may have several of, such as pets: ``Pet: Name``, ``Pet 2: Name``."""

    id: str
    label: str
    fields: tuple[Field, ...]


_Named = TypeVar("_Named", Field, PropertyType)


@dataclass(frozen=True)
class RemovedField:
    """A column that templates had until ``removed_at`` (UTC)."""

    header: str
    removed_at: datetime


@dataclass(frozen=True)
class AccountFields:
    """All columns that the account adds to the fixed ones, in the template's order."""

    custom_fields: tuple[Field, ...]
    property_types: tuple[PropertyType, ...]
    removed: tuple[RemovedField, ...] = ()


NO_FIELDS = AccountFields((), ())
"""An account without columns of its own."""


def headers_of(items: Sequence[_Named], gone: Iterable[str] = ()) -> Iterator[tuple[str, _Named]]:
    """Yield the normalised headers by which fields or property types are read, labels before ids.

    An account of an earlier version may have an id that ends in a digit. Where it would be
    read for a further one of something else (``pet_2``, of Pét, beside Pet), it is no header.

    Args:
        items: Those of one kind that the account has.
        gone: Normalised labels of those that were removed.
    """
    names = {normalise_header(name) for item in items for name in (item.label, item.id)} | set(gone)
    taken: set[str] = set()
    for item in items:
        taken.add(normalise_header(item.label))
        yield normalise_header(item.label), item
    for item in items:
        without_number = END_NUMBER.sub("", item.id)
        if (without_number == item.id or normalise_header(without_number) not in names) and (
            (name := normalise_header(item.id)) not in taken
        ):
            yield name, item


def property_header(type_label: str, field_label: str, number: int = 1) -> str:
    """Return a property's header: ``Pet: Name``, from the second on ``Pet 2: Name``."""
    return f"{type_label}: {field_label}" if number == 1 else f"{type_label} {number}: {field_label}"


def load_fields(connection: sa.Connection) -> AccountFields:
    """Read the account's columns, and those that were removed (newest removal first)."""
    customs = stored_rows(connection, custom_fields)
    types = stored_rows(connection, property_types)
    parts = stored_rows(connection, property_fields)
    live_types = tuple(
        PropertyType(
            row.id,
            row.label,
            tuple(_field(part) for part in parts if part.property_type_id == row.id and is_live(part)),
        )
        for row in types
        if is_live(row)
    )
    live = AccountFields(tuple(_field(row) for row in customs if is_live(row)), live_types)
    return AccountFields(live.custom_fields, live.property_types, _removed(customs, types, parts, live))


def stored_rows(connection: sa.Connection, table: sa.Table) -> Sequence[sa.Row[Any]]:
    """Return all of a table's rows in the template's order, also those that were removed."""
    return connection.execute(sa.select(table).order_by(table.c.position, table.c.id)).all()


def is_live(row: sa.Row[Any]) -> bool:
    """Tell whether the template has it now."""
    return row.removed_at is None


def _field(row: sa.Row[Any]) -> Field:
    return Field(row.id, row.label, FieldType(row.type), row.is_required, tuple(row.choices or ()))


def _removed(
    customs: Iterable[sa.Row[Any]], types: Iterable[sa.Row[Any]], parts: Iterable[sa.Row[Any]], live: AccountFields
) -> tuple[RemovedField, ...]:
    """List what is gone, without headers that a later field has taken again."""
    kept = {normalise_header(field.label) for field in live.custom_fields} | {
        normalise_header(property_header(owner.label, field.label))
        for owner in live.property_types
        for field in owner.fields
    }
    owners = {row.id: row for row in types}
    gone = [(row.label, row.removed_at) for row in customs if not is_live(row)]
    for part in parts:
        owner = owners[part.property_type_id]
        removed_at = part.removed_at or owner.removed_at
        if removed_at is not None:
            gone.append((property_header(owner.label, part.label), removed_at))
    gone.sort(key=lambda item: as_utc(item[1]), reverse=True)
    return tuple(RemovedField(header, as_utc(at)) for header, at in gone if normalise_header(header) not in kept)
