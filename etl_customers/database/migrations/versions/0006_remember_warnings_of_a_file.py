"""Remember the warnings of a file as a whole, which no row of it has."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    comment = "of the file as a whole: column, code and what it is about"
    op.add_column("imports", sa.Column("warnings", sa.JSON(none_as_null=True), comment=comment))
