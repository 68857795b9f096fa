"""Keeps the names of erased people out of the names of the customers below them; the people themselves go elsewhere.

A provider names a customer behind those above it, so an erased person's name would stay
in the links of others. The erased person's own link stays, by its id, and says whose they are.
"""

import sqlalchemy as sa
from sqlalchemy import Connection

from etl_customers.database.tables import provider_customers


def forget_names_below_erased(connection: Connection, which: sa.ColumnElement[bool] | None = None) -> None:
    """Clear the qualified name of each link whose parents lead to an erased customer; its own name stays.

    Args:
        connection: In a writing transaction: after an erasure, and after whatever writes names.
        which: Condition for the links of a connection; none: all connections are gone through.
    """
    link, within = provider_customers.c, sa.true() if which is None else which
    own = (link.provider, link.tenant_id, link.provider_id)
    level = sa.select(*own).where(within, link.erased_at.is_not(None))
    known = {tuple(row) for row in connection.execute(level)}
    # Level by level: a recursive query would have SQLite go through all links for each that it finds.
    while known:
        is_below = sa.tuple_(link.provider, link.tenant_id, link.parent_id).in_(level)
        level = sa.select(*own).where(within, is_below)
        found = {tuple(row) for row in connection.execute(level)}
        if found <= known:
            return
        known |= found
        # Not found by their names: those below may have one where those between have none.
        change = provider_customers.update().where(within, is_below, link.qualified_name.is_not(None))
        connection.execute(change.values(qualified_name=None))
