"""What each column of an upload is: matching its header with the account's columns (R3, R19, R22).

Nothing is guessed: a header is known in one way or the file is refused.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from itertools import islice

from etl_customers.base.errors import SettingsInvalid, UploadRefused
from etl_customers.columns.account_fields import AccountFields, PropertyType, headers_of, property_header
from etl_customers.columns.header_hints import HeaderHints
from etl_customers.columns.header_names import (
    BEYOND_PREFIX,
    OWN_COLUMNS,
    STAMP_PREFIX,
    fixed_names,
    fixed_texts,
    normalise_header,
)
from etl_customers.columns.header_refusals import describe_unknown, duplicate_columns, show_header, unfit_columns
from etl_customers.columns.template import template_stamp
from etl_customers.settings.sections import Csv
from etl_customers.staging import UploadColumn
from etl_customers.texts.formula_escapes import unescape_formula
from etl_customers.texts.invisible import is_blank, visible
from schemas.columns import COLUMN_BY_NAME
from schemas.refusals import FileReason

MAX_COLUMNS = 16_384
"""What Excel and LibreOffice can hold."""

_NOWHERE = -1
_SEVERAL = 2
"""Cells that are headers, from which on a row is certainly one and no customer's."""

_MOST_ABOVE_HEADER = 50
_NUMBERED = re.compile(r"(?P<label>.*?)[\s_.-]*(?P<number>[1-9][0-9]{0,8})\s*", re.DOTALL)
_MOST_SUGGESTED = 20
_TEMPLATE_NAMES = frozenset(normalise_header(name) for name in COLUMN_BY_NAME)
_BEYOND = re.compile(re.escape(BEYOND_PREFIX) + r"[1-9][0-9]{0,4}")
_STAMP = re.compile(re.escape(STAMP_PREFIX) + r"[0-9a-f]{8}")


class Role(StrEnum):
    """What the import does with a column of the upload."""

    COLUMN = "column"
    CUSTOM_FIELD = "custom_field"
    PROPERTY = "property"
    CONSTANT = "constant"
    """A property's field that has the same text in every row that has the property: a mapping says so."""
    PASSWORD = "password"
    OWN = "own"
    BEYOND = "beyond"
    TEMPLATE = "template"
    IGNORED = "ignored"


UNSTAGED_ROLES = frozenset({Role.PASSWORD, Role.OWN, Role.BEYOND, Role.TEMPLATE})
"""Columns whose cells never enter ``raw_csv``."""


class KnownHeaders:
    """Every header that the account has, and how each is read."""

    def __init__(self, fields: AccountFields, aliases: Mapping[str, str]) -> None:
        self._fixed: dict[str, UploadColumn] = {}
        for name, column in fixed_names().items():
            role = Role.PASSWORD if column == "password" else Role.COLUMN
            self._fixed[name] = _meaning(role, column)
        gone = [normalise_header(column.header).partition(":") for column in fields.removed]
        labels_gone = [label for label, _, _ in gone]
        self._customs = {
            name: _meaning(Role.CUSTOM_FIELD, field.id) for name, field in headers_of(fields.custom_fields, labels_gone)
        }
        self._types = dict(headers_of(fields.property_types, labels_gone))
        self._parts = {
            kind.id: dict(headers_of(kind.fields, [part for _, _, part in gone])) for kind in fields.property_types
        }
        own = [field.label for field in fields.custom_fields]
        own += [property_header(kind.label, part.label) for kind in fields.property_types for part in kind.fields]
        self._written = [*fixed_texts(), *((header, header) for header in own)]
        self._removed = {normalise_header(gone.header): gone.removed_at for gone in reversed(fields.removed)}
        self._left_out = {normalise_header(alias) for alias, target in aliases.items() if not target.strip()} - {""}
        self._aliases = self._read_aliases({alias: target for alias, target in aliases.items() if target.strip()})

    def find(self, header: str, *, is_template: bool = False) -> UploadColumn | None:
        """Return what a header means, None if nothing; position and header are left open.

        Args:
            header: As it stands in the file.
            is_template: The file is made from the template: there a fixed column's own name means
                that column, also where an alias takes the name in other files.
        """
        name = normalise_header(header)
        if is_template and name in _TEMPLATE_NAMES:
            return self._fixed[name]
        if name in self._left_out:
            return _meaning(Role.IGNORED)
        return self._aliases.get(name) or self._find_own(header)

    def names_of(self, column: UploadColumn) -> frozenset[str]:
        """Return the normalised headers that mean a column of an upload, its own among them."""
        named = {**self._fixed, **self._customs, **self._aliases}
        same = (name for name, other in named.items() if (other.role, other.key) == (column.role, column.key))
        return frozenset({normalise_header(column.header), *(same if column.key else ())})

    def is_left_out(self, header: str) -> bool:
        """Tell whether the settings leave a header out: its alias leads to nothing."""
        return normalise_header(header) in self._left_out

    def property_meanings(self, header: str) -> list[UploadColumn]:
        """Return the columns of properties that a header may mean, the first of them where it is certain.

        ``Pet 2: Name`` is the second pet's name. Where a property type is called Pet 2, it may be that, too.
        """
        label, colon, part = header.partition(":")
        found = (self._property_column(kind, part, number) for number, kind in self.property_types(label) if colon)
        return [column for column in found if column is not None]

    def property_types(self, label: str) -> list[tuple[int, PropertyType]]:
        """Return the property types that the text before the colon of a header may mean, with the property's number."""
        types = [(1, self._types.get(normalise_header(label)))]
        if (numbered := _NUMBERED.fullmatch(label)) and int(numbered["number"]) > 1:
            types.insert(0, (int(numbered["number"]), self._types.get(normalise_header(numbered["label"]))))
        return [(number, kind) for number, kind in types if kind is not None]

    def account_meanings(self, header: str) -> list[UploadColumn]:
        """Return the account's own columns that a header may mean: a custom field, or columns of properties."""
        custom = self._customs.get(normalise_header(header))
        return self.property_meanings(header) if custom is None else [custom]

    def clashes(self, aliases: Mapping[str, str]) -> list[tuple[str, str]]:
        """Return the aliases that take a header of the account's own for another column, each with what has it."""
        found = []
        for alias, target in aliases.items():
            if not target.strip():
                continue
            own = self._find_account(alias)
            if own is not None and own != self._find_own(target):
                found.append((alias, f"the {'property' if own.role is Role.PROPERTY else 'custom field'} {own.key}"))
        return found

    def removed_at(self, header: str) -> datetime | None:
        """Return when the account removed the column of this header, None if it never had it."""
        label, colon, part = header.partition(":")
        first = header
        if colon and (numbered := _NUMBERED.fullmatch(label)):
            first = f"{numbered['label']}:{part}"
        return self._removed.get(normalise_header(header)) or self._removed.get(normalise_header(first))

    def nearest(self, header: str) -> str | None:
        """Return the known header that this one may mean, None if none is near or several are."""
        return self._hints.nearest(header)

    @cached_property
    def _hints(self) -> HeaderHints:
        return HeaderHints({normalise_header(text): shown for text, shown in self._written}, self._written)

    def _find_own(self, header: str) -> UploadColumn | None:
        return self._find_account(header) or self._fixed.get(normalise_header(header))

    def _find_account(self, header: str) -> UploadColumn | None:
        return next(iter(self.account_meanings(header)), None)

    def _property_column(self, kind: PropertyType, part: str, number: int) -> UploadColumn | None:
        field = self._parts[kind.id].get(normalise_header(part))
        if field is None:
            return None
        header = property_header(kind.label, field.label, number)
        return UploadColumn(_NOWHERE, "", Role.PROPERTY, header, kind.id, number, field.id)

    def _read_aliases(self, aliases: Mapping[str, str]) -> dict[str, UploadColumn]:
        problems = [
            f"{show_header(alias)} is also a header of {owner}; remove the alias or that column"
            for alias, owner in self.clashes(aliases)
        ]
        read: dict[str, UploadColumn] = {}
        for alias, target in aliases.items():
            column, name = self._find_own(target), normalise_header(alias)
            if column is None:
                problems.append(f"{show_header(alias)} must name a column of the account")
            elif not name or read.setdefault(name, column) != column:
                problems.append(f"{show_header(alias)} is {'there twice' if name else 'no header'}; remove it")
        if problems:
            raise SettingsInvalid(tuple(f"csv.aliases: {problem}" for problem in problems))
        return read


def _meaning(role: Role, key: str = "") -> UploadColumn:
    """Return what a header means, wherever it stands."""
    return UploadColumn(_NOWHERE, "", role, key, None, None, None)


def count_known(header: Sequence[str], known: KnownHeaders) -> int:
    """Return how many cells of a row are headers of the account, of ours or of the template."""
    own = {normalise_header(name) for name in OWN_COLUMNS}
    return sum(
        known.find(cell) is not None
        or normalise_header(cell) in own
        or _STAMP.fullmatch(visible(cell).strip()) is not None
        for cell in header
    )


def find_header_row(following: Iterable[Sequence[str]], known: KnownHeaders) -> int | None:
    """Return the number of the row, of those that follow the first, that looks like the header; None if none does."""
    for row, cells in enumerate(islice(following, _MOST_ABOVE_HEADER), 2):
        if count_known(cells[:MAX_COLUMNS], known) >= _SEVERAL:
            return row
    return None


def match_header(header: Sequence[str], fields: AccountFields, csv: Csv) -> tuple[UploadColumn, ...]:
    """Say what each column of an upload is, in the upload's order.

    Headers match in any case, with spaces, hyphens or underscores, with or without
    ``*``, by id, by label, by a plain synonym or by the setting ``csv.aliases``.
    A first column ``import_id`` and second ``row`` make the file one of our failed-rows
    files; its ``errors`` may be gone. Empty headers at the end are no columns; other
    empty ones are ``ignored`` (and must stay empty, which the caller sees to).

    Args:
        header: The cells of the first row.
        fields: The account's own columns.
        csv: Required columns, aliases, and whether unknown columns are ignored.

    Raises:
        UploadRefused: No cell is a header (it may be a customer's row, so none is printed); there are more than a
            spreadsheet has; one may mean one column or another, several mean the same, or one means nothing; or a
            required column is not there.
        SettingsInvalid: An alias of the settings leads nowhere, or takes a header of the account's own.

    Source:
        docs/rules.md, R3.
    """
    known = KnownHeaders(fields, csv.aliases)
    cells = without_empty_end(header)
    if count_known(cells[:MAX_COLUMNS], known) == 0:
        raise UploadRefused(FileReason.NO_HEADER)
    if len(cells) > MAX_COLUMNS:
        raise UploadRefused(FileReason.TOO_MANY_COLUMNS, columns=len(cells), max_columns=MAX_COLUMNS)
    columns = _match_all(cells, known)
    _refuse_ambiguous(columns, known)
    _refuse_duplicates(columns)
    missing = _missing(columns, fields, csv.required)
    unknown = (
        []
        if csv.ignore_unknown_columns
        else [c for c in columns if is_without_column(c) and not known.is_left_out(c.header)]
    )
    if not (unknown or missing):
        return columns
    may_be_values = len(unknown) > len(columns) / 2 and count_known(cells, known) < _SEVERAL
    described = _describe(unknown, known, may_be_values=may_be_values)
    stamps = [visible(column.header).strip() for column in columns if column.role is Role.TEMPLATE]
    raise unfit_columns(described, missing, is_stale=bool(stamps) and template_stamp(fields) not in stamps)


def is_without_column(column: UploadColumn) -> bool:
    """Tell whether a column of an upload has a header, but is left out of the import."""
    return column.role == Role.IGNORED and not is_blank(column.header)


def is_own_file(columns: Iterable[UploadColumn]) -> bool:
    """Tell whether the upload is one of our failed-rows files."""
    return any(column.role is Role.OWN for column in columns)


def without_empty_end(header: Sequence[str]) -> list[str]:
    """Return the cells of a header up to the last that is filled."""
    cells = list(header)
    while cells and is_blank(cells[-1]):
        cells.pop()
    return cells


def _match_all(cells: list[str], known: KnownHeaders) -> tuple[UploadColumn, ...]:
    names = [normalise_header(cell) for cell in cells]
    first, second, last = (normalise_header(name) for name in OWN_COLUMNS)
    stamps = {position for position, cell in enumerate(cells) if _STAMP.fullmatch(visible(cell).strip())}
    own: dict[int, str] = {}
    if names[:2] == [first, second]:
        errors = [position for position, name in enumerate(names) if name == last]
        own = dict(zip((0, 1, *errors[-1:]), OWN_COLUMNS, strict=False))
    columns = []
    for position, cell in enumerate(cells):
        header = unescape_formula(cell) if own else cell
        if position in own:
            column = _meaning(Role.OWN, own[position])
        elif own and _BEYOND.fullmatch(visible(header).strip()):
            column = _meaning(Role.BEYOND)
        elif position in stamps:
            column = _meaning(Role.TEMPLATE)
        elif (found := known.find(header, is_template=bool(stamps))) is not None:
            column = found
        else:
            column = _meaning(Role.IGNORED)
        columns.append(replace(column, position=position, header=header))
    return tuple(columns)


def _refuse_ambiguous(columns: Iterable[UploadColumn], known: KnownHeaders) -> None:
    for column in columns:
        meanings = known.property_meanings(column.header) if column.role is Role.PROPERTY else []
        if len(meanings) > 1:
            named = [f"number {found.property_number} of the property {found.property_type}" for found in meanings]
            raise UploadRefused(
                FileReason.AMBIGUOUS_COLUMNS,
                header=show_header(column.header),
                column=column.position + 1,
                meanings=" or ".join(named),
            )


def _refuse_duplicates(columns: Iterable[UploadColumn]) -> None:
    places: dict[tuple[str, str], list[int]] = {}
    for column in columns:
        if column.key:
            places.setdefault((column.role, column.key), []).append(column.position + 1)
    if doubled := [(key, found) for (_, key), found in places.items() if len(found) > 1]:
        raise duplicate_columns(doubled)


def _missing(columns: Iterable[UploadColumn], fields: AccountFields, required: Iterable[str]) -> list[str]:
    """List required columns that are not there; ``city`` may be missing, for R12 fills it in."""
    present = {(column.role, column.key) for column in columns}
    missing = [name for name in required if name != "city" and (Role.COLUMN, name) not in present]
    missing = [name for name in missing if (Role.PASSWORD, name) not in present]
    return missing + [
        field.label
        for field in fields.custom_fields
        if field.is_required and (Role.CUSTOM_FIELD, field.id) not in present
    ]


def _describe(unknown: Sequence[UploadColumn], known: KnownHeaders, *, may_be_values: bool) -> list[str]:
    """Describe unknown headers; where most are unknown the row may be a customer's, so none is printed."""
    described = []
    for place, column in enumerate(unknown):
        removed_at = known.removed_at(column.header)
        suggestion = known.nearest(column.header) if place < _MOST_SUGGESTED else None
        header = None if may_be_values else column.header
        described.append(describe_unknown(column.position, header, suggestion, removed_at))
    return described
