"""Which known names a text that is none of them may stand for: by its words and beginning first, by its letters last.

Where nothing is near, or too much is, nothing is said: a wrong suggestion costs more than none.
"""

import re
from bisect import bisect_left
from collections.abc import Collection, Mapping

from rapidfuzz.distance import OSA
from rapidfuzz.process import extract

_PLACEHOLDER = re.compile(
    r"n\W{0,3}a\W?|#n/a|not? ?(?:applicable|available|known|given|specified|provided|stated|set|entered|recorded)|n\.?k\.?"
    r"|nil|nul+|none|nan|unknown|unk|unspecified|undefined|missing|blank|empty|tb[acd]|various|other|misc(?:ellaneous)?"
    r"|select(?: .*)?|please select.*|choose.*|dummy|test|default|same|x+|[^\w]*",
    re.IGNORECASE,
)
_SHORTEST_BEGINNING = 3
_SHORTEST_MISSPELT = 4


def is_placeholder(text: str) -> bool:
    """Tell whether a text only says that there is nothing to say, such as ``N/A``, ``-`` or ``unknown``."""
    return _PLACEHOLDER.fullmatch(text.strip().strip("()[]<>{}\"'").strip()) is not None


class KnownKeys:
    """Keys of names, each with the value that it stands for, prepared for being looked through many times.

    Args:
        values: Key (lower-case letters and digits) to value.
    """

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values
        self._sorted = sorted(values)
        self._long = [key for key in self._sorted if len(key) >= _SHORTEST_MISSPELT]

    def beginning_with(self, key: str, end: str = "") -> list[str]:
        """Return the values of keys that begin with this one and have that end, each value once."""
        if len(key) < _SHORTEST_BEGINNING:
            return []
        found: list[str] = []
        for place in range(bisect_left(self._sorted, key), len(self._sorted)):
            known = self._sorted[place]
            if not known.startswith(key):
                break
            if known.endswith(end):
                found.append(known)
        if found and all(known.startswith(found[0]) for known in found):
            found = found[:1]  # Wash is Washington, not Washington DC
        return list(dict.fromkeys(self._values[known] for known in found))

    def spelt_nearly(self, key: str, most: int = 3) -> list[str]:
        """Return the values of the keys that are fewest letters away from this one, if they are few enough.

        One letter in up to seven may be wrong, two in a longer one, three in one of twelve and
        more, but never more than ``most``; the first one only where nothing else is wrong in a
        long one. Digits are never wrong.
        """
        if len(key) < _SHORTEST_MISSPELT:
            return []
        most = min(most, 1 if len(key) < 8 else 2 if len(key) < 12 else 3)
        digits = _digits(key)
        near: dict[str, tuple[int, int]] = {}
        for known, distance, _ in extract(key, self._long, scorer=OSA.distance, score_cutoff=most, limit=None):
            is_begun_alike = known[0] == key[0] or known[:2] == key[1::-1] or (distance == 1 and len(key) > 5)
            if is_begun_alike and _digits(known) == digits:
                value = self._values[known]
                # Letters are forgotten more often than added: Austrlia is Australia rather than Austria.
                near[value] = min(near.get(value, (most, 0)), (int(distance), -len(known)))
        nearest = min(near.values(), default=None)
        return [value for value, distance in near.items() if distance == nearest]


def only(values: Collection[str]) -> str | None:
    """Return the value where there is one alone."""
    return next(iter(values)) if len(values) == 1 else None


def _digits(text: str) -> str:
    return "".join(character for character in text if character.isdecimal())
