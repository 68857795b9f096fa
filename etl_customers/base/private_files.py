"""The one way in which a file is written: its owner's only, whole or not at all, and never through a link.

What grows line by line (the log of alerts), copies of uploads and the files of databases are
not written here.
"""

import errno
import io
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

OWNER_ONLY = 0o077
"""The umask of every process of ours: what others write for us, Dagster for one, is the owner's only too."""
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}


@contextmanager
def private_file(path: Path, *, replaces: bool = True) -> Iterator[BinaryIO]:
    """Yield a new file that gets its name when the block ends well; otherwise there is nothing of it.

    Args:
        path: Its name. A file or a link of this name is replaced; what a link leads to is not touched.
        replaces: False: what has the name already keeps it.

    Raises:
        FileExistsError: The name is taken, and may not be replaced.
        OSError: It cannot be written.
    """
    with private_draft(path.parent, f".{path.name[:40]}.") as (file, draft):
        yield file
    try:
        if replaces:
            draft.replace(path)
        else:
            _name_once(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    sync_folder(path.parent)


@contextmanager
def private_draft(folder: Path, prefix: str) -> Iterator[tuple[BinaryIO, Path]]:
    """Yield a new file and its name of chance; after the block it is on disk, or gone where that failed.

    Raises:
        OSError: It cannot be written.
    """
    # mkstemp makes it with O_EXCL, O_NOFOLLOW and mode 0600, whatever the umask is.
    descriptor, name = tempfile.mkstemp(dir=folder, prefix=prefix)
    draft = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file, draft
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


@contextmanager
def as_text(file: BinaryIO, encoding: str) -> Iterator[io.TextIOWrapper]:
    """Write text to such a file; ends of lines stay as they are written."""
    text = io.TextIOWrapper(file, encoding, newline="")
    try:
        yield text
    finally:
        text.detach()


def write_private(path: Path, content: bytes, *, replaces: bool = True) -> None:
    """Write a file of this content; see ``private_file``."""
    with private_file(path, replaces=replaces) as file:
        file.write(content)


def sync_folder(folder: Path) -> None:
    """Make new names in a folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _name_once(draft: Path, path: Path) -> None:
    """Give a draft its name unless that is taken: a link never replaces a file."""
    try:
        os.link(draft, path)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if os.path.lexists(path):  # a disk without links, such as a memory stick's
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST)) from None
        draft.replace(path)
