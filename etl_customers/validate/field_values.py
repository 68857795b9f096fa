"""Reads the cells of custom fields and properties by their types (R21, R22).

A value is kept as a JSON fragment from here on, so that a number stays exactly the
number that was written and one column can hold fields of every type.
"""

import dataclasses
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from etl_customers.columns.account_fields import AccountFields, Field
from etl_customers.columns.field_texts import json_reader
from etl_customers.staging import UploadColumn
from etl_customers.validate.normalise import map_distinct, trimmed_texts, unread
from schemas.codes import LEFT_OUT
from schemas.columns import UNPRINTABLE, FieldType

LONGEST_TEXT = 10_000
"""Characters that a custom field or property field may hold."""

_OF_PROPERTIES = ("property", "constant")
_CODES = {
    FieldType.NUMBER: "invalid_number",
    FieldType.DATE: "invalid_date",
    FieldType.YES_NO: "invalid_yes_no",
    FieldType.ONE_OF: "unknown_choice",
    FieldType.SEVERAL_OF: "unknown_choice",
}


@dataclass
class FieldValues:
    """The fields of a chunk: texts and flags by cell column, and what is loaded."""

    texts: dict[str, pl.Series] = dataclasses.field(default_factory=dict)
    values: dict[str, pl.Series] = dataclasses.field(default_factory=dict)
    flags: dict[str, pl.Series] = dataclasses.field(default_factory=dict)
    custom_fields: pl.Series = dataclasses.field(default_factory=lambda: pl.Series(dtype=pl.String))
    properties: pl.DataFrame = dataclasses.field(default_factory=pl.DataFrame)
    left_out: dict[str, pl.Series] = dataclasses.field(default_factory=dict)
    """Warnings of a pull, ``column:left_out``, in the place of flags."""


def read_field_values(
    raw: pl.DataFrame, columns: Sequence[UploadColumn], fields: AccountFields, *, is_pull: bool = False
) -> FieldValues:
    """Read all columns of custom fields and properties of a chunk of ``raw_csv``.

    Of a pull a value that cannot be read is left out, and none is required: nobody who could mend it has asked for it.
    A constant is a property's only beside a value of another field.

    Returns:
        ``values`` holds JSON fragments, ``flags`` columns named ``c7:code``;
        ``custom_fields`` one JSON object a row, null where no field is filled;
        ``properties`` one row per property of a customer that has any field filled.
    """
    found = FieldValues()
    custom = {f.id: f for f in fields.custom_fields}
    types = {(kind.id, f.id): f for kind in fields.property_types for f in kind.fields}
    of_custom: dict[str, str] = {}
    of_property: dict[tuple[str, int], dict[str, Field]] = {}
    constants: set[str] = set()
    for column in columns:
        if column.role == "custom_field":
            _read_column(raw, column, custom[column.key], found)
            if custom[column.key].is_required and not is_pull:
                found.flags[f"{column.cell}:required"] = found.texts[column.cell].is_null()
            of_custom[column.cell] = column.key
        elif column.role in _OF_PROPERTIES and column.property_type and column.property_number and column.field:
            _read_column(raw, column, types[column.property_type, column.field], found)
            cells = of_property.setdefault((column.property_type, column.property_number), {})
            cells[column.cell] = types[column.property_type, column.field]
            if column.role == "constant":
                constants.add(column.cell)
    if is_pull:
        cells_of_properties = {cell for cells in of_property.values() for cell in cells}
        keys = {column.cell: column.key for column in columns if column.cell in {*of_custom, *cells_of_properties}}
        found.left_out = _left_out(found, keys)
    found.custom_fields = _json_objects(found.values, of_custom, raw.height)
    found.properties = _properties(raw["row"], found, of_property, constants, are_required=not is_pull)
    return found


def _left_out(found: FieldValues, keys: Mapping[str, str]) -> dict[str, pl.Series]:
    """Take the flags of these cells away, and return for each column where any of them was raised."""
    warnings: dict[str, pl.Series] = {}
    for cell, key in keys.items():
        raised = [found.flags.pop(name) for name in list(found.flags) if name.startswith(f"{cell}:")]
        warnings[f"{key}:{LEFT_OUT}"] = pl.select(pl.any_horizontal(raised).fill_null(False)).to_series()
    return warnings


def _read_column(raw: pl.DataFrame, column: UploadColumn, field: Field, found: FieldValues) -> None:
    texts = trimmed_texts(raw, {column.cell: column.cell})[column.cell]
    found.texts[column.cell] = texts
    storable = ~texts.str.contains(UNPRINTABLE).fill_null(False)
    short = (texts.str.len_chars() <= LONGEST_TEXT).fill_null(True)
    readable = pl.select(pl.when(storable & short).then(texts)).to_series()
    found.values[column.cell] = map_distinct(readable, json_reader(field), pl.String)
    found.flags[f"{column.cell}:unprintable_character"] = ~storable
    found.flags[f"{column.cell}:too_long"] = ~short
    if code := _CODES.get(field.type):
        found.flags[f"{column.cell}:{code}"] = unread(readable, found.values[column.cell])


def _properties(
    rows: pl.Series,
    found: FieldValues,
    groups: Mapping[tuple[str, int], Mapping[str, Field]],
    constants: Collection[str],
    *,
    are_required: bool,
) -> pl.DataFrame:
    schema = {"row": pl.Int64, "property_type": pl.String, "number": pl.Int32, "field_values": pl.String}
    frames = [pl.DataFrame(schema=schema)]
    for (kind, number), cells in groups.items():
        filled = pl.select(pl.any_horizontal([found.texts[cell].is_not_null() for cell in cells])).to_series()
        for cell, field in cells.items():
            if field.is_required and are_required:
                found.flags[f"{cell}:required"] = filled & found.texts[cell].is_null()
        values = _json_objects(found.values, {cell: field.id for cell, field in cells.items()}, len(rows))
        given = [found.values[cell].is_not_null() for cell in cells if cell not in constants]
        values = pl.select(pl.when(pl.any_horizontal(given)).then(values)).to_series()
        frame = pl.DataFrame({"row": rows, "field_values": values}).drop_nulls()
        frames.append(
            frame.with_columns(property_type=pl.lit(kind), number=pl.lit(number, pl.Int32)).select(list(schema))
        )
    return pl.concat(frames)


def _json_objects(values: Mapping[str, pl.Series], names: Mapping[str, str], height: int) -> pl.Series:
    """Join fragments to one JSON object a row; null where all fragments are null."""
    if not names:
        return pl.Series([None], dtype=pl.String).new_from_index(0, height)
    fragments = [pl.lit(json.dumps(name) + ": ") + pl.lit(values[cell]) for cell, name in names.items()]
    joined = pl.select(pl.concat_str(fragments, separator=", ", ignore_nulls=True).alias("joined"))
    return joined.select(
        pl.when(pl.col("joined") != "").then(pl.concat_str(pl.lit("{"), "joined", pl.lit("}")))
    ).to_series()
