"""Writing the files that a user asked for by name."""

from pathlib import Path

from etl_customers.errors import DiskUnavailable, UsageError


def write_file(path: Path, content: bytes) -> None:
    """Write a file readable by its owner only; one that is there already is replaced.

    Raises:
        UsageError: There is no such folder, or the path is one itself.
        DiskUnavailable: It cannot be written.
    """
    if path.is_dir():
        raise UsageError(f"{path} is a folder; name a file in it")
    if not path.parent.is_dir():
        raise UsageError(f"there is no folder {path.parent}; make it, or name another")
    try:
        path.touch(mode=0o600)
        path.write_bytes(content)
    except OSError as error:
        raise DiskUnavailable(path, error.strerror or "cannot be written") from None
