"""What pulled rows change of customers that are in the target; pure, in frames.

Values that a person set are kept, the rest becomes the provider's.
"""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from etl_customers.database.json_texts import fragments, is_same
from etl_customers.deduplicate.known_customers import CUSTOMERS, json_text, warnings_text
from etl_customers.validate.keys import find_keys
from schemas.codes import KEPT_EDITED, OF_RECORDS
from schemas.columns import CUSTOMER_COLUMNS

_VALUES = (*CUSTOMER_COLUMNS, "is_active")
_CHANGED = {
    "row": pl.Int64,
    "customer_id": pl.Int64,
    "column": pl.String,
    "old_value": pl.String,
    "new_value": pl.String,
}


@dataclass(frozen=True)
class Changes:
    """What some pulled rows come to."""

    updated: pl.DataFrame
    """Row and all values of each customer that changes, as ``updated_customers``."""
    values: pl.DataFrame
    """Row, customer_id, column, old_value, new_value (JSON) of each value that does."""
    held: pl.DataFrame
    """Row, kind, value of each identity key of the customers as they are to be, changed or not."""
    released: pl.DataFrame
    """Kind, value, customer_id of each identity key that stands for values which go."""


def find_changes(
    pulled: pl.DataFrame,
    present: pl.DataFrame,
    edited: pl.DataFrame,
    families: Collection[str],
    fields: Sequence[str] = (),
    touched: Collection[int] = (),
) -> Changes:
    """Set pulled rows beside the customers that they are.

    Args:
        pulled: ``row`` and the columns of ``CUSTOMERS``, as the provider has them.
        present: The same customers as they stand; one that is missing is passed over.
        edited: The values that a person set, as ``EDITED``.
        families: Which of email, mobile and phone are identity keys.
        fields: Ids of the custom fields that the provider fills; all others are left alone.
        touched: Rows whose customer changes in any case, as a property of it does.
    """
    old = pulled.select("row", "customer_id").join(present, on="customer_id", how="inner", maintain_order="left")
    new = pulled.join(old.select("row"), on="row", how="semi", maintain_order="left")
    old, new = _with_fields(old, fields), _with_fields(new, fields)
    new = _as_written(new, old, fields)
    new = _keep_edited(new, old, edited, fields)
    differs = [old[name].ne_missing(new[name]) for name in (*_VALUES, *fields, "warnings")]
    differs.append(new["row"].is_in(list(touched)))
    new = new.with_columns(custom_fields=_merged_fields(old, new, fields))
    updated = (new.filter(pl.any_horizontal(*differs)) if new.height else new).drop(fields)
    old_keys = find_keys(old, families).join(old.select("row", "customer_id"), on="row")
    held = find_keys(new, families).select("row", "kind", "value")
    released = old_keys.join(held, on=["row", "kind", "value"], how="anti").select("kind", "value", "customer_id")
    return Changes(updated, _changed_values(old, new, fields), held, released)


def _with_fields(frame: pl.DataFrame, fields: Sequence[str]) -> pl.DataFrame:
    """Add a column for each custom field, with its value as JSON."""
    if not fields:
        return frame
    values = [dict(fragments(text)) for text in frame["custom_fields"]]
    return frame.with_columns(pl.Series(name, [one.get(name) for one in values], pl.String) for name in fields)


def _as_written(new: pl.DataFrame, old: pl.DataFrame, fields: Sequence[str]) -> pl.DataFrame:
    """Take the text that is here where the provider's is another one of the same value: that is no change."""
    return new.with_columns(
        pl.Series(
            name,
            [our if is_same(our, their) else their for our, their in zip(old[name], new[name], strict=True)],
            pl.String,
        )
        for name in fields
    )


def _merged_fields(old: pl.DataFrame, new: pl.DataFrame, fields: Sequence[str]) -> pl.Series:
    """Return the custom fields as they are to be: those that the provider does not fill stay as they were written."""
    if not fields:
        return old["custom_fields"]
    merged = []
    for text, *values in zip(old["custom_fields"], *(new[name] for name in fields), strict=True):
        kept = {name: value for name, value in fragments(text) if name not in fields}
        kept |= {name: value for name, value in zip(fields, values, strict=True) if value is not None}
        merged.append("{" + ", ".join(f"{json.dumps(name)}: {value}" for name, value in kept.items()) + "}")
    return pl.Series(merged, dtype=pl.String)


def _text_of(name: str, fields: Collection[str]) -> Callable[[Any], str | None]:
    """Return what makes JSON of a column's value; that of a custom field is JSON already."""
    return (lambda value: value) if name in fields else json_text


def _keep_edited(new: pl.DataFrame, old: pl.DataFrame, edited: pl.DataFrame, fields: Sequence[str]) -> pl.DataFrame:
    """Put the values that a person set in the place of the provider's, with their warnings.

    Where the provider's has changed since the person set it, and to something else, a warning says so; of one whose
    value at that time is not known, such as of a customer that came in by a file, none can.
    """
    if not edited.height:
        return new
    kept = {}
    columns: dict[int, dict[str, bool]] = {}
    for customer_id, column in edited.select("customer_id", "column").iter_rows():
        columns.setdefault(customer_id, {})[column] = False
    for (name,), rows in edited.filter(pl.col("column").is_in((*_VALUES, *fields))).group_by("column"):
        column = str(name)
        text_of = _text_of(column, fields)
        is_edited = new["customer_id"].is_in(rows["customer_id"].implode())
        kept[column] = old[column].zip_with(is_edited, new[column])
        known = rows.filter("is_provided")
        provided = dict(zip(known["customer_id"], known["provided"], strict=True))
        theirs, ours = new.filter(is_edited), old.filter(is_edited)
        for customer_id, their, our in zip(theirs["customer_id"], theirs[column], ours[column], strict=True):
            has_changed = customer_id in provided and not is_same(text_of(their), provided[customer_id])
            columns[customer_id][column] = their != our and has_changed
    warnings = [
        _merged_warnings(ours, theirs, columns[customer_id]) if customer_id in columns else theirs
        for customer_id, ours, theirs in zip(new["customer_id"], old["warnings"], new["warnings"], strict=True)
    ]
    return new.with_columns(**kept, warnings=pl.Series(warnings, dtype=pl.String))


def _merged_warnings(ours: str | None, theirs: str | None, edited: Mapping[str, bool]) -> str | None:
    """Return the warnings of the provider's values and records, and those that are here of values that a person set.

    Of these, ``edited`` says whether the provider has another value by now than it had then.
    """
    anew = {KEPT_EDITED, *OF_RECORDS}
    kept = [one for one in json.loads(ours or "[]") if one["column"] in edited and one["code"] not in anew]
    kept += [{"column": column, "code": KEPT_EDITED} for column, has_changed in edited.items() if has_changed]
    told = (one for one in json.loads(theirs or "[]") if one["column"] not in edited or one["code"] in OF_RECORDS)
    return warnings_text([*kept, *told])


def _changed_values(old: pl.DataFrame, new: pl.DataFrame, fields: Sequence[str]) -> pl.DataFrame:
    found: list[tuple[Any, ...]] = []
    for name in (*_VALUES, *fields):
        text_of = _text_of(name, fields)
        changed = old[name].ne_missing(new[name])
        if changed.any():
            before, after = old.filter(changed), new.filter(changed)
            found += [
                (row, customer_id, name, text_of(was), text_of(becomes))
                for row, customer_id, was, becomes in zip(
                    before["row"], before["customer_id"], before[name], after[name], strict=True
                )
            ]
    return pl.DataFrame(sorted(found, key=lambda one: one[0]), schema=_CHANGED, orient="row")


def as_customers(frame: pl.DataFrame) -> pl.DataFrame:
    """Return a frame of ``row`` and the columns of ``CUSTOMERS``, its warnings in their fixed order."""
    warnings = [None if text is None else warnings_text(json.loads(text)) for text in frame["warnings"]]
    return frame.select("row", *CUSTOMERS).with_columns(warnings=pl.Series(warnings, dtype=pl.String))
