"""Reads a provider's record into flat texts and flags, whatever JSON it is; what they mean is the mappings' business."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from schemas.provider_records import RecordShape

_SURROGATES = re.compile(r"[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class FlatRecord:
    """The described fields of a record that have a value, by their flat names; texts are folded."""

    texts: dict[str, str] = field(default_factory=dict)
    flags: dict[str, bool] = field(default_factory=dict)
    lists: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    misfits: list[str] = field(default_factory=list)
    """Fields with another JSON type than described."""


def flatten(record: object, shape: RecordShape) -> FlatRecord:
    """Read the described fields of a record, whatever JSON it is."""
    flat = FlatRecord()
    if not isinstance(record, dict):
        flat.misfits.append(shape.identity)
        return flat
    _take_texts(record, shape.texts, "", flat.texts, flat.misfits)
    _take_flags(record, shape, flat)
    _take_nested(record, shape, flat)
    return flat


def _take_flags(record: Mapping[str, object], shape: RecordShape, flat: FlatRecord) -> None:
    for name in shape.flags:
        value = record.get(name)
        if isinstance(value, bool):
            flat.flags[name] = value
        elif value is not None:
            flat.misfits.append(name)


def _take_nested(record: Mapping[str, object], shape: RecordShape, flat: FlatRecord) -> None:
    for name, inners in shape.objects.items():
        value = record.get(name)
        if isinstance(value, dict):
            _take_texts(value, inners, f"{name}.", flat.texts, flat.misfits)
        elif value is not None:
            flat.misfits.append(name)
    for name, inners in shape.lists.items():
        value = record.get(name)
        if isinstance(value, list):
            flat.lists[name] = _take_list(value, name, inners, flat.misfits)
        elif value is not None:
            flat.misfits.append(name)


def _take_list(elements: list[object], name: str, inners: Sequence[str], misfits: list[str]) -> list[dict[str, str]]:
    found = []
    for element in elements:
        if isinstance(element, dict):
            texts: dict[str, str] = {}
            wrong: list[str] = []
            _take_texts(element, inners, "", texts, wrong)
            misfits += [f"{name}.{inner}" for inner in wrong]
            found.append(texts)
        elif element is not None:
            misfits.append(name)
    return found


def _take_texts(
    values: Mapping[str, object], names: Iterable[str], prefix: str, texts: dict[str, str], misfits: list[str]
) -> None:
    for name in names:
        value = values.get(name)
        if isinstance(value, str):
            if folded := fold(value):
                texts[prefix + name] = folded
        elif value is not None:
            misfits.append(prefix + name)


def fold(text: str) -> str:
    """Return a text with each run of white space and line breaks as one space.

    A lone surrogate, which no database can store, becomes a NUL, of which the rules tell the user.
    """
    folded = " ".join(text.split())
    return folded if folded.isascii() else _SURROGATES.sub("\x00", folded)
