"""Describes the records of providers: which fields are read, of which JSON type, and the contract that follows.

A record is held against its contract as one row of a flat frame: a text or yes/no per
column, an object's fields as ``BillAddr.City``, and flag columns ``field:invalid_record``
for what has no flat form or another JSON type than described. Every field may be absent
or null, and fields that are not described are not looked at.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import pandera.polars as pa
import polars as pl

from schemas.checks import cell_check, matching
from schemas.codes import INVALID_RECORD

ADDRESS = "address"
"""In a mapping it stands for the columns of an address: a field that is one goes there as a whole."""

MAPPED_COLUMNS = (
    *("customer_title", "first_name", "last_name", "first_name2", "last_name2", "first_name3", "last_name3"),
    *("business_name", "email", "mobile", "phone", "date_joined"),
)
"""What other fields may become; ``email`` stands for its three columns, ``mobile`` and ``phone`` too."""

PROVIDER_ID = r"^[0-9A-Za-z._:-]{1,64}$"
"""What a provider's id of a customer may be, so that it can be stored, shown and asked for."""


@dataclass(frozen=True)
class RecordShape:
    """The fields of a record that are read; those within objects and lists of objects are all texts."""

    name: str
    identity: str
    """The field that says which customer of the provider it is."""
    references: tuple[str, ...]
    """Texts that are the id of another customer, by their flat name."""
    texts: tuple[str, ...]
    flags: tuple[str, ...]
    objects: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    lists: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def fields(self) -> tuple[str, ...]:
        """All of them by the provider's names, without what is in objects and lists."""
        return (self.identity, *self.texts, *self.flags, *self.objects, *self.lists)

    @cached_property
    def flat_texts(self) -> tuple[str, ...]:
        """The flat frame's text columns besides the identity."""
        return (*self.texts, *(f"{name}.{inner}" for name, inners in self.objects.items() for inner in inners))

    @cached_property
    def text_names(self) -> tuple[tuple[str, str, str], ...]:
        """Each text's name in the record, in the flat frame and in full."""
        return tuple((name, name, name) for name in self.texts)

    @cached_property
    def object_names(self) -> dict[str, tuple[tuple[str, str, str], ...]]:
        """The same of the texts in each object."""
        return {name: tuple((i, f"{name}.{i}", f"{name}.{i}") for i in inners) for name, inners in self.objects.items()}

    @cached_property
    def list_names(self) -> dict[str, tuple[tuple[str, str, str], ...]]:
        """The same of the texts in each list's objects, which the flat frame has not."""
        return {name: tuple((i, i, f"{name}.{i}") for i in inners) for name, inners in self.lists.items()}

    @cached_property
    def contract(self) -> pa.DataFrameSchema:
        """The contract of the flat frame; each check is named by its error code.

        The identity's column holds the id that was found usable, null where none was.
        A flag column is there only where a record raises it, a text or yes/no only where a check looks at it.
        """
        reference = matching(PROVIDER_ID, INVALID_RECORD)
        columns = {
            "row": pa.Column(pl.Int64),
            self.identity: pa.Column(pl.String, reference),
        }
        for name in self.flat_texts:
            is_checked = name in self.references
            columns[name] = pa.Column(
                pl.String, [reference] if is_checked else None, nullable=True, required=is_checked
            )
        columns |= {name: pa.Column(pl.Boolean, nullable=True, required=False) for name in self.flags}
        in_lists = (f"{name}.{inner}" for name, inners in self.lists.items() for inner in inners)
        for name in (*self.fields, *self.flat_texts, *in_lists):
            is_raised = cell_check(INVALID_RECORD, lambda flag: ~pl.col(flag))
            columns[f"{name}:{INVALID_RECORD}"] = pa.Column(pl.Boolean, is_raised, nullable=True, required=False)
        return pa.DataFrameSchema(columns, name=self.name)
