"""Remember what a provider itself calls a customer."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; the next pull of each connection reads everybody, so that all names come."""
    display = sa.Column("display_name", sa.Text, comment="what the provider calls the customer")
    comment = "the same behind the names of the customers above it, where there are any"
    op.add_column("provider_customers", display)
    op.add_column("provider_customers", sa.Column("qualified_name", sa.Text, comment=comment))
    op.execute("delete from sync_cursors")
