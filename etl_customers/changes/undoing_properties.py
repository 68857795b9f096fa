"""Putting back the properties that a pull added, changed or took away of customers that it did not create."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from etl_customers.database.json_texts import is_same
from etl_customers.database.ledger import ImportRecord
from etl_customers.database.removals import UNDO_OF, Kept
from etl_customers.database.tables import customer_changes, customers, properties
from etl_customers.database.values import user_name


@dataclass(frozen=True)
class _Change:
    """What a pull did to a property; values are JSON as it was written, null for none."""

    column: str
    provided_number: int
    old: str | None
    new: str | None

    @property
    def is_of(self) -> sa.ColumnElement[bool]:
        """The condition for the property among those of its customer."""
        kind, _, number = self.column.rpartition(" ")
        return sa.and_(properties.c.property_type_id == kind, properties.c.number == int(number))


def restore_properties(connection: Connection, record: ImportRecord, customer_id: int) -> tuple[int, list[Kept]]:
    """Give a customer the properties that it had before a pull; return their number, and what is kept as it is now.

    They come back as they were written, also where the account has their type no more: nobody can edit them.

    Args:
        connection: In the undo's transaction, which has locked the customer.
        record: The pull; an import of another kind has changed none.
        customer_id: The customer.
    """
    restored, kept, now = 0, [], datetime.now(UTC)
    for change in _changes_of(connection, record.import_id, customer_id):
        mine = sa.and_(properties.c.customer_id == customer_id, change.is_of)
        query = sa.select(sa.cast(properties.c.field_values, sa.Text), properties.c.provider, properties.c.tenant_id)
        found = connection.execute(query.where(mine)).one_or_none()
        is_own = found is None or tuple(found[1:]) == (record.source, record.tenant_id)
        if not is_own or not is_same(None if found is None else found[0], change.new):
            text = f"{change.column} of customer {customer_id} has been changed again since"
            kept.append(Kept(customer_id, None, "changed_since", text))
            continue
        _put_back(connection, record, customer_id, change, mine)
        entry = {"customer_id": customer_id, "column": change.column, "provided_number": change.provided_number}
        entry |= {"old_value": _json(connection, change.new), "new_value": _json(connection, change.old)}
        by = user_name(f"{UNDO_OF}{record.import_id}")
        connection.execute(customer_changes.insert().values(**entry, changed_by=by, changed_at=now))
        restored += 1
    if restored:
        connection.execute(customers.update().where(customers.c.id == customer_id).values(updated_at=now))
    return restored, kept


def _changes_of(connection: Connection, import_id: str, customer_id: int) -> list[_Change]:
    change = customer_changes.c
    columns = (
        change.column,
        change.provided_number,
        *(sa.cast(c, sa.Text) for c in (change.old_value, change.new_value)),
    )
    mine = (change.import_id == import_id, change.customer_id == customer_id, change.provided_number.is_not(None))
    query = sa.select(*columns).where(*mine).order_by(change.id.desc())
    return [_Change(*row) for row in connection.execute(query)]


def _put_back(
    connection: Connection, record: ImportRecord, customer_id: int, change: _Change, mine: sa.ColumnElement[bool]
) -> None:
    values = _json(connection, change.old)
    if change.old is None:
        connection.execute(properties.delete().where(mine))
    elif change.new is not None:
        connection.execute(properties.update().where(mine).values(field_values=values))
    else:
        kind, _, number = change.column.rpartition(" ")
        owner = {"provider": record.source, "tenant_id": record.tenant_id, "provided_number": change.provided_number}
        key = {"customer_id": customer_id, "property_type_id": kind, "number": int(number)}
        connection.execute(properties.insert().values(**key, **owner, field_values=values))


def _json(connection: Connection, text: str | None) -> sa.ColumnElement[Any]:
    """Return JSON to be stored as it was written: a number keeps its digits."""
    if text is None:
        return sa.null()
    literal = sa.literal(text, sa.Text())
    return sa.cast(literal, sa.JSON()) if connection.dialect.name == "postgresql" else literal
