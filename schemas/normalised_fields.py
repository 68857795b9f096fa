"""The contract of the account's own columns in a row: custom fields and the fields of properties (R21, R22).

Each cell column ``c7`` has its text as ``c7:text`` and its candidate, a fragment of JSON or null, as ``c7``;
``c7:error_value`` is there where a cell is an error value of a spreadsheet.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

import pandera.polars as pa
import polars as pl

from schemas.checks import cell_check, longest, nothing, printable, row_check
from schemas.codes import ERROR_VALUE
from schemas.columns import UNPRINTABLE, FieldType

LONGEST_TEXT = 10_000
"""Characters that a custom field or property field may hold."""

_READ_AS: dict[FieldType, str] = {
    FieldType.NUMBER: "invalid_number",
    FieldType.DATE: "invalid_date",
    FieldType.YES_NO: "invalid_yes_no",
    FieldType.ONE_OF: "unknown_choice",
    FieldType.SEVERAL_OF: "unknown_choice",
}


_Text = TypeVar("_Text", pl.Expr, pl.Series)


@dataclass(frozen=True)
class FieldCell:
    """What a cell column of an account's own field must hold."""

    cell: str
    type: FieldType
    is_required: bool = False
    group: tuple[str, ...] = ()
    """The cell columns of one property: a required field of it is asked for where any of them is filled."""


@lru_cache(maxsize=8)
def normalised_fields(cells: tuple[FieldCell, ...]) -> pa.DataFrameSchema:
    """Build the contract of some cell columns; its errors are in the cell columns' names."""
    columns: dict[str, pa.Column] = {}
    checks: list[pa.Check] = []
    for field in cells:
        is_nullable = not field.is_required or bool(field.group)
        columns[f"{field.cell}:text"] = pa.Column(pl.String, _text_checks(field), nullable=is_nullable)
        columns[field.cell] = pa.Column(pl.String, nullable=True)
        error_value = pa.Column(pl.String, nothing(ERROR_VALUE), nullable=True, required=False)
        columns[f"{field.cell}:{ERROR_VALUE}"] = error_value
        if field.is_required and field.group:
            is_there = pl.any_horizontal(pl.col(f"{cell}:text").is_not_null() for cell in field.group)
            checks.append(row_check(field.cell, "required", ~is_there | pl.col(f"{field.cell}:text").is_not_null()))
    columns["row"] = pa.Column(pl.Int64)
    return pa.DataFrameSchema(columns, checks=checks, strict=True, name="normalised_fields")


def _text_checks(field: FieldCell) -> list[pa.Check]:
    checks = [printable(), longest(LONGEST_TEXT)]
    if field.type in _READ_AS:
        # What cannot be stored is not read: one error says it.
        checks.append(cell_check(_READ_AS[field.type], lambda text: _is_read(text) | ~is_storable(pl.col(text))))
    return checks


def _is_read(text: str) -> pl.Expr:
    return pl.col(text.removesuffix(":text")).is_not_null()


def is_storable(text: _Text) -> _Text:
    """Tell of texts whether they can be stored at all; what cannot is not read. Null where there is none."""
    return ~text.str.contains(UNPRINTABLE) & (text.str.len_chars() <= LONGEST_TEXT)
