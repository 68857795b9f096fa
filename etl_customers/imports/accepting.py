"""Accepting an upload: its copy is in the home, its import in the ledger."""

import os
from dataclasses import dataclass
from pathlib import Path

from etl_customers.database.connect import writing
from etl_customers.database.ledger import (
    FINISHED,
    ImportRecord,
    accept_import,
)
from etl_customers.imports.installation import Installation
from etl_customers.imports.temporary_files import delete_file, temporary_files, translated_disk_errors
from etl_customers.read.uploads import store_upload


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
        again: Import the file even if it was imported before (R24).
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
