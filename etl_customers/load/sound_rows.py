"""The last question before a row is loaded: whether it keeps every rule, whatever came to staging in which way."""

import pandera.polars as pa
import polars as pl

from etl_customers.base.errors import NotNow
from schemas.failures import find_failures

_SHOWN = 3


class RowsBroken(NotNow):
    """Rows in staging break rules although they were validated: something changed them, or an earlier stage is wrong."""

    def __init__(self, failures: tuple[tuple[int, str, str], ...]) -> None:
        super().__init__(failures)
        self.failures = failures

    def __str__(self) -> str:
        """Name the first rows, their columns and the rules, and what to do."""
        shown = "; ".join(f"row {row}: {column}, {code}" for row, column, code in self.failures[:_SHOWN])
        more = f"; {len(self.failures) - _SHOWN} more" if len(self.failures) > _SHOWN else ""
        return (
            f"rows in staging break the rules of validated_customers ({shown}{more}); nothing was loaded; import the "
            "same file, or pull, again, or materialize the import from its first asset on; if it happens again, "
            "report it"
        )


def require_sound(contract: pa.DataFrameSchema, customers: pl.DataFrame) -> None:
    """Ask the contract about rows that are about to be loaded.

    Args:
        contract: ``validated_customers``, with what the source requires.
        customers: Some rows, with all columns of the contract.

    Raises:
        RowsBroken: One of them breaks a rule.
    """
    if failures := find_failures(contract, customers).sort("row", maintain_order=True).rows():
        raise RowsBroken(tuple(failures))
