"""Remember of a pull what it did, of a connection how old it is, of a provider's customer what was read last."""

import sqlalchemy as sa
from alembic import op

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TIME = sa.DateTime(timezone=True)

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; two tables that no version has written yet are made anew, as SQLite cannot alter them."""
    for column in (
        sa.Column("tenant_id", sa.String(length=64), comment="of a pull: QuickBooks realm or Xero tenant"),
        sa.Column(
            "is_full", sa.Boolean(), comment="of a pull: all of the provider's customers, not only those changed"
        ),
        sa.Column(
            "accepts_vanished", sa.Boolean(), comment="of a pull: somebody said that any number may have vanished"
        ),
        sa.Column("is_complete", sa.Boolean(), comment="of a pull: as many came as the provider counts"),
        sa.Column("rows_updated", sa.BigInteger(), comment="of a pull: customers that it changed"),
        sa.Column("rows_unchanged", sa.BigInteger(), comment="of a pull: customers that were as before"),
        sa.Column(
            "rows_vanished", sa.BigInteger(), comment="of a pull: customers that the provider has no more, now inactive"
        ),
    ):
        op.add_column("imports", column)
    op.add_column(
        "failed_rows",
        sa.Column("provider_id", sa.String(length=64), comment="of a pull: the provider's id of the customer"),
    )
    op.drop_table("provider_customers")
    op.drop_table("provider_connections")
    op.create_table(
        "provider_connections",
        sa.Column("provider", sa.String(length=16), nullable=False, comment="quickbooks or xero"),
        sa.Column("tenant_id", sa.String(length=64), nullable=False, comment="QuickBooks realm or Xero tenant"),
        sa.Column("name", sa.Text(), comment="of the company, as the provider has it"),
        sa.Column("state", sa.String(length=16), nullable=False, comment="connected, reconnect or disconnected"),
        sa.Column("token", sa.Text(), comment="encrypted"),
        sa.Column("vendor_connection_id", sa.String(length=64), comment="Xero's id of the connection itself"),
        sa.Column("connected_at", _TIME, nullable=False),
        sa.Column("connected_by", sa.String(length=128), comment="operating system user"),
        sa.Column("refreshed_at", _TIME, comment="when the token was last renewed"),
        sa.Column("refresh_expires_at", _TIME, comment="when the connection dies unless it is used"),
        sa.PrimaryKeyConstraint("provider", "tenant_id", name=op.f("pk_provider_connections")),
    )
    op.create_table(
        "provider_customers",
        sa.Column("provider", sa.String(length=16), nullable=False, comment="quickbooks or xero"),
        sa.Column("tenant_id", sa.String(length=64), nullable=False, comment="QuickBooks realm or Xero tenant"),
        sa.Column("provider_id", sa.String(length=64), nullable=False, comment="the provider's id of the customer"),
        sa.Column("customer_id", _ID),
        sa.Column("import_id", sa.String(length=64), nullable=False, comment="the pull that linked it"),
        sa.Column("provider_updated_at", _TIME),
        sa.Column(
            "content_hash",
            sa.String(length=64),
            comment="SHA-256 of the customer as the last pull read it; null: look again",
        ),
        sa.Column(
            "parent_id", sa.String(length=64), comment="the provider's id of the customer that this one belongs to"
        ),
        sa.Column(
            "merged_into", sa.String(length=64), comment="the provider's id of the customer that this one became"
        ),
        sa.Column("synced_at", _TIME, nullable=False, comment="when a pull last wrote this"),
        sa.Column("vanished_at", _TIME, comment="since when the provider has it no more"),
        sa.Column("erasure_asked_at", _TIME, comment="since when the provider asks to erase the person"),
        sa.Column("erased_at", _TIME, comment="never synced again since: the person was erased, customer_id is null"),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name=op.f("fk_provider_customers_customer_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["import_id"], ["imports.import_id"], name=op.f("fk_provider_customers_import_id")),
        sa.PrimaryKeyConstraint("provider", "tenant_id", "provider_id", name=op.f("pk_provider_customers")),
    )
    op.create_index(op.f("ix_provider_customers_customer_id"), "provider_customers", ["customer_id"])
    if op.get_bind().dialect.name == "postgresql":  # SQLite keeps no comments
        op.alter_column(
            "identity_keys",
            "kind",
            existing_type=sa.String(length=16),
            existing_nullable=False,
            comment="email, phone, name_address or provider",
            existing_comment="email, phone or name_address",
        )
