"""Files that exist only for a while: uploads under import, dry runs, half-written files; and what a crash left of them."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from etl_customers.base.errors import DiskUnavailable
from etl_customers.database.connect import reading
from etl_customers.database.ledger import list_ended_imports
from etl_customers.imports.installation import Installation

DRY_RUN = "dry-run-"
"""Begins the names of the folders of dry runs, below ``staging/``."""


@contextmanager
def temporary_files(installation: Installation) -> Iterator[None]:
    """Let this process have files under names of their own for a while, and delete those of processes that died (P10).

    The lock is on the folder and ends with the process, so whoever has it alone knows
    that all such files are left over.
    """
    with translated_disk_errors(installation.home.uploads):
        descriptor = os.open(installation.home.uploads, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if _lock(installation.home.uploads, descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB):
            _sweep(installation)
        _lock(installation.home.uploads, descriptor, fcntl.LOCK_SH)
        yield
    finally:
        os.close(descriptor)


def _lock(folder: Path, descriptor: int, operation: int) -> bool:
    """Lock a folder; false where another process has it and ``operation`` does not wait."""
    with translated_disk_errors(folder):
        try:
            fcntl.flock(descriptor, operation)
        except BlockingIOError:
            return False
        return True


def _sweep(installation: Installation) -> None:
    """Delete the uploads of imports that ended, and what no import is known by."""
    home = installation.home
    with translated_disk_errors(home.path):
        uploads = {path.stem: path for path in home.uploads.glob("*.upload")}
        if uploads:
            with reading(installation.target) as connection:
                for import_id in list_ended_imports(connection, uploads):
                    uploads[import_id].unlink(missing_ok=True)
        for path in (*home.uploads.iterdir(), *home.failed.glob(".*")):
            if path.suffix != ".upload":
                path.unlink(missing_ok=True)
        for folder in home.staging.glob(f"{DRY_RUN}*"):
            shutil.rmtree(folder)


def delete_file(path: Path) -> None:
    """Delete a file, or find it gone.

    Raises:
        DiskUnavailable: It is there and cannot be deleted.
    """
    with translated_disk_errors(path):
        path.unlink(missing_ok=True)


@contextmanager
def translated_disk_errors(path: Path) -> Iterator[None]:
    """Say with a path of ours what the operating system could not do inside.

    Raises:
        DiskUnavailable: Instead of any ``OSError``.
    """
    try:
        yield
    except OSError as error:
        raise DiskUnavailable(path, error.strerror or os.strerror(error.errno or 0)) from None
