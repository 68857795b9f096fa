"""Reads a provider's record into flat texts and flags, whatever JSON it is; what they mean is the mappings' business."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from etl_customers.texts.invisible import is_blank
from schemas.provider_records import RecordShape

_SURROGATES = re.compile(r"[\ud800-\udfff]")
_NOT_FOLDED = ("\\", "  ", '": " ', ' ",', ' "}')
"""What JSON of a text that folding would change has at least one of: an escape, two spaces, one at an end."""


@dataclass(frozen=True, slots=True)
class FlatRecord:
    """The described fields of a record that have a value, by their flat names; texts are folded."""

    texts: dict[str, str] = field(default_factory=dict)
    flags: dict[str, bool] = field(default_factory=dict)
    lists: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    misfits: list[str] = field(default_factory=list)
    """Fields with another JSON type than described."""


def read_record(text: str, shape: RecordShape) -> FlatRecord:
    """Read the described fields of a record.

    Args:
        text: JSON as Python writes it: ASCII, a space behind each comma and colon.
        shape: The fields, with their JSON types.
    """
    try:
        record = json.loads(text)
    except (ValueError, RecursionError):
        return FlatRecord(misfits=[shape.identity])
    if not isinstance(record, dict):
        return FlatRecord(misfits=[shape.identity])
    reader = _Reader(is_folded=not any(sign in text for sign in _NOT_FOLDED))
    flat = FlatRecord(misfits=reader.misfits)
    reader.take_texts(record, shape.text_names, flat.texts)
    for name in shape.flags:
        value = record.get(name)
        if value is not None:
            if isinstance(value, bool):
                flat.flags[name] = value
            else:
                reader.misfits.append(name)
    reader.take_objects(record, shape, flat.texts)
    reader.take_lists(record, shape, flat.lists)
    return flat


class _Reader:
    """Takes the values of one record and notes what has another JSON type than described."""

    def __init__(self, *, is_folded: bool) -> None:
        self.misfits: list[str] = []
        self._is_folded = is_folded

    def take_texts(
        self, values: Mapping[str, object], names: Iterable[tuple[str, str, str]], texts: dict[str, str]
    ) -> None:
        """Take texts by (name in the record, name in ``texts``, name in full)."""
        is_folded, get = self._is_folded, values.get
        for name, flat_name, full_name in names:
            value = get(name)
            if not value and (value is None or value == ""):
                continue
            if not isinstance(value, str):
                self.misfits.append(full_name)
            elif is_folded:
                texts[flat_name] = value
            elif folded := fold(value):
                texts[flat_name] = folded

    def take_objects(self, record: Mapping[str, object], shape: RecordShape, texts: dict[str, str]) -> None:
        for name, inners in shape.object_names.items():
            value = record.get(name)
            if value is None:
                continue
            if isinstance(value, dict):
                self.take_texts(value, inners, texts)
            else:
                self.misfits.append(name)

    def take_lists(
        self, record: Mapping[str, object], shape: RecordShape, lists: dict[str, list[dict[str, str]]]
    ) -> None:
        for name, inners in shape.list_names.items():
            value = record.get(name)
            if value is None:
                continue
            if not isinstance(value, list):
                self.misfits.append(name)
                continue
            found = lists[name] = []
            for element in value:
                if isinstance(element, dict):
                    texts: dict[str, str] = {}
                    self.take_texts(element, inners, texts)
                    if texts:
                        found.append(texts)
                elif element is not None:
                    self.misfits.append(name)


def fold(text: str) -> str:
    """Return a text with each run of white space and line breaks as one space, nothing where nobody sees anything.

    A lone surrogate, which no database can store, becomes a NUL, of which the rules tell the user.
    """
    folded = " ".join(text.split())
    if folded.isascii():
        return folded
    return "" if is_blank(folded) else _SURROGATES.sub("\x00", folded)
