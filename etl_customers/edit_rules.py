"""The rules of an import for one customer that is edited by hand; nothing is written anywhere."""

from collections.abc import Mapping

import polars as pl

from etl_customers.fields import AccountFields, Field
from etl_customers.load.passwords import hash_passwords
from etl_customers.read.raw_csv import password_state
from etl_customers.settings import Settings
from etl_customers.staging import UploadColumn
from etl_customers.target.edits import CheckedCustomer, IdentityKey
from etl_customers.validate.check import CheckedRows, check_rows
from etl_customers.validate.places import load_places
from schemas.codes import message
from schemas.columns import CUSTOMER_COLUMNS

_ROW = 2
_PASSWORD = "password"


def check_edited_row(row: Mapping[str, str], fields: AccountFields, settings: Settings) -> CheckedCustomer:
    """Check texts as they would stand in an upload, by the same code as an import.

    Args:
        row: All customer columns, '' for none; of the custom fields (by id) and
            ``password`` only those that are to change.
        fields: The account's custom fields.
        settings: Required columns, identity keys, reference lists, cost of hashing.

    Returns:
        ``errors``, or the normalised values with the hash of the password.

    Source:
        docs/rules.md, R4 to R12, R18, R21.
    """
    changed = tuple(field for field in fields.custom_fields if field.id in row)
    columns = _columns(changed)
    password = row.get(_PASSWORD, "")
    state = password_state(password)
    raw = pl.DataFrame(
        {
            "row": [_ROW],
            "line": [_ROW],
            "parent_row": [None],
            "password_state": [state],
            **{column.cell: [row[column.key]] for column in columns},
        },
        schema={
            "row": pl.Int64,
            "line": pl.Int64,
            "parent_row": pl.Int64,
            "password_state": pl.String,
            **dict.fromkeys((column.cell for column in columns), pl.String),
        },
    )
    found = check_rows(raw, columns, AccountFields(changed, ()), settings, load_places(settings.reference))
    if found.errors.height:
        return CheckedCustomer(errors=_errors(found.errors))
    hashes = hash_passwords([(_ROW, password)], settings.passwords) if state == "given" else {}
    return _accepted(found, hashes.get(_ROW))


def _columns(changed: tuple[Field, ...]) -> list[UploadColumn]:
    fixed = [UploadColumn(n, name, "column", name, None, None, None) for n, name in enumerate(CUSTOMER_COLUMNS)]
    custom = [
        UploadColumn(n, field.label, "custom_field", field.id, None, None, field.id)
        for n, field in enumerate(changed, start=len(fixed))
    ]
    return fixed + custom


def _errors(errors: pl.DataFrame) -> list[Mapping[str, str | None]]:
    return [
        {
            "column": error["column"],
            "code": error["code"],
            "message": message(error["code"], error["column"], error["reference"]),
            "suggestion": error["suggestion"],
        }
        for error in errors.iter_rows(named=True)
    ]


def _accepted(found: CheckedRows, password_hash: str | None) -> CheckedCustomer:
    customer = found.customers.row(0, named=True)
    return CheckedCustomer(
        values={name: customer[name] for name in CUSTOMER_COLUMNS if customer[name] is not None},
        custom_fields=customer["custom_fields"],
        keys=[IdentityKey(key["kind"], key["value"], key["column"]) for key in found.keys.iter_rows(named=True)],
        warnings=[{"column": w["column"], "code": w["code"]} for w in found.warnings.iter_rows(named=True)],
        password_hash=password_hash,
    )
