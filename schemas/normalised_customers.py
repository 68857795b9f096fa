"""The contract of a row before it is loaded: every rule of the fixed columns, each named by the code of its error.

A frame of normalised rows has, for each customer column,

- ``name``: the candidate, a typed value in the form in which it would be loaded; null where there is none;
- ``name:text``, of columns whose text is read (phones, places, dates …): the trimmed text beside it;
- ``name:error_value``, only where a cell is one: which error value of a spreadsheet it is;

and ``password`` (what the stage read says of the password, never the password itself) and ``parent_row``.
Whoever makes the candidates decides nothing: a text that could not be read is a text beside a null, and
what that means is said here. What is checked here is the only gate to ``validated_customers``.
"""

from functools import lru_cache

import pandera.polars as pa
import polars as pl

from schemas.checks import E164, cell_check, longest, matching, nothing, one_of, printable, row_check
from schemas.codes import ERROR_VALUE, UNKNOWN_STATE
from schemas.columns import COLUMN_BY_NAME, COLUMNS, CUSTOMER_COLUMNS, Column, Kind
from schemas.country_codes import COUNTRY_CODES

NAMES: tuple[str, ...] = ("first_name", "last_name", "business_name")
"""By any one of them a customer is called something."""

READ_AS: dict[Kind, str] = {
    Kind.TITLE: "unknown_title",  # R6
    Kind.CUSTOMER_TYPE: "unknown_customer_type",  # R8
    Kind.EMAIL: "invalid_email",  # R11
    Kind.MOBILE: "invalid_phone",  # R11
    Kind.PHONE: "invalid_phone",
    Kind.STATE: UNKNOWN_STATE,
    Kind.COUNTRY: "unknown_country",  # R10
    Kind.DATE: "invalid_date",  # R7
}
"""Kinds of columns whose texts are read into values, and the error of a text that could not be."""

TEXT_COLUMNS: tuple[str, ...] = tuple(column.name for column in COLUMNS if column.kind in READ_AS)
"""The columns that have their text beside them."""

LEAVABLE: tuple[str, ...] = tuple(
    column.name for column in COLUMNS if column.kind in READ_AS.keys() - {Kind.CUSTOMER_TYPE, Kind.DATE}
)
"""The columns of which a provider's customer can do without a text that could not be read."""


@lru_cache(maxsize=64)
def normalised_customers(
    required: tuple[str, ...] = (), *, needs_name: bool = False, leaves_out: bool = False
) -> pa.DataFrameSchema:
    """Build the contract of normalised rows.

    Args:
        required: Columns that must have a value after defaults (R4).
        needs_name: A person's name or a business name must be there.
        leaves_out: A text that could not be read counts as none (of a pull): the rules of ``LEAVABLE`` texts
            are not asked, and those columns may have moved up.

    Returns:
        A schema whose checks are named by error codes; ``not_nullable`` stands for
        ``required``. Ask it by ``schemas.failures.find_failures``.

    Source:
        docs/rules.md, R4 to R12.
    """
    columns: dict[str, pa.Column] = {}
    for column in COLUMNS:
        if column.kind in READ_AS:
            is_asked = not (leaves_out and column.name in LEAVABLE)
            checks = [_reading(column.kind)] if is_asked else []
            columns[f"{column.name}:text"] = pa.Column(pl.String, checks, nullable=True)
        columns[column.name] = pa.Column(
            pl.Date if column.kind is Kind.DATE else pl.String,
            _value_checks(column),
            nullable=column.name not in required,
        )
    for name in ("password", *CUSTOMER_COLUMNS):
        columns[f"{name}:{ERROR_VALUE}"] = pa.Column(pl.String, nothing(ERROR_VALUE), nullable=True, required=False)
    columns |= {"parent_row": pa.Column(pl.Int64, nullable=True), "row": pa.Column(pl.Int64)}
    return pa.DataFrameSchema(
        columns,
        checks=[*_checks_of_rows(), *([name_is_there()] if needs_name else [])],
        strict=True,
        name="normalised_customers",
    )


def business_has_name() -> pa.Check:
    """Return the check that a Business has a business name (R9)."""
    is_business = pl.col("customer_type") == "Business"
    return row_check("business_name", "business_name_missing", ~is_business | pl.col("business_name").is_not_null())


def name_is_there() -> pa.Check:
    """Return the check that a customer is called something (R4)."""
    return row_check("business_name", "name_missing", pl.any_horizontal(pl.col(name).is_not_null() for name in NAMES))


def _checks_of_rows() -> list[pa.Check]:
    return [business_has_name(), row_check("row", "invalid_failed_row", pl.col("parent_row") >= 0)]


def _value_checks(column: Column) -> list[pa.Check]:
    """Return what a candidate can break that its text has not said."""
    if column.kind in (Kind.TEXT, Kind.CITY, Kind.STATE):
        return [longest(column.max_length), printable()]
    if column.kind in (Kind.MOBILE, Kind.PHONE):
        # Some countries have numbers that E.164 has no room for.
        return [matching(E164, READ_AS[column.kind])]
    if column.kind is Kind.COUNTRY:
        # That of the company, where nobody has said another, is a setting of two letters.
        return [one_of(COUNTRY_CODES, READ_AS[column.kind])]
    if column.kind is Kind.PASSWORD:
        return [
            cell_check("too_long", lambda name: pl.col(name) != "too_long"),
            cell_check("unprintable_character", lambda name: pl.col(name) != "unprintable"),
        ]
    return []


def _reading(kind: Kind) -> pa.Check:
    """Return the check of a text beside its candidate: something has come of it."""
    # One error says that a country is unknown: what would be read by it is not judged before it is corrected.
    has_country = ~_is_unread("country")
    if kind is Kind.STATE:
        return cell_check(READ_AS[kind], lambda text: ~_is_unread(_column(text)) | ~has_country)
    if kind in (Kind.MOBILE, Kind.PHONE):
        return cell_check(
            READ_AS[kind],
            lambda text: ~_is_unread(_column(text)) | ~(has_country | pl.col(text).str.starts_with("+")),
        )
    return cell_check(READ_AS[kind], lambda text: ~_is_unread(_column(text)))


def _is_unread(name: str) -> pl.Expr:
    return pl.col(f"{name}:text").is_not_null() & pl.col(name).is_null()


def _column(text: str) -> str:
    name = text.removesuffix(":text")
    assert name in COLUMN_BY_NAME
    return name
