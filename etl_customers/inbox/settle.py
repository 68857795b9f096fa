"""Putting files of the inbox where their end belongs: ``done/`` without passwords, or ``rejected/`` with a note.

Repeatable: a file is settled by what the ledger says of its import, and an original goes
away only when what takes its place is on disk.
"""

import filecmp
import hashlib
import os
import stat
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

from etl_customers.base.errors import DiskUnavailable, ImportBusy, UploadRefused
from etl_customers.base.private_files import sync_folder
from etl_customers.columns.account_fields import AccountFields, load_fields
from etl_customers.database.connect import reading
from etl_customers.database.ledger import ACCEPTED, FINISHED, REFUSED, ImportRecord, find_imports
from etl_customers.imports.installation import Installation
from etl_customers.imports.temporary_files import translated_disk_errors
from etl_customers.inbox.blank import TEMPORARY, write_blanked
from etl_customers.inbox.folders import held, list_accepted, move, reject
from etl_customers.inbox.look import Odd
from etl_customers.inbox.names import clean_name, parts_of, rejected_name
from etl_customers.read.kinds import find_kind
from etl_customers.read.uploads import FileNotThere, is_unchanged, open_regular_file
from etl_customers.settings.home import Home
from etl_customers.staging import StagingDamaged, UploadColumn, open_staging

_SETTLED_AT_MOST = 2_000
_AGAIN = "correct that and copy the file into inbox/ again"


class Outcome(StrEnum):
    """What became of a file that was accepted."""

    DONE = "imported"
    REPEAT = "imported already"
    REFUSED = "refused"
    UNDONE = "undone"
    NOT_BLANKED = "imported, but its passwords could not be blanked"
    CHANGED = "changed after it was accepted"
    UNKNOWN = "of no import"


@dataclass(frozen=True)
class Settled:
    """A file that was put away; ``record`` is of its import, none where the target has no such import."""

    outcome: Outcome
    record: ImportRecord | None


@dataclass
class Settlement:
    """What was settled, and what is left to do."""

    settled: list[Settled] = field(default_factory=list)
    under_way: list[ImportRecord] = field(default_factory=list)
    left: int = 0
    """Number of files for which there was no time."""
    set_aside: Counter[str] = field(default_factory=Counter)
    """Entries of the inbox that could be no upload, by the refusal's code."""
    problems: Counter[str] = field(default_factory=Counter)
    """Why files could not be moved, in the operating system's words."""


def settle_files(installation: Installation, odd: Sequence[Odd], *, seconds: float) -> Settlement:
    """Set aside what can be no upload, and settle every accepted file whose import ended.

    Args:
        installation: Home, settings and target.
        odd: What a look found.
        seconds: No file is begun after that.

    Raises:
        DiskUnavailable: A folder of the inbox cannot be used.
        DatabaseUnavailable: The target does not answer.
    """
    deadline, result = time.monotonic() + seconds, Settlement()
    with held(installation.home):
        _sweep(installation.home)
        for one in odd:
            with _counting_problems(result):
                _set_aside(installation.home, one, result)
        paths = list_accepted(installation.home, _SETTLED_AT_MOST)
        records = find_records(installation, paths)
        for path in paths:
            record = records.get(parts_of(path.name)[0])
            if time.monotonic() > deadline and (record is None or record.status != ACCEPTED):
                result.left += 1
            else:
                _settle(installation, path, record, result)
    return result


def settle_one(installation: Installation, path: Path) -> Settlement:
    """Settle one accepted file, if its import ended."""
    result = Settlement()
    with held(installation.home):
        _settle(installation, path, find_records(installation, [path]).get(parts_of(path.name)[0]), result)
    return result


def find_records(installation: Installation, paths: Iterable[Path]) -> dict[str, ImportRecord]:
    """Return the imports of accepted files by their ids; those that the target does not know are left out."""
    import_ids = {parts_of(path.name)[0] for path in paths} - {""}
    if not import_ids:
        return {}
    with reading(installation.target) as connection:
        return find_imports(connection, import_ids)


def _settle(installation: Installation, path: Path, record: ImportRecord | None, result: Settlement) -> None:
    if record is not None and record.status == ACCEPTED:
        result.under_way.append(record)
        return
    with _counting_problems(result):
        try:
            result.settled.append(Settled(_put_away(installation, path, record), record))
        except ImportBusy:
            if record is not None:  # its last stage writes the failed rows
                result.under_way.append(record)


@contextmanager
def _counting_problems(result: Settlement) -> Iterator[None]:
    """One file that cannot be moved must not hold up the others."""
    try:
        yield
    except (FileNotFoundError, FileNotThere):
        pass  # a person took it away
    except (UploadRefused, DiskUnavailable) as error:
        result.problems[str(error)] += 1
    except OSError as error:
        result.problems[error.strerror or "cannot be moved"] += 1


def _set_aside(home: Home, odd: Odd, result: Settlement) -> None:
    path = odd.entry.path
    if not is_unchanged(odd.entry.looked_at, path.lstat()):
        return
    note = _note(path.name, "was not imported", str(odd.refusal), "correct that and copy the file into inbox/ again")
    reject(home, path, rejected_name(path.name, datetime.now(UTC)), note)
    result.set_aside[odd.refusal.code] += 1


def _put_away(installation: Installation, path: Path, record: ImportRecord | None) -> Outcome:
    found = path.lstat()
    if record is None or not stat.S_ISREG(found.st_mode):
        why = "no import in this target database has this file; accepted/ is only for files under import"
        _reject(installation, path, "was set aside", why, "to import it, copy the file into inbox/")
        return Outcome.UNKNOWN
    import_id = record.import_id
    if record.status == REFUSED:
        _reject(installation, path, f"was refused as import {import_id}", record.refusal_message or "no reason", _AGAIN)
        return Outcome.REFUSED
    if record.status != FINISHED:
        loaded = "nothing of it had been loaded" if record.finished_at is None else "what it had loaded was taken back"
        why = f"import {import_id} was undone: {loaded}"
        _reject(installation, path, "is no longer imported", why, "to import it again, copy it into inbox/")
        return Outcome.UNDONE
    return _put_away_finished(installation, path, record, found)


def _put_away_finished(installation: Installation, path: Path, record: ImportRecord, found: os.stat_result) -> Outcome:
    if _hash(path) != record.sha256:
        why = f"somebody wrote to it after it was accepted; import {record.import_id} has the earlier content"
        _reject(installation, path, "was set aside", why, "to import what it holds now, copy it into inbox/")
        return Outcome.CHANGED
    noted = _noted_columns(installation, record.import_id)
    try:
        blanked = write_blanked(
            path, installation.home.inbox_done, _fields(installation), installation.settings.csv, record.encoding, noted
        )
    except UploadRefused as refusal:
        why = f"its passwords could not be blanked, because under the current settings {refusal}"
        what = f"was imported as {record.import_id}, but may still hold passwords"
        _reject(installation, path, what, why, "delete the file when you no longer need it")
        return Outcome.NOT_BLANKED
    if blanked is None:
        with suppress(PermissionError):  # another user's file, which that user's own time serves as well
            os.utime(path)  # its retention time begins now
        _put(path, installation.home.inbox_done, path.name)
    else:
        _put(blanked, installation.home.inbox_done, path.name if find_kind(path) == "csv" else f"{path.name}.csv")
        path.unlink()
    sync_folder(path.parent)
    return Outcome.REPEAT if _is_repeat(record, parts_of(path.name)[1], found) else Outcome.DONE


def _put(path: Path, folder: Path, name: str) -> None:
    """Move a file to ``done/``; one of the same name and content is there when a crash came before the end."""
    there = folder / name
    if there.is_file() and not there.is_symlink() and filecmp.cmp(path, there, shallow=False):
        path.replace(there)
        sync_folder(folder)
    else:
        move(path, folder, name)


def _is_repeat(record: ImportRecord, name: str, found: os.stat_result) -> bool:
    """Tell whether the file came after another of the same content; only words depend on it."""
    ended = record.finished_at or datetime.now(UTC)
    came = datetime.fromtimestamp(found.st_ctime, UTC)
    return clean_name(record.file_name or "") != name or came > ended + timedelta(seconds=1)


def _hash(path: Path) -> str:
    with os.fdopen(open_regular_file(path), "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _noted_columns(installation: Installation, import_id: str) -> list[UploadColumn] | None:
    """Return what the import took each column for; none where its retention time is over."""
    path = installation.staging_path(import_id)
    if not path.exists():
        return None
    try:
        with open_staging(path, installation.settings.staging.memory_limit_mb, wait_seconds=0) as staging:
            return staging.upload_columns() or None
    except StagingDamaged:
        return None


def _fields(installation: Installation) -> AccountFields:
    with reading(installation.target) as connection:
        return load_fields(connection)


def _reject(installation: Installation, path: Path, what: str, why: str, remedy: str) -> None:
    reject(installation.home, path, path.name, _note(parts_of(path.name)[1], what, why, remedy))


def _note(name: str, what: str, why: str, remedy: str) -> str:
    """Return the text beside a rejected file: its own name, what cannot be shown as an escape, and the reasons."""
    now = datetime.now(UTC)
    shown = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in name)
    return f"{shown}\n{what} ({now:%Y-%m-%d %H:%M:%S} UTC).\n\nWhy: {why}.\nWhat to do: {remedy}.\n"


def _sweep(home: Home) -> None:
    """Delete the half-written copies of a process that died; nobody else uses them while we hold the inbox."""
    with translated_disk_errors(home.inbox_done):
        for path in home.inbox_done.glob(f"{TEMPORARY}*"):
            path.unlink(missing_ok=True)
