"""Writing the files that a user asked for by name."""

import os
import re
import stat
from pathlib import Path

from etl_customers.base.errors import DiskUnavailable, UsageError
from etl_customers.base.private_files import write_private

_STANDARD = {"/dev/stdout": 1, "/dev/stderr": 2}
_DESCRIPTOR = re.compile(r"/(?:dev|proc/self)/fd/([0-9]{1,6})")


def write_file(path: Path, content: bytes) -> None:
    """Write a file readable by its owner only; one that is there already is replaced, and so is a link.

    A pipe, a terminal or ``/dev/stdout`` gets the content instead: nothing else would be of use there.

    Raises:
        UsageError: There is no such folder, or the path is one itself, or a disk.
        DiskUnavailable: It cannot be written.
    """
    if path.is_dir():
        raise UsageError(f"{path} is a folder; give the path of a file")
    if not path.parent.is_dir():
        raise UsageError(f"there is no folder {path.parent}; make it, or choose another")
    try:
        descriptor = _open_stream(path)
        if descriptor is None:
            write_private(path, content)
            return
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise DiskUnavailable(path, error.strerror or "cannot be written") from None


def _open_stream(path: Path) -> int | None:
    """Open what is no file and can be written to; none for a file, a link, or nothing."""
    if (number := _STANDARD.get(str(path))) is not None:
        return os.dup(number)
    if (found := _DESCRIPTOR.fullmatch(str(path))) is not None:
        return os.dup(int(found[1]))
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return None
    if stat.S_ISREG(mode) or stat.S_ISLNK(mode):
        return None
    if not (stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)):
        raise UsageError(f"{path} is neither a file nor a pipe; give the path of a file")
    return os.open(path, os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
