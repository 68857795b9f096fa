"""What a frame breaks of a contract, in codes.

``contract.validate(frame)`` says the same, and a test holds the two together. But Pandera's report carries
customers' values, cannot be made of a day that Python cannot write, and takes two milliseconds for each check of
the contract and a time that grows with the square of the columns. Here Pandera runs each check of the contract,
all in one query of Polars, and only the rows of those that are broken are looked for.
"""

from collections.abc import Iterator
from typing import Any

import pandera.polars as pa
import polars as pl
from pandera.api.polars.types import PolarsData

REQUIRED, NOT_UNIQUE = "required", "not_unique"

_FAILURES = {"row": pl.Int64, "column": pl.String, "code": pl.String}


def find_failures(contract: pa.DataFrameSchema, frame: pl.DataFrame) -> pl.DataFrame:
    """Hold a frame against a contract whose checks are named by error codes.

    Args:
        contract: One of this package's. What a column's name has behind a colon says more of the same column;
            a check of the frame is named by the column in which its error is.
        frame: Has a column ``row``.

    Returns:
        row, column, code of every failure, each once, in the order of the contract's columns; the code of a null
        is ``required``.

    Raises:
        AssertionError: The frame lacks a column, has one too many, or one of another type.
    """
    if wrong := _wrong_form(contract, frame):
        raise AssertionError(f"a frame does not have the form of {contract.name}: {', '.join(sorted(wrong))}")
    positions = {name: position for position, name in enumerate(contract.columns)}
    broken = sorted(_broken(contract, frame), key=lambda failure: positions[failure[0]])
    failures = [
        frame.select("row").filter(rows).with_columns(column=pl.lit(name.partition(":")[0]), code=pl.lit(code))
        for name, code, rows in broken
    ]
    return pl.concat([pl.DataFrame(schema=_FAILURES), *failures]).unique(maintain_order=True)


def _wrong_form(contract: pa.DataFrameSchema, frame: pl.DataFrame) -> set[str]:
    """Return the columns that are missing, too many or of another type."""
    there = frame.schema
    missing = {name for name, column in contract.columns.items() if column.required and name not in there}
    unknown = {name for name in there if name not in contract.columns} if contract.strict else set()
    other = {
        name
        for name, column in contract.columns.items()
        if name in there and not column.dtype.check(pa.Column(there[name]).dtype)
    }
    return missing | unknown | other


def _broken(contract: pa.DataFrameSchema, frame: pl.DataFrame) -> Iterator[tuple[str, str, pl.Series]]:
    """Yield column, code and a mask of the rows of all that is broken."""
    rows, nulls = frame.lazy(), frame.null_count().row(0, named=True)
    for name, column in contract.columns.items():
        if not column.nullable and nulls.get(name):
            yield name, REQUIRED, frame[name].is_null()
        if column.unique and (is_twin := frame[name].is_duplicated()).any():
            yield name, NOT_UNIQUE, is_twin
    asked = [
        (name, check, _answer(check, rows, name))
        for name, column in contract.columns.items()
        # A column's check is about a cell that is there.
        if nulls.get(name, frame.height) < frame.height
        for check in column.checks
    ]
    asked += [(check.name, check, _answer(check, rows, "*")) for check in contract.checks]
    kept = pl.collect_all([answer.select(pl.first().all()) for _, _, answer in asked])
    for (name, check, answer), is_kept in zip(asked, kept, strict=True):
        if not is_kept.item():
            yield name, check.error, ~answer.collect().to_series().fill_null(True)


def _answer(check: pa.Check, rows: pl.LazyFrame, name: str) -> pl.LazyFrame:
    """Return a column that says which rows keep a check, null where it does not concern them."""
    backend: Any = check.get_backend(rows)
    answer: pl.LazyFrame = backend(check).apply(PolarsData(rows, name))
    return answer
