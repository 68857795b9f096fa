"""What a frame breaks of a contract, in codes: Pandera's own report carries customers' values and stays here."""

import pandera.polars as pa
import polars as pl


def find_failures(contract: pa.DataFrameSchema, frame: pl.DataFrame) -> pl.DataFrame:
    """Hold a frame against a contract whose checks are named by error codes.

    Args:
        contract: A flag column of it is called ``column:code``.
        frame: Has a column ``row``.

    Returns:
        row, column, code of every failure, each once; the code of a null is ``required``.

    Raises:
        AssertionError: The frame lacks a column, or has one of another type.
    """
    schema = {"row": pl.Int64, "column": pl.String, "code": pl.String}
    try:
        contract.validate(frame, lazy=True)
    except pa.errors.SchemaErrors as error:
        cases = error.failure_cases
    else:
        return pl.DataFrame(schema=schema)
    if cases["index"].null_count():
        broken = ", ".join(sorted(set(cases["check"].drop_nulls())))
        raise AssertionError(f"a frame does not have the form of {contract.name}: {broken}") from None
    found: pl.DataFrame = (
        cases.select(
            row=frame["row"].gather(cases["index"]),
            column=pl.col("column").str.replace(r":[a-z_]+$", ""),
            code=pl.col("check").replace("not_nullable", "required"),
        )
        .unique(maintain_order=True)
        .cast(schema)
    )
    return found
