"""Which column of the account a header may mean that is none: by its words and beginning first, by its letters last.

Headers are matched in ``etl_customers.columns.headers``; nothing of what is here is ever taken without a person.
"""

import re
from collections.abc import Iterable, Mapping

from rapidfuzz.distance import OSA

from etl_customers.columns.header_names import normalise_header
from etl_customers.texts.nearness import KnownKeys, is_placeholder, only

_LONGEST_HEADER = 100
_MEANT = {
    "county": "state",
    "region": "state",
    "state code": "state",
    "prefecture": "state",
    "pin": "postcode",
    "pin code": "postcode",
    "pincode": "postcode",
    "eircode": "postcode",
    "postal": "postcode",
    "apt": "unit",
    "apartment number": "unit",
    "nation": "country",
    "firm": "business_name",
    "gsm": "mobile",
    "handphone": "mobile",
    "ph": "phone",
    "locality": "city",
}
"""What other systems call a column, too loosely to take it without asking."""

_SAY_NOTHING = frozenset(
    "billing mailing home work office primary main default current customer client contact person personal address "
    "number no nr name the your full physical residential business value s 1".split()
)
"""Words beside a column's name that leave its meaning as it is."""

_NUMBER = frozenset(("number", "no", "nr"))
_NUMBERED = frozenset(("mobile", "phone", "unit"))
_SHORTEST_WORD = 4

_PARTS = re.compile(r"[^\W\d_]+|\d+")
_E_MAIL = re.compile(r"\be[\W_]?mail")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


class HeaderHints:
    """The account's headers, looked through for what another header may mean.

    Args:
        shown: Normalised header, of labels, ids and synonyms, to the header that is suggested.
        texts: The same headers as they are written, with what is suggested.
    """

    def __init__(self, shown: Mapping[str, str], texts: Iterable[tuple[str, str]]) -> None:
        self._known = KnownKeys(shown)
        self._phrases = {_words(text): column for text, column in texts}
        self._loose = {_words(text): column for text, column in _MEANT.items()}
        self._longest = max(map(len, (*self._phrases, *self._loose)))

    def nearest(self, header: str) -> str | None:
        """Return the header that this one may mean, None where none is near or several are."""
        words = _words(header[:_LONGEST_HEADER])
        if not words or is_placeholder(header):
            return None
        key = normalise_header(header[:_LONGEST_HEADER])
        return (
            self._of_words(words)
            or only(_first_of_a_kind(self._known.beginning_with(key)))
            or self._misspelt(words, key)
        )

    def _of_words(self, words: tuple[str, ...]) -> str | None:
        """Find the one column that is named in the header, where all other words say nothing (Billing City)."""
        found, loosely = set[str](), set[str]()
        place = 0
        while place < len(words):
            sizes = range(min(self._longest, len(words) - place), 0, -1)
            phrases = (words[place : place + size] for size in sizes)
            phrase = next((phrase for phrase in phrases if phrase in self._phrases or phrase in self._loose), None)
            if phrase is None and words[place] not in _SAY_NOTHING:
                return None
            if phrase in self._phrases:
                found.add(self._phrases[phrase])
            elif phrase is not None:
                loosely.add(self._loose[phrase])
            place += len(phrase or (1,))
        column = only(found or loosely)
        if column is None or _NUMBER.isdisjoint(words) or column.rstrip("23") in _NUMBERED:
            return column
        return None

    def _misspelt(self, words: tuple[str, ...], key: str) -> str | None:
        """Find the header that is a letter away, in one long word two, or in each of several words one."""
        if found := self._known.spelt_nearly(key, most=2 if len(words) == 1 else 1):
            return only(found)
        near = {
            column
            for phrase, column in self._phrases.items()
            if len(phrase) == len(words) > 1 and all(map(_is_nearly, words, phrase))
        }
        return only(near)


def _is_nearly(word: str, other: str) -> bool:
    return word == other or (min(len(word), len(other)) >= _SHORTEST_WORD and OSA.distance(word, other) == 1)


def _words(text: str) -> tuple[str, ...]:
    """Return a header's words in lower case; ``mobilePhone2`` has three."""
    return tuple(_PARTS.findall(_E_MAIL.sub("email", _CAMEL.sub(" ", text).casefold())))


def _first_of_a_kind(columns: list[str]) -> list[str]:
    """Leave out second and third columns where the first is there, too."""
    return [column for column in columns if column.rstrip("0123456789") not in columns or column[-1:].isalpha()]
