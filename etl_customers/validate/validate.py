"""The stage ``validated_customers``: every row keeps every rule or is listed with all it breaks."""

from dataclasses import dataclass

import polars as pl

from etl_customers.fields import AccountFields
from etl_customers.settings import Settings
from etl_customers.staging import Staging
from etl_customers.validate.check import CheckedRows, check_rows
from etl_customers.validate.places import load_places


@dataclass(frozen=True)
class ValidateCounts:
    """Rows that keep every rule, and rows that do not."""

    validated: int
    failed: int


def validate_customers(staging: Staging, fields: AccountFields, settings: Settings) -> ValidateCounts:
    """Check all rows of ``raw_csv``, a chunk at a time, and fill this stage's tables.

    Args:
        staging: Holds ``raw_csv`` and ``upload_columns``.
        fields: The account's custom fields and properties.
        settings: Company, required columns, identity keys, reference lists, chunk size.

    Returns:
        Together all rows of the upload.

    Raises:
        SettingsInvalid: A reference list of the user cannot be read.
    """
    places, columns = load_places(settings.reference), staging.upload_columns()
    first, last = 2, staging.number('select max("row") from raw_csv')
    with staging.transaction():
        staging.forget("validate", "validated_customers", "properties", "customer_keys", "row_warnings")
        for start in range(first, last + 1, settings.staging.chunk_rows):
            # Rows are numbered without gaps, because a blank one ends the file (R14).
            chunk = staging.frame(
                'select * from raw_csv where "row" between ? and ? order by "row"',
                [start, start + settings.staging.chunk_rows - 1],
            )
            _store(staging, check_rows(chunk, columns, fields, settings, places))
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
