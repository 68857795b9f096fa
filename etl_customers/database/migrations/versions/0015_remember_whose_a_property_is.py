"""Remember which company's pulls made a property, and as which of those that its mapping makes."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; the properties that are there came in by files."""
    comment = "of a property that pulls made: quickbooks or xero"
    op.add_column("properties", sa.Column("provider", sa.String(16), comment=comment))
    comment = "of such a one: QuickBooks realm or Xero tenant"
    op.add_column("properties", sa.Column("tenant_id", sa.String(64), comment=comment))
    comment = "of such a one: its number in the mapping, which another one here may have had before"
    op.add_column("properties", sa.Column("provided_number", sa.Integer, comment=comment))
    comment = "of a change of such a one: its number in the mapping"
    op.add_column("customer_changes", sa.Column("provided_number", sa.Integer, comment=comment))
