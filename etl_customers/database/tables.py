"""The target's tables, for SQLite and PostgreSQL; the migrations make them, nothing else does.

Times are UTC. Ids of customers are never given twice. Every table here is written
by the load transaction, by an edit or by the commands that manage fields.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from schemas.columns import COLUMNS, CUSTOMER_COLUMNS, Kind

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_ID = BigInteger().with_variant(Integer, "sqlite")
_TIME = DateTime(timezone=True)

imports = Table(
    "imports",
    metadata,
    Column("import_id", String(64), primary_key=True, comment="source, UTC time, first 8 of the SHA-256"),
    Column("source", String(16), nullable=False, comment="csv, quickbooks or xero"),
    Column("status", String(16), nullable=False, comment="accepted, finished, refused or undone"),
    Column("file_name", Text, comment="as the uploader called it"),
    Column("sha256", String(64), comment="of the uploaded bytes"),
    Column("bytes", BigInteger),
    Column("encoding", String(32), comment="the one that the user named"),
    Column(
        "content_key",
        String(160),
        nullable=False,
        unique=True,
        comment="SHA-256; with --again, that and the import's id",
    ),
    Column(
        "parent_import_id", String(64), ForeignKey("imports.import_id"), comment="the import that this one corrects"
    ),
    Column("accepted_at", _TIME, nullable=False),
    Column("finished_at", _TIME),
    Column("accepted_by", String(128), comment="operating system user, or what started it"),
    Column("run_id", String(64), comment="Dagster run that finished it"),
    Column("rows_read", BigInteger),
    Column("rows_loaded", BigInteger),
    Column("rows_failed", BigInteger),
    Column("rows_unread", BigInteger),
    Column("tenant_id", String(64), comment="of a pull: QuickBooks realm or Xero tenant"),
    Column("is_full", Boolean, comment="of a pull: all of the provider's customers, not only those changed"),
    Column("accepts_vanished", Boolean, comment="of a pull: somebody said that any number may have vanished"),
    Column("is_complete", Boolean, comment="of a pull: as many came as the provider counts"),
    Column("rows_updated", BigInteger, comment="of a pull: customers that it changed"),
    Column("rows_unchanged", BigInteger, comment="of a pull: customers that were as before"),
    Column("rows_vanished", BigInteger, comment="of a pull: customers that the provider has no more, now inactive"),
    Column("refusal_code", String(64)),
    Column("refusal_message", Text),
    Column("undone_at", _TIME),
    Column("undone_by", String(128), comment="operating system user"),
    Column("warnings", JSON(none_as_null=True), comment="of the file as a whole: column, code and what it is about"),
    Column("mapping_digest", String(64), comment="of a pull: SHA-256 of the mapping that it was read by"),
)

customers = Table(
    "customers",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=True),
    *(
        Column(column.name, Date() if column.kind is Kind.DATE else Text(), comment=column.description)
        for column in COLUMNS
        if column.name in CUSTOMER_COLUMNS
    ),
    Column("custom_fields", JSON(none_as_null=True), comment="custom field id to value"),
    Column("password_hash", Text, comment="argon2id"),
    Column("is_active", Boolean, nullable=False),
    Column("warnings", JSON(none_as_null=True), comment="column and code of each default that the import filled in"),
    Column("import_id", String(64), ForeignKey("imports.import_id"), nullable=False),
    Column("import_row", BigInteger, nullable=False, comment="as a spreadsheet numbers it, header = 1"),
    Column("parent_row", BigInteger, comment="row of the parent import that this row corrects"),
    Column("created_at", _TIME, nullable=False),
    Column("updated_at", _TIME, nullable=False),
    UniqueConstraint("import_id", "import_row"),
    sqlite_autoincrement=True,
)

identity_keys = Table(
    "identity_keys",
    metadata,
    Column("kind", String(16), primary_key=True, comment="email, phone, name_address or provider"),
    Column("value", Text, primary_key=True, comment="normalised; a SHA-256 for name_address"),
    Column("customer_id", _ID, ForeignKey("customers.id", ondelete="CASCADE"), nullable=False, index=True),
)

custom_fields = Table(
    "custom_fields",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("label", Text, nullable=False),
    Column("type", String(16), nullable=False),
    Column("choices", JSON(none_as_null=True), comment="of one_of and several_of, in order"),
    Column("is_required", Boolean, nullable=False),
    Column("position", Integer, nullable=False),
    Column("created_at", _TIME, nullable=False),
    Column("removed_at", _TIME, comment="kept, so that a stale template can be named as such"),
)

property_types = Table(
    "property_types",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("label", Text, nullable=False),
    Column("position", Integer, nullable=False),
    Column("created_at", _TIME, nullable=False),
    Column("removed_at", _TIME),
)

property_fields = Table(
    "property_fields",
    metadata,
    Column("property_type_id", String(64), ForeignKey("property_types.id"), primary_key=True),
    Column("id", String(64), primary_key=True),
    Column("label", Text, nullable=False),
    Column("type", String(16), nullable=False),
    Column("choices", JSON(none_as_null=True)),
    Column("is_required", Boolean, nullable=False),
    Column("position", Integer, nullable=False),
    Column("created_at", _TIME, nullable=False),
    Column("removed_at", _TIME),
)

properties = Table(
    "properties",
    metadata,
    Column("customer_id", _ID, ForeignKey("customers.id", ondelete="CASCADE"), primary_key=True),
    Column("property_type_id", String(64), ForeignKey("property_types.id"), primary_key=True),
    Column("number", Integer, primary_key=True, comment="1 for 'Pet: Name', 2 for 'Pet 2: Name'"),
    Column("field_values", JSON(none_as_null=True), nullable=False, comment="property field id to value"),
    Column("provider", String(16), comment="of a property that pulls made: quickbooks or xero"),
    Column("tenant_id", String(64), comment="of such a one: QuickBooks realm or Xero tenant"),
    Column(
        "provided_number",
        Integer,
        comment="of such a one: its number in the mapping, which another one here may have had before",
    ),
)

failed_rows = Table(
    "failed_rows",
    metadata,
    Column("import_id", String(64), ForeignKey("imports.import_id"), primary_key=True),
    Column("row", BigInteger, primary_key=True, comment="as a spreadsheet numbers it, header = 1"),
    Column("line", BigInteger, nullable=False, comment="of the file, on which the row begins"),
    Column(
        "errors",
        JSON(none_as_null=True),
        nullable=False,
        comment="list of {column, code, message, suggestion}, in the order of the columns",
    ),
    Column("password_hash", Text, comment="taken by a corrected upload whose password cell is empty"),
    Column("erased_at", _TIME, comment="since when no file has the row any more: a person was erased"),
    Column("provider_id", String(64), comment="of a pull: the provider's id of the customer"),
)

matched_customers = Table(
    "matched_customers",
    metadata,
    Column(
        "import_id",
        String(64),
        ForeignKey("imports.import_id"),
        primary_key=True,
        comment="the import whose row failed",
    ),
    Column("row", BigInteger, primary_key=True, comment="the failed row"),
    Column(
        "customer_id",
        _ID,
        ForeignKey("customers.id", ondelete="CASCADE"),
        primary_key=True,
        index=True,
        comment="the customer that the target had already",
    ),
)

removed_customers = Table(
    "removed_customers",
    metadata,
    Column("customer_id", _ID, primary_key=True, autoincrement=False, comment="never given again"),
    Column(
        "import_id",
        String(64),
        ForeignKey("imports.import_id"),
        nullable=False,
        index=True,
        comment="the import that had created it",
    ),
    Column("import_row", BigInteger, nullable=False, comment="as a spreadsheet numbers it, header = 1"),
    Column("reason", String(16), nullable=False, comment="undone or erased"),
    Column("removed_at", _TIME, nullable=False),
    Column("removed_by", String(128), comment="operating system user"),
)

customer_changes = Table(
    "customer_changes",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=True),
    Column("customer_id", _ID, ForeignKey("customers.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("column", String(64), nullable=False),
    Column("old_value", JSON(none_as_null=True)),
    Column("new_value", JSON(none_as_null=True)),
    Column("import_id", String(64), ForeignKey("imports.import_id"), comment="the import that changed it"),
    Column("changed_by", String(128), comment="the person who changed it"),
    Column("changed_at", _TIME, nullable=False),
    Column("provided_number", Integer, comment="of a change of such a one: its number in the mapping"),
    sqlite_autoincrement=True,
)

provider_connections = Table(
    "provider_connections",
    metadata,
    Column("provider", String(16), primary_key=True, comment="quickbooks or xero"),
    Column("tenant_id", String(64), primary_key=True, comment="QuickBooks realm or Xero tenant"),
    Column("name", Text, comment="of the company, as the provider has it"),
    Column("state", String(16), nullable=False, comment="connected, reconnect or disconnected"),
    Column("token", Text, comment="encrypted"),
    Column("vendor_connection_id", String(64), comment="Xero's id of the connection itself"),
    Column("connected_at", _TIME, nullable=False),
    Column("connected_by", String(128), comment="operating system user"),
    Column("refreshed_at", _TIME, comment="when the token was last renewed"),
    Column("refresh_expires_at", _TIME, comment="when the connection dies unless it is used"),
    Column(
        "rejections",
        Integer,
        nullable=False,
        server_default="0",
        comment="tries in a row that ended with a new token rejected",
    ),
    Column("rejected_since", _TIME, comment="when the first of them was"),
    Column("country", String(2), comment="of the company, ISO 3166-1 alpha-2, as the provider has it"),
    Column("hard_expires_at", _TIME, comment="when the connection ends however often it is used"),
    Column("region", Text, comment="of the company: a state of its country; empty: it says none; null: not asked"),
)

provider_customers = Table(
    "provider_customers",
    metadata,
    Column("provider", String(16), primary_key=True, comment="quickbooks or xero"),
    Column("tenant_id", String(64), primary_key=True, comment="QuickBooks realm or Xero tenant"),
    Column("provider_id", String(64), primary_key=True, comment="the provider's id of the customer"),
    Column("customer_id", _ID, ForeignKey("customers.id", ondelete="CASCADE"), index=True),
    Column("import_id", String(64), ForeignKey("imports.import_id"), nullable=False, comment="the pull that linked it"),
    Column("provider_updated_at", _TIME),
    Column("content_hash", String(64), comment="SHA-256 of the customer as the last pull read it; null: look again"),
    Column("parent_id", String(64), comment="the provider's id of the customer that this one belongs to"),
    Column("merged_into", String(64), comment="the provider's id of the customer that this one became"),
    Column("display_name", Text, comment="what the provider calls the customer"),
    Column("qualified_name", Text, comment="the same behind the names of the customers above it, where there are any"),
    Column("synced_at", _TIME, nullable=False, comment="when a pull last wrote this"),
    Column("vanished_at", _TIME, comment="since when the provider has it no more"),
    Column("erasure_asked_at", _TIME, comment="since when the provider asks to erase the person"),
    Column("erased_at", _TIME, comment="never synced again since: the person was erased, customer_id is null"),
)

mappings = Table(
    "mappings",
    metadata,
    Column("source", String(16), primary_key=True, comment="quickbooks or xero"),
    Column("version", Integer, primary_key=True, autoincrement=False, comment="from 1 on; the shipped one is 0"),
    Column("digest", String(64), nullable=False, comment="SHA-256 of the text"),
    Column("text", Text, nullable=False, comment="TOML: which field becomes which column"),
    Column("added_at", _TIME, nullable=False),
    Column("added_by", String(128), comment="operating system user"),
    Column("removed_at", _TIME, comment="since when it is not in force"),
)

sync_cursors = Table(
    "sync_cursors",
    metadata,
    Column("provider", String(16), primary_key=True),
    Column("tenant_id", String(64), primary_key=True),
    Column("cursor", String(64), nullable=False),
    Column("import_id", String(64), ForeignKey("imports.import_id")),
    Column("updated_at", _TIME, nullable=False),
)

Index("ix_imports_accepted_at", imports.c.accepted_at)
