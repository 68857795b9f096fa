"""The stage ``validated_customers``: every row keeps every rule or is listed with all it breaks."""

from dataclasses import dataclass

import polars as pl

from etl_customers.fields import AccountFields
from etl_customers.settings import Settings
from etl_customers.staging import Staging
from etl_customers.validate.check import CheckedRows, check_rows
from etl_customers.validate.places import load_places
from etl_customers.validate.source_rules import rules_of
from schemas.sources import CSV

_ROWS = """
    select * from raw_csv anti join (select "row" from row_errors where stage = 'read') using ("row")
    where "row" between ? and ? order by "row"
"""
_TOLD = """
    select "row", "column", code from pulled_warnings
    where "row" between ? and ? order by "row", "column", code
"""


@dataclass(frozen=True)
class ValidateCounts:
    """Rows that keep every rule, and rows that do not."""

    validated: int
    failed: int


def validate_customers(
    staging: Staging, fields: AccountFields, settings: Settings, source: str = CSV
) -> ValidateCounts:
    """Check all rows of ``raw_csv``, a chunk at a time, and fill this stage's tables.

    Rows with an error of the stage read are passed over: they are listed already.

    Args:
        staging: Holds ``raw_csv`` and ``upload_columns``; of a pull, ``pulled_warnings`` too.
        fields: The account's custom fields and properties.
        settings: Company, required columns, identity keys, reference lists, chunk size.
        source: One of ``schemas.sources``: what is required, and what may be left out.

    Returns:
        Together all rows of the upload without an error of the stage read.

    Raises:
        SettingsInvalid: A reference list of the user cannot be read.
    """
    places, columns = load_places(settings.reference), staging.upload_columns()
    rules = rules_of(settings, source)
    first, last = 2, staging.number('select max("row") from raw_csv')
    with staging.transaction():
        staging.forget("validate", "validated_customers", "properties", "customer_keys", "row_warnings")
        for start in range(first, last + 1, settings.staging.chunk_rows):
            # Rows are numbered without gaps, because a blank one ends the file (R14).
            bounds = [start, start + settings.staging.chunk_rows - 1]
            chunk, told = staging.frame(_ROWS, bounds), staging.frame(_TOLD, bounds)
            _store(staging, check_rows(chunk, columns, fields, settings, places, rules, told))
    return ValidateCounts(
        validated=staging.number("select count(*) from validated_customers"),
        failed=staging.number("select count(distinct \"row\") from row_errors where stage = 'validate'"),
    )


def _store(staging: Staging, checked: CheckedRows) -> None:
    staging.append("validated_customers", checked.customers)
    staging.append("properties", checked.properties)
    staging.append("customer_keys", checked.keys)
    staging.append("row_warnings", checked.warnings)
    staging.append("row_errors", checked.errors.with_columns(stage=pl.lit("validate")))
