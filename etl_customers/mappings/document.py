"""Reads a mapping, a TOML document that says which field of a source becomes which column, and checks every word of it."""

import hashlib
import re
from collections.abc import Iterator
from collections.abc import Mapping as Table
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import tomlkit
from pydantic import BaseModel, ConfigDict, ValidationError
from tomlkit.exceptions import ParseError, TOMLKitError

from etl_customers.base.errors import UsageError
from etl_customers.columns.account_fields import AccountFields, headers_of
from etl_customers.columns.header_names import normalise_header
from schemas.provider_records import ADDRESS, MAPPED_COLUMNS
from schemas.quickbooks_customers import MAPPABLE as OF_QUICKBOOKS
from schemas.sources import QUICKBOOKS, XERO
from schemas.xero_contacts import MAPPABLE as OF_XERO

FIELDS: Table[str, Table[str, tuple[str, ...]]] = {QUICKBOOKS: OF_QUICKBOOKS, XERO: OF_XERO}
"""By source the fields that a mapping may name, and what each may become besides a custom field."""
_LARGEST = 100_000
"""Characters; no document of this kind is longer."""


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


@dataclass(frozen=True)
class Mapping:
    """A mapping as it was written, and what it says."""

    source: str
    columns: Table[str, str]
    """Field of the source to the header of a column here, in the order of the document; '' leaves it out."""
    text: str

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
class Plan:
    """What a mapping comes to with the columns that an account has."""

    fields: Table[str, tuple[str, ...]]
    """Column, or ``address``, to the fields that it is made of, in their order."""
    custom: Table[str, tuple[str, ...]]
    """The same by the ids of custom fields."""

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
    """Read a document; whether the account has the custom fields that it names is asked by ``plan_of``.

    Raises:
        MappingInvalid: It is no TOML, or says something that is not known here.
    """
    if len(text) > _LARGEST:
        raise MappingInvalid(f"it has more than {_LARGEST:,} characters")
    try:
        content: dict[str, Any] = tomlkit.parse(text).unwrap()
    except ParseError as error:
        raise MappingInvalid(f"this is no TOML, near column {error.col}", error.line) from None
    except TOMLKitError:
        raise MappingInvalid("this is no TOML: a key stands there twice, or a table is opened anew") from None
    try:
        document = _Document.model_validate(content)
    except ValidationError as error:
        raise _of_form(text, error) from None
    known = FIELDS.get(document.source)
    if known is None:
        raise MappingInvalid(f"source is none of {', '.join(FIELDS)}", _line_of(text, "source"))
    for field, header in document.columns.items():
        line = _line_of(text, field)
        if field not in known:
            raise MappingInvalid(f"the source has no such field; known are {', '.join(known)}", line)
        column = header.strip()
        if column in (*MAPPED_COLUMNS, ADDRESS) and column not in known[field]:
            allowed = ", ".join(known[field])
            raise MappingInvalid(f'this field becomes {allowed} or a custom field, or "" leaves it out', line)
    return Mapping(document.source, document.columns, text)


def plan_of(mapping: Mapping, fields: AccountFields) -> Plan:
    """Find the column of each field.

    Raises:
        MappingInvalid: It names a column that the account has not.
    """
    found: dict[str, list[str]] = {}
    of_custom: dict[str, list[str]] = {}
    for name, column, field_id in _places(mapping, fields):
        if column is not None:
            found.setdefault(column, []).append(name)
        elif field_id is not None:
            of_custom.setdefault(field_id, []).append(name)
        else:
            labels = ", ".join(field.label for field in fields.custom_fields) or "none"
            raise MappingInvalid(
                f"there is no such column; known are {', '.join(MAPPED_COLUMNS)}, and of custom fields: {labels} "
                "(etl-customers fields add LABEL makes another)",
                _line_of(mapping.text, name),
            )
    return Plan(
        {name: tuple(one) for name, one in found.items()}, {name: tuple(one) for name, one in of_custom.items()}
    )


def custom_fields_of(mapping: Mapping, fields: AccountFields) -> dict[str, str]:
    """Return the custom fields that a mapping fills, whatever else it names: the id of each to its first field."""
    found: dict[str, str] = {}
    for name, _, field_id in _places(mapping, fields):
        if field_id is not None:
            found.setdefault(field_id, name)
    return found


def _places(mapping: Mapping, fields: AccountFields) -> Iterator[tuple[str, str | None, str | None]]:
    """Yield each field that goes anywhere with its column or the id of its custom field; neither: there is no such."""
    custom = {header: field.id for header, field in headers_of(fields.custom_fields)}
    for name, header in mapping.columns.items():
        written = header.strip()
        if written in (*MAPPED_COLUMNS, ADDRESS):
            yield name, written, None
        elif written:
            yield name, None, custom.get(normalise_header(written))


def _of_form(text: str, error: ValidationError) -> MappingInvalid:
    problem = error.errors(include_url=False, include_input=False)[0]
    place = [str(part) for part in problem["loc"]]
    key = ".".join(place)
    line = _line_of(text, place[-1]) if place else None
    if problem["type"] == "missing":
        what = 'source = "quickbooks" or "xero"' if key == "source" else "a table [columns]"
        return MappingInvalid(f"it lacks {what}")
    if problem["type"] == "extra_forbidden":
        return MappingInvalid("only source and [columns] may stand there", line)
    return MappingInvalid("a text in quotation marks is to stand there", line)


def _line_of(text: str, key: str) -> int | None:
    """Return the line on which a key stands, where it is written in one of the usual ways."""
    name = re.escape(key)
    found = re.search(rf"""^[ \t]*\[?(?:{name}|"{name}"|'{name}')[ \t]*[\]=]""", text, re.MULTILINE)
    return None if found is None else text.count("\n", 0, found.start()) + 1
