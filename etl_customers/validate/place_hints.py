"""What a text that is no country or state may mean: a part of it, an abbreviation, a word, and last a misspelt name.

How a name is read is in ``etl_customers.validate.places``; nothing of what is here is ever taken without a person.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from rapidfuzz.distance import OSA

from etl_customers.texts.nearness import KnownKeys, is_placeholder
from etl_customers.validate.place_names import place_words, without_kind

MOST_HINTS = 3
_LONGEST_TEXT = 100
_MOST_CODES = 40
"""Of more codes, some are always near by chance."""
_SHORTEST_WORD = 4

_PARTS = re.compile(r"[,;/|()\[\]\n]|\s[-\u2013\u2014]\s")
_SIDES = frozenset(
    "north south east west northern southern eastern western central upper lower new old greater".split()
)
_GENERIC = _SIDES | frozenset(
    "state states province county region district territory territories capital city town island islands republic union"
    " kingdom united democratic federal federation people peoples islamic great saint san the of and de la do da del vale".split()
)
_WORDS = {"nth": "north", "sth": "south", "n": "north", "s": "south", "e": "east", "w": "west"}
_ABBREVIATED = {
    "GB": {"northants": "northamptonshire", "salop": "shropshire", "yorks": "yorkshire"},
    "CA": {"nfld": "newfoundland", "pei": "prince edward island"},
    "US": {"penna": "pennsylvania", "dc": "district of columbia"},
}


class PlaceHints:
    """The names of one kind of place, the countries or the states of one, looked through for what a text may mean.

    Args:
        names: Key (see ``place_key``) to the value that is suggested, codes left out.
        words: Names as words (see ``place_words``), each with that value.
        codes: Code in capitals to that value.
        read: Returns the value that a part of a text names, by code or name.
        read_country: Returns the country that a part of a text names.
        country: Alpha-2 code of the country whose states these are; none for countries.
    """

    def __init__(
        self,
        names: Mapping[str, str],
        words: Iterable[tuple[str, str]],
        codes: Mapping[str, str],
        read: Callable[[str], str | None],
        read_country: Callable[[str], str | None],
        country: str | None = None,
    ) -> None:
        self._known = KnownKeys(names)
        self._words = [(name.split(), value) for name, value in dict.fromkeys(words)]
        self._codes = codes if len(codes) <= _MOST_CODES else {}
        self._read, self._read_country, self._country = read, read_country, country
        self._abbreviated = _ABBREVIATED.get(country or "", {})
        self._by_word: dict[str, list[int]] = {}
        for place, (parts, _) in enumerate(self._words):
            for word in set(parts) - _GENERIC:
                self._by_word.setdefault(word, []).append(place)

    def suggest(self, text: str) -> tuple[str, ...]:
        """Return what the text may mean, at most three; nothing where nothing is near or too much is."""
        if is_placeholder(text) or len(text) > _LONGEST_TEXT:
            return ()
        plain = place_words(text)
        words = [_WORDS.get(word, word) for word in self._abbreviated.get(plain, plain).split()]
        if not words or _GENERIC.issuperset(words):
            return ()
        for find in (self._of_parts, self._abbreviations, self._beginnings, self._with_words, self._misspelt):
            if found := list(dict.fromkeys(find(text, words))):
                return tuple(found) if len(found) <= MOST_HINTS else ()
        return ()

    def _of_parts(self, text: str, _words: list[str]) -> list[str]:
        """Read the parts of ``NSW, Australia``, ``Sydney NSW 2000`` or ``NT 0800``."""
        if text.isalpha():
            return []
        parts = [part.split() for part in _PARTS.split(text) if part.strip()]
        found: list[str] = []
        for part in parts:
            named = [word for word in part if not any(map(str.isdecimal, word))]
            is_numbered = len(named) < len(part)
            value = self._read(" ".join(named)) if named and (is_numbered or len(parts) > 1) else None
            value = value or self._read_end(named, is_numbered=is_numbered)
            is_last = part is parts[-1] and self._country is not None
            country = self._read_country(" ".join(named)) if is_last and found else None
            if country not in (None, self._country):
                return []  # Victoria, Canada is not Victoria in Australia
            if value and country is None:
                found.append(value)
        return found

    def _read_end(self, words: list[str], *, is_numbered: bool) -> str | None:
        """Read what stands before the country; behind a town, only a code in capitals or what a postcode follows."""
        for end in range(len(words), 0, -1):
            rest = " ".join(words[end:])
            if rest and (self._country is None or self._read_country(rest) != self._country):
                continue
            for start in range(0 if rest else 1, end):
                last = " ".join(words[start:end])
                is_code = len(last) <= 3 and last.isupper()
                if (start == 0 or is_code or is_numbered) and (value := self._read(last)):
                    return value
        return None

    def _abbreviations(self, _text: str, words: list[str]) -> Iterator[str]:
        """Find by a code that is cut off or has one wrong letter, and by names of which each word is cut off."""
        key = "".join(words)
        code = key.upper()
        if len(code) == 2:
            yield from (value for known, value in self._codes.items() if len(known) == 3 and known.startswith(code))
        elif len(code) == 3 and len(words) == 1:
            yield from (
                value
                for known, value in self._codes.items()
                if len(known) == 3 and known[0] == code[0] and OSA.distance(known, code) == 1
            )
        if len(words) > 1 and any(len(word) >= _SHORTEST_WORD for word in words):
            for parts, value in self._words:
                if len(parts) == len(words) and all(map(str.startswith, parts, words)):
                    yield value

    def _beginnings(self, _text: str, words: list[str]) -> Iterator[str]:
        key = "".join(words)
        yield from self._known.beginning_with(key)
        if self._country == "GB" and key.endswith("s"):  # Bucks, Leics
            yield from self._known.beginning_with(key[:-1], "shire")

    def _with_words(self, _text: str, words: list[str]) -> list[str]:
        """Find the names that have all words of the text; a single one that only adds a side is a part of it."""
        wanted = [word for word in words if word not in _GENERIC and len(word) >= _SHORTEST_WORD]
        if not wanted or len(wanted) < len([word for word in words if word not in _GENERIC]):
            return []
        found: dict[str, bool] = {}
        for place in self._by_word.get(wanted[0], ()):
            name, value = set(self._words[place][0]), self._words[place][1]
            if name.issuperset(words):
                found[value] = found.get(value, False) or _GENERIC.issuperset(name.difference(words))
        return [] if list(found.values()) == [True] else list(found)

    def _misspelt(self, text: str, words: list[str]) -> Iterator[str]:
        if found := self._known.spelt_nearly("".join(words)):
            yield from (value for value in found if self._is_alike_by_word(words, value))
            return
        for key in without_kind(text) if len(words) > 1 else ():
            if found := self._known.spelt_nearly(key):
                yield from found
                return

    def _is_alike_by_word(self, words: list[str], value: str) -> bool:
        """Tell whether each word of a text of several is near its own of a name: West Yorkshire is not West Berkshire."""
        names = [parts for parts, named in self._words if named == value and len(parts) == len(words) > 1]
        return not names or any(all(map(_is_near, words, parts)) for parts in names)


def _is_near(word: str, known: str) -> bool:
    distance = OSA.distance(word, known)
    return distance <= 1 or (word[:1] == known[:1] and distance <= len(known) // 4)
