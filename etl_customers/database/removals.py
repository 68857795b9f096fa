"""Taking customers out of the target and remembering that they were there; why one is removed is decided elsewhere.

Removing and loading exclude each other: a load may have found a customer to be there
already, and the row that failed for it must not outlive its reason.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection

from etl_customers.database.erased_names import forget_names_below_erased
from etl_customers.database.ledger import UNDONE, ImportRecord
from etl_customers.database.tables import (
    customer_changes,
    customers,
    failed_rows,
    identity_keys,
    imports,
    matched_customers,
    provider_customers,
    removed_customers,
    sync_cursors,
)
from etl_customers.database.values import as_utc, user_name
from schemas.columns import PROVIDER_KIND

ERASED = "erased"
UNDO_OF = "undo of "
"""Begins ``changed_by`` of a change that puts back what an import had replaced."""

_ROWS_AT_A_TIME = 500
_FORGOTTEN = {"customer_id": None, "content_hash": None, "display_name": None, "qualified_name": None}
"""Of an erased customer's link: names, and a hash that would tell whoever guesses a record whether it was that."""


@dataclass(frozen=True)
class Kept:
    """Something that an undo leaves as it is, and why."""

    customer_id: int
    row: int | None
    """Of the undone import, where that had created the customer."""
    code: str
    """edited, matched, changed_since, key_taken, rule_broken or password_not_kept."""
    message: str


@dataclass(frozen=True)
class RemovedCustomer:
    """A customer that is no longer in the target; nothing of the person is left in it."""

    customer_id: int
    import_id: str
    import_row: int
    reason: str
    """undone or erased."""
    removed_at: datetime
    removed_by: str | None


def keep_customers(connection: Connection) -> None:
    """Let nobody remove customers until the transaction ends; others may load meanwhile."""
    _lock(connection, "row exclusive")


def hold_loads_back(connection: Connection) -> None:
    """Wait for loads that are under way, and let none begin until the transaction ends."""
    _lock(connection, "share row exclusive")


def lock_customers_of(connection: Connection, import_id: str) -> None:
    """Wait for edits of an import's customers that are under way, and let none begin until the transaction ends."""
    locked = sa.select(customers.c.id).where(customers.c.import_id == import_id).with_for_update().subquery()
    connection.execute(sa.select(sa.func.count()).select_from(locked))


def list_kept_customers(connection: Connection, record: ImportRecord) -> Iterator[Kept]:
    """Yield the customers that an import created and that others have built upon since, each once."""
    mine = customers.c.import_id == record.import_id
    named = sa.select(customers.c.id, customers.c.import_row).where(mine)
    changes = named.add_columns(customer_changes.c.changed_by, customer_changes.c.import_id)
    changes = changes.join(customer_changes, customer_changes.c.customer_id == customers.c.id)
    changes = changes.outerjoin(imports, imports.c.import_id == customer_changes.c.import_id)
    matches = named.add_columns(matched_customers.c.import_id, matched_customers.c.row)
    matches = matches.join(matched_customers, matched_customers.c.customer_id == customers.c.id)
    matches = matches.join(imports, imports.c.import_id == matched_customers.c.import_id)
    links = named.add_columns(provider_customers.c.provider)
    links = links.join(provider_customers, provider_customers.c.customer_id == customers.c.id)
    links = links.join(imports, imports.c.import_id == provider_customers.c.import_id)
    seen: set[int] = set()
    reasons = (
        ("edited", changes.where(_is_later_change(record)).order_by(customers.c.id, customer_changes.c.id.desc())),
        ("matched", matches.where(_is_later_match(record)).order_by(customers.c.id, matched_customers.c.import_id)),
        ("matched", links.where(_is_foreign_link(record)).order_by(customers.c.id)),
    )
    for code, query in reasons:
        for customer_id, row, *by in connection.execute(query):
            if customer_id not in seen:
                seen.add(customer_id)
                yield Kept(customer_id, row, code, f"customer {customer_id} {_why(code, *by)}")


def remove_customers_of(connection: Connection, record: ImportRecord, removed_by: str | None, now: datetime) -> int:
    """Delete the customers that an import created, but those of ``list_kept_customers``; return their number.

    Args:
        connection: In a writing transaction that holds loads back.
        record: The import.
        removed_by: The person, kept with each.
        now: In UTC.
    """
    mine = customers.c.import_id == record.import_id
    kept = sa.union(
        sa.select(customer_changes.c.customer_id)
        .outerjoin(imports, imports.c.import_id == customer_changes.c.import_id)
        .where(_is_later_change(record)),
        sa.select(matched_customers.c.customer_id)
        .join(imports, imports.c.import_id == matched_customers.c.import_id)
        .where(_is_later_match(record)),
        sa.select(provider_customers.c.customer_id)
        .join(imports, imports.c.import_id == provider_customers.c.import_id)
        .where(_is_foreign_link(record), provider_customers.c.customer_id.is_not(None)),
    )
    _remember(connection, sa.and_(mine, customers.c.id.not_in(kept)), UNDONE, removed_by, now)
    gone = sa.select(removed_customers.c.customer_id).where(removed_customers.c.import_id == record.import_id)
    return connection.execute(customers.delete().where(mine, customers.c.id.in_(gone))).rowcount


def list_merged_customers(connection: Connection, record: ImportRecord) -> list[int]:
    """Return the customers of a pull's connection that were merged into others; of an import that is no pull, none."""
    link = provider_customers.c
    mine = (link.provider == record.source, link.tenant_id == record.tenant_id, link.customer_id.is_not(None))
    return list(connection.scalars(sa.select(link.customer_id).where(*mine, link.merged_into.is_not(None))))


def forget_pull(connection: Connection, record: ImportRecord) -> None:
    """Take back what a pull noted of its connection, so that the next one is a full one and looks at everything again.

    The links that it made to customers from elsewhere go, with the key that each is; not
    where that is the customer's only key by now, as a later pull gave it values that are others' too.
    What it read of the others, and that they had ended at the provider, is forgotten; that
    somebody was erased is not.

    Args:
        connection: In the undo's transaction.
        record: The import; of one that is no pull there is nothing to take back.
    """
    mine = {"provider": record.source, "tenant_id": record.tenant_id}
    connection.execute(sync_cursors.delete().where(*(sync_cursors.c[name] == value for name, value in mine.items())))
    link = provider_customers.c
    of_connection = [link[name] == value for name, value in mine.items()]
    created = sa.select(customers.c.id).where(customers.c.import_id == record.import_id)
    value = sa.type_coerce(
        link.provider.op("||")(":").op("||")(link.tenant_id).op("||")(":").op("||")(link.provider_id), sa.Text()
    )
    others = identity_keys.alias()
    has_another = sa.exists().where(
        others.c.customer_id == link.customer_id, sa.or_(others.c.kind != PROVIDER_KIND, others.c.value != value)
    )
    made_here = link.import_id == record.import_id
    made = (*of_connection, made_here, link.customer_id.not_in(created), has_another)
    gone = [{"gone": one} for one in connection.scalars(provider_customers.delete().where(*made).returning(value))]
    if gone:
        key = identity_keys.c
        connection.execute(
            identity_keys.delete().where(key.kind == PROVIDER_KIND, key.value == sa.bindparam("gone")), gone
        )
    changed = sa.select(customer_changes.c.customer_id).where(customer_changes.c.import_id == record.import_id)
    touched = sa.or_(link.customer_id.in_(changed), link.customer_id.in_(created), made_here)
    connection.execute(
        provider_customers.update()
        .where(*of_connection, touched)
        .values(content_hash=None, merged_into=None, vanished_at=None, erasure_asked_at=None)
    )


def erase_customer(
    connection: Connection,
    customer_id: int,
    erased_by: str | None,
    now: datetime,
    keys: Collection[tuple[str, str]] = (),
) -> None:
    """Delete a customer with all that belongs to it; what was removed before is noted as erased.

    A provider's customer stays known by its id, so that the next pull does not bring the person back,
    nor its name with the customers below it.

    Args:
        connection: In a writing transaction that holds loads back.
        customer_id: In the target, or removed from it.
        erased_by: The person who asked for it.
        now: In UTC.
        keys: Kind and value of identity keys that the customer is known to have had: a link may be gone.
    """
    linked = provider_customers.c.customer_id == customer_id
    connection.execute(provider_customers.update().where(linked).values(**_FORGOTTEN, erased_at=now))
    ids = (value.split(":", 2) for kind, value in keys if kind == PROVIDER_KIND)
    forget_names_below_erased(connection, also=[(provider, tenant, key) for provider, tenant, key in ids])
    _remember(connection, customers.c.id == customer_id, ERASED, erased_by, now)
    connection.execute(customers.delete().where(customers.c.id == customer_id))
    known = removed_customers.c.customer_id == customer_id
    connection.execute(
        removed_customers.update()
        .where(known, removed_customers.c.reason != ERASED)
        .values(reason=ERASED, removed_at=now, removed_by=user_name(erased_by))
    )


def erase_failed_rows(connection: Connection, import_id: str, rows: set[int], now: datetime) -> int:
    """Forget the password and the suggestions of failed rows, which are made from their cells; return how many.

    Column, code and message stay: they hold no customer's value, and the counts stay true.
    """
    erased, ordered = 0, sorted(rows)
    change = (
        failed_rows.update()
        .where(failed_rows.c.import_id == import_id, failed_rows.c.row == sa.bindparam("of_row"))
        .values(password_hash=None, erased_at=now, errors=sa.bindparam("new_errors", type_=failed_rows.c.errors.type))
    )
    for start in range(0, len(ordered), _ROWS_AT_A_TIME):
        some = ordered[start : start + _ROWS_AT_A_TIME]
        mine = sa.and_(
            failed_rows.c.import_id == import_id, failed_rows.c.row.in_(some), failed_rows.c.erased_at.is_(None)
        )
        found = connection.execute(sa.select(failed_rows.c.row, failed_rows.c.errors).where(mine)).all()
        if found:
            entries = [
                {"of_row": row, "new_errors": [{**error, "suggestion": None} for error in errors]}
                for row, errors in found
            ]
            connection.execute(change, entries)
            erased += len(found)
    return erased


def list_matches(connection: Connection, customer_id: int) -> list[tuple[str, int]]:
    """Return import and row of the failed rows that matched a customer."""
    query = sa.select(matched_customers.c.import_id, matched_customers.c.row)
    query = query.where(matched_customers.c.customer_id == customer_id)
    return [(import_id, row) for import_id, row in connection.execute(query)]


def find_removed(connection: Connection, customer_id: int) -> RemovedCustomer | None:
    """Return what is known of a customer that was removed, none where none of that id was."""
    query = sa.select(removed_customers).where(removed_customers.c.customer_id == customer_id)
    row = connection.execute(query).mappings().first()
    return None if row is None else RemovedCustomer(**{**row, "removed_at": as_utc(row["removed_at"])})


def _lock(connection: Connection, mode: str) -> None:
    # On SQLite a writing transaction is alone anyhow.
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"lock table matched_customers in {mode} mode")


def _is_later_change(record: ImportRecord) -> sa.ColumnElement[bool]:
    """Changed by a person, or by another import that stands; what an undo put back is no change."""
    by_person = sa.and_(
        customer_changes.c.import_id.is_(None),
        sa.func.coalesce(customer_changes.c.changed_by, "").not_like(f"{UNDO_OF}%"),
    )
    return sa.or_(by_person, sa.and_(customer_changes.c.import_id != record.import_id, imports.c.status != UNDONE))


def _is_later_match(record: ImportRecord) -> sa.ColumnElement[bool]:
    return sa.and_(matched_customers.c.import_id != record.import_id, imports.c.status != UNDONE)


def _is_foreign_link(record: ImportRecord) -> sa.ColumnElement[bool]:
    """Linked by another import that stands; the links that an import made to its own customers go with them."""
    return sa.and_(provider_customers.c.import_id != record.import_id, imports.c.status != UNDONE)


def _remember(
    connection: Connection, which: sa.ColumnElement[bool], reason: str, removed_by: str | None, now: datetime
) -> None:
    columns = removed_customers.c
    entries = sa.select(
        customers.c.id,
        customers.c.import_id,
        customers.c.import_row,
        sa.literal(reason, columns.reason.type),
        sa.literal(now, columns.removed_at.type),
        sa.literal(removed_by, columns.removed_by.type),
    ).where(which)
    names = [columns.customer_id, columns.import_id, columns.import_row]
    names += [columns.reason, columns.removed_at, columns.removed_by]
    connection.execute(removed_customers.insert().from_select([column.name for column in names], entries))


def _why(code: str, by: str | None, more: object = None) -> str:
    if code == "edited":
        return f"has since been changed by import {more}" if more else f"has since been edited by {by or 'somebody'}"
    if more is None:
        return f"is linked to a customer of {by}"
    return f"has the same identity key as row {more} of import {by}"
