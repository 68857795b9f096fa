"""Remember how often a provider rejected a token that it had just given, so that a person is called only if that lasts."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns."""
    counted = "tries in a row that ended with a new token rejected"
    op.add_column(
        "provider_connections",
        sa.Column("rejections", sa.Integer(), nullable=False, server_default="0", comment=counted),
    )
    op.add_column(
        "provider_connections",
        sa.Column("rejected_since", sa.DateTime(timezone=True), comment="when the first of them was"),
    )
