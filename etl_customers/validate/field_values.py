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
from etl_customers.validate.normalise import map_distinct, trimmed_texts
from schemas.normalised_fields import FieldCell, is_storable

_OF_PROPERTIES = ("property", "constant")


@dataclass
class FieldValues:
    """The fields of a chunk by cell column, and what is loaded of them where the row keeps the rules."""

    texts: dict[str, pl.Series] = dataclasses.field(default_factory=dict)
    values: dict[str, pl.Series] = dataclasses.field(default_factory=dict)
    cells: list[FieldCell] = dataclasses.field(default_factory=list)
    """What the contract has to ask of each."""
    custom_fields: pl.Series = dataclasses.field(default_factory=lambda: pl.Series(dtype=pl.String))
    properties: pl.DataFrame = dataclasses.field(default_factory=pl.DataFrame)


def read_field_values(
    raw: pl.DataFrame, columns: Sequence[UploadColumn], fields: AccountFields, *, is_pull: bool = False
) -> FieldValues:
    """Read all columns of custom fields and properties of a chunk of ``raw_csv``.

    Of a pull none is required: nobody who could fill it in has asked for it.
    A constant is a property's only beside a value of another field.

    Returns:
        ``values`` holds JSON fragments, null where a text could not be read;
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
            field = custom[column.key]
            _read_column(raw, column, field, found)
            found.cells.append(FieldCell(column.cell, field.type, field.is_required and not is_pull))
            of_custom[column.cell] = column.key
        elif column.role in _OF_PROPERTIES and column.property_type and column.property_number and column.field:
            field = types[column.property_type, column.field]
            _read_column(raw, column, field, found)
            of_property.setdefault((column.property_type, column.property_number), {})[column.cell] = field
            if column.role == "constant":
                constants.add(column.cell)
    for group in of_property.values():
        found.cells += [
            FieldCell(cell, field.type, field.is_required and not is_pull, tuple(group))
            for cell, field in group.items()
        ]
    found.custom_fields = _json_objects(found.values, of_custom, raw.height)
    found.properties = _properties(raw["row"], found, of_property, constants)
    return found


def _read_column(raw: pl.DataFrame, column: UploadColumn, field: Field, found: FieldValues) -> None:
    texts = trimmed_texts(raw, {column.cell: column.cell})[column.cell]
    found.texts[column.cell] = texts
    readable = pl.select(pl.when(is_storable(texts)).then(texts)).to_series()
    found.values[column.cell] = map_distinct(readable, json_reader(field), pl.String)


def _properties(
    rows: pl.Series,
    found: FieldValues,
    groups: Mapping[tuple[str, int], Mapping[str, Field]],
    constants: Collection[str],
) -> pl.DataFrame:
    schema = {"row": pl.Int64, "property_type": pl.String, "number": pl.Int32, "field_values": pl.String}
    frames = [pl.DataFrame(schema=schema)]
    for (kind, number), cells in groups.items():
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
