"""Keeps the names of erased people out of the names of the customers below them; the people themselves go elsewhere.

A provider names a customer behind those above it, so an erased person's name would stay
in the links of others. The erased person's own link stays, by its id, and says whose they are.
"""

from collections.abc import Collection
from itertools import count

import sqlalchemy as sa
from sqlalchemy import Connection

from etl_customers.database.tables import provider_customers

NameOfLink = tuple[str, str, str]
"""Provider, tenant and the provider's id of a customer."""

_IDS_AT_A_TIME = 10_000
_link = provider_customers.c
_own = (_link.provider, _link.tenant_id, _link.provider_id)
_above = sa.tuple_(_link.provider, _link.tenant_id, _link.parent_id)


def forget_names_below_erased(
    connection: Connection, which: sa.ColumnElement[bool] | None = None, also: Collection[NameOfLink] = ()
) -> None:
    """Clear the qualified name of each link whose parents lead, or may lead, to an erased customer; its own name stays.

    They may where a customer between is not linked, and the name has more before it than that one's.

    Args:
        connection: In a writing transaction: after an erasure, and after whatever writes names.
        which: Condition for the links of a connection; None: all connections are gone through.
        also: Erased customers that may have no link now.
    """
    within = sa.true() if which is None else which
    level = sa.select(*_own).where(within, _link.erased_at.is_not(None))
    known = {tuple(row) for row in connection.execute(level)}
    if not known and not also:
        return
    is_below: sa.ColumnElement[bool] = _above.in_(level)
    if also:
        is_below = sa.or_(is_below, _above.in_(list(also)))
    # Level by level: a recursive query would have SQLite go through all links for each that it finds.
    while True:
        # Not found by their names: those below may have one where those between have none.
        change = provider_customers.update().where(within, is_below, _link.qualified_name.is_not(None))
        connection.execute(change.values(qualified_name=None))
        level = sa.select(*_own).where(within, is_below)
        found = {tuple(row) for row in connection.execute(level)}
        if found <= known:
            break
        known |= found
        is_below = _above.in_(level)
    _forget_names_below_unknown(connection, within)


def _forget_names_below_unknown(connection: Connection, within: sa.ColumnElement[bool]) -> None:
    """Clear the names that go further up than the links do, in connections that somebody was erased from."""
    other, erased = provider_customers.alias(), provider_customers.alias()
    of_parent = (
        other.c.provider == _link.provider,
        other.c.tenant_id == _link.tenant_id,
        other.c.provider_id == _link.parent_id,
    )
    of_same = (
        erased.c.provider == _link.provider,
        erased.c.tenant_id == _link.tenant_id,
        erased.c.erased_at.is_not(None),
    )
    level = sa.select(*_own).where(
        within, _link.parent_id.is_not(None), ~sa.exists().where(*of_parent), sa.exists().where(*of_same)
    )
    known: set[tuple[str, ...]] = set()
    # Who is not linked was never here: its own name may stay, not those before it.
    for names in count(2):
        found = {tuple(row) for row in connection.execute(level)}
        if found <= known:
            return
        known |= found
        has_more = _link.qualified_name.like("%:" * names + "%")
        change = provider_customers.update().where(within, sa.tuple_(*_own).in_(level), has_more)
        connection.execute(change.values(qualified_name=None))
        level = sa.select(*_own).where(within, _above.in_(level))


def erased_ids(connection: Connection, provider: str, tenant_id: str) -> set[str]:
    """Return the provider's ids of the customers of a connection that were erased."""
    query = sa.select(_link.provider_id).where(_link.provider == provider, _link.tenant_id == tenant_id)
    return set(connection.scalars(query.where(_link.erased_at.is_not(None))))


def parents_of(connection: Connection, provider: str, tenant_id: str, ids: Collection[str]) -> dict[str, str | None]:
    """Return the parent of each of these customers that is linked, none where it has none."""
    query = sa.select(_link.provider_id, _link.parent_id)
    query = query.where(_link.provider == provider, _link.tenant_id == tenant_id)
    found: dict[str, str | None] = {}
    ordered = sorted(ids)
    for start in range(0, len(ordered), _IDS_AT_A_TIME):
        some = _link.provider_id.in_(ordered[start : start + _IDS_AT_A_TIME])
        found.update(tuple(row) for row in connection.execute(query.where(some)))
    return found
