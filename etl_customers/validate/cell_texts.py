"""What is done to the texts of all cells alike, whatever their column, before any rule reads them."""

from collections.abc import Iterable, Mapping

import polars as pl

from etl_customers.staging import UploadColumn
from etl_customers.texts.error_values import LOOKS_LIKE_ONE, error_value
from etl_customers.texts.invisible import INVISIBLE, visible
from etl_customers.texts.text_formulas import START, TEXT_FORMULA
from etl_customers.validate.damaged import SUSPECT, is_damaged
from etl_customers.validate.normalise import map_distinct
from etl_customers.validate.source_rules import SourceRules
from schemas.codes import ERROR_VALUE
from schemas.normalised_customers import LEAVABLE


def without_invisible(frame: pl.DataFrame, columns: Iterable[str]) -> pl.DataFrame:
    """Return those of the text columns that ``visible`` changes, changed; columns of plain ASCII cost next to nothing."""
    changed = {}
    for name in _beyond_ascii(frame, columns):
        texts = frame[name]
        distinct = texts.filter(texts.str.contains(INVISIBLE).fill_null(False)).unique()
        cleaned = pl.Series([visible(text) for text in distinct], dtype=pl.String)
        if (distinct != cleaned).any():
            changed[name] = texts.replace(distinct, cleaned)
    return pl.DataFrame(changed)


def without_text_formulas(frame: pl.DataFrame, columns: Iterable[str]) -> pl.DataFrame:
    """Return those of the text columns that have a cell like ``="0800"``, with ``0800`` instead."""
    names = list(columns)
    found = frame.select(pl.col(name).str.contains(START, literal=True).any() for name in names)
    return frame.select(
        pl.when(pl.col(name).str.contains(TEXT_FORMULA))
        .then(pl.col(name).str.replace(TEXT_FORMULA, "${1}").str.replace_all('""', '"', literal=True))
        .otherwise(name)
        .alias(name)
        for name, is_found in zip(names, found.row(0) if names else (), strict=True)
        if is_found
    )


def _beyond_ascii(frame: pl.DataFrame, columns: Iterable[str]) -> list[str]:
    """Return the text columns that are not plain ASCII."""
    names = list(columns)
    sums = ((pl.col(name).str.len_bytes().sum() != pl.col(name).str.len_chars().sum()).alias(name) for name in names)
    return [name for name, is_other in zip(names, frame.select(sums).row(0), strict=True) if is_other] if names else []


def damaged_flags(texts: pl.DataFrame, keys: Mapping[str, str]) -> dict[str, pl.Series]:
    """Return a flag ``column:damaged_text`` for each column of trimmed texts that has any; ``keys`` are columns' names."""
    flags = {}
    for name in _beyond_ascii(texts, [name for name, kind in texts.schema.items() if kind == pl.String]):
        column = texts[name]
        suspected = column.filter(column.str.contains(SUSPECT).fill_null(False)).unique()
        if damaged := [text for text in suspected if is_damaged(text)]:
            flags[f"{keys.get(name, name)}:damaged_text"] = column.is_in(damaged).fill_null(False)
    return flags


def invisible_flags(raw: pl.DataFrame, cleaned: pl.DataFrame, columns: Iterable[UploadColumn]) -> dict[str, pl.Series]:
    """Return a flag ``column:invisible_removed`` for each cleaned column: true where that changed what is left of a cell."""
    flags = {}
    for column in columns:
        if column.cell in cleaned.columns:
            before, after = (frame[column.cell].str.strip_chars() for frame in (raw, cleaned))
            flags[f"{column.key}:invisible_removed"] = ((before != after) & (after != "")).fill_null(False)
    return flags


def find_error_values(texts: pl.DataFrame, password_states: pl.Series, rules: SourceRules) -> dict[str, pl.Series]:
    """Return which error value a cell is, null where it is none, for each column that has any.

    Args:
        texts: The trimmed texts of all columns.
        password_states: As the stage read tells them.
        rules: Of the source; what it leaves out where it cannot be read is left out here too.
    """
    left_out = LEAVABLE if rules.leaves_out else ()
    names = [name for name, kind in texts.schema.items() if kind == pl.String and name not in left_out]
    suspected = texts.select(pl.col(name).str.contains(LOOKS_LIKE_ONE).any() for name in names)
    found = {"password": password_states.str.extract(f"^{ERROR_VALUE} (.+)$")}
    for name, is_suspected in zip(names, suspected.row(0) if names else (), strict=True):
        if is_suspected:
            found[name] = map_distinct(texts[name], error_value, pl.String)
    return {name: which for name, which in found.items() if which.null_count() < len(which)}
