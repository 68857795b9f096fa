"""Make the keys of name and address anew: accents, apostrophes and hyphens do not count any more."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from etl_customers.texts.folding import name_address_keys
from schemas.columns import NAME_ADDRESS_COLUMNS, NAME_ADDRESS_KIND

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_ROWS_AT_A_TIME = 10_000

_customers = sa.table("customers", sa.column("id"), *(sa.column(name) for name in NAME_ADDRESS_COLUMNS))
_keys = sa.table("identity_keys", sa.column("kind"), sa.column("value"), sa.column("customer_id"))
_made = sa.table("made_keys", sa.column("value"), sa.column("customer_id"))


def upgrade() -> None:
    """Give each customer who has such a key the new one; of several who now have the same, the first keeps it."""
    connection = op.get_bind()
    connection.execute(sa.text("create temporary table made_keys (value text not null, customer_id bigint not null)"))
    last = 0
    while rows := connection.execute(_customers_after(last)).all():
        values = name_address_keys(row[1:] for row in rows)
        keys = [{"value": value, "customer_id": row[0]} for row, value in zip(rows, values, strict=True)]
        connection.execute(sa.insert(_made), keys)
        last = rows[-1][0]
    connection.execute(sa.delete(_keys).where(_keys.c.kind == NAME_ADDRESS_KIND))
    firsts = sa.select(sa.literal(NAME_ADDRESS_KIND), _made.c.value, sa.func.min(_made.c.customer_id)).group_by(
        _made.c.value
    )
    connection.execute(sa.insert(_keys).from_select(["kind", "value", "customer_id"], firsts))
    connection.execute(sa.text("drop table made_keys"))


def _customers_after(last: int) -> sa.Select[Any]:
    """Return the query for the next customers who are known by name and address, in the order of their ids."""
    known = sa.select(_keys.c.customer_id).where(_keys.c.kind == NAME_ADDRESS_KIND)
    return (
        sa.select(_customers.c.id, *(_customers.c[name] for name in NAME_ADDRESS_COLUMNS))
        .where(_customers.c.id > last, _customers.c.id.in_(known))
        .order_by(_customers.c.id)
        .limit(_ROWS_AT_A_TIME)
    )
