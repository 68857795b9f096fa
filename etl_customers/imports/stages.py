"""An import from its acceptance to its end: which stage may run, on what, and what it leaves.

The ledger in the target database says how far an import is; that is asked before each
stage (``etl_customers.imports.stage_gate``), so that every stage may be run again at any time. The
stages themselves live in their own packages; what begins a pull is ``etl_customers.imports.pulls``.
"""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from etl_customers.base.errors import PullRefused, UploadRefused
from etl_customers.base.refusals import CountryNotSet
from etl_customers.columns.account_fields import AccountFields, load_fields
from etl_customers.database.connect import reading, writing
from etl_customers.database.ledger import (
    FINISHED,
    ImportRecord,
    accept_import,
    failed_rows_of,
    find_import,
    find_import_of_content,
    refuse_import,
)
from etl_customers.deduplicate.deduplicate import DeduplicateCounts, deduplicate_customers
from etl_customers.deduplicate.reconcile import merge_pulled
from etl_customers.imports.installation import Installation
from etl_customers.imports.stage_gate import UploadGone, open_stage, settings_of
from etl_customers.imports.temporary_files import DRY_RUN, delete_file, temporary_files, translated_disk_errors
from etl_customers.load.load import LoadCounts, load_customers
from etl_customers.load.passwords import hash_passwords
from etl_customers.load.pulled import load_pulled
from etl_customers.read.raw_csv import ReadCounts, read_passwords, read_raw_csv
from etl_customers.read.uploads import StoredUpload, store_upload
from etl_customers.report.failed_rows import error_text, write_failed_rows
from etl_customers.report.worklist import work_items, write_worklist
from etl_customers.staging import Staging, StagingDamaged, kept_open, open_staging, remove_staging
from etl_customers.validate.validate import ValidateCounts, validate_customers
from schemas.codes import ALREADY_EXISTS, DUPLICATE_IN_FILE
from schemas.sources import PROVIDERS

_DUPLICATE_CODES = {ALREADY_EXISTS, DUPLICATE_IN_FILE}


@dataclass(frozen=True)
class Accepted:
    """An upload's import; ``is_repeat`` where the same bytes were imported before."""

    record: ImportRecord
    is_repeat: bool


def accept_upload(
    installation: Installation,
    source: Path,
    *,
    encoding: str | None = None,
    again: bool = False,
    accepted_by: str | None = None,
    looked_at: os.stat_result | None = None,
) -> Accepted:
    """Copy a file into the home and enter its import in the ledger.

    Args:
        installation: Where it goes.
        source: The user's file; it is read once and never changed.
        encoding: The encoding that the user named; None for the setting's or UTF-8.
        again: Import once more what was imported already (R24).
        accepted_by: Who or what asked for it.
        looked_at: How the file was when it was chosen; none is accepted that has changed since.

    Returns:
        The first import of these bytes where it is finished; else an accepted import,
        a new one or the same that a crash or a refusal had ended before.

    Raises:
        UploadRefused: No regular file, too large, or changed.
        DiskUnavailable: No room for the copy.
        DatabaseUnavailable: The target does not answer.
    """
    with temporary_files(installation):
        stored = store_upload(source, installation.home.uploads, installation.settings.csv.max_bytes, looked_at)
        record: ImportRecord | None = None
        is_new = False
        try:
            with writing(installation.target) as connection:
                record, is_new = accept_import(
                    connection,
                    source="csv",
                    file_name=stored.file_name,
                    sha256=stored.sha256,
                    bytes=stored.bytes,
                    encoding=encoding or installation.settings.csv.encoding,
                    again=again,
                    accepted_by=accepted_by,
                )
            is_repeat = record.status == FINISHED
            if not is_repeat:
                with translated_disk_errors(stored.path):
                    stored.path.replace(installation.upload_path(record.import_id))
            accepted = Accepted(record, is_repeat)
            delete_file(stored.path)
        except BaseException:
            # Also of a stop (Ctrl-C) that comes after the copy has its name, which nobody will ever ask for.
            delete_file(stored.path)
            if record is not None and is_new:
                delete_file(installation.upload_path(record.import_id))
            raise
    return accepted


def run_raw_csv(installation: Installation, import_id: str, run_id: str | None = None) -> ReadCounts:
    """Read the upload into staging; a file that is refused is refused in the ledger too.

    Raises:
        UploadRefused: The file as a whole cannot be imported.
        UploadGone: The upload is not in this home.
    """
    try:
        return _run_raw_csv(installation, import_id, run_id)
    except StagingDamaged:
        # A process was killed while it made the file, or another version made it: the upload has all of it.
        remove_staging(installation.staging_path(import_id))
        return _run_raw_csv(installation, import_id, run_id)


def _run_raw_csv(installation: Installation, import_id: str, run_id: str | None) -> ReadCounts:
    with open_stage(installation, import_id) as (record, staging):
        if record.status == FINISHED:
            warnings = record.warnings or ()
            return ReadCounts(record.rows_read or 0, record.rows_unread or 0, record.parent_import_id, warnings)
        upload = installation.upload_path(import_id)
        if not upload.exists():
            raise UploadGone(import_id)
        try:
            return _read(installation, staging, upload, record.encoding)
        except UploadRefused as refusal:
            with writing(installation.target) as connection:
                refuse_import(connection, import_id, refusal.code, str(refusal), run_id)
            delete_file(upload)
            raise


def run_validated_customers(installation: Installation, import_id: str) -> ValidateCounts:
    """Check every row against the contract, by the rules of its source."""
    with open_stage(installation, import_id, "rows_read") as (record, staging):
        if record.status == FINISHED:
            duplicates = _count_duplicates(installation, record, staging)
            failed = (record.rows_failed or 0) - duplicates
            return ValidateCounts(validated=(record.rows_read or 0) - failed, failed=failed)
        return validate_customers(staging, _fields(installation), settings_of(installation, record), record.source)


def run_deduplicated_customers(installation: Installation, import_id: str) -> DeduplicateCounts:
    """Find the rows whose customer is in the file before or in the target already; of a pull, what to do with each."""
    with open_stage(installation, import_id, "rows_read") as (record, staging):
        if record.status == FINISHED:
            return DeduplicateCounts(
                deduplicated=record.rows_loaded or 0,
                failed=_count_duplicates(installation, record, staging),
                updated=record.rows_updated or 0,
                unchanged=record.rows_unchanged or 0,
            )
        with reading(installation.target) as connection:
            if record.source not in PROVIDERS:
                return deduplicate_customers(staging, connection)
            merged = merge_pulled(
                staging,
                connection,
                provider=record.source,
                tenant_id=record.tenant_id or "",
                settings=installation.settings,
            )
        return DeduplicateCounts(merged.created, merged.failed, merged.updated, merged.unchanged)


def run_loaded_customers(
    installation: Installation,
    import_id: str,
    run_id: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> LoadCounts:
    """Hash the passwords, load everything in one transaction, and delete the upload.

    Args:
        installation: Home, settings and target.
        import_id: An accepted import, deduplicated; of a finished one nothing is changed.
        run_id: The Dagster run, kept in the ledger.
        progress: Called with the number of passwords hashed so far and of all.

    Raises:
        PullRefused: Of a pull: nothing of it is loaded, and the ledger says why.
    """
    with open_stage(installation, import_id, "rows_read") as (record, staging):
        if record.source in PROVIDERS:
            with refused_in_ledger(installation, import_id, run_id):
                pulled = load_pulled(staging, installation.target, import_id, run_id, installation.settings)
            return LoadCounts(
                pulled.fetched, pulled.created, pulled.not_synced, 0, pulled.updated, pulled.unchanged, pulled.vanished
            )
        upload = installation.upload_path(import_id)
        hashes = {} if record.status == FINISHED else _hash(installation, staging, record, upload, progress)
        counts = load_customers(staging, installation.target, import_id, hashes, run_id)
        delete_file(upload)
        return counts


def run_failed_rows(installation: Installation, import_id: str) -> int:
    """Write the failed-rows file of a finished import; return the number of its rows.

    0 also where staging was deleted after its retention time: then the cells are gone,
    while the ledger still has the errors. Of a pull it is the worklist, made from the ledger
    alone: ids, reasons and links of what a person should do something about.
    """
    with open_stage(installation, import_id, "rows_read") as (record, staging):
        if not record.rows_failed and record.source not in PROVIDERS:
            return 0
        path = installation.failed_rows_path(import_id)
        with temporary_files(installation), reading(installation.target) as connection:
            if record.source in PROVIDERS:
                return write_worklist(path, work_items(connection, record, installation.settings))
            if not staging.number("select count(*) from facts"):
                return 0
            failed = (row for row in failed_rows_of(connection, import_id) if not row.is_erased)
            errors = ((row.row, error_text(row.errors)) for row in failed)
            return write_failed_rows(staging, path, import_id, errors)


@contextmanager
def refused_in_ledger(installation: Installation, import_id: str, run_id: str | None) -> Iterator[None]:
    """Note in the ledger why a pull is refused inside, before whoever called hears of it."""
    try:
        yield
    except PullRefused as refusal:
        with writing(installation.target) as connection:
            refuse_import(connection, import_id, refusal.code, str(refusal), run_id)
        raise


def run_import(installation: Installation, import_id: str) -> None:
    """Run all stages of an import in their order, without Dagster."""
    with kept_open():
        run_raw_csv(installation, import_id)
        run_validated_customers(installation, import_id)
        run_deduplicated_customers(installation, import_id)
        run_loaded_customers(installation, import_id)
        run_failed_rows(installation, import_id)


@dataclass(frozen=True)
class DryRun:
    """A file after all stages but the load.

    ``repeat`` is the finished import of the same bytes, which a real import would
    return; then nothing was staged. ``staging`` is open as long as ``dry_run`` is.
    """

    upload: StoredUpload
    read: ReadCounts | None
    refusal: UploadRefused | None
    repeat: ImportRecord | None
    staging: Staging


@contextmanager
def dry_run(
    installation: Installation,
    source: Path,
    *,
    encoding: str | None = None,
    again: bool = False,
    until_read: bool = False,
) -> Iterator[DryRun]:
    """Do everything but load, in a folder that is gone afterwards (R23); with ``until_read`` the first stage alone.

    Raises:
        UploadRefused: No regular file, or too large.
        NotNow: Database or disk cannot be used.
    """
    with temporary_files(installation), ExitStack() as stack:
        with translated_disk_errors(installation.home.staging):
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix=DRY_RUN, dir=installation.home.staging))
        stored = store_upload(source, Path(folder), installation.settings.csv.max_bytes)
        with reading(installation.target) as connection:
            earlier = None if again else find_import_of_content(connection, stored.sha256)
        repeat = earlier if earlier and earlier.status == FINISHED else None
        limit = installation.settings.staging.memory_limit_mb
        with open_staging(Path(folder) / "dry-run.duckdb", limit) as staging:
            read, refusal = None, None
            if repeat is None:
                try:
                    read = _read(installation, staging, stored.path, encoding or installation.settings.csv.encoding)
                    if not until_read:
                        validate_customers(staging, _fields(installation), installation.settings)
                        with reading(installation.target) as connection:
                            deduplicate_customers(staging, connection)
                except UploadRefused as refused:
                    refusal = refused
            yield DryRun(stored, read, refusal, repeat, staging)


def lacks_country(installation: Installation, source: Path, *, encoding: str | None, again: bool) -> bool:
    """Tell whether a file would be refused because neither its rows nor the settings say the country (R10)."""
    try:
        with dry_run(installation, source, encoding=encoding, again=again, until_read=True) as tried:
            return isinstance(tried.refusal, CountryNotSet)
    except UploadRefused:
        return False


def _read(installation: Installation, staging: Staging, upload: Path, encoding: str | None) -> ReadCounts:
    def find_parent(import_id: str) -> bool:
        with reading(installation.target) as connection:
            return find_import(connection, import_id) is not None

    settings = installation.settings
    needs_country = not settings.company.has_country
    return read_raw_csv(
        staging, upload, _fields(installation), settings.csv, encoding, find_parent, needs_country=needs_country
    )


def _fields(installation: Installation) -> AccountFields:
    with reading(installation.target) as connection:
        return load_fields(connection)


def _hash(
    installation: Installation,
    staging: Staging,
    record: ImportRecord,
    upload: Path,
    progress: Callable[[int, int], None] | None,
) -> dict[int, str]:
    total = staging.number("select count(*) from raw_csv where password_state = 'given'")
    if not total:
        return {}
    if not upload.exists():
        raise UploadGone(record.import_id)
    passwords = read_passwords(upload, _fields(installation), installation.settings.csv, record.encoding)
    return hash_passwords(
        passwords, installation.settings.passwords, None if progress is None else lambda done: progress(done, total)
    )


def _count_duplicates(installation: Installation, record: ImportRecord, staging: Staging) -> int:
    """Count the rows of a finished import that failed in the stage deduplicate."""
    if record.source in PROVIDERS and staging.number("select count(*) from validated_customers"):
        return staging.number("select count(distinct \"row\") from row_errors where stage = 'deduplicate'")
    with reading(installation.target) as connection:
        return sum(
            any(error["code"] in _DUPLICATE_CODES for error in failed.errors)
            for failed in failed_rows_of(connection, record.import_id)
        )
