"""Keep the mappings of the account, and by which one a pull was read."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table and the column."""
    op.create_table(
        "mappings",
        sa.Column("source", sa.String(16), nullable=False, comment="quickbooks or xero"),
        sa.Column(
            "version", sa.Integer, nullable=False, autoincrement=False, comment="from 1 on; the shipped one is 0"
        ),
        sa.Column("digest", sa.String(64), nullable=False, comment="SHA-256 of the text"),
        sa.Column("text", sa.Text, nullable=False, comment="TOML: which field becomes which column"),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("added_by", sa.String(128), comment="operating system user"),
        sa.Column("removed_at", sa.DateTime(timezone=True), comment="since when it is not in force"),
        sa.PrimaryKeyConstraint("source", "version", name=op.f("pk_mappings")),
    )
    comment = "of a pull: SHA-256 of the mapping that it was read by"
    op.add_column("imports", sa.Column("mapping_digest", sa.String(64), comment=comment))
