"""Writing the files that a user asked for by name."""

from pathlib import Path

from etl_customers.errors import DiskUnavailable


def write_file(path: Path, content: bytes) -> None:
    """Write a file readable by its owner only; one that is there already is replaced.

    Raises:
        DiskUnavailable: It cannot be written.
    """
    try:
        path.touch(mode=0o600)
        path.write_bytes(content)
    except OSError as error:
        raise DiskUnavailable(path, error.strerror or "cannot be written") from None
