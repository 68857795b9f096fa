"""Comparing names of countries and states: what of a spelling is forgiven, what else a name is called."""

import re
import unicodedata
from collections.abc import Iterator

from etl_customers.texts.folding import LETTERS

_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa"})
_NO_WORDS = re.compile("[^a-z0-9]+")
_BRACKETED = re.compile(r"\s*[\[(][^\])]*[\])]")
_INSIDE = re.compile(r"[\[(]([^\])]*)[\])]")
_CODE = re.compile(r"\b[A-Z]{2}-[A-Z0-9]{1,3}\b|\bEH(-partial)?\b")

_KINDS = (
    "state|free state|province|county|co|region|canton|prefecture|governorate|department|district|territory|republic|"
    "oblast|krai|emirate|parish|provincia|estado|departamento|regione|provinz|kanton|departement"
)
_KIND_BEFORE = re.compile(
    rf"^(?:the\s+)?(?:{_KINDS}|land|bundesland|freistaat|comunidad|comunidad autonoma|principado)\s+"
    r"(?:(?:of|de|del|di|do|da|du|des|d|von)\s+)?(?:(?:the|la|las|los|le|les|l)\s+)?"
)
_KIND_BEHIND = re.compile(rf"\s+(?:{_KINDS}|lan|fylke|ken|to|fu)$")
"""No "city": Mexico City is not in the state of Mexico, Kansas City mostly not in Kansas."""


def place_key(text: str) -> str:
    """Return what is compared of a name: letters and digits, without accents, case or punctuation.

    ``place_key("Côte d'Ivoire") == place_key("COTE D IVOIRE") == "cotedivoire"``
    """
    return "".join(place_words(text).split())


def name_keys(name: str) -> Iterator[str]:
    """Yield the keys of a name: as it is, and with umlauts written out (Thueringen)."""
    yield place_key(name)
    lowered = unicodedata.normalize("NFC", name).casefold()
    if (written_out := lowered.translate(_UMLAUTS)) != lowered:
        yield place_key(written_out)


def plain_name(name: str) -> str:
    """Return a reference list's name without translations and codes in brackets.

    ``plain_name("Newport [Casnewydd GB-CNW]") == "Newport"``; round brackets stay,
    unless they only say that ISO 3166 counts a place under two countries.
    """
    name = re.sub(r"\s*\[[^\]]*\]", "", name)
    return re.sub(r"\s*\(EH(?:-partial)?\)", "", name).strip()


def other_names(name: str) -> Iterator[str]:
    """Yield what else a reference list's name says: the parts of brackets, slashes and inversions.

    ``Madrid, Comunidad de`` is also ``Comunidad de Madrid`` and ``Madrid``; ``Rift
    Valley/X`` is also each half; ``Galicia [Galicia]`` is also what is in the brackets.
    """
    outside = _BRACKETED.sub("", name).strip()
    yield outside
    for inside in _INSIDE.findall(name):
        yield _CODE.sub("", inside).strip()
    if outside.count(",") == 1 and " and " not in outside and " y " not in outside:
        first, last = (part.strip() for part in outside.split(","))
        yield f"{last} {first}"
        yield first
    if "/" in outside:
        yield from (part.strip() for part in outside.split("/"))


def without_kind(text: str) -> Iterator[str]:
    """Yield keys of a text without its word for state, province or county, in front or behind."""
    words = place_words(text)
    for shorter in (_KIND_BEFORE.sub("", words), _KIND_BEHIND.sub("", words), words.removeprefix("the ")):
        if shorter and shorter != words:
            yield "".join(shorter.split())


def place_words(text: str) -> str:
    """Return lower-case words of letters and digits, one space between; dots and apostrophes part no words."""
    if text.isascii():
        dropped = text.lower().replace("&", " and ").replace(".", "").replace("'", "").replace("`", "")
        return _NO_WORDS.sub(" ", dropped).strip()
    folded = unicodedata.normalize("NFKD", text.casefold().translate(LETTERS).replace("&", " and "))
    kept = (
        character if character.isalnum() else " "
        for character in folded
        if not unicodedata.combining(character) and character not in ".'’‘ʻʼ`´"  # noqa: RUF001
    )
    return " ".join("".join(kept).split())
