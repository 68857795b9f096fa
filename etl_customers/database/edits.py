"""Changing a customer by hand: checked by the rules of imports, its keys kept true, every change recorded."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy import Connection

from etl_customers.base.errors import UsageError
from etl_customers.database.customers import Customer, CustomerChange, find_customer
from etl_customers.database.json_texts import fragments
from etl_customers.database.tables import custom_fields, customer_changes, customers, identity_keys, provider_customers
from etl_customers.database.values import json_value, user_name
from schemas.codes import OF_RECORDS
from schemas.columns import (
    CUSTOMER_COLUMNS,
    IDENTITY_COLUMNS,
    IDENTITY_KINDS,
    NAME_ADDRESS_COLUMNS,
    NAME_ADDRESS_KIND,
)

ACTIVE = "is_active"
"""The column that no upload has: a provider says whether a customer is active."""

_PASSWORD = "password"
_IDENTIFYING = frozenset(NAME_ADDRESS_COLUMNS).union(*IDENTITY_COLUMNS.values())


@dataclass(frozen=True)
class IdentityKey:
    """One identity key of a customer, with the first column that has it."""

    kind: str
    value: str
    column: str


@dataclass(frozen=True)
class CheckedCustomer:
    """A row after the rules of imports: ``errors``, or everything else."""

    errors: Sequence[Mapping[str, str | None]] = ()
    """column, code, message, suggestion of each, as in the ledger."""
    values: Mapping[str, object] = field(default_factory=dict)
    """Normalised value of each customer column; absent is null."""
    custom_fields: str | None = None
    """JSON object of the custom fields that the row has; absent is null."""
    keys: Sequence[IdentityKey] = ()
    """All identity keys of the row."""
    warnings: Sequence[Mapping[str, str]] = ()
    """column and code of each default that was filled in."""
    password_hash: str | None = None
    """Hash of the password, where the row has one."""


class CheckRow(Protocol):
    """Checks a row as an import would."""

    def __call__(self, row: Mapping[str, str]) -> CheckedCustomer:
        """Check texts as they would stand in an upload.

        Args:
            row: All customer columns ('' for none); custom fields by id and
                ``password`` only where they are to change.
        """


class EditRefused(UsageError):
    """The changed customer would break the rules of an import; nothing was changed."""

    def __init__(self, customer_id: int, errors: Sequence[Mapping[str, str | None]]) -> None:
        super().__init__(customer_id, errors)
        self.customer_id, self.errors = customer_id, errors

    def __str__(self) -> str:
        """Give all reasons, with what each column could be."""
        reasons = (
            f"{error['message']} (did you mean {error['suggestion']}?)" if error.get("suggestion") else error["message"]
            for error in self.errors
        )
        return f"customer {self.customer_id} was not changed: {'; '.join(str(reason) for reason in reasons)}"


class KeyTaken(UsageError):
    """An identity key of the changed customer belongs to another one; nothing was changed."""

    def __init__(self, customer_id: int, column: str, owner_id: int) -> None:
        super().__init__(customer_id, column, owner_id)
        self.customer_id, self.column, self.owner_id = customer_id, column, owner_id

    def __str__(self) -> str:
        """Name the column and the customer who has it."""
        return (
            f"customer {self.customer_id} was not changed: {self.column} already belongs to customer {self.owner_id}; "
            f"see: etl-customers customers show {self.owner_id}"
        )


def edit_customer(
    connection: Connection, customer_id: int, changes: Mapping[str, str], changed_by: str | None, validate: CheckRow
) -> list[CustomerChange]:
    """Change columns of a customer as if the changed row had been imported.

    Args:
        connection: In a writing transaction.
        customer_id: The customer.
        changes: Customer column, id of a custom field, or ``password``, to the new text; '' clears it.
        changed_by: The person, kept with each change.
        validate: The rules of imports.

    Returns:
        What changed, defaults that the rules filled in included; nothing where all is as before.

    Raises:
        NotFound: There is no such customer.
        EditRefused: A rule is broken.
        KeyTaken: Another customer has one of its identity keys.
        UsageError: A column is unknown.
    """
    customer = find_customer(connection, customer_id, is_locked=True)
    custom = _require_known(connection, changes)
    checked = validate(row_of(customer, changes))
    if checked.errors:
        raise EditRefused(customer_id, checked.errors)
    now = datetime.now(UTC)
    made = list(_compare(customer, checked, custom, changed_by, now))
    update = {change.column: checked.values.get(change.column) for change in made if change.column in CUSTOMER_COLUMNS}
    if custom:
        update["custom_fields"] = _merged_fields(connection, customer_id, custom, checked)
    if _PASSWORD in changes:
        update["password_hash"] = checked.password_hash
        made.append(CustomerChange(_PASSWORD, None, None, None, changed_by, now))
    if not made:
        return []
    update |= {"warnings": _warnings(customer, checked, changes) or None, "updated_at": now}
    connection.execute(customers.update().where(customers.c.id == customer_id).values(update))
    _replace_keys(connection, customer, checked.keys, {change.column for change in made})
    # Whether the provider's values are others than these is looked at again when it next sends the customer.
    links = provider_customers.update().where(provider_customers.c.customer_id == customer_id)
    connection.execute(links.values(content_hash=None))
    connection.execute(customer_changes.insert(), [_entry(customer_id, change) for change in made])
    return made


def row_of(customer: Customer, changes: Mapping[str, str]) -> dict[str, str]:
    """Return a customer as an upload would have it after some changes; ``changes`` are those of an edit."""
    return {name: _text(value) for name, value in customer.values.items()} | dict(changes)


def list_changes_of(connection: Connection, import_id: str, customer_id: int) -> list[CustomerChange]:
    """Return what an import changed of a customer, the latest change first; without its properties."""
    change = customer_changes.c
    query = (
        sa.select(customer_changes)
        .where(change.import_id == import_id, change.customer_id == customer_id, change.provided_number.is_(None))
        .order_by(customer_changes.c.id.desc())
    )
    return [
        CustomerChange(row["column"], row["old_value"], row["new_value"], import_id, None, row["changed_at"])
        for row in connection.execute(query).mappings()
    ]


def list_changed_customers(connection: Connection, import_id: str) -> list[int]:
    """Return the customers that an import changed but did not create, the one that it changed last first."""
    query = (
        sa.select(customer_changes.c.customer_id)
        .join(customers, customers.c.id == customer_changes.c.customer_id)
        .where(customer_changes.c.import_id == import_id, customers.c.import_id != import_id)
        .group_by(customer_changes.c.customer_id)
        .order_by(sa.func.max(customer_changes.c.id).desc())
    )
    return list(connection.scalars(query))


def set_active(connection: Connection, customer_id: int, is_active: bool, changed_by: str | None) -> None:
    """Make a customer active or inactive, and record it."""
    now = datetime.now(UTC)
    change = CustomerChange(ACTIVE, not is_active, is_active, None, changed_by, now)
    update = customers.update().where(customers.c.id == customer_id)
    connection.execute(update.values(is_active=is_active, updated_at=now))
    connection.execute(customer_changes.insert(), [_entry(customer_id, change)])


def _require_known(connection: Connection, changes: Mapping[str, str]) -> list[str]:
    """Return those of the columns that are custom fields."""
    known = list(
        connection.scalars(
            sa.select(custom_fields.c.id).where(custom_fields.c.removed_at.is_(None)).order_by(custom_fields.c.position)
        )
    )
    editable = (*CUSTOMER_COLUMNS, _PASSWORD, *known)
    unknown = [name for name in changes if name not in editable]
    if unknown:
        raise UsageError(f"{', '.join(unknown)} cannot be changed; you can change: {', '.join(editable)}")
    return [name for name in known if name in changes]


def _text(value: str | date | None) -> str:
    """Return a stored value as an upload has it."""
    return f"{value:%Y/%m/%d}" if isinstance(value, date) else value or ""


def _compare(
    customer: Customer, checked: CheckedCustomer, custom: Sequence[str], changed_by: str | None, now: datetime
) -> Iterator[CustomerChange]:
    new_fields = json.loads(checked.custom_fields or "{}")
    pairs = [(name, customer.values[name], checked.values.get(name)) for name in CUSTOMER_COLUMNS]
    pairs += [(name, customer.custom_fields.get(name), new_fields.get(name)) for name in custom]
    for name, old, new in pairs:
        if old != new:
            yield CustomerChange(name, json_value(old), json_value(new), None, changed_by, now)


def _warnings(customer: Customer, checked: CheckedCustomer, changes: Mapping[str, str]) -> list[dict[str, str]]:
    """Return the warnings that still hold: a column that was edited has its own."""
    kept = [one for one in customer.warnings if one["column"] not in changes or one["code"] in OF_RECORDS]
    return kept + [dict(warning) for warning in checked.warnings if warning["column"] in changes]


def _merged_fields(
    connection: Connection, customer_id: int, custom: Sequence[str], checked: CheckedCustomer
) -> sa.ColumnElement[Any] | None:
    """Replace the custom fields that change, keeping the text of the others: a number stays as it was written."""
    stored = connection.scalar(
        sa.select(sa.cast(customers.c.custom_fields, sa.Text)).where(customers.c.id == customer_id)
    )
    merged = {name: text for name, text in fragments(stored) if name not in custom}
    merged |= {name: text for name, text in fragments(checked.custom_fields) if name in custom}
    if not merged:
        return sa.null()
    text = "{" + ", ".join(f"{json.dumps(name)}: {fragment}" for name, fragment in merged.items()) + "}"
    literal = sa.literal(text, sa.Text())
    return sa.cast(literal, sa.JSON()) if connection.dialect.name == "postgresql" else literal


def _replace_keys(
    connection: Connection, customer: Customer, keys: Sequence[IdentityKey], changed: Collection[str]
) -> None:
    """Take the keys of the values that go, and give those of the values that come.

    A key of a value that stays is left to whom it belongs: of customers that one provider
    has with the same address, or that earlier versions told apart by an apostrophe, one alone has the key. So are a provider's own key, and
    those of customers that were merged into this one.

    Raises:
        KeyTaken: Another customer has one of the new ones.
    """
    mine = identity_keys.c.customer_id == customer.id
    old = {tuple(row) for row in connection.execute(sa.select(identity_keys.c.kind, identity_keys.c.value).where(mine))}
    new = {(key.kind, key.value) for key in keys}
    gone = {key for key in old - new if key[0] == NAME_ADDRESS_KIND or key in _keys_of(customer, changed)}
    for kind, value in gone:
        connection.execute(
            identity_keys.delete().where(mine, identity_keys.c.kind == kind, identity_keys.c.value == value)
        )
    for key in keys:
        is_changed = key.column in changed or (key.kind == NAME_ADDRESS_KIND and not _IDENTIFYING.isdisjoint(changed))
        if (key.kind, key.value) not in old and is_changed:
            owner_id = claim_key(connection, customer.id, key)
            # Whoever has another key does not need that of name and address.
            if owner_id != customer.id and (key.kind != NAME_ADDRESS_KIND or not old - gone):
                raise KeyTaken(customer.id, key.column, owner_id)


def _keys_of(customer: Customer, columns: Collection[str]) -> set[tuple[str, str]]:
    """Return the keys that the present values of some columns stand for."""
    return {
        (IDENTITY_KINDS[family], str(customer.values[name]).lower())
        for family, names in IDENTITY_COLUMNS.items()
        for name in names
        if name in columns and customer.values[name]
    }


_CLAIM_KEY = sa.text(
    "insert into identity_keys (kind, value, customer_id) values (:kind, :value, :customer_id) on conflict do nothing"
)


def claim_key(connection: Connection, customer_id: int, key: IdentityKey) -> int:
    """Give the key to the customer unless somebody has it; return who has it now."""
    # On PostgreSQL this waits for an import that is entering the same key.
    connection.execute(_CLAIM_KEY, {"kind": key.kind, "value": key.value, "customer_id": customer_id})
    owner_id: int | None = connection.scalar(
        sa.select(identity_keys.c.customer_id).where(
            identity_keys.c.kind == key.kind, identity_keys.c.value == key.value
        )
    )
    return owner_id or 0


def _entry(customer_id: int, change: CustomerChange) -> dict[str, Any]:
    return {
        "customer_id": customer_id,
        "column": change.column,
        "old_value": change.old_value,
        "new_value": change.new_value,
        "changed_by": user_name(change.changed_by),
        "changed_at": change.changed_at,
    }
