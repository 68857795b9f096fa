"""The escape that keeps spreadsheets from running a cell as a formula, and its exact undoing (R20)."""

import re

_STARTS = r"=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20"
_DANGEROUS = re.compile(rf"'*[{_STARTS}]")

ESCAPED_PATTERN = r"^'('*[=+\-@\t\r\n\x{ff1d}\x{ff0b}\x{ff0d}\x{ff20}])"
"""An escaped cell, in the words of Polars' regular expressions; ``$1`` is the cell without its escape's mark."""


def escape_formula(text: str) -> str:
    """Return ``text`` with one ``'`` in front if a spreadsheet might run it; else as it is.

    >>> escape_formula("+61 2 5550 1234")
    "'+61 2 5550 1234"
    """
    return f"'{text}" if _DANGEROUS.match(text) else text


def unescape_formula(text: str) -> str:
    """Undo ``escape_formula``, exactly, for all text.

    >>> unescape_formula("'+61 2 5550 1234")
    '+61 2 5550 1234'
    """
    return text[1:] if text.startswith("'") and _DANGEROUS.match(text) else text
