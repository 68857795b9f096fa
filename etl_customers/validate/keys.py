"""The identity keys of a customer: what says that two rows are the same customer (R18)."""

import hashlib
import unicodedata
from collections.abc import Collection, Iterable

import polars as pl

from schemas.columns import IDENTITY_COLUMNS, IDENTITY_KINDS, NAME_ADDRESS_KIND

NAME_ADDRESS_COLUMN = "name and address"
"""How the key of a customer without e-mail and number is called in messages."""

_NAME_ADDRESS = (
    "first_name",
    "last_name",
    "business_name",
    "unit",
    "street_address",
    "suburb",
    "city",
    "state",
    "postcode",
    "country",
)
_SCHEMA = {"row": pl.Int64, "kind": pl.String, "value": pl.String, "column": pl.String}


def find_keys(customers: pl.DataFrame, families: Collection[str]) -> pl.DataFrame:
    """Return (row, kind, value, column): each key of a row once, with the first column that has it.

    Args:
        customers: Normalised rows with ``row`` and the customer columns.
        families: Which of email, mobile and phone count (setting ``duplicates.keys``).
    """
    frames = [pl.DataFrame(schema=_SCHEMA)]
    for family in (family for family in IDENTITY_COLUMNS if family in families):
        for column in IDENTITY_COLUMNS[family]:
            value = pl.col(column).str.to_lowercase() if family == "email" else pl.col(column)
            frames.append(
                customers.select(
                    "row", kind=pl.lit(IDENTITY_KINDS[family]), value=value, column=pl.lit(column)
                ).drop_nulls("value")
            )
    keys = pl.concat(frames).unique(["row", "kind", "value"], keep="first", maintain_order=True)
    without = customers.select("row", *_NAME_ADDRESS).join(keys, on="row", how="anti")
    named = pl.DataFrame(
        {"row": without["row"], "value": [name_address(values) for _, *values in without.iter_rows()]},
        schema={"row": pl.Int64, "value": pl.String},
    ).with_columns(kind=pl.lit(NAME_ADDRESS_KIND), column=pl.lit(NAME_ADDRESS_COLUMN))
    return pl.concat([keys, named.select(list(_SCHEMA))])


def name_address(values: Iterable[str | None]) -> str:
    """Return the SHA-256 of name and address, folded so that case, accents' form and spacing do not matter."""
    return hashlib.sha256("\x1f".join([_fold(value) if value else "" for value in values]).encode()).hexdigest()


def _fold(text: str) -> str:
    # ASCII is in form NFKC already, and most text is ASCII.
    composed = text if text.isascii() else unicodedata.normalize("NFKC", text)
    return " ".join(composed.casefold().split())
