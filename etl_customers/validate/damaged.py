"""Texts that were damaged before they came here: characters lost for good, and UTF-8 read as Windows-1252."""

import re
import unicodedata

_LOST = "\ufffd"

_BYTES = {
    **{chr(byte): byte for byte in range(0x80, 0x100)},
    **{bytes([byte]).decode("windows-1252", "replace"): byte for byte in range(0x80, 0xC0)},
}
"""What a byte looks like in Windows-1252 and in Latin-1, to the byte."""

_BYTES.pop(_LOST)
_FOLLOWING = "".join(re.escape(sign) for sign, byte in _BYTES.items() if byte < 0xC0)
_SEQUENCES = f"(?:[\u00c2-\u00df][{_FOLLOWING}]|[\u00e0-\u00ef][{_FOLLOWING}]{{2}}|[\u00f0-\u00f4][{_FOLLOWING}]{{3}})+|\u00e2\u20ac"
_RUN = re.compile(_SEQUENCES)
_APOSTROPHE = "\u2019"
_CLOSING = frozenset("\u201d\u2026\u2013\u2014")
"""May follow a capital letter in a text that is as it should be."""

SUSPECT = f"{_LOST}|{_SEQUENCES}"
"""A pattern of Polars: every damaged text matches it, and some others do."""


def is_damaged(text: str) -> bool:
    """Tell whether a text has lost characters, or is UTF-8 read as Windows-1252 beyond doubt.

    Names in capitals have the same letters (SÃO, ÂNGELA): they count only before what no
    language writes there.
    """
    return _LOST in text or any(map(_is_misread, _RUN.finditer(text)))


def _is_misread(run: re.Match[str]) -> bool:
    if run[0] == "\u00e2\u20ac":
        return True  # the third byte of a quotation mark has no character, and was lost
    try:
        meant = bytes(_BYTES[sign] for sign in run[0]).decode()
    except UnicodeDecodeError:
        return False
    if any(0x1E00 <= ord(sign) <= 0x1EFF or 0x2010 <= ord(sign) <= 0x2122 or ord(sign) >= 0xF900 for sign in meant):
        return True  # three signs in a row that no language writes: Vietnamese, quotation marks, emoji
    if len(meant) > 1:
        return all(unicodedata.category(sign)[0] in "LM" or "\u00a0" <= sign <= "\u00bf" for sign in meant)
    before, after = run.string[: run.start()][-1:], run.string[run.end() :][:1]
    if meant <= "\u00bf":  # one of °, º, «: never after another capital, as in HALÂ
        return not before.isupper()
    if run[0].endswith(_APOSTROPHE):
        return False
    return meant <= "\u017f" and (run[0][-1] not in _CLOSING or after.isalpha())
