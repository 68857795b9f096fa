"""Remember imports that were undone, customers that were removed, and customers that failed rows matched."""

import re

import sqlalchemy as sa
from alembic import op

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TIME = sa.DateTime(timezone=True)

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_CUSTOMER = re.compile(r" belongs to customer (\d+) already$")
_ROWS_AT_A_TIME = 1_000


def upgrade() -> None:
    """Add the columns and tables; what earlier imports matched is read from their failed rows."""
    op.add_column("imports", sa.Column("undone_at", _TIME))
    op.add_column("imports", sa.Column("undone_by", sa.String(length=128), comment="operating system user"))
    op.add_column(
        "failed_rows",
        sa.Column("erased_at", _TIME, comment="since when no file has the row any more: a person was erased"),
    )
    op.add_column(
        "provider_customers",
        sa.Column("erased_at", _TIME, comment="never synced again since: the person was erased, customer_id is null"),
    )
    op.create_table(
        "removed_customers",
        sa.Column("customer_id", _ID, autoincrement=False, nullable=False, comment="never given again"),
        sa.Column("import_id", sa.String(length=64), nullable=False, comment="the import that had created it"),
        sa.Column("import_row", sa.BigInteger(), nullable=False, comment="as a spreadsheet numbers it, header = 1"),
        sa.Column("reason", sa.String(length=16), nullable=False, comment="undone or erased"),
        sa.Column("removed_at", _TIME, nullable=False),
        sa.Column("removed_by", sa.String(length=128), comment="operating system user"),
        sa.ForeignKeyConstraint(["import_id"], ["imports.import_id"], name=op.f("fk_removed_customers_import_id")),
        sa.PrimaryKeyConstraint("customer_id", name=op.f("pk_removed_customers")),
    )
    op.create_index(op.f("ix_removed_customers_import_id"), "removed_customers", ["import_id"])
    op.create_table(
        "matched_customers",
        sa.Column("import_id", sa.String(length=64), nullable=False, comment="the import whose row failed"),
        sa.Column("row", sa.BigInteger(), nullable=False, comment="the failed row"),
        sa.Column("customer_id", _ID, nullable=False, comment="the customer that the target had already"),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name=op.f("fk_matched_customers_customer_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["import_id"], ["imports.import_id"], name=op.f("fk_matched_customers_import_id")),
        sa.PrimaryKeyConstraint("import_id", "row", "customer_id", name=op.f("pk_matched_customers")),
    )
    op.create_index(op.f("ix_matched_customers_customer_id"), "matched_customers", ["customer_id"])
    _fill_matched_customers()


def _fill_matched_customers() -> None:
    connection = op.get_bind()
    errors = sa.table(
        "failed_rows", sa.column("import_id"), sa.column("row"), sa.column("errors", sa.JSON(none_as_null=True))
    )
    customers = sa.table("customers", sa.column("id"))
    matched = sa.table("matched_customers", sa.column("import_id"), sa.column("row"), sa.column("customer_id"))
    rows = sa.select(errors).execution_options(yield_per=_ROWS_AT_A_TIME)
    for some in connection.execute(rows).partitions():
        found = {
            (import_id, row, int(match[1]))
            for import_id, row, row_errors in some
            for error in row_errors
            if error["code"] == "already_exists" and (match := _CUSTOMER.search(error["message"]))
        }
        wanted = {customer_id for _, _, customer_id in found}
        known = set(connection.scalars(sa.select(customers.c.id).where(customers.c.id.in_(wanted))))
        entries = [
            {"import_id": import_id, "row": row, "customer_id": customer_id}
            for import_id, row, customer_id in sorted(found)
            if customer_id in known
        ]
        if entries:
            connection.execute(sa.insert(matched), entries)
