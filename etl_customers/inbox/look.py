"""Looking at the inbox: which entries are complete, which wait, and which can be no upload.

Nothing is moved, opened for writing or read here. What an earlier look saw comes in and
goes out as digests, so that whoever remembers it between two looks holds no name.
"""

import errno
import fcntl
import hashlib
import heapq
import os
import signal
import stat
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from etl_customers.base.errors import UploadRefused
from etl_customers.imports.temporary_files import translated_disk_errors
from etl_customers.inbox.names import is_being_written, what_is_wrong_with
from etl_customers.read.uploads import FileNotThere, is_unchanged, kind_of, open_regular_file
from etl_customers.settings.home import Home
from schemas.refusals import FileReason

EXAMINED = 1_000
"""Most entries that one look examines."""


@dataclass(frozen=True)
class Entry:
    """Something in the inbox, as it was when it was looked at."""

    path: Path
    looked_at: os.stat_result


@dataclass(frozen=True)
class Odd:
    """An entry that cannot be imported, and why."""

    entry: Entry
    refusal: UploadRefused


@dataclass(frozen=True)
class Look:
    """What was found, the oldest first."""

    ready: list[Entry]
    odd: list[Odd]
    waiting: int
    """Number of entries that are still being written, or have not been unchanged for long enough."""
    unexamined: int
    """Number of entries past the most that one look examines."""
    seen: dict[str, float]
    """Digest of each examined entry and when (seconds) it was first seen so; for the next look."""


def look(home: Home, max_bytes: int, settle_seconds: float, seen: Mapping[str, float], now: float) -> Look:
    """Examine the oldest entries of the inbox; its own three folders are none.

    An entry is judged when it has been the same (size, times, inode) since a look at
    least ``settle_seconds`` ago, and nobody has it open for writing as far as the kernel
    tells.

    Args:
        home: Whose inbox.
        max_bytes: Largest file that can be imported.
        settle_seconds: How long an entry must have been unchanged.
        seen: What the last look returned; empty at the first.
        now: Seconds since the epoch.

    Raises:
        DiskUnavailable: The inbox cannot be read.
    """
    with translated_disk_errors(home.inbox):
        entries, unfinished, total = _oldest(home)
    ready, odd, waiting, now_seen = [], [], unfinished, {}
    for entry in entries:
        digest = _digest(entry)
        since = now_seen[digest] = min(seen.get(digest, now), now)
        if digest not in seen or now - since < settle_seconds:
            waiting += 1
            continue
        try:
            if _is_complete(entry, max_bytes):
                ready.append(entry)
            else:
                waiting += 1
        except FileNotThere:
            del now_seen[digest]
        except UploadRefused as refusal:
            odd.append(Odd(entry, refusal))
    return Look(ready, odd, waiting, total - len(entries), now_seen)


def look_at(path: Path, max_bytes: int) -> Entry:
    """Look at one entry that a person has named.

    Raises:
        UploadRefused: It can be no upload, is not there, or somebody has it open for writing.
    """
    try:
        entry = Entry(path, path.lstat())
    except (OSError, ValueError):
        raise FileNotThere from None
    if not _is_complete(entry, max_bytes):
        raise UploadRefused(FileReason.CHANGED_WHILE_COPIED)
    return entry


def _oldest(home: Home) -> tuple[list[Entry], int, int]:
    """Return the entries that were longest the same, and how many are unfinished and how many others there are."""
    ours = {folder.name for folder in (home.inbox_accepted, home.inbox_done, home.inbox_rejected)}
    oldest: list[tuple[int, int, Entry]] = []
    unfinished, total = 0, 0
    with os.scandir(home.inbox) as found:
        for one in found:
            if one.name in ours:
                continue
            if is_being_written(one.name):
                unfinished += 1
                continue
            try:
                entry = Entry(Path(one.path), one.stat(follow_symlinks=False))
            except FileNotFoundError:
                continue
            total += 1
            item = (-entry.looked_at.st_ctime_ns, total, entry)
            (heapq.heappush if total <= EXAMINED else heapq.heappushpop)(oldest, item)
    return [entry for *_, entry in sorted(oldest, reverse=True)], unfinished, total


def _digest(entry: Entry) -> str:
    found = entry.looked_at
    state = (found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
    return hashlib.sha256(os.fsencode(entry.path.name) + repr(state).encode()).hexdigest()[:16]


def _is_complete(entry: Entry, max_bytes: int) -> bool:
    """Tell whether nobody is writing to a file.

    Raises:
        UploadRefused: It can be no upload, or is gone.
    """
    problem = what_is_wrong_with(entry.path.name)
    if problem is not None:
        raise UploadRefused(FileReason.HOSTILE_NAME, problem=problem)
    if not stat.S_ISREG(entry.looked_at.st_mode):
        raise UploadRefused(FileReason.NOT_A_REGULAR_FILE, kind=kind_of(entry.looked_at.st_mode))
    descriptor = open_regular_file(entry.path)
    try:
        if not is_unchanged(entry.looked_at, os.fstat(descriptor)) or _has_writer(descriptor):
            return False
    finally:
        os.close(descriptor)
    if entry.looked_at.st_size > max_bytes:
        raise UploadRefused(FileReason.TOO_LARGE, max_bytes=max_bytes)
    if entry.looked_at.st_size == 0:
        raise UploadRefused(FileReason.EMPTY_FILE)
    return True


def _has_writer(descriptor: int) -> bool:
    """Tell whether a process has the file open for writing; no where the kernel does not say.

    Source:
        fcntl(2), "Leases": a read lease is refused with EAGAIN while there is a writer.
    """
    if sys.platform != "linux":
        return False
    try:
        # Who opens the file for writing meanwhile makes the kernel send a signal, by default one that kills.
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except OSError as error:
        return error.errno == errno.EAGAIN
    fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    return False
