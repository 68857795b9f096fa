"""The contracts under test, a sound row of each, and every fault that a row can have.

``contract(name)`` returns one. With the variable ``WITHOUT`` in the environment one of its checks is
missing (``tests.schemas.mutate`` sets it): then a test of this folder must fail.
"""

import copy
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any

import pandera.polars as pa
import polars as pl

from schemas.columns import CUSTOMER_COLUMNS
from schemas.failures import find_failures
from schemas.normalised_customers import normalised_customers
from schemas.normalised_fields import normalised_fields
from schemas.quickbooks_customers import QUICKBOOKS_CUSTOMERS
from schemas.validated_customers import VALIDATED_CUSTOMERS, validated_customers
from schemas.xero_contacts import XERO_CONTACTS
from tests.schemas.field_faults import CELLS
from tests.schemas.field_faults import FAULTS as FIELD_FAULTS
from tests.schemas.field_faults import SOUND as SOUND_FIELDS
from tests.schemas.normalised_faults import FAULTS as NORMALISED_FAULTS
from tests.schemas.normalised_faults import SOUND as NORMALISED
from tests.schemas.provider_faults import faults_of, sound_record
from tests.schemas.rows import Fault
from tests.schemas.validated_faults import FAULTS as VALIDATED_FAULTS
from tests.schemas.validated_faults import FAULTS_OF_SOURCES
from tests.schemas.validated_faults import SOUND as VALIDATED

WITHOUT = "ETL_CUSTOMERS_TEST_WITHOUT"
"""The label of the check that is taken away."""


@dataclass(frozen=True)
class Contract:
    """A contract with what is known of it."""

    build: Callable[[], pa.DataFrameSchema]
    sound: Mapping[str, Any]
    faults: tuple[Fault, ...] = field(repr=False)
    beyond: str = ""
    """Of a contract that only adds to another: that one's name."""


CONTRACTS: dict[str, Contract] = {
    "normalised_customers": Contract(
        partial(normalised_customers, CUSTOMER_COLUMNS, needs_name=True), NORMALISED, NORMALISED_FAULTS
    ),
    "normalised_fields": Contract(partial(normalised_fields, CELLS), SOUND_FIELDS, FIELD_FAULTS),
    "validated_customers": Contract(lambda: VALIDATED_CUSTOMERS, VALIDATED, VALIDATED_FAULTS),
    "validated_customers of a source": Contract(
        partial(validated_customers, CUSTOMER_COLUMNS, needs_name=True),
        VALIDATED,
        FAULTS_OF_SOURCES,
        beyond="validated_customers",
    ),
    "quickbooks_customers": Contract(
        lambda: QUICKBOOKS_CUSTOMERS.contract, sound_record(QUICKBOOKS_CUSTOMERS), faults_of(QUICKBOOKS_CUSTOMERS)
    ),
    "xero_customers": Contract(lambda: XERO_CONTACTS.contract, sound_record(XERO_CONTACTS), faults_of(XERO_CONTACTS)),
}
"""Every contract with all its checks, as the strictest source has it."""


@cache
def contract(name: str) -> pa.DataFrameSchema:
    """Return a contract; without the check that the environment names."""
    whole = CONTRACTS[name].build()
    if not (without := os.environ.get(WITHOUT)):
        return whole
    return next((changed for label, changed in removals(name, whole) if label == without), whole)


def removals(name: str, whole: pa.DataFrameSchema) -> Iterator[tuple[str, pa.DataFrameSchema]]:
    """Yield each check of a contract in words, and the contract without it."""
    for column_name, column in whole.columns.items():
        for position, check in enumerate(column.checks):
            changed = copy.copy(column)
            changed.checks = [*column.checks[:position], *column.checks[position + 1 :]]
            yield f"{name}: {column_name}: {check.error}", _with_column(whole, column_name, changed)
        if not column.nullable:
            changed = copy.copy(column)
            changed.nullable = True
            yield f"{name}: {column_name}: required", _with_column(whole, column_name, changed)
        if column.unique:
            changed = copy.copy(column)
            changed.unique = False
            yield f"{name}: {column_name}: not_unique", _with_column(whole, column_name, changed)
    for position, check in enumerate(whole.checks):
        changed_frame = copy.copy(whole)
        changed_frame.checks = [*whole.checks[:position], *whole.checks[position + 1 :]]
        yield f"{name}: a row's {check.name}: {check.error}", changed_frame


def _with_column(whole: pa.DataFrameSchema, name: str, column: pa.Column) -> pa.DataFrameSchema:
    changed = copy.copy(whole)
    changed.columns = {**whole.columns, name: column}
    return changed


def frame_of(whole: pa.DataFrameSchema, *rows: Mapping[str, Any]) -> pl.DataFrame:
    """Make a frame of the form of a contract; a column that may be missing is there where any row has it."""
    return pl.DataFrame(
        {
            # A day that Python cannot write is the number of days since 1970.
            name: pl.Series([row.get(name) for row in rows], strict=False).cast(column.dtype.type)
            if all(isinstance(row.get(name), int) for row in rows)
            else pl.Series([row.get(name) for row in rows], dtype=column.dtype.type)
            for name, column in whole.columns.items()
            if column.required or any(name in row for row in rows)
        }
    )


def found_in(whole: pa.DataFrameSchema, frame: pl.DataFrame) -> set[tuple[str, str]]:
    """Return (column, code) of every failure of a frame."""
    return set(find_failures(whole, frame).select("column", "code").iter_rows())


def found_of_faults(whole: pa.DataFrameSchema, known: Contract) -> Iterator[tuple[Fault, set[tuple[str, str]]]]:
    """Yield each fault of a contract with what is found in its row; most of them stand in one frame, a row each."""
    together = [fault for fault in known.faults if not fault.is_alone]
    found: dict[int, set[tuple[str, str]]] = {}
    for row, column, code in find_failures(whole, frame_of_faults(whole, known)).iter_rows():
        found.setdefault(row, set()).add((column, code))
    yield from ((fault, found.get(number, set())) for number, fault in enumerate(together, 2))
    for fault in known.faults:
        if fault.is_alone:
            yield fault, found_in(whole, spoilt(whole, known, fault))


def frame_of_faults(whole: pa.DataFrameSchema, known: Contract) -> pl.DataFrame:
    """Make a frame of all faults that can stand together, a row each, numbered from 2."""
    together = [fault for fault in known.faults if not fault.is_alone]
    rows = [{**known.sound, **fault.changes, "row": number} for number, fault in enumerate(together, 2)]
    return frame_of(whole, *(rows or [{**known.sound}]))


def spoilt(whole: pa.DataFrameSchema, known: Contract, fault: Fault) -> pl.DataFrame:
    """Make a frame of a fault alone."""
    return frame_of(whole, *[{**known.sound, **fault.changes}] * fault.times)
