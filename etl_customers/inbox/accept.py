"""Taking complete files of the inbox: each becomes an import and then waits in ``accepted/`` for its end.

The ledger hears of a file before the file is moved. Whatever happens in between, the
file is still in the inbox, and accepting the same bytes again finds the same import.
"""

import os
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from etl_customers.base.errors import UploadRefused, UsageError
from etl_customers.imports.accepting import Accepted, accept_upload
from etl_customers.imports.installation import Installation
from etl_customers.imports.temporary_files import temporary_files
from etl_customers.inbox.folders import held, list_accepted, move
from etl_customers.inbox.look import Entry, look_at
from etl_customers.inbox.names import clean_name, free_name, named_after, parts_of
from etl_customers.read.uploads import FileNotThere
from schemas.refusals import FileReason

ACCEPTED_BY = "inbox"
MOST_ACCEPTED = 1_000
"""Most files in ``accepted/``; others wait in the inbox, where they take no second copy."""


class NotInInbox(UsageError):
    """A person has named a file that is not in the inbox."""

    def __str__(self) -> str:
        """Say what a name is, without repeating it."""
        return (
            "there is no file with that name in the folder inbox/ of the home; "
            "type the name of a file there, such as customers.csv, without a folder"
        )


@dataclass(frozen=True)
class Acceptance:
    """What became of the files that were complete."""

    accepted: int
    left: int
    """Number of those that wait for their turn, or have changed."""
    problems: Counter[str] = field(default_factory=Counter)
    """Why others could not be moved, in the operating system's words."""


def accept_files(installation: Installation, ready: Sequence[Entry], *, most: int, seconds: float) -> Acceptance:
    """Accept complete files, the first ``most``, for about ``seconds`` seconds.

    Args:
        installation: Home, settings and target.
        ready: What a look found complete.
        most: Most files to accept.
        seconds: No file is begun after that.

    Raises:
        DiskUnavailable: A copy cannot be written, or a folder of the inbox cannot be used.
        DatabaseUnavailable: The target does not answer.
    """
    if not ready:
        return Acceptance(0, 0)
    deadline, accepted = time.monotonic() + seconds, 0
    problems: Counter[str] = Counter()
    # Held over all of them, or each would look for leftovers among the copies of the others.
    with held(installation.home), temporary_files(installation):
        room = MOST_ACCEPTED - len(list_accepted(installation.home, MOST_ACCEPTED))
        for entry in ready[: min(most, room)]:
            if time.monotonic() > deadline:
                break
            try:
                accept_file(installation, entry)
                accepted += 1
            except UploadRefused as refusal:
                # Any other was changed since it was looked at: the next look judges it anew.
                if refusal.is_for(FileReason.NOT_MOVED):
                    problems[str(refusal.facts["reason"])] += 1
    return Acceptance(accepted, len(ready) - accepted - problems.total(), problems)


def accept_file(installation: Installation, entry: Entry) -> tuple[Accepted, Path]:
    """Make an import of a file and move the file to ``accepted/``; the inbox must be held.

    Returns:
        The import, and where the file is now.

    Raises:
        UploadRefused: It is not as it was when it was looked at, or cannot be moved; it is where it was.
        DiskUnavailable: It cannot be copied.
        DatabaseUnavailable: The target does not answer.
    """
    accepted = accept_upload(installation, entry.path, accepted_by=ACCEPTED_BY, looked_at=entry.looked_at)
    return accepted, move_accepted(installation, entry, accepted.record.import_id)


def accept_named(installation: Installation, name: str) -> tuple[str, Path]:
    """Accept the file of the inbox that a person has named, or find it accepted already.

    Args:
        installation: Home, settings and target.
        name: The file's name in the inbox: no path, and no hidden file.

    Returns:
        The import's id, and where the file is now.

    Raises:
        NotInInbox: There is no such file, or it is no name.
        UploadRefused: It can be no upload, is being written or cannot be moved; it is where it was.
        DiskUnavailable: It cannot be copied.
        DatabaseUnavailable: The target does not answer.
    """
    home = installation.home
    if not name or name.startswith(".") or os.sep in name or "\0" in name:
        raise NotInInbox
    with held(home), temporary_files(installation):
        try:
            entry = look_at(home.inbox / name, installation.settings.csv.max_bytes)
            accepted, path = accept_file(installation, entry)
        except FileNotThere:
            earlier = [
                path for path in list_accepted(home, MOST_ACCEPTED) if parts_of(path.name)[1] == clean_name(name)
            ]
            if not earlier:
                raise NotInInbox from None
            return parts_of(earlier[-1].name)[0], earlier[-1]
    return accepted.record.import_id, path


def move_accepted(installation: Installation, entry: Entry, import_id: str) -> Path:
    """Move the file of an import to ``accepted/``; another that took its place meanwhile stays in the inbox."""
    home = installation.home
    try:
        path = move(entry.path, home.inbox_accepted, named_after(import_id, entry.path.name))
        found = path.lstat()
        if (found.st_ino, found.st_mtime_ns) != (entry.looked_at.st_ino, entry.looked_at.st_mtime_ns):
            path.rename(free_name(home.inbox, clean_name(entry.path.name)))
            raise UploadRefused(FileReason.CHANGED_WHILE_COPIED)
    except FileNotFoundError:
        raise UploadRefused(FileReason.CHANGED_WHILE_COPIED) from None
    except OSError as error:
        raise UploadRefused(FileReason.NOT_MOVED, reason=error.strerror or "unknown reason") from None
    return path
