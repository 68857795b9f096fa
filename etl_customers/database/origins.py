"""Where a customer of the target comes from, which decides by whose rules it is checked."""

import sqlalchemy as sa
from sqlalchemy import Connection

from etl_customers.database.tables import customers, imports, provider_customers


def find_source(connection: Connection, customer_id: int) -> str | None:
    """Return the provider that a customer is linked to, else the source of its import; None where there is none.

    Of several providers the one whose name comes first: their rules differ in what is required only.
    """
    linked = sa.select(sa.func.min(provider_customers.c.provider)).where(
        provider_customers.c.customer_id == customer_id
    )
    imported = (
        sa.select(imports.c.source)
        .join(customers, customers.c.import_id == imports.c.import_id)
        .where(customers.c.id == customer_id)
    )
    return connection.scalar(linked) or connection.scalar(imported)
