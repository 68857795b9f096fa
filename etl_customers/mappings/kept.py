"""Which mapping of a source is in force: the account's last one, kept in the target, or the one that is shipped."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files

import sqlalchemy as sa
from sqlalchemy import Connection

from etl_customers.base.errors import NotFound, UsageError
from etl_customers.columns.account_fields import load_fields
from etl_customers.columns.field_changes import remove_custom_field, remove_property_field, remove_property_type
from etl_customers.columns.headers import Role
from etl_customers.database.tables import mappings
from etl_customers.database.values import as_utc, user_name
from etl_customers.mappings.document import FIELDS, Mapping, own_columns_of, plan_of, read_mapping
from etl_customers.staging import UploadColumn
from schemas.sources import LABELS


class FieldMapped(UsageError):
    """A custom field, property type or its field cannot be removed, because a mapping in force fills it."""

    def __init__(self, what: str, source: str, name: str) -> None:
        super().__init__(what, source, name)
        self.what, self.source, self.name = what, source, name

    def __str__(self) -> str:
        """Name the mapping and its field or constant, and how to take the one out of the other."""
        # No field of a provider has a colon in its name.
        by, take = ("a constant", "take that out") if ":" in self.name else (self.name, 'give that ""')
        return (
            f"{self.what} was not removed: the mapping of {LABELS[self.source]} fills it with {by}; "
            f"{take} in a file of: etl-customers mappings show {self.source} >{self.source}.toml, "
            f"and put it in force: etl-customers mappings add {self.source}.toml"
        )


@dataclass(frozen=True)
class KeptMapping:
    """A version of a source's mapping; the shipped one is version 0 and has no times."""

    source: str
    version: int
    digest: str
    added_at: datetime | None = None
    added_by: str | None = None
    removed_at: datetime | None = None
    is_in_force: bool = False


@cache
def shipped_mapping(source: str) -> Mapping:
    """Return the mapping that comes with the program.

    Raises:
        NotFound: There is none of this source.
    """
    if source not in FIELDS:
        raise NotFound("mapping", source, "see: etl-customers mappings")
    return read_mapping(files(__package__).joinpath("shipped", f"{source}.toml").read_text("utf-8"))


def mapping_in_force(connection: Connection, source: str) -> Mapping:
    """Return the account's mapping of a source, the shipped one where it has none.

    Raises:
        NotFound: No mapping is of this source.
    """
    query = sa.select(mappings.c.text).where(mappings.c.source == source, mappings.c.removed_at.is_(None))
    text = connection.scalar(query)
    return shipped_mapping(source) if text is None else read_mapping(text)


def mapping_of_digest(connection: Connection, source: str, digest: str | None) -> Mapping:
    """Return the mapping that a pull was accepted with; the one in force if that is no longer known."""
    query = sa.select(mappings.c.text).where(mappings.c.source == source, mappings.c.digest == digest).limit(1)
    text = connection.scalar(query)
    if text is not None:
        return read_mapping(text)
    shipped = shipped_mapping(source)
    return shipped if digest == shipped.digest else mapping_in_force(connection, source)


def add_mapping(connection: Connection, text: str, added_by: str | None) -> KeptMapping:
    """Put a mapping in force; the next pull of its source reads all customers again.

    A custom field that none fills any more keeps what customers have there: nobody but a person clears it. Properties
    that the source's mapping makes no more go with its next pull, which made them.

    Args:
        connection: In a writing transaction.
        text: The document.
        added_by: Who asked for it.

    Raises:
        MappingInvalid: It cannot be used.
    """
    mapping = read_mapping(text)
    plan_of(mapping, load_fields(connection))
    mine = mappings.c.source == mapping.source
    now = datetime.now(UTC)
    connection.execute(mappings.update().where(mine, mappings.c.removed_at.is_(None)).values(removed_at=now))
    version = (connection.scalar(sa.select(sa.func.max(mappings.c.version)).where(mine)) or 0) + 1
    entry = {"source": mapping.source, "version": version, "digest": mapping.digest, "text": text}
    connection.execute(mappings.insert().values(**entry, added_at=now, added_by=user_name(added_by)))
    return KeptMapping(mapping.source, version, mapping.digest, now, added_by, is_in_force=True)


def remove_mapping(connection: Connection, source: str) -> None:
    """Go back to the mapping that is shipped.

    Raises:
        NotFound: The account has none of this source.
    """
    mine = (mappings.c.source == source, mappings.c.removed_at.is_(None))
    if connection.execute(mappings.update().where(*mine).values(removed_at=datetime.now(UTC))).rowcount == 0:
        raise NotFound("mapping of the account", source, "see: etl-customers mappings")


def filled_fields(connection: Connection) -> dict[str, str]:
    """Return the custom fields that the mappings in force fill, id to label, in the order of the template."""
    fields = load_fields(connection)
    columns = [one for source in FIELDS for one, _ in own_columns_of(mapping_in_force(connection, source), fields)]
    filled = {column.key for column in columns if column.role == Role.CUSTOM_FIELD}
    return {field.id: field.label for field in fields.custom_fields if field.id in filled}


def made_properties(connection: Connection, source: str) -> list[str]:
    """Return the properties that the mapping in force makes of a source's customers: Address, Address 2."""
    fields = load_fields(connection)
    columns = [one for one, _ in own_columns_of(mapping_in_force(connection, source), fields)]
    made = {column.key.partition(":")[0]: None for column in columns if column.role == Role.PROPERTY}
    return list(made)


def remove_unmapped_field(connection: Connection, field_id: str) -> None:
    """Take a custom field out of the template, unless a mapping in force names it: the pulls of its source would stop.

    Raises:
        FieldMapped: One does.
        NotFound: There is no such field, or it was removed before.
    """
    _refuse_mapped(connection, f"custom field {field_id}", lambda column: column.key == field_id)
    remove_custom_field(connection, field_id)


def remove_unmapped_property(connection: Connection, type_id: str, field_id: str | None = None) -> None:
    """Take a property type, or one field of it, out of the template, unless a mapping in force names it.

    Raises:
        FieldMapped: One does.
        NotFound: There is no such type or field, or it was removed before.
    """
    what = f"property type {type_id}" if field_id is None else f"field {field_id} of property type {type_id}"
    _refuse_mapped(
        connection, what, lambda column: column.property_type == type_id and field_id in (None, column.field)
    )
    if field_id is None:
        remove_property_type(connection, type_id)
    else:
        remove_property_field(connection, type_id, field_id)


def _refuse_mapped(connection: Connection, what: str, is_it: Callable[[UploadColumn], bool]) -> None:
    fields = load_fields(connection)
    for source in FIELDS:
        for column, name in own_columns_of(mapping_in_force(connection, source), fields):
            if is_it(column):
                raise FieldMapped(what, source, name)


def list_mappings(connection: Connection) -> list[KeptMapping]:
    """Return all versions of all mappings by source, the shipped one of each first."""
    columns = [mappings.c[name] for name in ("source", "version", "digest", "added_at", "added_by", "removed_at")]
    kept = [
        KeptMapping(row[0], row[1], row[2], as_utc(row[3]), row[4], row[5] and as_utc(row[5]), row[5] is None)
        for row in connection.execute(sa.select(*columns).order_by(mappings.c.source, mappings.c.version))
    ]
    replaced = {one.source for one in kept if one.is_in_force}
    shipped = [
        KeptMapping(source, 0, shipped_mapping(source).digest, is_in_force=source not in replaced) for source in FIELDS
    ]
    return sorted([*shipped, *kept], key=lambda one: (one.source, one.version))
