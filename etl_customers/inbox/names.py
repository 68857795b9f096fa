"""Names in the inbox: those that wait, those that are refused, and the clean ones that files get from us."""

import re
import unicodedata
from datetime import UTC, datetime
from pathlib import Path

SEPARATOR = "--"
"""Between an import's id and the file's own name; no id has it."""

NOTE = ".why.txt"
"""Ends the name of the note beside a file in ``rejected/``."""

_UNFINISHED = (".part", ".tmp", ".crdownload", ".filepart", "~")
_LONGEST = 200
_LONGEST_CLEAN_BYTES = 120
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_NOT_CLEAN = re.compile(r"[^\w.-]+")


def is_being_written(name: str) -> bool:
    """Tell whether a program that is still writing would call its file so."""
    return name.startswith(".") or name.lower().endswith(_UNFINISHED)


def what_is_wrong_with(name: str) -> str | None:
    """Return why no file may be called so; None: it may.

    Undecodable bytes, control characters and those that turn or hide text are refused,
    because such a name shows as another one.
    """
    if len(name) > _LONGEST:
        return f"its name has more than {_LONGEST} characters"
    if any(unicodedata.category(character) in _INVISIBLE for character in name):
        return "its name has characters that cannot be shown or that change how it is displayed"
    return None


def clean_name(name: str) -> str:
    """Return a name for a shell, a screen and every file system: letters, digits, ``.``, ``_`` and ``-``; its end stays.

    >>> clean_name("Our customers (new).csv"), clean_name("../.."), clean_name("客户.csv")
    ('Our-customers-new-.csv', 'file', '客户.csv')
    """
    shown = unicodedata.normalize("NFC", name.encode("utf-8", "replace").decode())
    text = _NOT_CLEAN.sub("-", shown).lstrip(".-")
    kept = text.encode()[-_LONGEST_CLEAN_BYTES:].decode("utf-8", "ignore").lstrip(".-")
    return kept or "file"


def named_after(import_id: str, name: str) -> str:
    """Return what a file is called once it belongs to an import."""
    return f"{import_id}{SEPARATOR}{clean_name(name)}"


def parts_of(name: str) -> tuple[str, str]:
    """Return the import's id and the file's own clean name; no id where the name is none of ours."""
    import_id, separator, own = name.partition(SEPARATOR)
    return (import_id, own) if separator else ("", name)


def free_name(folder: Path, name: str) -> Path:
    """Return a path in ``folder`` that nothing has, nor its note: ``name``, or else with a number."""
    for number in range(1, 100_000):
        path = folder / (name if number == 1 else f"{Path(name).stem}-{number}{Path(name).suffix}")
        if not _is_taken(path) and not _is_taken(note_of(path)):
            return path
    raise RuntimeError("a hundred thousand files of one name")


def rejected_name(name: str, now: datetime) -> str:
    """Return what an entry of the inbox is called in ``rejected/`` that never became an import."""
    return f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}{SEPARATOR}{clean_name(name)}"


def note_of(path: Path) -> Path:
    """Return where the note beside a rejected file is."""
    return path.with_name(f"{path.name}{NOTE}")


def _is_taken(path: Path) -> bool:
    try:
        path.lstat()
    except FileNotFoundError:
        return False
    return True
