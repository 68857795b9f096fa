"""Editing a customer by hand under the rules of imports: brings the rules and the target together."""

import json
from collections.abc import Mapping

from sqlalchemy import Connection

from etl_customers.fields import AccountFields, load_fields
from etl_customers.load.failures import describe_error
from etl_customers.load.passwords import hash_passwords
from etl_customers.read.raw_csv import password_state
from etl_customers.settings import Settings
from etl_customers.staging import UploadColumn
from etl_customers.target.connect import writing
from etl_customers.target.customers import CustomerChange
from etl_customers.target.edits import CheckedCustomer, CheckRow, IdentityKey, edit_customer
from etl_customers.target.sources import find_source
from etl_customers.validate.check import check_texts
from etl_customers.workshop import Workshop
from schemas.columns import CUSTOMER_COLUMNS
from schemas.sources import CSV

_PASSWORD = "password"


def edit(
    workshop: Workshop, customer_id: int, changes: Mapping[str, str], changed_by: str | None
) -> list[CustomerChange]:
    """Change columns of a customer; all of them or, when a rule is broken, none.

    Args:
        workshop: Settings and target.
        customer_id: The customer.
        changes: Column, custom field's id or ``password`` to its new text; '' clears it.
        changed_by: The person, kept with each change.

    Returns:
        What changed, defaults that the rules filled in included.

    Raises:
        UsageError: No such customer or column, a rule broken, or a key that another customer has.
        DatabaseUnavailable: Nothing was changed.
    """
    with writing(workshop.target) as connection:
        check = checker_of(connection, customer_id, load_fields(connection), workshop.settings)
        return edit_customer(connection, customer_id, changes, changed_by, check)


def checker_of(connection: Connection, customer_id: int, fields: AccountFields, settings: Settings) -> CheckRow:
    """Return what checks the rows of a customer: by the rules of the source that it comes from."""
    source = find_source(connection, customer_id) or CSV
    return lambda row: _check_row(row, fields, settings, source)


def _check_row(row: Mapping[str, str], fields: AccountFields, settings: Settings, source: str) -> CheckedCustomer:
    """Check one row as an upload of these columns would be checked, by the rules of its source."""
    custom = {field.id for field in fields.custom_fields}
    names = [name for name in row if name in CUSTOMER_COLUMNS or name in custom]
    columns = [
        UploadColumn(position, name, "column" if name in CUSTOMER_COLUMNS else "custom_field", name, None, None, None)
        for position, name in enumerate(names)
    ]
    password = row.get(_PASSWORD, "")
    texts = [row[name] for name in names]
    checked = check_texts(texts, columns, password_state(password), fields, settings, source)
    if checked.errors.height:
        errors = checked.errors.select("column", "code", "reference", "suggestion").iter_rows()
        return CheckedCustomer(errors=[describe_error(*error) for error in errors])
    customer = checked.customers.row(0, named=True)
    hashes = hash_passwords([(customer["row"], password)], settings.passwords) if customer["has_password"] else {}
    return CheckedCustomer(
        values={name: customer[name] for name in CUSTOMER_COLUMNS},
        custom_fields=customer["custom_fields"],
        keys=[IdentityKey(*key) for key in checked.keys.select("kind", "value", "column").iter_rows()],
        warnings=json.loads(customer["warnings"] or "[]"),
        password_hash=hashes.get(customer["row"]),
    )
