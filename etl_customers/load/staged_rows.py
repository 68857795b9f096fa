"""What an import's staging file gives to the target's tables, in frames of bounded size."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pandera.polars as pa
import polars as pl

from etl_customers.load.failures import staged_failures
from etl_customers.load.sound_rows import require_sound
from etl_customers.staging import Staging
from schemas.codes import ALREADY_EXISTS
from schemas.columns import CUSTOMER_COLUMNS
from schemas.validated_customers import VALIDATED_CUSTOMERS

_ROWS_AT_A_TIME = 25_000
_FAILURES = {"row": pl.Int64, "line": pl.Int64, "provider_id": pl.String, "errors": pl.String}
_LOADED = 'select "row" from deduplicated_rows'
_FAILED = 'select distinct "row" from row_errors'
_CUSTOMERS = f"""
    select "row", {", ".join(CUSTOMER_COLUMNS)}, custom_fields, warnings, has_password, parent_row
    from validated_customers semi join deduplicated_rows using ("row")
    where "row" between ? and ? order by "row"
"""  # noqa: S608 - our own column names
_PULLED = f"""
    select "row", {", ".join(CUSTOMER_COLUMNS)}, custom_fields, warnings, has_password, parent_row
    from validated_customers semi join (select "row" from merged_rows where action <> 'unchanged') using ("row")
    where "row" between ? and ? order by "row"
"""  # noqa: S608 - our own column names
_PULLED_ROWS = """select "row" from merged_rows where action <> 'unchanged'"""
_KEYS = """
    select "row", kind, value from customer_keys semi join deduplicated_rows using ("row")
    where "row" between ? and ? order by kind, value
"""
_PROPERTIES = """
    select "row", property_type as property_type_id, number, field_values
    from properties semi join deduplicated_rows using ("row")
    where "row" between ? and ? order by "row", property_type, number
"""
_FAILED_PASSWORDS = """
    select "row", password_state is not null as has_password, parent_row
    from raw_csv semi join row_errors using ("row")
    where "row" between ? and ?
"""

_MATCHED = f"""select distinct "row" from row_errors where code = '{ALREADY_EXISTS}'"""  # noqa: S608 - fixed text
_MATCHES = f"""
    select distinct "row", reference::bigint as customer_id from row_errors
    where code = '{ALREADY_EXISTS}' and "row" between ? and ? order by "row", customer_id
"""  # noqa: S608 - fixed text


@dataclass(frozen=True)
class Chunk:
    """Some rows to load, in the order of the file; ``keys`` and ``properties`` refer to them by ``row``."""

    customers: pl.DataFrame
    """``row`` and columns of the table ``customers``."""
    keys: pl.DataFrame
    """``row``, kind, value."""
    properties: pl.DataFrame
    """``row`` and columns of the table ``properties``."""


class StagedRows:
    """The rows of a staging file, with the hashes of their passwords."""

    def __init__(
        self,
        staging: Staging,
        hashes: Mapping[int, str],
        parent_hashes: Mapping[int, str],
        rows_at_a_time: int = _ROWS_AT_A_TIME,
        contract: pa.DataFrameSchema = VALIDATED_CUSTOMERS,
    ) -> None:
        """Take the hashes of this upload's rows, those of the import that it corrects, and what each row must be."""
        self._contract = contract
        self._rows_at_a_time = rows_at_a_time
        self._staging = staging
        self._hashes = _hash_frame("row", hashes).rename({"hash": "own_hash"})
        self._parent_hashes = _hash_frame("parent_row", parent_hashes).rename({"hash": "parent_hash"})

    def fact(self, name: str) -> int:
        """Return a number that an earlier stage noted; 0 where it noted none."""
        return self._staging.number("select number from facts where name = ?", [name])

    def count(self) -> int:
        """Return how many rows there are to load."""
        return self._staging.number("select count(*) from deduplicated_rows")

    def chunks(self) -> Iterator[Chunk]:
        """Yield the rows to load, in the order of the file.

        Raises:
            RowsBroken: A row breaks a rule.
            ValueError: A row has a password that was not hashed; loading it would lose it.
        """
        for bounds in self._bounds(_LOADED):
            customers = self._staging.frame(_CUSTOMERS, bounds)
            require_sound(self._contract, customers)
            yield Chunk(
                customers=self._with_hashes(customers),
                keys=self._staging.frame(_KEYS, bounds),
                properties=self._staging.frame(_PROPERTIES, bounds),
            )

    def require_sound_pulled(self) -> None:
        """Ask the contract about the rows of a reconciled pull by which customers are created, changed or linked.

        Raises:
            RowsBroken: A row breaks a rule.
        """
        for bounds in self._bounds(_PULLED_ROWS):
            require_sound(self._contract, self._staging.frame(_PULLED, bounds))

    def failed_rows(self) -> Iterator[pl.DataFrame]:
        """Yield row, line, provider_id, errors (JSON) and password_hash of the failed rows, in the order of the file."""
        for first, last in self._bounds(_FAILED):
            failures = [
                (failure.row, failure.line, failure.provider_id, json.dumps(failure.errors, ensure_ascii=False))
                for failure in staged_failures(self._staging, first, last)
            ]
            frame = pl.DataFrame(failures, schema=_FAILURES, orient="row")
            passwords = self._staging.frame(_FAILED_PASSWORDS, [first, last])
            joined = frame.join(passwords, on="row", how="left", maintain_order="left")
            yield self._with_hashes(joined, may_lack=True).drop("parent_row")

    def matches(self) -> Iterator[pl.DataFrame]:
        """Yield row and customer_id of each customer that a failed row matched, in the order of the file."""
        for bounds in self._bounds(_MATCHED):
            yield self._staging.frame(_MATCHES, bounds)

    def _bounds(self, rows: str) -> list[list[int]]:
        return self._staging.bounds(rows, self._rows_at_a_time)

    def _with_hashes(self, frame: pl.DataFrame, *, may_lack: bool = False) -> pl.DataFrame:
        """Replace ``has_password`` by ``password_hash``, the row's own or that of the row it corrects (R19)."""
        joined = frame.join(self._hashes, on="row", how="left", maintain_order="left").join(
            self._parent_hashes, on="parent_row", how="left", maintain_order="left"
        )
        has_password = pl.col("has_password").fill_null(value=False)
        if not may_lack and joined.filter(has_password & pl.col("own_hash").is_null()).height:
            raise ValueError("rows with a password came to the load without its hash")
        password_hash = pl.when(has_password).then("own_hash").otherwise("parent_hash")
        return joined.with_columns(password_hash=password_hash).drop("has_password", "own_hash", "parent_hash")


def _hash_frame(key: str, hashes: Mapping[int, str]) -> pl.DataFrame:
    columns = {key: list(hashes), "hash": list(hashes.values())}
    return pl.DataFrame(columns, schema={key: pl.Int64, "hash": pl.String})
