"""Remember when a connection ends for good, however often it is used."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    comment = "when the connection ends however often it is used"
    op.add_column("provider_connections", sa.Column("hard_expires_at", sa.DateTime(timezone=True), comment=comment))
