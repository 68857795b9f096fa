"""Remember in which country a connected company is: its customers who do not say theirs are taken to be there."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    comment = "of the company, ISO 3166-1 alpha-2, as the provider has it"
    op.add_column("provider_connections", sa.Column("country", sa.String(length=2), comment=comment))
