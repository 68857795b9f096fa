"""What a customer row must look like before any later stage may read it."""

import pandera.polars as pa
import polars as pl

from schemas.columns import COLUMNS, CUSTOMER_COLUMNS, Kind

VALIDATED_CUSTOMERS = pa.DataFrameSchema(
    {
        "row": pa.Column(
            pl.Int64, pa.Check.ge(2), unique=True, description="Row in the upload as a spreadsheet numbers it."
        ),
        **{
            column.name: pa.Column(
                pl.Date if column.kind is Kind.DATE else pl.String, nullable=True, description=column.description
            )
            for column in COLUMNS
            if column.name in CUSTOMER_COLUMNS
        },
        "custom_fields": pa.Column(pl.String, nullable=True, description="JSON object: custom field id to value."),
        "has_password": pa.Column(pl.Boolean, description="The upload has a password in this row."),
        "parent_row": pa.Column(pl.Int64, nullable=True, description="Row of the import that this upload corrects."),
        "warnings": pa.Column(pl.String, nullable=True, description="JSON list of column and code."),
    },
    strict=True,
    name="validated_customers",
    description="Rows that keep every rule. Duplicates are still in here.",
)
"""Rows that passed every rule; one row of the upload each, nulls instead of empty texts."""
