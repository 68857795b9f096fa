"""Characters that nobody sees, and texts without them: the one definition, for cells, headers, labels and searches.

Two texts that look alike are alike. What scripts and emoji need between visible
characters (joiners, variation selectors) is seen by its effect, and stays.
"""

import re
from collections.abc import Sequence

_BLANK = "\u2800"
"""The braille blank: it is no white space to Unicode, and looks like nothing else."""

_NON_JOINER, _JOINER = "\u200c", "\u200d"
_IGNORABLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""Unicode's Default_Ignorable_Code_Point (DerivedCoreProperties.txt, 17.0), and the interlinear annotation marks."""

INVISIBLE = f"[{_IGNORABLE}{_BLANK}]"
"""A class of characters for the regular expressions of Python, Polars and DuckDB; some of them may be needed."""

_RUN = re.compile(f"[{_IGNORABLE}]+")

# Letters that join their neighbours or form clusters with them, by block: Arabic to Mandaic and their presentation
# forms, the scripts of India, Tibet and South East Asia, Mongolian, Phags-pa, Adlam.
_JOINING = re.compile(
    "[\u0600-\u06ef\u06fa-\u07bf\u07ca-\u08ff\u0900-\u0dff\u0f00-\u109f\u1780-\u17df\u1800-\u18af\u1900-\u1aaf\u1b00-\u1c4f"
    "\ua840-\ua8ff\ua930-\ua95f\ua980-\uaa7f\uaae0-\uaaff\uabc0-\uabff\ufb50-\ufdff\ufe70-\ufefc"
    "\U00010a00-\U00010fff\U00011000-\U00011fff\U0001e900-\U0001e95f]"
)
_VIRAMA = re.compile("[\u094d\u09cd\u0a4d\u0acd\u0b4d\u0bcd\u0c4d\u0ccd\u0d4d\u0dca\u1039\u17d2]")
_MONGOLIAN = re.compile("[\u1820-\u18aa]")
_IDEOGRAPH = re.compile("[\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_EMOJI = re.compile(
    "[\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u21ff\u2300-\u27bf\u2900-\u297f\u2b00-\u2bff\u3030\u303d\u3297\u3299"
    "\U0001f000-\U0001faff]"
)
_FLAG, _KEYCAP = "\U0001f3f4", "\u20e3"
_FLAG_TAGS = re.compile("[\U000e0020-\U000e007e]+\U000e007f")
_SELECTORS = frozenset(chr(code) for code in (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)))
_MONGOLIAN_SIGNS = frozenset("\u180b\u180c\u180d\u180e\u180f")


def visible(text: str) -> str:
    """Return a text without the characters that nobody sees; a braille blank becomes a space."""
    if text.isascii():
        return text
    return _RUN.sub(_needed, text.replace(_BLANK, " "))


def is_blank(text: str) -> bool:
    """Tell whether a cell has nothing that anybody sees; white space of any kind counts as nothing."""
    return not text or not visible(text).strip()


def are_blank(cells: Sequence[str]) -> bool:
    """Tell whether all cells of a row are blank."""
    # Of nearly every row the first cell that is filled says it.
    first = next(filter(str.strip, cells), None)
    return first is None or (not first.isascii() and all(map(is_blank, cells)))


def _needed(match: re.Match[str]) -> str:
    """Return what of a run of invisible characters its visible neighbours need."""
    run, text = match[0], match.string
    left, right = text[max(match.start() - 1, 0) : match.start()], text[match.end() : match.end() + 1]
    if left == _FLAG and (tags := _FLAG_TAGS.match(run)):
        return tags[0]
    kept = [sign for sign in dict.fromkeys(run) if _is_needed(left, sign, right)]
    return "".join(kept)


def _is_needed(left: str, sign: str, right: str) -> bool:
    if sign in _SELECTORS:
        is_emoji = sign in "\ufe0e\ufe0f" and (_EMOJI.match(left) is not None or right == _KEYCAP)
        return is_emoji or _IDEOGRAPH.match(left) is not None
    if sign in _MONGOLIAN_SIGNS:
        return _MONGOLIAN.match(left) is not None and (sign != "\u180e" or _MONGOLIAN.match(right) is not None)
    if sign == _JOINER and (_VIRAMA.match(left) or (_EMOJI.match(left) and _EMOJI.match(right))):
        return True
    return sign in (_NON_JOINER, _JOINER) and _JOINING.match(left) is not None and _JOINING.match(right) is not None
