"""What is done to the texts of all cells alike, whatever their column, before any rule reads them."""

from collections.abc import Iterable

import polars as pl

from etl_customers.invisible import INVISIBLE, visible
from etl_customers.staging import UploadColumn


def without_invisible(frame: pl.DataFrame, columns: Iterable[str]) -> pl.DataFrame:
    """Return those of the text columns that ``visible`` changes, changed; columns of plain ASCII cost next to nothing."""
    names = list(columns)
    is_ascii = frame.select(
        (pl.col(name).str.len_bytes().sum() == pl.col(name).str.len_chars().sum()) for name in names
    )
    changed = {}
    for name, ascii_only in zip(names, is_ascii.row(0) if names else (), strict=True):
        if ascii_only:
            continue
        texts = frame[name]
        distinct = texts.filter(texts.str.contains(INVISIBLE).fill_null(False)).unique()
        cleaned = pl.Series([visible(text) for text in distinct], dtype=pl.String)
        if (distinct != cleaned).any():
            changed[name] = texts.replace(distinct, cleaned)
    return pl.DataFrame(changed)


def invisible_flags(raw: pl.DataFrame, cleaned: pl.DataFrame, columns: Iterable[UploadColumn]) -> dict[str, pl.Series]:
    """Return a flag ``column:invisible_removed`` for each cleaned column: true where that changed what is left of a cell."""
    flags = {}
    for column in columns:
        if column.cell in cleaned.columns:
            before, after = (frame[column.cell].str.strip_chars() for frame in (raw, cleaned))
            flags[f"{column.key}:invisible_removed"] = ((before != after) & (after != "")).fill_null(False)
    return flags
