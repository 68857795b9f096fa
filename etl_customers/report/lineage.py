"""Which column comes from which, from the header of an upload to the target, for one import.

True of the code of each stage, defaults included; a change there is a change here. Of a
column that the account does not know only the place is told: its header may be anything.
"""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from etl_customers.columns.header_names import OWN_COLUMNS
from etl_customers.columns.headers import UNSTAGED_ROLES, Role
from etl_customers.settings.sections import Staging as StagingSettings
from etl_customers.staging import UploadColumn, open_staging
from schemas.columns import COLUMNS, CUSTOMER_COLUMNS, Kind

PROPERTIES = "properties"
"""Stands for the table of properties that goes with the table of each stage."""

STAGED_BESIDES = ("row", "line", "parent_row", "password_state")
"""Columns of ``raw_csv`` that are no column of the upload."""

Lineage = Mapping[str, Sequence[str]]
"""Column to the columns of the table before that it is made from."""

_LONGEST_NAME = 100
_PHONES = tuple(column.name for column in COLUMNS if column.kind in (Kind.MOBILE, Kind.PHONE))
_ALSO_FROM: dict[str, tuple[str, ...]] = {
    "customer_type": ("business_name",),  # Business where one is given (R8)
    "city": ("state", "country"),  # the first city of the state (R12)
    "state": ("country",),
    **dict.fromkeys(_PHONES, ("country",)),
}
_WARNED_OF = ("customer_type", "city", "state", "country", *_PHONES)


@dataclass(frozen=True)
class ShownColumn:
    """A column of an upload as it may be shown."""

    name: str
    """Its header, tidied; ``column 3`` where the account does not know it. No two have the same."""
    role: Role
    key: str
    """Column of ``customers``, id of the custom field, or the header of the property's field."""
    cell: str | None
    """The column of ``raw_csv`` that holds its cells; None where it is not staged."""


def read_shown_columns(file: Path, limits: StagingSettings) -> tuple[ShownColumn, ...]:
    """Return the columns of an upload from its staging file; none where that was deleted since.

    Raises:
        ImportBusy: Another process holds the staging file.
        DiskUnavailable: The file cannot be read.
    """
    if not file.exists():
        return ()  # opening it would make it anew
    with open_staging(file, limits.memory_limit_mb) as staging:
        return shown_columns(staging.upload_columns())


def shown_columns(columns: Iterable[UploadColumn]) -> tuple[ShownColumn, ...]:
    """Return the columns of an upload as they may be shown, in their order."""
    taken = {*STAGED_BESIDES, *OWN_COLUMNS}
    shown = []
    for column in columns:
        place = f"column {column.position + 1}"
        name = place if column.role in (Role.IGNORED, Role.TEMPLATE) else _tidy(column.header) or place
        if name in taken:
            name = f"{name} ({place})"
        taken.add(name)
        role = Role(column.role)
        shown.append(ShownColumn(name, role, column.key, None if role in UNSTAGED_ROLES else column.cell))
    return tuple(shown)


def lineage_of_validated(columns: Iterable[ShownColumn]) -> Lineage:
    """Return for each column of ``validated_customers`` the columns of ``raw_csv`` that it is made from."""
    staged = [column for column in columns if column.cell is not None]
    by_key = {column.key: column.name for column in staged if column.role is Role.COLUMN}

    def named(keys: Iterable[str]) -> list[str]:
        return [by_key[key] for key in keys if key in by_key]

    lineage: dict[str, list[str]] = {"row": ["row"]}
    lineage |= {name: named((name, *_ALSO_FROM.get(name, ()))) for name in CUSTOMER_COLUMNS}
    lineage |= {
        "custom_fields": [column.name for column in staged if column.role is Role.CUSTOM_FIELD],
        "has_password": ["password_state"],
        "parent_row": ["parent_row"],
        "warnings": named(_WARNED_OF),
        PROPERTIES: [column.name for column in staged if column.role in (Role.PROPERTY, Role.CONSTANT)],
    }
    return {name: sources for name, sources in lineage.items() if sources}


def lineage_of_deduplicated() -> Lineage:
    """Return the same for ``deduplicated_customers``, whose rows are some of ``validated_customers``."""
    names = ("row", *CUSTOMER_COLUMNS, "custom_fields", "has_password", "parent_row", "warnings", PROPERTIES)
    return {name: [name] for name in names}


def lineage_of_loaded() -> Lineage:
    """Return the same for the target's table ``customers``; ids and times are made by the load."""
    same = (*CUSTOMER_COLUMNS, "custom_fields", "parent_row", "warnings", PROPERTIES)
    # The hash of the row that is corrected is taken where a corrected row has no password (R19).
    return {name: [name] for name in same} | {"import_row": ["row"], "password_hash": ["has_password", "parent_row"]}


def lineage_of_failed_rows(columns: Iterable[ShownColumn]) -> Lineage:
    """Return for each column of the failed-rows file the column of ``raw_csv`` that it is."""
    return {"row": ["row"]} | {column.name: [column.name] for column in columns if column.cell is not None}


def headers_of_loaded(columns: Sequence[ShownColumn]) -> Lineage:
    """Return for each column of the table ``customers`` the upload's own columns that it is made from, all stages passed."""
    validated = lineage_of_validated(columns)
    passwords = [column.name for column in columns if column.role is Role.PASSWORD]
    headers = {column.name for column in columns}

    def follow(source: str) -> list[str]:
        found = passwords if source == "has_password" else validated.get(source, ())
        return [name for name in found if name in headers]

    lineage = {
        name: [header for source in sources for header in follow(source)]
        for name, sources in lineage_of_loaded().items()
    }
    return {name: found for name, found in lineage.items() if found}


def _tidy(header: str) -> str:
    visible = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in header)
    return " ".join(visible.replace("*", " ").split())[:_LONGEST_NAME]
