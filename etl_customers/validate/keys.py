"""The identity keys of a customer: what says that two rows are the same customer (R18)."""

from collections.abc import Collection

import polars as pl

from etl_customers.staging import Staging
from etl_customers.texts.folding import name_address_keys
from schemas.columns import IDENTITY_COLUMNS, IDENTITY_KINDS, NAME_ADDRESS_COLUMNS, NAME_ADDRESS_KIND

NAME_ADDRESS_COLUMN = "name and address"
"""How the key of a customer without e-mail and number is called in messages."""

_FORM = ("name_address_form", 2)
"""The fact in staging that says how its keys of name and address were made; earlier versions left none."""

_OLD_KEYS = f"""
    select "row", {", ".join(NAME_ADDRESS_COLUMNS)} from validated_customers
    semi join (select "row" from customer_keys where kind = '{NAME_ADDRESS_KIND}') using ("row") order by "row"
"""  # noqa: S608 - our own column names
_ROWS_AT_A_TIME = 50_000
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
        {"row": without["row"], "value": name_address_keys(without.select(NAME_ADDRESS_COLUMNS).iter_rows())},
        schema={"row": pl.Int64, "value": pl.String},
    ).with_columns(kind=pl.lit(NAME_ADDRESS_KIND), column=pl.lit(NAME_ADDRESS_COLUMN))
    return pl.concat([keys, named.select(list(_SCHEMA))])


def note_form(staging: Staging) -> None:
    """Note that the keys of name and address in staging are made as ``find_keys`` makes them."""
    staging.execute("insert or replace into facts values (?, ?, null)", list(_FORM))


def renew_keys(staging: Staging) -> None:
    """Make the keys of name and address anew where an earlier version of the program has made them."""
    if staging.number("select count(*) from facts where name = ? and number = ?", list(_FORM)):
        return
    staging.execute('create or replace temp table renewed_keys ("row" bigint, value varchar)')
    renewed = [
        pl.DataFrame({"row": batch["row"], "value": name_address_keys(batch.select(NAME_ADDRESS_COLUMNS).iter_rows())})
        for batch in staging.batches(_OLD_KEYS, _ROWS_AT_A_TIME)
    ]
    for frame in renewed:
        staging.append("renewed_keys", frame)
    staging.execute(
        f"update customer_keys set value = renewed_keys.value from renewed_keys "  # noqa: S608 - a constant
        f'where customer_keys."row" = renewed_keys."row" and customer_keys.kind = \'{NAME_ADDRESS_KIND}\''
    )
    staging.execute("drop table renewed_keys")
    note_form(staging)
