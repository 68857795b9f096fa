"""Editing a customer by hand under the rules of imports: brings the rules and the target together."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from etl_customers.base.errors import UsageError
from etl_customers.columns.account_fields import AccountFields, load_fields
from etl_customers.database.conflicts import repeat_in_conflict
from etl_customers.database.connect import writing
from etl_customers.database.customers import CustomerChange
from etl_customers.database.edits import CheckedCustomer, CheckRow, IdentityKey, edit_customer
from etl_customers.database.origins import find_source
from etl_customers.imports.installation import Installation
from etl_customers.load.failures import describe_error
from etl_customers.load.passwords import hash_passwords
from etl_customers.read.raw_csv import password_state
from etl_customers.settings.sections import Settings
from etl_customers.staging import UploadColumn
from etl_customers.texts.invisible import is_blank
from etl_customers.validate.check import check_texts
from schemas.columns import CUSTOMER_COLUMNS
from schemas.refusals import SET_COUNTRY
from schemas.sources import CSV

_PASSWORD = "password"


def edit(
    installation: Installation, customer_id: int, changes: Mapping[str, str], changed_by: str | None
) -> list[CustomerChange]:
    """Change columns of a customer; all of them or, when a rule is broken, none.

    Args:
        installation: Settings and target.
        customer_id: The customer.
        changes: Column, custom field's id or ``password`` to its new text; '' clears it.
        changed_by: The person, kept with each change.

    Returns:
        What changed, defaults that the rules filled in included.

    Raises:
        UsageError: No such customer or column, a rule broken, or a key that another customer has.
        DatabaseUnavailable: Nothing was changed.
    """

    def edit_once() -> list[CustomerChange]:
        with writing(installation.target) as connection:
            check = checker_of(connection, customer_id, load_fields(connection), installation.settings)
            if not installation.settings.company.has_country:
                check = _with_country(check)
            return edit_customer(connection, customer_id, changes, changed_by, check)

    return repeat_in_conflict(edit_once)


def _with_country(check: CheckRow) -> CheckRow:
    """Refuse a row without a country first: the default is that of a company whose country nobody has set."""

    def check_row(row: Mapping[str, str]) -> CheckedCustomer:
        if is_blank(row["country"]):
            raise UsageError(
                "the customer would have no country, and your company's country is not set; give "
                f"country=…, or set it once: {SET_COUNTRY}"
            )
        return check(row)

    return check_row


def checker_of(connection: Connection, customer_id: int, fields: AccountFields, settings: Settings) -> CheckRow:
    """Return what checks the rows of a customer: by the rules of the source that it comes from."""
    source = find_source(connection, customer_id) or CSV
    return lambda row: _check_rows([row], fields, settings, source)[0]


def check_each(
    connection: Connection, rows: Mapping[int, Mapping[str, str]], fields: AccountFields, settings: Settings
) -> dict[int, CheckedCustomer]:
    """Check a row of each of many customers at once; one after the other takes far longer.

    Args:
        connection: Tells the source of each customer, whose rules hold.
        rows: Customer's id to its row, as ``CheckRow`` takes it; none has a password.
        fields: The account's custom fields and properties.
        settings: Company, required columns, identity keys, reference lists.
    """
    alike: dict[tuple[str, tuple[str, ...]], list[int]] = {}
    for customer_id, row in rows.items():
        alike.setdefault((find_source(connection, customer_id) or CSV, tuple(row)), []).append(customer_id)
    checked: dict[int, CheckedCustomer] = {}
    for (source, _), ids in alike.items():
        checked |= zip(ids, _check_rows([rows[one] for one in ids], fields, settings, source), strict=True)
    return checked


def _check_rows(
    rows: Sequence[Mapping[str, str]], fields: AccountFields, settings: Settings, source: str
) -> list[CheckedCustomer]:
    """Check rows that have the same columns as an upload of these would be checked, by the rules of its source."""
    custom = {field.id for field in fields.custom_fields}
    names = [name for name in rows[0] if name in CUSTOMER_COLUMNS or name in custom]
    columns = [
        UploadColumn(position, name, "column" if name in CUSTOMER_COLUMNS else "custom_field", name, None, None, None)
        for position, name in enumerate(names)
    ]
    passwords = [row.get(_PASSWORD, "") for row in rows]
    texts = [[row[name] for name in names] for row in rows]
    found = check_texts(texts, columns, [password_state(one) for one in passwords], fields, settings, source)
    errors: dict[int, list[dict[str, Any]]] = {}
    for number, *error in found.errors.select("row", "column", "code", "reference", "suggestion").iter_rows():
        errors.setdefault(number, []).append(describe_error(*error))
    keys: dict[int, list[IdentityKey]] = {}
    for number, *key in found.keys.select("row", "kind", "value", "column").iter_rows():
        keys.setdefault(number, []).append(IdentityKey(*key))
    customers = {customer["row"]: customer for customer in found.customers.iter_rows(named=True)}
    given = [(number, passwords[number - 2]) for number, customer in customers.items() if customer["has_password"]]
    hashes = hash_passwords(given, settings.passwords) if given else {}
    return [
        CheckedCustomer(errors=errors[number])
        if number in errors
        else CheckedCustomer(
            values={name: customers[number][name] for name in CUSTOMER_COLUMNS},
            custom_fields=customers[number]["custom_fields"],
            keys=keys[number],
            warnings=json.loads(customers[number]["warnings"] or "[]"),
            password_hash=hashes.get(number),
        )
        for number in range(2, len(rows) + 2)
    ]
