"""The identity keys of a customer: what says that two rows are the same customer (R18)."""

from collections.abc import Collection

import polars as pl

from etl_customers.folding import name_address_key
from schemas.columns import IDENTITY_COLUMNS, IDENTITY_KINDS, NAME_ADDRESS_COLUMNS, NAME_ADDRESS_KIND

NAME_ADDRESS_COLUMN = "name and address"
"""How the key of a customer without e-mail and number is called in messages."""

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
    without = customers.select("row", *NAME_ADDRESS_COLUMNS).join(keys, on="row", how="anti")
    named = pl.DataFrame(
        {"row": without["row"], "value": [name_address_key(values) for _, *values in without.iter_rows()]},
        schema={"row": pl.Int64, "value": pl.String},
    ).with_columns(kind=pl.lit(NAME_ADDRESS_KIND), column=pl.lit(NAME_ADDRESS_COLUMN))
    return pl.concat([keys, named.select(list(_SCHEMA))])
