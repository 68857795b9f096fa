"""The stages of an import in their order; each may be run again at any time.

The ledger in the target database says how far an import is; that is asked before each
stage (``stage_gate``). What differs by source is in ``sources``; what begins a pull is in ``fetching``.
"""

from pathlib import Path

from etl_customers.base.errors import UploadRefused
from etl_customers.columns.account_fields import AccountFields, load_fields
from etl_customers.database.connect import reading, writing
from etl_customers.database.ledger import FINISHED, find_import, refuse_import
from etl_customers.deduplicate.deduplicate import DeduplicateCounts
from etl_customers.imports.installation import Installation
from etl_customers.imports.sources import Progress, source_of
from etl_customers.imports.stage_gate import UploadGone, open_stage
from etl_customers.imports.temporary_files import delete_file
from etl_customers.load.load import LoadCounts
from etl_customers.read.raw_csv import ReadCounts, read_raw_csv
from etl_customers.staging import Staging, StagingDamaged, remove_staging
from etl_customers.validate.validate import ValidateCounts, validate_customers


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
            return read_upload(installation, staging, upload, record.encoding)
        except UploadRefused as refusal:
            with writing(installation.target) as connection:
                refuse_import(connection, import_id, refusal.code, str(refusal), run_id)
            delete_file(upload)
            raise


def run_validated_customers(installation: Installation, import_id: str) -> ValidateCounts:
    """Check every row against the contract, by the rules of its source."""
    with open_stage(installation, import_id, "rows_read") as (record, staging):
        source = source_of(installation, record)
        if record.status == FINISHED:
            failed = (record.rows_failed or 0) - source.count_duplicates(staging)
            return ValidateCounts(validated=(record.rows_read or 0) - failed, failed=failed)
        return validate_customers(staging, fields_of(installation), source.settings(), record.source)


def run_deduplicated_customers(installation: Installation, import_id: str) -> DeduplicateCounts:
    """Find the rows whose customer is in the file before or in the target already; of a pull, what to do with each."""
    with open_stage(installation, import_id, "rows_read") as (record, staging):
        source = source_of(installation, record)
        if record.status == FINISHED:
            return DeduplicateCounts(
                deduplicated=record.rows_loaded or 0,
                failed=source.count_duplicates(staging),
                updated=record.rows_updated or 0,
                unchanged=record.rows_unchanged or 0,
            )
        return source.reconcile(staging)


def run_loaded_customers(
    installation: Installation, import_id: str, run_id: str | None = None, progress: Progress | None = None
) -> LoadCounts:
    """Load everything in one transaction: customers, keys, properties, failed rows, counts, the cursor of a pull.

    Args:
        installation: Home, settings and target.
        import_id: An accepted import, deduplicated; of a finished one nothing is changed.
        run_id: The Dagster run, kept in the ledger.
        progress: Called with the number of passwords hashed so far and of all.

    Raises:
        PullRefused: Of a pull: nothing of it is loaded, and the ledger says why.
    """
    with open_stage(installation, import_id, "rows_read") as (record, staging):
        return source_of(installation, record).load(staging, run_id, progress)


def run_failed_rows(installation: Installation, import_id: str) -> int:
    """Write the failed-rows file of a finished import, or the worklist of a pull; return the number of its rows.

    0 also where staging was deleted after its retention time: then the cells are gone,
    while the ledger still has the errors.
    """
    with open_stage(installation, import_id, "rows_read") as (record, staging):
        return source_of(installation, record).write_report(staging)


def read_upload(installation: Installation, staging: Staging, upload: Path, encoding: str | None) -> ReadCounts:
    """Read a copy of an upload into staging, by the settings in force."""

    def find_parent(import_id: str) -> bool:
        with reading(installation.target) as connection:
            return find_import(connection, import_id) is not None

    settings = installation.settings
    needs_country = not settings.company.has_country
    return read_raw_csv(
        staging, upload, fields_of(installation), settings.csv, encoding, find_parent, needs_country=needs_country
    )


def fields_of(installation: Installation) -> AccountFields:
    """Return the account's own columns as they are now."""
    with reading(installation.target) as connection:
        return load_fields(connection)
