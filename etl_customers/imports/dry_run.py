"""A dry run: everything but the load, in a folder that is gone afterwards (R23)."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from etl_customers.base.errors import UploadRefused
from etl_customers.database.connect import reading
from etl_customers.database.ledger import (
    FINISHED,
    ImportRecord,
    find_import_of_content,
)
from etl_customers.deduplicate.deduplicate import deduplicate_customers
from etl_customers.imports.installation import Installation
from etl_customers.imports.stages import fields_of, read_upload
from etl_customers.imports.temporary_files import DRY_RUN, temporary_files, translated_disk_errors
from etl_customers.read.raw_csv import ReadCounts
from etl_customers.read.uploads import StoredUpload, store_upload
from etl_customers.staging import Staging, open_staging
from etl_customers.validate.validate import validate_customers
from schemas.refusals import FileReason


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
                    read = read_upload(
                        installation, staging, stored.path, encoding or installation.settings.csv.encoding
                    )
                    if not until_read:
                        validate_customers(staging, fields_of(installation), installation.settings)
                        with reading(installation.target) as connection:
                            deduplicate_customers(staging, connection)
                except UploadRefused as refused:
                    refusal = refused
            yield DryRun(stored, read, refusal, repeat, staging)


def lacks_country(installation: Installation, source: Path, *, encoding: str | None, again: bool) -> bool:
    """Tell whether a file would be refused because neither its rows nor the settings say the country (R10)."""
    try:
        with dry_run(installation, source, encoding=encoding, again=again, until_read=True) as tried:
            return tried.refusal is not None and tried.refusal.is_for(FileReason.COUNTRY_NOT_SET)
    except UploadRefused:
        return False
