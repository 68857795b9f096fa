"""Retention: deleting what is kept for a set time only, and giving up imports that nobody carries on.

Customers, the ledger and whatever waits in the inbox are none of its business; Dagster's
records are deleted in ``assets.automation.retention``.
"""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from etl_customers.base.errors import ImportBusy, UploadRefused
from etl_customers.database.connect import reading, writing
from etl_customers.database.ledger import (
    ACCEPTED,
    ImportRecord,
    find_imports,
    list_accepted_before,
    lock_import,
    refuse_import,
)
from etl_customers.imports.installation import Installation
from etl_customers.imports.temporary_files import delete_file, temporary_files, translated_disk_errors
from etl_customers.staging import open_if_whole, remove_staging
from schemas.refusals import FileReason

_FEWEST_DAYS_UNDER_WAY = 1
_JUST_ENDED = timedelta(minutes=10)
"""So long an import's last stage may still need its files, even with ``retention.days`` at 0."""


@dataclass(frozen=True)
class Deleted:
    """How many of each were deleted, or would be."""

    staging: int = 0
    failed_rows: int = 0
    uploads: int = 0
    inbox_done: int = 0
    abandoned: int = 0
    """Imports that had not ended and are refused now."""

    @property
    def files(self) -> int:
        """Files in all."""
        return self.staging + self.failed_rows + self.uploads + self.inbox_done


def expires_before(installation: Installation, now: datetime) -> datetime:
    """Return the time of which everything older is deleted."""
    return now - max(timedelta(days=installation.settings.retention.days), _JUST_ENDED)


def delete_expired(installation: Installation, now: datetime, *, is_dry_run: bool = False) -> Deleted:
    """Delete what is older than ``retention.days``; refuse imports that have been under way for longer.

    Staging and failed-rows files are as old as the end of their import; those that no
    import is known by, and imported files of the inbox, as their last change.

    Args:
        installation: Home, settings and target.
        now: The present time, in UTC.
        is_dry_run: Count, and change nothing.

    Returns:
        The counts.

    Raises:
        DiskUnavailable: Something cannot be deleted; what was before it is.
        DatabaseUnavailable: The target does not answer.
    """
    days = installation.settings.retention.days
    before = expires_before(installation, now)
    waited = max(days, _FEWEST_DAYS_UNDER_WAY)
    with reading(installation.target) as connection:
        stuck = list_accepted_before(connection, now - timedelta(days=waited))
    if is_dry_run:
        return _delete_files(installation, before, len(stuck), is_dry_run=True)
    abandoned = sum(_abandon(installation, record, now, waited) for record in stuck)
    with temporary_files(installation):
        return _delete_files(installation, before, abandoned, is_dry_run=False)


def _abandon(installation: Installation, record: ImportRecord, now: datetime, waited: int) -> bool:
    """Refuse an import that nobody carries on, and delete its files; not one that a process works on."""
    path, upload = installation.staging_path(record.import_id), installation.upload_path(record.import_id)
    if upload.exists() and _changed_at(upload) > now - timedelta(days=waited):
        return False  # the same file was given again, to be carried on
    with ExitStack() as stack:
        if path.exists():
            try:
                limit = installation.settings.staging.memory_limit_mb
                stack.enter_context(open_if_whole(path, limit, wait_seconds=0))
            except ImportBusy:
                return False
        refusal = UploadRefused(FileReason.ABANDONED, days=waited)
        with writing(installation.target) as connection:
            current = lock_import(connection, record.import_id)
            # Accepted again meanwhile: then it has a time of its own.
            if current is None or current.accepted_at != record.accepted_at:
                return False
            if not refuse_import(connection, record.import_id, refusal.code, str(refusal), None):
                return False
    remove_staging(path)
    delete_file(upload)
    return True


def _delete_files(installation: Installation, before: datetime, abandoned: int, *, is_dry_run: bool) -> Deleted:
    home = installation.home
    with translated_disk_errors(home.path):
        staging = list(home.staging.glob("*.duckdb"))
        failed = list(home.failed.glob("*.csv"))
        uploads = list(home.uploads.glob("*.upload"))
        done = [path for path in home.inbox_done.iterdir() if path.is_file() and not path.is_symlink()]
    with reading(installation.target) as connection:
        records = find_imports(connection, {path.stem for path in (*staging, *failed, *uploads)})
    expired = {
        "staging": list(_expired(staging, records, before)),
        "failed_rows": list(_expired(failed, records, before)),
        "uploads": list(_expired(uploads, records, before)),
        "inbox_done": [path for path in done if _changed_at(path) < before],
    }
    if not is_dry_run:
        for path in (*expired["failed_rows"], *expired["uploads"], *expired["inbox_done"]):
            delete_file(path)
        for path in expired["staging"]:
            remove_staging(path)
    return Deleted(abandoned=abandoned, **{what: len(paths) for what, paths in expired.items()})


def _expired(paths: Iterable[Path], records: dict[str, ImportRecord], before: datetime) -> Iterator[Path]:
    for path in paths:
        record = records.get(path.stem)
        if record is None:
            ended_at: datetime | None = _changed_at(path)
        elif record.status == ACCEPTED:
            continue
        else:
            ended_at = record.undone_at or record.finished_at or record.accepted_at
        if ended_at is not None and ended_at < before:
            yield path


def _changed_at(path: Path) -> datetime:
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except FileNotFoundError:
        return datetime.max.replace(tzinfo=UTC)
