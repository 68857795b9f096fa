"""The template's header: the fixed columns, the account's own, and a stamp that tells a stale one (R1)."""

import hashlib
from collections.abc import Collection

from etl_customers.columns.account_fields import AccountFields, property_header
from etl_customers.columns.header_names import STAMP_PREFIX
from schemas.columns import COLUMNS


def template_header(fields: AccountFields, required: Collection[str]) -> list[str]:
    """Return the header of the account's template, in order.

    Args:
        fields: The account's own columns.
        required: Names of the fixed columns that must be filled in (setting ``csv.required``).

    Returns:
        Fixed columns by name, custom fields by label, properties as ``Pet: Name``; required
        ones bear ``*``; last the stamp ``template:<8 hex>``. No header begins like a formula.

    Source:
        docs/rules.md, R1 and R2.
    """
    fixed = [_starred(column.name, column.name in required) for column in COLUMNS]
    customs = [_starred(field.label, field.is_required) for field in fields.custom_fields]
    properties = [
        _starred(property_header(owner.label, field.label), field.is_required)
        for owner in fields.property_types
        for field in owner.fields
    ]
    return [*fixed, *customs, *properties, template_stamp(fields)]


def template_stamp(fields: AccountFields) -> str:
    """Return the header of the stamp column; it changes when a column is added, removed or moved."""
    keys = [column.name for column in COLUMNS]
    keys += [f"custom:{field.id}" for field in fields.custom_fields]
    keys += [f"property:{owner.id}:{field.id}" for owner in fields.property_types for field in owner.fields]
    return STAMP_PREFIX + hashlib.sha256("\n".join(keys).encode()).hexdigest()[:8]


def _starred(header: str, is_required: bool) -> str:
    return f"{header}*" if is_required else header
