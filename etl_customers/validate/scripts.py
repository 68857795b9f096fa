"""Alphabets of addresses: whether letters are not what they seem."""

import re
import unicodedata

_LATIN = "LATIN"
_LOOKING_LATIN = frozenset({"CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC", "LISU", "GEORGIAN", "DESERET"})
"""Alphabets with letters that look like Latin ones, as Unicode's names of characters begin."""

_TWINS = frozenset(
    "асԁеһіјӏорԛѕухԝѵАВЕЅІЈКМНОРСТХУԜ"  # noqa: RUF001 - Cyrillic
    "ονιαρυΑΒΕΖΗΙΚΜΝΟΡΤΥΧ"  # noqa: RUF001 - Greek
    "օոսցհքզՕՏՍ"  # noqa: RUF001 - Armenian
)
"""Letters that cannot be told from Latin ones."""


def mixes_scripts(email: str) -> bool:
    """Tell whether a mailbox or a part of the domain mixes Latin letters with some that look like them.

    So does one of such letters alone, before a Latin ending, and one of full-width or
    mathematical letters. An address in one alphabet (or in Chinese, Japanese or Korean
    with Latin letters) does not.

    Source:
        Unicode Technical Standard 39, 5.2: highly restrictive, and whole-script confusables.
    """
    if email.isascii():
        return False
    mailbox, _, domain = email.rpartition("@")
    if unicodedata.normalize("NFKC", mailbox) != unicodedata.normalize("NFC", mailbox):
        return True
    *labels, ending = domain.split(".")
    return any(_mixes(part, is_among_latin=ending.isascii()) for part in (mailbox, *labels))


def _mixes(text: str, *, is_among_latin: bool) -> bool:
    letters = [letter for letter in unicodedata.normalize("NFD", text) if letter.isalpha()]
    scripts = {re.split("[ -]", unicodedata.name(letter, ""))[0] for letter in letters}
    if not scripts & _LOOKING_LATIN:
        return False
    return _LATIN in scripts or len(scripts) > 1 or (is_among_latin and _TWINS.issuperset(letters))
