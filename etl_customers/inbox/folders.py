"""The folders of the inbox: one process at a time moves files in them, and never over another file."""

import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from etl_customers.base.errors import DiskUnavailable
from etl_customers.base.folder_lock import locked_folder
from etl_customers.base.private_files import sync_folder, write_private
from etl_customers.imports.temporary_files import translated_disk_errors
from etl_customers.inbox.names import NOTE, free_name, note_of
from etl_customers.settings.home import Home


@contextmanager
def held(home: Home) -> Iterator[None]:
    """Keep other processes and threads from moving files of this inbox; waits for its turn.

    Raises:
        DiskUnavailable: A folder of the inbox is not there, or is no folder of its own.
    """
    with translated_disk_errors(home.inbox):
        for folder in (home.inbox_accepted, home.inbox_done, home.inbox_rejected):
            if not stat.S_ISDIR(folder.lstat().st_mode):
                raise DiskUnavailable(folder, "it is a link or a file, but must be a folder")
    with ExitStack() as stack:
        with translated_disk_errors(home.inbox):
            stack.enter_context(locked_folder(home.inbox))
        yield


def move(entry: Path, folder: Path, name: str) -> Path:
    """Rename an entry, whatever it is, into a folder, under ``name`` or the next free one.

    Nothing is followed, opened or overwritten.

    Raises:
        OSError: It cannot be moved; it is where it was.
    """
    path = free_name(folder, name)
    entry.rename(path)
    sync_folder(folder)
    return path


def reject(home: Home, entry: Path, name: str, note: str) -> None:
    """Move an entry into ``rejected/`` with a note beside it; the note is there first.

    Raises:
        OSError: It cannot be moved; it is where it was, and there is no note.
    """
    path = free_name(home.inbox_rejected, name)
    beside = note_of(path)
    write_private(beside, note.encode(), replaces=False)
    try:
        entry.rename(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    sync_folder(home.inbox_rejected)


def list_accepted(home: Home, limit: int) -> list[Path]:
    """Return the first ``limit`` entries of ``accepted/`` by name, which is by the time of acceptance.

    Raises:
        DiskUnavailable: The folder cannot be read.
    """
    with translated_disk_errors(home.inbox_accepted), os.scandir(home.inbox_accepted) as entries:
        names = sorted(entry.name for entry in entries if not entry.name.startswith("."))
    return [home.inbox_accepted / name for name in names[:limit]]


def count_rejected(home: Home) -> int:
    """Return how many entries wait in ``rejected/`` for a person, notes not counted; 0 without the folder."""
    try:
        with os.scandir(home.inbox_rejected) as entries:
            return sum(not entry.name.endswith(NOTE) for entry in entries)
    except OSError:
        return 0
