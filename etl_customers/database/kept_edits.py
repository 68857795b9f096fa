"""Taking back what a pull said of edits that it kept; what it said goes with the customers' warnings."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection

from etl_customers.database.ledger import ImportRecord
from etl_customers.database.tables import customers, provider_customers
from schemas.codes import KEPT_EDITED


def is_warned() -> sa.ColumnElement[bool]:
    """Return the condition for customers with an edit that was kept and is another value at the provider."""
    return sa.cast(customers.c.warnings, sa.Text).contains(f'"{KEPT_EDITED}"', autoescape=True)


def forget_kept_edits(connection: Connection, record: ImportRecord, now: datetime) -> None:
    """Take those warnings from the customers of a pull's connection that it, or somebody since, has written.

    The next pull, which is a full one, looks at these again and says it anew where it is still so.

    Args:
        connection: In the undo's transaction.
        record: The import; of one that is no pull there is nothing to take back.
        now: In UTC.
    """
    if record.finished_at is None or record.tenant_id is None:
        return
    link = provider_customers.c
    mine = (link.provider == record.source, link.tenant_id == record.tenant_id)
    linked = sa.select(link.customer_id).where(*mine, link.customer_id.is_not(None))
    query = sa.select(customers.c.id, customers.c.warnings).where(
        customers.c.id.in_(linked), customers.c.updated_at >= record.finished_at, is_warned()
    )
    warned = connection.execute(query.order_by(customers.c.id).with_for_update()).all()
    for customer_id, warnings in warned:
        left = [one for one in warnings if one["code"] != KEPT_EDITED] or None
        connection.execute(
            customers.update().where(customers.c.id == customer_id).values(warnings=left, updated_at=now)
        )
        connection.execute(
            provider_customers.update().where(*mine, link.customer_id == customer_id).values(content_hash=None)
        )
