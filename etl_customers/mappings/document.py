"""Reads a mapping, a TOML document that says which field of a source becomes which column, and checks every word of it."""

import dataclasses
import hashlib
import re
from collections.abc import Iterator, Sequence
from collections.abc import Mapping as Table
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import tomlkit
from pydantic import BaseModel, ConfigDict, ValidationError
from tomlkit.exceptions import ParseError, TOMLKitError

from etl_customers.base.errors import UsageError
from etl_customers.columns.account_fields import AccountFields, property_header
from etl_customers.columns.field_texts import json_reader
from etl_customers.columns.headers import KnownHeaders, Role
from etl_customers.staging import UploadColumn
from etl_customers.texts.invisible import visible
from schemas.columns import UNPRINTABLE
from schemas.provider_records import ADDRESS, MAPPED_COLUMNS
from schemas.quickbooks_customers import MAPPABLE as OF_QUICKBOOKS
from schemas.sources import QUICKBOOKS, XERO
from schemas.xero_contacts import MAPPABLE as OF_XERO

FIELDS: Table[str, Table[str, tuple[str, ...]]] = {QUICKBOOKS: OF_QUICKBOOKS, XERO: OF_XERO}
"""By source the fields that a mapping may name, and what each may become besides the account's own columns."""
_LARGEST = 100_000
"""Characters; no document of this kind is longer."""
_LONGEST_CONSTANT = 255
_MOST_PROPERTIES = 999
"""Of one type; the record of changes has room for longer numbers, which those get that would stand in another's place."""


class MappingInvalid(UsageError):
    """A document is no mapping that could be used."""

    def __init__(self, problem: str, line: int | None = None) -> None:
        super().__init__(problem, line)
        self.problem, self.line = problem, line

    def __str__(self) -> str:
        """Say what is wrong, on which line, and what would be right."""
        return f"the mapping cannot be used: {'' if self.line is None else f'line {self.line}: '}{self.problem}"


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    source: str
    columns: dict[str, str]
    constants: dict[str, str] = {}


@dataclass(frozen=True)
class Mapping:
    """A mapping as it was written, and what it says."""

    source: str
    columns: Table[str, str]
    """Field of the source to the header of a column here, in the order of the document; '' leaves it out."""
    text: str
    constants: Table[str, str] = dataclasses.field(default_factory=dict)
    """Header of a property's field to the text that it has in each such property."""

    @property
    def read(self) -> tuple[str, ...]:
        """The fields of a record that are read: of a field of an object or a list, that object or list."""
        return tuple(dict.fromkeys(name.partition(".")[0] for name, header in self.columns.items() if header.strip()))

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the text, in hexadecimal."""
        return hashlib.sha256(self.text.encode()).hexdigest()


@dataclass(frozen=True)
class KindOf:
    """What becomes of one kind of things that a record has a list of, such as Xero's phones of the type MOBILE."""

    column: str
    place: int
    """Among those of all kinds: columns in the order asked for, then as the document has them."""


@dataclass(frozen=True)
class PropertyText:
    """A property's field, such as ``Address 2: Lines``, and what it is made of."""

    column: UploadColumn
    """Its place in an upload is left open."""
    names: tuple[str, ...]
    """Fields of the source, in their order; of a constant none."""
    constant: str = ""


@dataclass(frozen=True)
class Plan:
    """What a mapping comes to with the columns that an account has."""

    fields: Table[str, tuple[str, ...]]
    """Column, or ``address``, to the fields that it is made of, in their order."""
    custom: Table[str, tuple[str, ...]]
    """The same by the ids of custom fields."""
    properties: tuple[PropertyText, ...] = ()
    """Fields of properties, constants last."""

    def kinds(self, list_name: str, *columns: str) -> Table[str, KindOf]:
        """Return what becomes of each kind of a list: ``Phones.MOBILE`` is the kind MOBILE of Phones."""
        if list_name not in self._kinds:
            named = [(column, name) for column in columns for name in self.of(column)]
            places = enumerate((column, name) for column, name in named if name.startswith(f"{list_name}."))
            self._kinds[list_name] = {name.partition(".")[2]: KindOf(column, place) for place, (column, name) in places}
        return self._kinds[list_name]

    @cached_property
    def _kinds(self) -> dict[str, Table[str, KindOf]]:
        return {}

    def of(self, column: str) -> tuple[str, ...]:
        """Return the fields of a column."""
        return self.fields.get(column, ())


def read_mapping(text: str) -> Mapping:
    """Read a document; whether the account has the custom fields and properties that it names is asked by ``plan_of``.

    Raises:
        MappingInvalid: It is no TOML, or says something that is not known here.
    """
    if len(text) > _LARGEST:
        raise MappingInvalid(f"it has more than {_LARGEST:,} characters")
    try:
        content: dict[str, Any] = tomlkit.parse(text).unwrap()
    except ParseError as error:
        raise MappingInvalid(f"this is not valid TOML, near column {error.col}", error.line) from None
    except TOMLKitError:
        raise MappingInvalid("this is not valid TOML: a key or a table is there twice") from None
    try:
        document = _Document.model_validate(content)
    except ValidationError as error:
        raise _of_form(text, error) from None
    known = FIELDS.get(document.source)
    if known is None:
        raise MappingInvalid(f"source must be one of {', '.join(FIELDS)}", _line_of(text, "source"))
    for field, header in document.columns.items():
        line = _line_of(text, field)
        if field not in known:
            raise MappingInvalid(f"the source has no such field; it has {', '.join(known)}", line)
        column = header.strip()
        if column in (*MAPPED_COLUMNS, ADDRESS) and column not in known[field]:
            allowed = ", ".join(known[field])
            raise MappingInvalid(
                f'this field becomes {allowed}, a custom field or a field of a property, or "" leaves it out', line
            )
    return Mapping(document.source, document.columns, text, document.constants)


def plan_of(mapping: Mapping, fields: AccountFields) -> Plan:
    """Find the column of each field, and what each constant fills.

    Raises:
        MappingInvalid: It names a column that the account has not, or a constant that nothing could hold.
    """
    known = KnownHeaders(fields, {})
    found: dict[str, list[str]] = {}
    of_custom: dict[str, list[str]] = {}
    of_properties: dict[str, list[str]] = {}
    columns: dict[str, UploadColumn] = {}
    for name, header, is_own in _places(mapping):
        if not is_own:
            found.setdefault(header, []).append(name)
            continue
        own = _only(mapping, fields, known, name, header)
        columns[own.key] = own
        (of_custom if own.role == Role.CUSTOM_FIELD else of_properties).setdefault(own.key, []).append(name)
    properties = [PropertyText(columns[key], tuple(names)) for key, names in of_properties.items()]
    return Plan(
        {name: tuple(one) for name, one in found.items()},
        {name: tuple(one) for name, one in of_custom.items()},
        (*properties, *_constants(mapping, fields, known, properties)),
    )


def own_columns_of(mapping: Mapping, fields: AccountFields) -> list[tuple[UploadColumn, str]]:
    """Return the account's own columns that a mapping fills, whatever else it names: each with the field that does.

    Of a constant that is the header which it stands behind.
    """
    known = KnownHeaders(fields, {})
    named = [(header, name) for name, header, is_own in _places(mapping) if is_own]
    named += [(header, header) for header in mapping.constants]
    return [(meanings[0], name) for header, name in named if (meanings := known.account_meanings(header))]


def _only(mapping: Mapping, fields: AccountFields, known: KnownHeaders, key: str, header: str) -> UploadColumn:
    """Return the one column of the account's own that a header means; ``key`` is where the document has it."""
    line, meanings = _line_of(mapping.text, key), known.account_meanings(header)
    if not meanings:
        problem = _no_such_property(header, fields, known) if ":" in header else _no_such_column(fields)
        raise MappingInvalid(problem, line)
    if len(meanings) > 1:
        raise MappingInvalid("this could be a field of two property types; rename one of them", line)
    if (meanings[0].property_number or 0) > _MOST_PROPERTIES:
        raise MappingInvalid(f"properties are numbered up to {_MOST_PROPERTIES} here", line)
    return meanings[0]


def _no_such_column(fields: AccountFields) -> str:
    labels = ", ".join(field.label for field in fields.custom_fields) or "none"
    return (
        f"there is no such column; there are {', '.join(MAPPED_COLUMNS)}, and of custom fields: {labels} "
        '(etl-customers fields add LABEL makes another); a field of a property is written "Type: Field"'
    )


def _no_such_property(header: str, fields: AccountFields, known: KnownHeaders) -> str:
    for _, kind in known.property_types(header.partition(":")[0]):
        labels = ", ".join(field.label for field in kind.fields) or "none"
        return (
            f"the property type {kind.label} has no such field; it has: {labels} "
            f"(etl-customers properties add {kind.id} LABEL makes another)"
        )
    headers = [property_header(one.label, field.label) for one in fields.property_types for field in one.fields]
    return (
        f"there is no such property type; fields of properties are: {', '.join(headers) or 'none'} "
        "(to make one, run for example: etl-customers properties add Address, then etl-customers properties add "
        "address Lines)"
    )


def _constants(
    mapping: Mapping, fields: AccountFields, known: KnownHeaders, filled: Sequence[PropertyText]
) -> Iterator[PropertyText]:
    """Yield what constants fill: fields of properties that a field of the source is in, too."""
    types = {(kind.id, field.id): field for kind in fields.property_types for field in kind.fields}
    taken = {one.column.key for one in filled}
    for header, written in mapping.constants.items():
        line, text = _line_of(mapping.text, header), visible(written).strip()
        if ":" not in header:
            raise MappingInvalid('a constant fills a field of a property, such as "Address: Kind" = "Shipping"', line)
        column = _only(mapping, fields, known, header, header)
        if column.key in taken:
            raise MappingInvalid(f"{column.key} is already filled", line)
        if column.of_property not in {one.column.of_property for one in filled}:
            raise MappingInvalid(
                "no field of the source fills this property, so the constant would never be used", line
            )
        field = types[column.property_type or "", column.field or ""]
        is_usable = text and len(text) <= _LONGEST_CONSTANT and not re.search(UNPRINTABLE, text)
        if not is_usable or json_reader(field)(text) is None:
            among = f", one of: {', '.join(field.choices)}" if field.choices else ""
            raise MappingInvalid(
                f"this is not a valid value of {column.key}, a field of type {field.type}{among}", line
            )
        taken.add(column.key)
        yield PropertyText(dataclasses.replace(column, role=Role.CONSTANT), (), text)


def _places(mapping: Mapping) -> Iterator[tuple[str, str, bool]]:
    """Yield each field that goes anywhere with the header that it goes to, and whether that is one of the account's own."""
    for name, header in mapping.columns.items():
        if written := header.strip():
            yield name, written, written not in (*MAPPED_COLUMNS, ADDRESS)


def _of_form(text: str, error: ValidationError) -> MappingInvalid:
    problem = error.errors(include_url=False, include_input=False)[0]
    place = [str(part) for part in problem["loc"]]
    key = ".".join(place)
    line = _line_of(text, place[-1]) if place else None
    if problem["type"] == "missing":
        what = 'source = "quickbooks" or "xero"' if key == "source" else "a table [columns]"
        return MappingInvalid(f"it lacks {what}")
    if problem["type"] == "extra_forbidden":
        return MappingInvalid("only source, [columns] and [constants] are allowed there", line)
    return MappingInvalid("a text in quotation marks is needed there", line)


def _line_of(text: str, key: str) -> int | None:
    """Return the line on which a key stands, where it is written in one of the usual ways."""
    name = re.escape(key)
    found = re.search(rf"""^[ \t]*\[?(?:{name}|"{name}"|'{name}')[ \t]*[\]=]""", text, re.MULTILINE)
    return None if found is None else text.count("\n", 0, found.start()) + 1
