"""Adding and removing custom fields, property types and their fields (R21, R22); what there is, is in ``account_fields``.

The caller gives a connection and commits. What is removed is only marked so: customers keep
their values. Adding a removed field again with its label or id and type revives it, and the
customers' values with it; with another type it becomes a new field (``size_zb``), so that no old
value is read as what it is not. No id ends in a digit: ``Pet 2: Name`` is the name of a second
pet, never that of a property type ``pet_2``.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from etl_customers.base.errors import FieldInvalid, NotFound
from etl_customers.columns.account_fields import (
    END_NUMBER,
    AccountFields,
    Field,
    PropertyType,
    is_live,
    load_fields,
    stored_rows,
)
from etl_customers.columns.header_names import normalise_header, reserved_names
from etl_customers.database.tables import custom_fields, property_fields, property_types
from etl_customers.texts.invisible import visible
from schemas.columns import CHOICE_SEPARATOR, FieldType

_LONGEST_LABEL = 60
_LONGEST_SLUG = 46
_LONGEST_CHOICE = 255
_ID = re.compile(r"[a-z][a-z0-9_]{0,55}")
_FORMULA_STARTS = "=+-@'＝＋－＠"  # noqa: RUF001  (full-width signs run as formulas too)
_FIELDS_LISTED = "see: etl-customers fields list"
_PROPERTIES_LISTED = "see: etl-customers properties list"


def add_custom_field(
    connection: sa.Connection,
    label: str,
    type: FieldType,
    *,
    id: str | None = None,
    is_required: bool = False,
    choices: Sequence[str] = (),
) -> Field:
    """Add a custom field at the end of the template, or revive a removed one of the same id and type.

    Args:
        connection: To the target database; the caller commits.
        label: The column's header, at most 60 characters.
        type: How its cells are read.
        id: Made from the label where it is not given: ``Shoe size`` becomes ``shoe_size``.
        is_required: Rows with an empty cell fail, and files without the column are refused.
        choices: What one_of and several_of may hold, in order; empty for other types.

    Raises:
        FieldInvalid: The label, id or choices cannot be used, or the header is taken already.
    """
    label = _checked_label(label)
    account = load_fields(connection)
    _refuse_taken(label, id, _taken_headers(account))
    field = Field("", label, type, is_required, _checked_choices(type, choices))
    return _add_field(connection, custom_fields, {}, field, id, _taken_headers(account))


def remove_custom_field(connection: sa.Connection, id: str) -> None:
    """Take a custom field out of the template; customers keep their values.

    Raises:
        NotFound: There is no such field, or it was removed before.
    """
    _mark_removed(
        connection, custom_fields, custom_fields.c.id == id, NotFound("custom field", _shown(id), _FIELDS_LISTED)
    )


def add_property_type(connection: sa.Connection, label: str, id: str | None = None) -> PropertyType:
    """Add a property type without fields, or revive a removed one of the same id with the fields it had.

    Raises:
        FieldInvalid: The label or id cannot be used, ends in a digit (it would read as
            ``Pet 2``), or is taken.
    """
    label = _checked_label(label)
    if normalise_header(label)[-1].isdigit():
        raise FieldInvalid(
            f"the property type {label} ends in a digit, but digits there number a customer's properties; rename it"
        )
    account = load_fields(connection)
    taken = {
        normalise_header(name): f"property type {t.label}" for t in account.property_types for name in (t.label, t.id)
    }
    _refuse_taken(label, id, taken)
    for other in account.property_types:
        if normalise_header(END_NUMBER.sub("", other.label)) == normalise_header(label):
            raise FieldInvalid(
                f"a header {other.label}: … would be both a further {label} and the property type {other.label}; "
                "choose another label"
            )
    existing = {row.id: row for row in stored_rows(connection, property_types)}
    chosen = _choose_id(label, id, None, existing, "property")
    _refuse_taken(label, chosen, taken)
    _write(connection, property_types, {"id": chosen}, {"label": label}, existing.values())
    return next(t for t in load_fields(connection).property_types if t.id == chosen)


def remove_property_type(connection: sa.Connection, id: str) -> None:
    """Take a property type with all its columns out of the template; customers keep their properties.

    Raises:
        NotFound: There is no such property type, or it was removed before.
    """
    missing = NotFound("property type", _shown(id), _PROPERTIES_LISTED)
    _mark_removed(connection, property_types, property_types.c.id == id, missing)


def add_property_field(
    connection: sa.Connection,
    property_type: str,
    label: str,
    type: FieldType,
    *,
    id: str | None = None,
    is_required: bool = False,
    choices: Sequence[str] = (),
) -> Field:
    """Add a field to a property type, or revive a removed one of the same id and type.

    Args:
        connection: To the target database; the caller commits.
        property_type: Id of the property type.
        label: What stands after the colon of the header: ``Name`` in ``Pet: Name``.
        type: How its cells are read.
        id: Made from the label where it is not given.
        is_required: A property of which any cell is filled needs this one.
        choices: What one_of and several_of may hold, in order; empty for other types.

    Raises:
        NotFound: There is no such property type.
        FieldInvalid: The label, id or choices cannot be used, or the type has the field already.
    """
    label = _checked_label(label)
    owner = next((t for t in load_fields(connection).property_types if t.id == property_type), None)
    if owner is None:
        raise NotFound("property type", _shown(property_type), _PROPERTIES_LISTED)
    taken = {normalise_header(name): f"{owner.label}: {f.label}" for f in owner.fields for name in (f.label, f.id)}
    _refuse_taken(label, id, taken)
    field = Field("", label, type, is_required, _checked_choices(type, choices))
    return _add_field(connection, property_fields, {"property_type_id": owner.id}, field, id, taken)


def remove_property_field(connection: sa.Connection, property_type: str, id: str) -> None:
    """Take a field of a property type out of the template; customers keep their values.

    Raises:
        NotFound: There is no such field, or it was removed before.
    """
    chosen = (property_fields.c.property_type_id == property_type) & (property_fields.c.id == id)
    missing = NotFound("property field", f"{_shown(property_type)}.{_shown(id)}", _PROPERTIES_LISTED)
    _mark_removed(connection, property_fields, chosen, missing)


def _add_field(
    connection: sa.Connection,
    table: sa.Table,
    owner: Mapping[str, str],
    field: Field,
    id: str | None,
    taken: dict[str, str],
) -> Field:
    """Write a field under an id of its own among those of its owner, which a removed one may have had."""
    rows = stored_rows(connection, table)
    existing = {row.id: row for row in rows if all(getattr(row, name) == value for name, value in owner.items())}
    field = replace(field, id=_choose_id(field.label, id, field.type, existing, "field"))
    _refuse_taken(field.label, field.id, taken)
    _write(connection, table, {**owner, "id": field.id}, _values(field), existing.values())
    return field


def _taken_headers(account: AccountFields) -> dict[str, str]:
    own = {normalise_header(n): f"custom field {f.label}" for f in account.custom_fields for n in (f.label, f.id)}
    return {**own, **reserved_names()}


def _refuse_taken(label: str, id: str | None, taken: dict[str, str]) -> None:
    for name in (label, id):
        if name is not None and (owner := taken.get(normalise_header(name))) is not None:
            raise FieldInvalid(f"a header {_shown(name)} would be read as {owner}; choose another label or id")


def _checked_label(label: str) -> str:
    """Return the label trimmed; refuse what would make its header ambiguous or dangerous in a spreadsheet."""
    label = visible(label).strip()
    if not normalise_header(label):
        raise FieldInvalid("a label needs at least one letter or digit")
    if len(label) > _LONGEST_LABEL:
        raise FieldInvalid(f"the label is longer than {_LONGEST_LABEL} characters; shorten it")
    if label[0] in _FORMULA_STARTS:
        raise FieldInvalid(
            f"the label begins with {label[0]}, which spreadsheets take for a formula or hide; rename it"
        )
    if _has_control_character(label):
        raise FieldInvalid("the label has a control character or line break; rename it")
    if forbidden := sorted(set(label) & set(":*")):
        raise FieldInvalid(
            f"the label has {' and '.join(forbidden)}, which have a special meaning in headers; rename it"
        )
    return label


def _has_control_character(text: str) -> bool:
    # The joiners that ``visible`` leaves between letters belong to them.
    return any(unicodedata.category(character)[0] == "C" for character in text if character not in "\u200c\u200d")


def _checked_choices(type: FieldType, choices: Sequence[str]) -> tuple[str, ...]:
    """Return the choices trimmed; choices that differ only in case would be the same to a reader."""
    trimmed = tuple(visible(choice).strip() for choice in choices)
    if type not in (FieldType.ONE_OF, FieldType.SEVERAL_OF):
        if trimmed:
            raise FieldInvalid(f"a field of type {type} has no choices; only one_of and several_of have")
        return ()
    if not trimmed:
        raise FieldInvalid(f"a field of type {type} needs its choices")
    for choice in trimmed:
        if not choice or len(choice) > _LONGEST_CHOICE or CHOICE_SEPARATOR in choice:
            raise FieldInvalid(f"each choice has 1 to {_LONGEST_CHOICE} characters and no {CHOICE_SEPARATOR}")
        if _has_control_character(choice):
            raise FieldInvalid("a choice has a control character or line break")
    if len({choice.casefold() for choice in trimmed}) < len(trimmed):
        raise FieldInvalid("two choices differ only in upper and lower case; remove one")
    return trimmed


def _choose_id(
    label: str, id: str | None, type: FieldType | None, existing: dict[str, sa.Row[Any]], fallback: str
) -> str:
    """Return the id to write under: the one asked for, that of a removed one of this label, or one that is free."""
    if id is not None:
        return _checked_id(id, type, existing)
    for old, row in existing.items():
        if normalise_header(row.label) == normalise_header(label) and _can_be_revived(row, type):
            return old
    slug = _slug(label)
    base = f"{slug[:_LONGEST_SLUG]}_{fallback}" if slug[-1:].isdigit() else slug or fallback
    candidates = (base, *(f"{base}_z{_in_letters(number)}" for number in range(2, len(existing) + 2)))
    return next(candidate for candidate in candidates if candidate not in existing)


def _checked_id(id: str, type: FieldType | None, existing: dict[str, sa.Row[Any]]) -> str:
    if not _ID.fullmatch(id):
        raise FieldInvalid("an id has 1 to 56 characters a-z, 0-9 and _, and begins with a letter")
    if id in existing:
        if not _can_be_revived(existing[id], type):
            raise FieldInvalid(f"the id {id} is taken, or belonged to a removed field of another type; choose another")
    elif id[-1].isdigit():
        raise FieldInvalid(
            f"the id {id} ends in a digit, so a header with it could mean a further {END_NUMBER.sub('', id)}; "
            "choose another id"
        )
    return id


def _can_be_revived(row: sa.Row[Any], type: FieldType | None) -> bool:
    return not is_live(row) and (type is None or row.type == type)


def _in_letters(number: int) -> str:
    """Return a number from 1 on as a spreadsheet names its columns: a to z, then aa, ab and so on."""
    letters = ""
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("a") + rest) + letters
    return letters


def _slug(label: str) -> str:
    plain = unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "_", plain.lower()).lstrip("_0123456789")[:56].strip("_")


def _shown(text: str) -> str:
    """Return a name from the command line, fit for a message."""
    return "".join(character for character in text if character.isprintable())[:_LONGEST_LABEL]


def _values(field: Field) -> dict[str, Any]:
    return {
        "label": field.label,
        "type": str(field.type),
        "choices": list(field.choices) or None,
        "is_required": field.is_required,
    }


def _write(
    connection: sa.Connection,
    table: sa.Table,
    key: dict[str, str],
    values: dict[str, Any],
    siblings: Iterable[sa.Row[Any]],
) -> None:
    """Insert a field at the end, or revive the removed one that has this key."""
    position = max((row.position for row in siblings), default=-1) + 1
    written = {**values, "position": position, "removed_at": None}
    chosen = sa.and_(*(table.c[name] == value for name, value in key.items()))
    if connection.execute(sa.update(table).where(chosen).values(written)).rowcount == 0:
        connection.execute(sa.insert(table).values({**key, **written, "created_at": datetime.now(UTC)}))


def _mark_removed(
    connection: sa.Connection, table: sa.Table, chosen: sa.ColumnElement[bool], missing: NotFound
) -> None:
    live = sa.update(table).where(chosen, table.c.removed_at.is_(None))
    if connection.execute(live.values(removed_at=datetime.now(UTC))).rowcount == 0:
        raise missing
