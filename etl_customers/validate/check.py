"""Holds normalised rows against the contract and says in codes what each failed row breaks."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from etl_customers.columns.account_fields import AccountFields
from etl_customers.settings.sections import Settings
from etl_customers.staging import UploadColumn
from etl_customers.validate.cell_texts import (
    damaged_flags,
    find_error_values,
    invisible_flags,
    without_invisible,
    without_text_formulas,
)
from etl_customers.validate.field_values import FieldValues, read_field_values
from etl_customers.validate.keys import find_keys
from etl_customers.validate.normalise import normalise_rows
from etl_customers.validate.places import Places, load_places
from etl_customers.validate.source_rules import SourceRules, rules_of
from etl_customers.validate.suggest import Suggester
from schemas.codes import ERROR_VALUE, LEFT_OUT, UNKNOWN_STATE
from schemas.columns import COLUMN_BY_NAME, CUSTOMER_COLUMNS
from schemas.failures import find_failures
from schemas.normalised_fields import LONGEST_TEXT, normalised_fields
from schemas.sources import CSV

_ERRORS = {"row": pl.Int64, "column": pl.String, "code": pl.String, "reference": pl.String, "suggestion": pl.String}
_OF_STORAGE = ("required", "too_long", "unprintable_character")
_READ_ROLES = ("column", "custom_field", "property")


@dataclass(frozen=True)
class CheckedRows:
    """What became of a chunk: each row is in ``customers`` or has ``errors``.

    ``customers`` are rows of ``validated_customers``; ``properties``, ``keys`` and
    ``warnings`` (row, column, code) belong to those rows only.
    """

    customers: pl.DataFrame
    properties: pl.DataFrame
    keys: pl.DataFrame
    warnings: pl.DataFrame
    errors: pl.DataFrame


def check_rows(
    raw: pl.DataFrame,
    columns: list[UploadColumn],
    fields: AccountFields,
    settings: Settings,
    places: Places,
    rules: SourceRules,
    told: pl.DataFrame | None = None,
) -> CheckedRows:
    """Normalise a chunk of rows of ``raw_csv`` and separate those that keep every rule.

    Args:
        raw: The rows.
        columns: What each cell column is.
        fields: The account's custom fields and properties.
        settings: Company and identity keys.
        places: The reference lists.
        rules: What the rows' source asks of them.
        told: Warnings (row, column, code) that an earlier stage has of the rows.

    Source:
        docs/rules.md, R4 to R12, R15, R18, R21, R22.
    """
    read = [column for column in columns if column.role in _READ_ROLES]
    cleaned = without_invisible(raw, [column.cell for column in read])
    told_of_texts = invisible_flags(raw, cleaned, read)
    raw = raw.with_columns(cleaned)
    raw = raw.with_columns(without_text_formulas(raw, [column.cell for column in read]))
    positions = {column.key: column.cell for column in columns if column.role == "column"}
    normalised = normalise_rows(raw, positions, settings.company, places, rules)
    found = read_field_values(raw, columns, fields, is_pull=rules.is_pull)
    frame = normalised.frame
    texts = normalised.texts.with_columns(raw["row"], **found.texts)
    error_values = find_error_values(texts, raw["password_state"], rules)
    failures = _find_failures(frame, found, error_values, rules)
    if rules.is_pull:
        failures, left_out = _leave_out(failures, frame["row"], columns, found)
        told_of_texts |= left_out
    told_of_texts |= damaged_flags(texts, {column.cell: column.key for column in columns})
    suggester = Suggester(texts, frame, fields, columns, places)
    errors = _describe(failures, columns, suggester, _by_row(frame["row"], error_values))
    sound = ~frame["row"].is_in(errors["row"].unique().implode())
    rows = frame.filter(sound)
    warnings = _warnings(frame["row"], {**normalised.warnings, **told_of_texts}, sound, told)
    customers = rows.select(
        "row",
        *CUSTOMER_COLUMNS,
        found.custom_fields.filter(sound).alias("custom_fields"),
        (pl.col("password") == "given").fill_null(False).alias("has_password"),
        "parent_row",
    ).join(_warnings_json(warnings), on="row", how="left", maintain_order="left")
    if find_failures(rules.after, customers).height:
        raise AssertionError("rows that keep every rule do not have the form of validated_customers")
    return CheckedRows(
        customers=customers,
        properties=found.properties.join(rows.select("row"), on="row", how="semi"),
        keys=find_keys(customers, settings.duplicates.keys),
        warnings=warnings,
        errors=errors,
    )


def check_texts(
    rows: Sequence[Sequence[str]],
    columns: list[UploadColumn],
    password_states: Sequence[str | None],
    fields: AccountFields,
    settings: Settings,
    source: str = CSV,
) -> CheckedRows:
    """Check rows that a person typed and that stand in no file; they are numbered from 2, as in a file.

    Args:
        rows: One text per column each, '' for none.
        columns: What each is; positions count from 0 without gaps.
        password_states: Of each row, as in ``raw_csv``.
        fields: The account's custom fields and properties.
        settings: Company, required columns, identity keys, reference lists.
        source: Where the customers came from first.
    """
    cells = {
        column.cell: pl.Series(texts, dtype=pl.String)
        for column, texts in zip(columns, zip(*rows, strict=True), strict=True)
    }
    numbers = {"row": pl.Series(range(2, len(rows) + 2)), "parent_row": pl.Series([None] * len(rows), dtype=pl.Int64)}
    states = pl.Series(password_states, dtype=pl.String)
    raw = pl.DataFrame({**numbers, "password_state": states, **cells})
    rules = rules_of(settings, source, is_typed=True)
    return check_rows(raw, columns, fields, settings, load_places(settings.reference), rules)


def _find_failures(
    frame: pl.DataFrame, found: FieldValues, error_values: dict[str, pl.Series], rules: SourceRules
) -> pl.DataFrame:
    """Hold the rows against the contracts; what is empty or cannot be stored comes first, error values last."""
    of_cells = {f"{name}:{ERROR_VALUE}": which for name, which in error_values.items()}
    of_fields = {name: which for name, which in of_cells.items() if name.partition(":")[0] in found.texts}
    failures = find_failures(
        rules.before, frame.with_columns(**{name: of_cells[name] for name in of_cells.keys() - of_fields.keys()})
    )
    is_stored = pl.col("code").is_in(_OF_STORAGE) & (pl.col("column") != "password")
    parts = [failures.filter(is_stored), failures.filter(~is_stored)]
    if found.cells:
        texts = {f"{cell}:text": text for cell, text in found.texts.items()}
        parts.append(
            find_failures(
                normalised_fields(tuple(found.cells)),
                frame.select("row").with_columns(**texts, **found.values, **of_fields),
            )
        )
    failures = pl.concat(parts)
    is_error_value = pl.col("code") == ERROR_VALUE
    return pl.concat([failures.filter(~is_error_value), failures.filter(is_error_value)])


def _leave_out(
    failures: pl.DataFrame, rows: pl.Series, columns: list[UploadColumn], found: FieldValues
) -> tuple[pl.DataFrame, dict[str, pl.Series]]:
    """Take what is wrong with the account's own fields out of the failures of a pull: nobody asked for these texts.

    Returns:
        The other failures, and for each column a flag ``column:left_out``, true where something was wrong.
    """
    left_out = {}
    for column in columns:
        if column.cell in found.texts:
            is_wrong = (pl.col("column") == column.cell) & (pl.col("code") != ERROR_VALUE)
            wrong = failures.filter(is_wrong)["row"]
            left_out[f"{column.key}:{LEFT_OUT}"] = rows.is_in(wrong.implode())
            failures = failures.filter(~is_wrong)
    return failures, left_out


def _by_row(rows: pl.Series, error_values: dict[str, pl.Series]) -> dict[tuple[int, str], str]:
    """Return the error value of each cell (row, column) that is one."""
    frames = (pl.DataFrame({"row": rows, "which": which}).drop_nulls() for which in error_values.values())
    return {
        (row, name): which for name, frame in zip(error_values, frames, strict=True) for row, which in frame.iter_rows()
    }


def _describe(
    failures: pl.DataFrame, columns: list[UploadColumn], suggester: Suggester, error_values: dict[tuple[int, str], str]
) -> pl.DataFrame:
    """Add length and suggestion, drop what only follows from another error, name columns by their keys."""
    told = set(failures.select("row", "column", "code").iter_rows())
    by_row: dict[int, set[str]] = {}
    for row, column, code in told:
        if code != "required":
            by_row.setdefault(row, set()).add(column)
    keys = {column.cell: column.key for column in columns}
    described = []
    for row, column, code in failures.iter_rows():
        others = by_row.get(row, set())
        # What could not be read is not also missing; nor is a city whose state or country could not be.
        if code == "required" and (column in others or (column == "city" and others & {"state", "country"})):
            continue
        error_value = error_values.get((row, column))
        if error_value is not None and code != ERROR_VALUE:
            continue  # whatever else is wrong with such a text, nobody wrote it
        reference = error_value or (str(_longest(column)) if code == "too_long" else None)
        if code == UNKNOWN_STATE:
            reference = suggester.country_of(row)
        described.append((row, keys.get(column, column), code, reference, suggester.suggest(row, column, code)))
    return pl.DataFrame(described, schema=_ERRORS, orient="row")


def _longest(column: str) -> int:
    known = COLUMN_BY_NAME.get(column)
    return known.max_length if known else LONGEST_TEXT


def _warnings(
    rows: pl.Series, flags: dict[str, pl.Series], sound: pl.Series, told: pl.DataFrame | None
) -> pl.DataFrame:
    """Return (row, column, code) of the warnings of sound rows, those that were told before first, each once."""
    frames = [pl.DataFrame(schema={"row": pl.Int64, "column": pl.String, "code": pl.String})]
    if told is not None:
        frames.append(told.filter(pl.col("row").is_in(rows.filter(sound).implode())))
    for flag, raised in flags.items():
        column, _, code = flag.rpartition(":")
        frames.append(
            pl.DataFrame({"row": rows.filter(raised & sound)}).with_columns(column=pl.lit(column), code=pl.lit(code))
        )
    return pl.concat(frames).unique(maintain_order=True)


def _warnings_json(warnings: pl.DataFrame) -> pl.DataFrame:
    """Return (row, warnings): the JSON list of each row that has any."""
    # A property's column is called as its header is written; codes are our own words.
    columns = warnings["column"].unique()
    quoted = pl.col("column").replace(columns, pl.Series([json.dumps(name) for name in columns], dtype=pl.String))
    entry = pl.concat_str(pl.lit('{"column": '), quoted, pl.lit(', "code": "'), "code", pl.lit('"}'))
    lists = warnings.select("row", entry.alias("entry")).group_by("row").agg(pl.col("entry").str.join(", "))
    return lists.select("row", warnings=pl.concat_str(pl.lit("["), "entry", pl.lit("]")))
