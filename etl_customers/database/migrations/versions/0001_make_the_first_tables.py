"""Make the first tables of a target database."""

import sqlalchemy as sa
from alembic import op

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TIME = sa.DateTime(timezone=True)
_JSON = sa.JSON(none_as_null=True)

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make all tables, on SQLite and PostgreSQL alike."""
    op.create_table(
        "custom_fields",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("type", sa.String(length=16), nullable=False),
        sa.Column("choices", _JSON, comment="of one_of and several_of, in order"),
        sa.Column("is_required", sa.Boolean(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("removed_at", _TIME, comment="kept, so that a stale template can be named as such"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_custom_fields")),
    )
    op.create_table(
        "imports",
        sa.Column(
            "import_id", sa.String(length=64), nullable=False, comment="source, UTC time, first 8 of the SHA-256"
        ),
        sa.Column("source", sa.String(length=16), nullable=False, comment="csv, quickbooks or xero"),
        sa.Column("status", sa.String(length=16), nullable=False, comment="accepted, finished, refused or undone"),
        sa.Column("file_name", sa.Text(), comment="as the uploader called it"),
        sa.Column("sha256", sa.String(length=64), comment="of the uploaded bytes"),
        sa.Column("bytes", sa.BigInteger()),
        sa.Column("encoding", sa.String(length=32), comment="the one that the user named"),
        sa.Column(
            "content_key",
            sa.String(length=160),
            nullable=False,
            comment="SHA-256; with --again, that and the import's id",
        ),
        sa.Column("parent_import_id", sa.String(length=64), comment="the import that this one corrects"),
        sa.Column("accepted_at", _TIME, nullable=False),
        sa.Column("finished_at", _TIME),
        sa.Column("accepted_by", sa.String(length=128), comment="operating system user, or what started it"),
        sa.Column("run_id", sa.String(length=64), comment="Dagster run that finished it"),
        sa.Column("rows_read", sa.BigInteger()),
        sa.Column("rows_loaded", sa.BigInteger()),
        sa.Column("rows_failed", sa.BigInteger()),
        sa.Column("rows_unread", sa.BigInteger()),
        sa.Column("refusal_code", sa.String(length=64)),
        sa.Column("refusal_message", sa.Text()),
        sa.ForeignKeyConstraint(["parent_import_id"], ["imports.import_id"], name=op.f("fk_imports_parent_import_id")),
        sa.PrimaryKeyConstraint("import_id", name=op.f("pk_imports")),
        sa.UniqueConstraint("content_key", name=op.f("uq_imports_content_key")),
    )
    op.create_index(op.f("ix_imports_accepted_at"), "imports", ["accepted_at"])
    op.create_table(
        "property_types",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("removed_at", _TIME),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_property_types")),
    )
    op.create_table(
        "provider_connections",
        sa.Column("provider", sa.String(length=16), nullable=False),
        sa.Column("tenant_id", sa.String(length=64), nullable=False, comment="QuickBooks realm or Xero tenant"),
        sa.Column("name", sa.Text()),
        sa.Column("state", sa.String(length=16), nullable=False, comment="connected or reconnect"),
        sa.Column("token", sa.Text(), comment="encrypted"),
        sa.Column("connected_at", _TIME, nullable=False),
        sa.Column("refreshed_at", _TIME),
        sa.PrimaryKeyConstraint("provider", "tenant_id", name=op.f("pk_provider_connections")),
    )
    op.create_table(
        "customers",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("customer_title", sa.Text(), comment="One of Dr, Mr, Mrs, Miss, Ms."),
        sa.Column("first_name", sa.Text(), comment="Given name of the contact."),
        sa.Column("last_name", sa.Text(), comment="Family name of the contact."),
        sa.Column("first_name2", sa.Text(), comment="Second given name of the same contact."),
        sa.Column("last_name2", sa.Text(), comment="Second family name of the same contact."),
        sa.Column("first_name3", sa.Text(), comment="Third given name of the same contact."),
        sa.Column("last_name3", sa.Text(), comment="Third family name of the same contact."),
        sa.Column("customer_type", sa.Text(), comment="Personal or Business."),
        sa.Column("business_name", sa.Text(), comment="Name of the business; needed when the type is Business."),
        sa.Column("email", sa.Text(), comment="E-mail address; the domain is kept in lower case."),
        sa.Column("email2", sa.Text(), comment="Second e-mail address of the same contact."),
        sa.Column("email3", sa.Text(), comment="Third e-mail address of the same contact."),
        sa.Column("mobile", sa.Text(), comment="Mobile number in E.164."),
        sa.Column("mobile2", sa.Text(), comment="Second mobile number of the same contact."),
        sa.Column("mobile3", sa.Text(), comment="Third mobile number of the same contact."),
        sa.Column("phone", sa.Text(), comment="Phone number in E.164."),
        sa.Column("phone2", sa.Text(), comment="Second phone number of the same contact."),
        sa.Column("phone3", sa.Text(), comment="Third phone number of the same contact."),
        sa.Column("unit", sa.Text(), comment="Flat, suite or unit."),
        sa.Column("street_address", sa.Text(), comment="Street and number."),
        sa.Column("suburb", sa.Text(), comment="Suburb or district."),
        sa.Column("city", sa.Text(), comment="City or town."),
        sa.Column("state", sa.Text(), comment="Subdivision of the country, by its name in the reference list."),
        sa.Column("postcode", sa.Text(), comment="Postal code, as written."),
        sa.Column("country", sa.Text(), comment="ISO 3166-1 alpha-2 code."),
        sa.Column("date_joined", sa.Date(), comment="Day the customer joined, YYYY/MM/DD in the upload."),
        sa.Column("custom_fields", _JSON, comment="custom field id to value"),
        sa.Column("password_hash", sa.Text(), comment="argon2id"),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("warnings", _JSON, comment="column and code of each default that the import filled in"),
        sa.Column("import_id", sa.String(length=64), nullable=False),
        sa.Column("import_row", sa.BigInteger(), nullable=False, comment="as a spreadsheet numbers it, header = 1"),
        sa.Column(
            "parent_row", sa.BigInteger(), nullable=True, comment="row of the parent import that this row corrects"
        ),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("updated_at", _TIME, nullable=False),
        sa.ForeignKeyConstraint(["import_id"], ["imports.import_id"], name=op.f("fk_customers_import_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customers")),
        sa.UniqueConstraint("import_id", "import_row", name=op.f("uq_customers_import_id_import_row")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "failed_rows",
        sa.Column("import_id", sa.String(length=64), nullable=False),
        sa.Column("row", sa.BigInteger(), nullable=False, comment="as a spreadsheet numbers it, header = 1"),
        sa.Column("line", sa.BigInteger(), nullable=False, comment="of the file, on which the row begins"),
        sa.Column(
            "errors",
            _JSON,
            nullable=False,
            comment="list of {column, code, message, suggestion}, in the order of the columns",
        ),
        sa.Column("password_hash", sa.Text(), comment="taken by a corrected upload whose password cell is empty"),
        sa.ForeignKeyConstraint(["import_id"], ["imports.import_id"], name=op.f("fk_failed_rows_import_id")),
        sa.PrimaryKeyConstraint("import_id", "row", name=op.f("pk_failed_rows")),
    )
    op.create_table(
        "property_fields",
        sa.Column("property_type_id", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("type", sa.String(length=16), nullable=False),
        sa.Column("choices", _JSON),
        sa.Column("is_required", sa.Boolean(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("removed_at", _TIME),
        sa.ForeignKeyConstraint(
            ["property_type_id"], ["property_types.id"], name=op.f("fk_property_fields_property_type_id")
        ),
        sa.PrimaryKeyConstraint("property_type_id", "id", name=op.f("pk_property_fields")),
    )
    op.create_table(
        "sync_cursors",
        sa.Column("provider", sa.String(length=16), nullable=False),
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("cursor", sa.String(length=64), nullable=False),
        sa.Column("import_id", sa.String(length=64)),
        sa.Column("updated_at", _TIME, nullable=False),
        sa.ForeignKeyConstraint(["import_id"], ["imports.import_id"], name=op.f("fk_sync_cursors_import_id")),
        sa.PrimaryKeyConstraint("provider", "tenant_id", name=op.f("pk_sync_cursors")),
    )
    op.create_table(
        "customer_changes",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("customer_id", _ID, nullable=False),
        sa.Column("column", sa.String(length=64), nullable=False),
        sa.Column("old_value", _JSON),
        sa.Column("new_value", _JSON),
        sa.Column("import_id", sa.String(length=64), comment="the import that changed it"),
        sa.Column("changed_by", sa.String(length=128), comment="the person who changed it"),
        sa.Column("changed_at", _TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name=op.f("fk_customer_changes_customer_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["import_id"], ["imports.import_id"], name=op.f("fk_customer_changes_import_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer_changes")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_customer_changes_customer_id"), "customer_changes", ["customer_id"])
    op.create_table(
        "identity_keys",
        sa.Column("kind", sa.String(length=16), nullable=False, comment="email, phone or name_address"),
        sa.Column("value", sa.Text(), nullable=False, comment="normalised; a SHA-256 for name_address"),
        sa.Column("customer_id", _ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name=op.f("fk_identity_keys_customer_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("kind", "value", name=op.f("pk_identity_keys")),
    )
    op.create_index(op.f("ix_identity_keys_customer_id"), "identity_keys", ["customer_id"])
    op.create_table(
        "properties",
        sa.Column("customer_id", _ID, nullable=False),
        sa.Column("property_type_id", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False, comment="1 for 'Pet: Name', 2 for 'Pet 2: Name'"),
        sa.Column("field_values", _JSON, nullable=False, comment="property field id to value"),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name=op.f("fk_properties_customer_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["property_type_id"], ["property_types.id"], name=op.f("fk_properties_property_type_id")
        ),
        sa.PrimaryKeyConstraint("customer_id", "property_type_id", "number", name=op.f("pk_properties")),
    )
    op.create_table(
        "provider_customers",
        sa.Column("provider", sa.String(length=16), nullable=False),
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("provider_id", sa.String(length=64), nullable=False),
        sa.Column("customer_id", _ID),
        sa.Column("provider_updated_at", _TIME),
        sa.Column("seen_at", _TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name=op.f("fk_provider_customers_customer_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("provider", "tenant_id", "provider_id", name=op.f("pk_provider_customers")),
    )
    op.create_index(op.f("ix_provider_customers_customer_id"), "provider_customers", ["customer_id"])
