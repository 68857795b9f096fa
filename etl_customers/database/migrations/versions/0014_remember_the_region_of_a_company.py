"""Remember in which state of its country a connected company is."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    comment = "of the company: a state of its country; empty: it says none; null: not asked"
    op.add_column("provider_connections", sa.Column("region", sa.Text, comment=comment))
