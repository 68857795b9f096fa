"""The stage ``validated_customers``: every row keeps every rule or is listed with all it breaks."""

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from etl_customers.base.read_ahead import work_between
from etl_customers.columns.account_fields import AccountFields
from etl_customers.settings.sections import Settings
from etl_customers.staging import Staging
from etl_customers.validate.check import CheckedRows, check_rows
from etl_customers.validate.keys import note_form
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

    DuckDB reads the next chunk and writes the last one while one is checked.

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

    def check(chunk: tuple[pl.DataFrame, pl.DataFrame]) -> CheckedRows:
        rows, told = chunk
        return check_rows(rows, columns, fields, settings, places, rules, told)

    with staging.transaction():
        staging.forget("validate", "validated_customers", "properties", "customer_keys", "row_warnings")
        note_form(staging)
        work_between(_chunks(staging, settings.staging.chunk_rows), check, lambda checked: _store(staging, checked))
    return ValidateCounts(
        validated=staging.number("select count(*) from validated_customers"),
        failed=staging.number("select count(distinct \"row\") from row_errors where stage = 'validate'"),
    )


def _chunks(staging: Staging, height: int) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """Yield rows of ``raw_csv`` and the warnings that were told of them."""
    first, last = 2, staging.number('select max("row") from raw_csv')
    for start in range(first, last + 1, height):
        # Rows are numbered without gaps, because a blank one ends the file (R14).
        bounds = [start, start + height - 1]
        yield staging.frame(_ROWS, bounds), staging.frame(_TOLD, bounds)


def _store(staging: Staging, checked: CheckedRows) -> None:
    staging.append("validated_customers", checked.customers)
    staging.append("properties", checked.properties)
    staging.append("customer_keys", checked.keys)
    staging.append("row_warnings", checked.warnings)
    staging.append("row_errors", checked.errors.with_columns(stage=pl.lit("validate")))
