"""Texts and numbers of a workbook as a person sees them; where they stand is in ``xlsx_files``."""

import math
import re
from decimal import Decimal
from functools import cache

_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")
_SURROGATES = re.compile("[\ud800-\udfff]")
_FORMAT_TOKEN = re.compile(r'0|\\.|"[^"]*"|\[[^\]]*\]|[ ()+-]')


def unescape(text: str) -> str:
    r"""Return a text of a workbook with its escapes undone; half a character becomes a NUL, of which the rules tell.

    >>> unescape("Rear_x000D_"), unescape("_x005F_x000D_"), unescape("_xD83D__xDE00_") == chr(0x1F600)
    ('Rear\r', '_x000D_', True)

    Source:
        ECMA-376, part 1, 22.9.2.19 (ST_Xstring).
    """
    whole = _ESCAPED.sub(lambda escape: chr(int(escape[1], 16)), text).encode("utf-16-le", "surrogatepass")
    return _SURROGATES.sub("\x00", whole.decode("utf-16-le", "surrogatepass"))


def number_text(value: int | float, number_format: str) -> str:
    """Return a number as text, to the 15 digits that spreadsheets keep, without an exponent.

    >>> number_text(412345678, "0000 000 000"), number_text(5.0, "General"), number_text(0.1 + 0.2, "0.00")
    ('0412 345 678', '5', '0.3')
    """
    if not math.isfinite(value):
        return str(value)
    number = Decimal(f"{value:.15g}") if isinstance(value, float) else Decimal(value)
    plain = f"{number:f}"
    parts = _padding(number_format)
    return _padded(plain, parts) if parts and plain.isdigit() else plain


@cache
def _padding(number_format: str) -> tuple[str, ...]:
    """Return the zeros and literals of a format that consists of nothing else; else nothing."""
    positive = number_format.split(";", 1)[0]
    tokens = _FORMAT_TOKEN.findall(positive)
    if "".join(tokens) != positive or "0" not in tokens:
        return ()
    literals = (token.removeprefix("\\").strip('"') if token != '\\"' else '"' for token in tokens if token[0] != "[")
    return tuple(literals)


def _padded(digits: str, parts: tuple[str, ...]) -> str:
    """Put the digits into the zeros from the right; what is left over goes to the first zero."""
    left, text = digits, []
    first = parts.index("0")
    for place in range(len(parts) - 1, -1, -1):
        if parts[place] != "0":
            text.append(parts[place])
        elif place == first:
            text.append(left or "0")
        else:
            text.append(left[-1:] or "0")
            left = left[:-1]
    return "".join(reversed(text))
