"""What a customer row must be to be loaded: the whole truth about it that one row can hold.

Read it to know what a row of the target can be. Two rules need more than a row: that no other customer
has the same identity key, and that a state is in the list of its country (which a user may replace).
"""

from datetime import date
from functools import lru_cache

import pandera.polars as pa
import polars as pl

from schemas.checks import (
    E164,
    EMAIL,
    JSON_FIELDS,
    JSON_WARNINGS,
    cell_check,
    longest,
    matching,
    one_of,
    printable,
    row_check,
    trimmed,
)
from schemas.columns import COLUMNS, CUSTOMER_TYPES, TITLES, Column, Kind
from schemas.country_codes import COUNTRY_CODES
from schemas.normalised_customers import READ_AS, business_has_name, name_is_there

LONGEST_EMAIL = 254
"""RFC 5321, 4.5.3.1.3, without the angle brackets."""

_FIRST_DAY, _LAST_DAY = date(1, 1, 1), date(9999, 12, 31)


@lru_cache(maxsize=64)
def validated_customers(required: tuple[str, ...] = (), *, needs_name: bool = False) -> pa.DataFrameSchema:
    """Build the contract of rows that may be loaded, from a source that asks for more than every source does.

    Args:
        required: Columns that must have a value (R4).
        needs_name: A person's name or a business name must be there.
    """
    row = cell_check("not_a_row", lambda name: pl.col(name) >= 2)
    return pa.DataFrameSchema(
        {
            "row": pa.Column(pl.Int64, row, unique=True, description="Row in the upload as a spreadsheet numbers it."),
            **{
                column.name: pa.Column(
                    pl.Date if column.kind is Kind.DATE else pl.String,
                    _checks(column),
                    nullable=column.kind is not Kind.CUSTOMER_TYPE and column.name not in required,
                    description=column.description,
                )
                for column in COLUMNS
                if column.kind is not Kind.PASSWORD
            },
            "custom_fields": pa.Column(
                pl.String,
                matching(JSON_FIELDS, "no_json_object"),
                nullable=True,
                description="JSON object: custom field id to value.",
            ),
            "has_password": pa.Column(pl.Boolean, description="The upload has a password in this row."),
            "parent_row": pa.Column(
                pl.Int64,
                cell_check("invalid_failed_row", lambda name: pl.col(name) >= 0),
                nullable=True,
                description="Row of the import that this upload corrects.",
            ),
            "warnings": pa.Column(
                pl.String,
                matching(JSON_WARNINGS, "no_json_list"),
                nullable=True,
                description="JSON list of column and code.",
            ),
        },
        checks=[
            business_has_name(),
            row_check("state", "state_without_country", pl.col("state").is_null() | pl.col("country").is_not_null()),
            *([name_is_there()] if needs_name else []),
        ],
        strict=True,
        name="validated_customers",
        description="Rows that keep every rule. Duplicates are still in here.",
    )


def _checks(column: Column) -> list[pa.Check]:
    """Return what a value is: one of a few, of a form, or a text that can be stored as it is."""
    code = READ_AS.get(column.kind, "")
    of_kind = {
        Kind.TITLE: [one_of(TITLES, code)],
        Kind.CUSTOMER_TYPE: [one_of(CUSTOMER_TYPES, code)],
        Kind.EMAIL: [matching(EMAIL, code), longest(LONGEST_EMAIL)],
        Kind.MOBILE: [matching(E164, code)],
        Kind.PHONE: [matching(E164, code)],
        Kind.COUNTRY: [one_of(COUNTRY_CODES, code)],
        Kind.DATE: [cell_check(code, lambda name: pl.col(name).is_between(_FIRST_DAY, _LAST_DAY))],
    }
    return of_kind.get(column.kind) or [longest(column.max_length), printable(), trimmed()]


VALIDATED_CUSTOMERS = validated_customers()
"""Rows that passed every rule of every source; one row of the upload each, nulls instead of empty texts."""
