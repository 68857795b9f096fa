"""One form in which names and addresses are compared: accents, case, apostrophes and hyphens do not count.

Both the search for customers and the identity key of name and address use it. It is for
comparing only: what is stored stays as it was written.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterable

from etl_customers.texts.invisible import INVISIBLE

LETTERS = str.maketrans(
    {
        "ł": "l",
        "ø": "o",
        "đ": "d",
        "ð": "d",
        "þ": "th",
        "æ": "ae",
        "œ": "oe",
        "\u0131": "i",
        "ə": "e",
        "ħ": "h",
        "ŧ": "t",
    }
    | {"ŋ": "n", "ĸ": "k", "ɓ": "b", "ɗ": "d", "ƙ": "k", "ƴ": "y", "ɨ": "i", "ʉ": "u", "ƶ": "z", "ɇ": "e", "ǥ": "g"}
)
"""Small letters that Unicode does not take apart into a plain one and a mark, and what people type for them."""

MARKS = (
    "\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u064b-\u065f\u0670"
    "\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
)
"""Accents and points. Vowel signs of Indian scripts and voicing marks of kana stay: they make another name."""

DASHES = "\u02d7\u058a\u05be\u2010-\u2015\u2043\u2212-"
_APOSTROPHES = "'`\u02b9-\u02bf\u02c8\u02ca\u02cb\u055a\u05f3\u07f4\u07f5\u2018-\u201b\u2032\u2035\ua78b\ua78c"

# An acute accent by itself is decomposed into a space and a mark. A dash stays between digits, where 1-2 is not 12.
_DROPPED = re.compile(
    f" ?[{MARKS}]+|[{_APOSTROPHES}]|{INVISIBLE}|(?<![0-9{DASHES}])[{DASHES}]+|[{DASHES}]++(?![0-9])", re.ASCII
)
_DASHES = re.compile(f"[{DASHES}]+")
_PLAIN = re.compile("[^'`-]*")


def fold(text: str) -> str:
    r"""Return the form in which text is compared; empty where nothing of it counts.

    ``fold("O\u2019Neil") == fold("O'NEIL") == "oneil"``, ``fold("ŁUKASZ  Nguyễn") == "lukasz nguyen"``
    """
    if text.isascii():
        plain = text if _PLAIN.fullmatch(text) else _DASHES.sub("-", _DROPPED.sub("", text))
        return " ".join(plain.lower().split())
    kept = _DASHES.sub("-", _DROPPED.sub("", unicodedata.normalize("NFKD", text)))
    return " ".join(unicodedata.normalize("NFC", kept.casefold().translate(LETTERS)).split())


def name_address_keys(rows: Iterable[Iterable[str | None]]) -> list[str]:
    """Return the SHA-256 of each name and address in that form: the key of a customer who has no other (R18).

    Args:
        rows: Values of ``schemas.columns.NAME_ADDRESS_COLUMNS``, in their order.
    """
    folded: dict[str | None, str] = {None: ""}  # towns, states and first names come again and again
    keys = []
    for row in rows:
        parts = []
        for value in row:
            part = folded.get(value)
            if part is None:
                part = folded[value] = fold(value or "")
            parts.append(part)
        keys.append(hashlib.sha256("\x1f".join(parts).encode()).hexdigest())
    return keys
