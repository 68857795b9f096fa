"""Taking an import back: its customers, what it changed of others, and how far it had brought a provider's connection.

What others have built upon since is kept and named. The SQL is in ``target.removals``;
values are put back as an edit would, so the rules and the identity keys stay true.
"""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection

from etl_customers.base.errors import ImportBusy, UsageError
from etl_customers.changes.editing import check_each, checker_of
from etl_customers.changes.undoing_properties import restore_properties
from etl_customers.columns.account_fields import AccountFields, load_fields
from etl_customers.database.conflicts import repeat_in_conflict
from etl_customers.database.connect import reading, writing
from etl_customers.database.customers import Customer, CustomerChange, find_customer
from etl_customers.database.edits import (
    ACTIVE,
    CheckedCustomer,
    EditRefused,
    IdentityKey,
    KeyTaken,
    claim_key,
    edit_customer,
    list_changed_customers,
    list_changes_of,
    row_of,
    set_active,
)
from etl_customers.database.kept_edits import forget_kept_edits
from etl_customers.database.ledger import (
    ACCEPTED,
    REFUSED,
    UNDONE,
    ImportRecord,
    lock_import,
    require_import,
    undo_import,
)
from etl_customers.database.removals import (
    UNDO_OF,
    Kept,
    forget_pull,
    hold_loads_back,
    list_kept_customers,
    list_merged_customers,
    lock_customers_of,
    remove_customers_of,
)
from etl_customers.database.values import json_value
from etl_customers.deduplicate.known_customers import find_present
from etl_customers.imports.installation import Installation
from etl_customers.imports.temporary_files import delete_file
from etl_customers.settings.sections import Settings
from etl_customers.staging import open_if_whole, remove_staging
from etl_customers.validate.keys import find_keys
from schemas.columns import COLUMN_BY_NAME, FieldType, Kind

_WAIT_FOR_STAGE_SECONDS = 1.0
_CUSTOMERS_AT_A_TIME = 1_000
_PASSWORD = "password"


@dataclass(frozen=True)
class Undone:
    """What an undo took back."""

    import_id: str
    undone_at: datetime
    is_repeat: bool = False
    """It was undone before; nothing was changed now."""
    was_accepted: bool = False
    """Nothing of it had been loaded."""
    removed: int = 0
    """Customers."""
    restored: int = 0
    """Values of customers that the import had changed."""
    kept: Sequence[Kept] = ()


class _NotAsBefore(UsageError):
    """The rules of today would make more of the values than what they were."""

    def __str__(self) -> str:
        return "under the current rules, the old values would come out differently"


def undo(installation: Installation, import_id: str, undone_by: str | None, *, is_dry_run: bool = False) -> Undone:
    """Take an import back in one transaction; of one that has not ended, delete what there is of it.

    Args:
        installation: Home, settings and target.
        import_id: Finished, or accepted and not under way. One that is undone already is left alone.
        undone_by: The person, kept with everything that is removed.
        is_dry_run: Find out everything and change nothing.

    Returns:
        What was taken back, and what was kept with the reason why.

    Raises:
        NotFound: There is no such import.
        UsageError: The import was refused: there is nothing to take back.
        ImportBusy: A stage of it is running.
        DatabaseUnavailable: Nothing was changed, or it is not known; undoing again is safe.
    """
    record = _find(installation, import_id)
    with ExitStack() as stack:
        if record.status == ACCEPTED:
            stack.callback(_clear_up, installation, import_id)
            limit = installation.settings.staging.memory_limit_mb
            stack.enter_context(open_if_whole(installation.staging_path(import_id), limit, _WAIT_FOR_STAGE_SECONDS))
        return repeat_in_conflict(lambda: _undo(installation, record, undone_by, is_dry_run))


def _clear_up(installation: Installation, import_id: str) -> None:
    """Delete what an import had in the home, where it is undone."""
    if _find(installation, import_id).status == UNDONE:
        remove_staging(installation.staging_path(import_id))
        delete_file(installation.upload_path(import_id))


def _undo(installation: Installation, seen: ImportRecord, undone_by: str | None, is_dry_run: bool) -> Undone:
    now = datetime.now(UTC)
    with writing(installation.target) as connection:
        record = lock_import(connection, seen.import_id)
        if record is None or record.status == REFUSED:
            raise UsageError(
                f"import {seen.import_id} was refused, so nothing of it was loaded and nothing can be undone"
            )
        if record.status == UNDONE:
            return Undone(record.import_id, record.undone_at or now, is_repeat=True)
        if record.status == ACCEPTED:
            if seen.status != ACCEPTED:
                raise ImportBusy(record.import_id)
            undone = Undone(record.import_id, now, was_accepted=True)
        else:
            undone = _take_back(installation.settings, connection, record, undone_by, now)
        undo_import(connection, record, undone_by, now)
        if is_dry_run:
            transaction = connection.get_transaction()
            assert transaction is not None
            transaction.rollback()
    return undone


def _take_back(
    settings: Settings, connection: Connection, record: ImportRecord, undone_by: str | None, now: datetime
) -> Undone:
    hold_loads_back(connection)
    lock_customers_of(connection, record.import_id)
    kept = list(list_kept_customers(connection, record))
    removed = remove_customers_of(connection, record, undone_by, now)
    restorer = _Restorer(connection, load_fields(connection), settings, record)
    restored = 0
    changed = list_changed_customers(connection, record.import_id)
    for start in range(0, len(changed), _CUSTOMERS_AT_A_TIME):
        some = changed[start : start + _CUSTOMERS_AT_A_TIME]
        restorer.check_beforehand(some)
        for customer_id in some:
            done, left = restorer.restore(customer_id)
            restored += done
            kept += left
    merged = list_merged_customers(connection, record)
    forget_pull(connection, record)
    forget_kept_edits(connection, record, now)
    # Who became a customer that is removed now had given all keys away.
    present = find_present(connection, merged, is_locking=False).with_columns(row="customer_id")
    for customer_id, *key in find_keys(present, settings.duplicates.keys).iter_rows():
        claim_key(connection, customer_id, IdentityKey(*key))
    return Undone(record.import_id, now, removed=removed, restored=restored, kept=kept)


class _Restorer:
    """Puts back what an import changed of customers that it did not create."""

    def __init__(self, connection: Connection, fields: AccountFields, settings: Settings, record: ImportRecord) -> None:
        self._connection = connection
        self._fields = fields
        self._settings = settings
        self._record, self._import_id = record, record.import_id
        self._custom = {field.id: field.type for field in fields.custom_fields}
        self._checked: dict[int, tuple[Mapping[str, str], CheckedCustomer]] = {}

    def check_beforehand(self, customer_ids: Sequence[int]) -> None:
        """Check what these customers are to be by the rules, all at once: one by one it takes most of an undo."""
        rows = {}
        for customer_id in customer_ids:
            customer = find_customer(self._connection, customer_id, is_locked=True)
            changes = list_changes_of(self._connection, self._import_id, customer_id)
            wanted, _ = self._wanted(customer, changes)
            wanted.pop(ACTIVE, None)
            if wanted:
                rows[customer_id] = row_of(customer, self._texts(wanted))
        checked = check_each(self._connection, rows, self._fields, self._settings) if rows else {}
        self._checked = {customer_id: (row, checked[customer_id]) for customer_id, row in rows.items()}

    def restore(self, customer_id: int) -> tuple[int, list[Kept]]:
        """Put back the values of one customer; return their number, and what is kept."""
        customer = find_customer(self._connection, customer_id, is_locked=True)
        changes = list_changes_of(self._connection, self._import_id, customer_id)
        wanted, kept = self._wanted(customer, changes)
        restored, changed_since = restore_properties(self._connection, self._record, customer_id)
        kept += changed_since
        if ACTIVE in wanted:
            set_active(self._connection, customer_id, bool(wanted.pop(ACTIVE)), f"{UNDO_OF}{self._import_id}")
            restored += 1
        refusal = self._edit(customer_id, wanted)
        if refusal is None:
            return restored + len(wanted), kept
        if len(wanted) == 1:
            return restored, [*kept, _kept(customer_id, next(iter(wanted)), refusal)]
        # All at once may be too much, where one value alone cannot come back.
        for column, value in wanted.items():
            refusal = self._edit(customer_id, {column: value})
            if refusal is None:
                restored += 1
            else:
                kept.append(_kept(customer_id, column, refusal))
        return restored, kept

    def _wanted(self, customer: Customer, changes: Sequence[CustomerChange]) -> tuple[dict[str, Any], list[Kept]]:
        """Return each column's value before the import, where the present one is still the import's."""
        present = {**customer.values, **{name: customer.custom_fields.get(name) for name in self._custom}}
        now = {name: json_value(value) for name, value in present.items()} | {ACTIVE: customer.is_active}
        wanted: dict[str, Any] = {}
        kept: dict[str, Kept] = {}
        for change in changes:
            column, at = change.column, f"{change.column} of customer {customer.id}"
            if column in kept:
                continue
            if column == _PASSWORD:
                text = f"{at} cannot be restored: no password is kept"
                kept[column] = Kept(customer.id, None, "password_not_kept", text)
            elif wanted.get(column, now.get(column)) != change.new_value:
                kept[column] = Kept(customer.id, None, "changed_since", f"{at} has been changed again since")
            else:
                wanted[column] = change.old_value
        return {name: value for name, value in wanted.items() if value != now.get(name)}, list(kept.values())

    def _edit(self, customer_id: int, wanted: Mapping[str, Any]) -> UsageError | None:
        """Put values back as an edit; return why that cannot be, and then nothing was changed."""
        if not wanted:
            return None
        try:
            with self._connection.begin_nested():
                made = edit_customer(
                    self._connection,
                    customer_id,
                    self._texts(wanted),
                    f"{UNDO_OF}{self._import_id}",
                    lambda row: self._check(customer_id, row),
                )
                if {change.column: change.new_value for change in made} != wanted:
                    raise _NotAsBefore
        except UsageError as refusal:
            return refusal
        return None

    def _check(self, customer_id: int, row: Mapping[str, str]) -> CheckedCustomer:
        known, checked = self._checked.get(customer_id, ({}, CheckedCustomer()))
        # Another row: values are put back one by one, as all at once were too much.
        return checked if row == known else checker_of(self._connection, customer_id, self._fields, self._settings)(row)

    def _texts(self, wanted: Mapping[str, Any]) -> dict[str, str]:
        return {column: self._text(column, value) for column, value in wanted.items()}

    def _text(self, column: str, value: Any) -> str:  # noqa: ANN401 - a value out of JSON
        """Return a value as an upload has it."""
        if value is None:
            return ""
        is_date = column in COLUMN_BY_NAME and COLUMN_BY_NAME[column].kind is Kind.DATE
        if is_date or self._custom.get(column) is FieldType.DATE:
            return str(value).replace("-", "/")
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, int | float):
            return f"{Decimal(repr(value)):f}"
        return "; ".join(map(str, value)) if isinstance(value, list) else str(value)


def _kept(customer_id: int, column: str, refusal: UsageError) -> Kept:
    code, why = "rule_broken", str(refusal)
    if isinstance(refusal, KeyTaken):
        code, why = "key_taken", f"it already belongs to customer {refusal.owner_id}"
    elif isinstance(refusal, EditRefused):
        why = "; ".join(str(error["message"]) for error in refusal.errors)
    return Kept(customer_id, None, code, f"{column} of customer {customer_id} was not restored: {why}")


def _find(installation: Installation, import_id: str) -> ImportRecord:
    with reading(installation.target) as connection:
        return require_import(connection, import_id)
