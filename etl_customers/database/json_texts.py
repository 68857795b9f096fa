"""Reading JSON objects as texts, so that what is not changed stays as it was written: a number keeps its digits."""

import json
from collections.abc import Iterator
from decimal import Decimal


def fragments(text: str | None) -> Iterator[tuple[str, str]]:
    """Yield each name of a JSON object with the text of its value."""
    if text is None:
        return
    decoder = json.JSONDecoder()
    position = text.index("{") + 1
    while (position := _skip(text, position, " \t\r\n,")) < len(text) and text[position] != "}":
        name, position = decoder.raw_decode(text, position)
        start = _skip(text, position, " \t\r\n:")
        value, position = decoder.raw_decode(text, start)
        if value is not None:
            yield name, text[start:position]


def is_same(one: str | None, other: str | None) -> bool:
    """Tell whether two texts are the same value: ``1250.50`` and ``1250.5`` are one, by the digits that both have."""
    if one is None or other is None or one == other:
        return one == other
    values = json.loads(one, parse_float=Decimal), json.loads(other, parse_float=Decimal)
    return bool(values[0] == values[1])


def _skip(text: str, position: int, characters: str) -> int:
    while position < len(text) and text[position] in characters:
        position += 1
    return position
