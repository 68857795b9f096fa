"""What the account's own columns of a row can break."""

from typing import Any

from schemas.codes import ERROR_VALUE
from schemas.columns import FieldType
from schemas.normalised_fields import LONGEST_TEXT, FieldCell
from tests.schemas.rows import Fault

_TYPES = list(FieldType)
_CUSTOM = tuple(FieldCell(f"c{place}", kind, is_required=True) for place, kind in enumerate(_TYPES))
_PET = ("c10", "c11")
CELLS: tuple[FieldCell, ...] = (
    *_CUSTOM,
    FieldCell("c10", FieldType.TEXT, is_required=True, group=_PET),
    FieldCell("c11", FieldType.NUMBER, group=_PET),
)
"""A required custom field of each type, and a property with a required name and an age."""

_UNREAD = {
    FieldType.NUMBER: "invalid_number",
    FieldType.DATE: "invalid_date",
    FieldType.YES_NO: "invalid_yes_no",
    FieldType.ONE_OF: "unknown_choice",
    FieldType.SEVERAL_OF: "unknown_choice",
}
SOUND: dict[str, Any] = {
    **{cell.cell: '"x"' for cell in CELLS},
    **{f"{cell.cell}:text": "x" for cell in CELLS},
    "row": 2,
}

FAULTS: tuple[Fault, ...] = (
    *(
        Fault(
            f"{cell.cell} is not too long",
            {f"{cell.cell}:text": "x" * (LONGEST_TEXT + 1), cell.cell: None},
            cell.cell,
            "too_long",
        )
        for cell in CELLS
    ),
    *(
        Fault(
            f"{cell.cell} has no control characters",
            {f"{cell.cell}:text": "a\x1bb", cell.cell: None},
            cell.cell,
            "unprintable_character",
        )
        for cell in CELLS
    ),
    *(
        Fault(
            f"{cell.cell}, a {cell.type}, has a text that its type can be read from",
            {cell.cell: None},
            cell.cell,
            _UNREAD[cell.type],
        )
        for cell in CELLS
        if cell.type in _UNREAD
    ),
    *(
        Fault(
            f"{cell.cell} is filled where it is required",
            {cell.cell: None, f"{cell.cell}:text": None},
            cell.cell,
            "required",
        )
        for cell in _CUSTOM
    ),
    Fault("a row has a number", {"row": None}, "row", "required"),
    Fault("a property has its name where it has anything", {"c10": None, "c10:text": None}, "c10", "required"),
    *(
        Fault(f"{cell.cell} is no error value", {f"{cell.cell}:{ERROR_VALUE}": "#N/A"}, cell.cell, ERROR_VALUE)
        for cell in CELLS
    ),
)
