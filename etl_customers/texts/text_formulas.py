"""``="0800"``: how a program writes a text so that a spreadsheet leaves it as it is. It means ``0800``."""

import re

START = '="'
"""Stands in every such cell."""

TEXT_FORMULA = r'^\s*="((?:[^"]|"")*)"\s*$'
"""Such a cell, in the words of Python's and of Polars' regular expressions; the group is the text, its ``"`` twice."""

_TEXT_FORMULA = re.compile(TEXT_FORMULA)


def plain_text(text: str) -> str:
    """Return what a text formula means, any other text as it is.

    >>> plain_text('="0800"')
    '0800'
    """
    found = _TEXT_FORMULA.match(text) if START in text else None
    return text if found is None else found[1].replace('""', '"')
