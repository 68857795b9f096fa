"""The contract of a row: every rule that it must keep, each with the code of its error.

A frame of normalised rows has one column per customer column, holding its normalised
value, and flag columns named ``column:code``, which are true where the row breaks a
rule that needs more than the value to be seen (a text that could not be read, two
columns that do not fit each other). What is checked here is the only gate to
``validated_customers``.

Pandera takes some two milliseconds for a check, whatever it looks at. So nothing is held
to a check that it cannot break: no column without a value, no flag that is never true.
"""

from collections.abc import Collection, Iterable

import pandera.polars as pa
import polars as pl

from schemas.columns import COLUMNS, CUSTOMER_TYPES, TITLES, UNPRINTABLE, Column, Kind

E164 = r"^\+[1-9][0-9]{1,14}$"
"""ITU-T E.164: a plus sign, no leading zero, at most 15 digits."""

FLAGS: tuple[str, ...] = (
    "customer_title:unknown_title",
    "customer_type:unknown_customer_type",
    "business_name:business_name_missing",
    "business_name:name_missing",
    *(f"{column.name}:invalid_email" for column in COLUMNS if column.kind is Kind.EMAIL),
    *(f"{column.name}:invalid_phone" for column in COLUMNS if column.kind in (Kind.MOBILE, Kind.PHONE)),
    "password:too_long",
    "password:unprintable_character",
    "state:unknown_state",
    "country:unknown_country",
    "date_joined:invalid_date",
    "row:invalid_failed_row",
)
"""Flag columns of the fixed columns; an account's own fields add theirs."""

UNREADABLE: tuple[str, ...] = tuple(
    flag
    for flag in FLAGS
    if flag.endswith((":unknown_title", ":invalid_email", ":invalid_phone", ":unknown_state", ":unknown_country"))
)
"""Flags of texts that could not be read, and which a provider's customer can do without."""


def normalised_customers(required: Collection[str], filled: Collection[str]) -> pa.DataFrameSchema:
    """Build the contract of the values of the fixed columns.

    Args:
        required: Columns that must have a value after defaults (R4).
        filled: Columns that have any value in the frame.

    Returns:
        A schema whose checks are named by error codes. ``not_nullable`` stands for
        ``required``. Validate DataFrames with ``lazy=True``: a LazyFrame's values
        would not be looked at.

    Source:
        docs/rules.md, R4 to R12.
    """
    columns: dict[str, pa.Column] = {
        "row": pa.Column(pl.Int64, pa.Check.ge(2), unique=True),
        "parent_row": pa.Column(pl.Int64, nullable=True),
        "has_password": pa.Column(pl.Boolean),
    }
    for column in COLUMNS:
        if column.kind is not Kind.PASSWORD:
            checks = _checks(column) if column.name in filled else []
            kind = pl.Date if column.kind is Kind.DATE else pl.String
            columns[column.name] = pa.Column(kind, checks, nullable=column.name not in required)
    return pa.DataFrameSchema(columns, strict=True, name="normalised_customers")


def raised_flags(names: Iterable[str]) -> pa.DataFrameSchema:
    """Build the contract of some flag columns (``column:code``), of fixed columns, custom fields or properties."""
    flags = {name: pa.Column(pl.Boolean, pa.Check.eq(False, error=name.rpartition(":")[2])) for name in names}
    return pa.DataFrameSchema({"row": pa.Column(pl.Int64), **flags}, strict=True, name="raised_flags")


def _checks(column: Column) -> list[pa.Check]:
    if column.kind is Kind.DATE:
        return []
    checks = {
        Kind.TITLE: [pa.Check.isin(TITLES, error="unknown_title")],
        Kind.CUSTOMER_TYPE: [pa.Check.isin(CUSTOMER_TYPES, error="unknown_customer_type")],
        Kind.MOBILE: [pa.Check.str_matches(E164, error="invalid_phone")],
        Kind.PHONE: [pa.Check.str_matches(E164, error="invalid_phone")],
        Kind.COUNTRY: [pa.Check.str_matches(r"^[A-Z]{2}$", error="unknown_country")],
    }.get(column.kind, [pa.Check.str_length(max_value=column.max_length, error="too_long")])
    if column.kind in (Kind.TEXT, Kind.CITY, Kind.STATE):
        # PostgreSQL cannot hold NUL; the others steer a terminal that shows them.
        checks.append(pa.Check.str_matches(f"^[^{UNPRINTABLE[1:-1]}]*$", error="unprintable_character"))
    return checks
