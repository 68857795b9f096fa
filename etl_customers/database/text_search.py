"""Asking a target whether a text has a word in it, whatever its accents, case, apostrophes and hyphens.

A word becomes a regular expression that matches whatever ``etl_customers.texts.folding`` folds to
it; what is stored is not folded. (Asked of PostgreSQL with ``normalize`` and ``translate``,
that takes two hundred times as long; folding in Python takes twenty times as long.)
"""

import re
import sqlite3
from collections.abc import Callable, Iterator
from functools import cache, lru_cache

import sqlalchemy as sa

from etl_customers.texts.folding import DASHES, MARKS, fold

_HAS_WORDS = "etl_customers_has_words"
_LONGEST_WORD = 250
"""Letters; more have no value in them that people write without a space."""
_MOST_LIGATED = 8
"""Letters in a row for which ligatures are tried; more are no word of any language."""
_DIGITS = "0123456789"
_ANY_DASH = re.compile(f"[{DASHES}]")

_SCRIPTS = (
    (0x21, 0x36F),  # Latin, spacing accents
    (0x370, 0x6FF),  # Greek, Cyrillic, Armenian, Hebrew, Arabic
    (0x10A0, 0x10FF),  # Georgian
    (0x1C80, 0x1CBF),  # further Cyrillic and Georgian
    (0x1D00, 0x1FFF),  # phonetic, Latin and Greek with accents
    (0x2000, 0x206F),  # punctuation
    (0x212A, 0x212B),  # kelvin and ångström
    (0x2C60, 0x2C7F),  # further Latin
    (0x2D00, 0x2DFF),
    (0xA640, 0xA69F),
    (0xA720, 0xA7FF),
    (0xAB30, 0xAB6F),
    (0xFB00, 0xFB4F),  # ligatures
    (0xFB50, 0xFEFF),  # forms of Arabic letters
    (0xFF01, 0xFF5E),  # full width
)


def has_words(dialect: sa.Dialect, text: sa.ColumnElement[str], words: str) -> sa.ColumnElement[bool]:
    """Return the condition that a text has every one of the words in it, none reaching over white space.

    Args:
        dialect: Of the target.
        text: Any expression that is never null.
        words: Separated by white space; what is folded to nothing counts for nothing.
    """
    wanted = list(dict.fromkeys(fold(words).split()))
    if any(len(word) > _LONGEST_WORD for word in wanted):
        return sa.false()
    if not wanted:
        return text.contains(words.strip(), autoescape=True)
    if dialect.name == "sqlite":
        # Not its operator regexp: each pattern would be handed over anew for every row.
        return sa.Function(_HAS_WORDS, text, " ".join(wanted), type_=sa.Integer()) == 1
    return sa.and_(*(text.regexp_match(pattern_of(word)) for word in wanted))


def teach_sqlite(connection: sqlite3.Connection) -> None:
    """Give a connection the function that ``has_words`` calls."""
    connection.create_function(_HAS_WORDS, 2, _has_words, deterministic=True)


def pattern_of(word: str) -> str:
    """Return the regular expression, for Python and PostgreSQL alike, that finds the word in text that is not folded.

    Args:
        word: Folded, without white space.
    """
    steps = _steps(word)
    pattern, place = "", 0
    while place < len(word):
        end = _end_of_block(steps, place)
        if end - place > _MOST_LIGATED:
            end = place + 1
        ways = list(_ways(word, steps, place, end))
        pattern += ways[0] if len(ways) == 1 else f"(?:{'|'.join(ways)})"
        if end < len(word):
            pattern += _between(word[end - 1], word[end])
        place = end
    return pattern


def _has_words(text: str, words: str) -> bool:
    return all(find(text) for find in _finders(words))


@lru_cache(maxsize=4)
def _finders(words: str) -> list[Callable[[str], re.Match[str] | None]]:
    return [re.compile(pattern_of(word)).search for word in words.split(" ")]


def _steps(word: str) -> list[dict[int, str]]:
    """Return, for each place in the word, the characters that are folded to the letters from there to another place."""
    letters, ligatures, _ = _characters()
    steps = [{place + 1: letters.get(letter, letter)} for place, letter in enumerate(word)]
    for folded, characters in ligatures.items():
        size = len(folded)
        # Where the word begins or ends inside of a ligature, a part of it is enough.
        for place in range(1 - size, len(word)):
            start, end = max(place, 0), min(place + size, len(word))
            if word[start:end] == folded[start - place : end - place]:
                steps[start][end] = steps[start].get(end, "") + characters
    return steps


def _end_of_block(steps: list[dict[int, str]], place: int) -> int:
    """Return where the ligatures end that begin at a place or overlap one that does."""
    end = place + 1
    while place < end:
        end = max(end, *steps[place])
        place += 1
    return end


def _ways(word: str, steps: list[dict[int, str]], place: int, end: int) -> Iterator[str]:
    """Yield the patterns of all ways from one place to another."""
    for next_place, characters in steps[place].items():
        pattern = "[" + re.sub(r"([\\\]\[^-])", r"\\\1", characters) + "]"
        if next_place == end:
            yield pattern
        elif next_place < end:
            between = _between(word[next_place - 1], word[next_place])
            for rest in _ways(word, steps, next_place, end):
                yield pattern + between + rest


def _between(before: str, behind: str) -> str:
    """Return the pattern of what does not count between two letters of a folded text."""
    ignored = _characters()[2]
    return f"[{ignored}]*" if before in _DIGITS and behind in _DIGITS else f"[{ignored}{DASHES}]*"


@cache
def _characters() -> tuple[dict[str, str], dict[str, str], str]:
    """Return what is folded to each letter, what is folded to several letters at once, and what to nothing."""
    letters: dict[str, str] = {}
    ligatures: dict[str, str] = {}
    ignored = MARKS
    for first, last in _SCRIPTS:
        for character in map(chr, range(first, last + 1)):
            folded = fold(character)
            if len(folded) == 1:
                letters[folded] = letters.get(folded, folded) + (character if character != folded else "")
            elif folded:
                ligatures[folded] = ligatures.get(folded, "") + character
            elif not character.isspace() and not _ANY_DASH.match(character):
                ignored += character
    letters["-"] = "".join(chr(code) for code in range(0x20, 0x2213) if _ANY_DASH.match(chr(code)))
    return letters, ligatures, ignored
