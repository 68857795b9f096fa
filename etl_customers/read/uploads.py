"""Taking a file in: a private copy under a generated name, hashed while it is copied.

Nothing here looks at what is in the file; nothing later opens the user's path.
"""

import errno
import hashlib
import os
import stat
import unicodedata
import uuid
from dataclasses import dataclass
from pathlib import Path

from etl_customers.base.errors import DiskUnavailable, UploadRefused
from etl_customers.base.private_files import sync_folder
from schemas.refusals import FileReason

_BLOCK_BYTES = 1024 * 1024
_LONGEST_NAME = 255
_KINDS = (
    (stat.S_ISLNK, "a link"),
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISSOCK, "a socket"),
)


@dataclass(frozen=True)
class StoredUpload:
    """A copy in ``uploads/``: ``sha256`` and ``bytes`` are of the copy, ``file_name`` is the uploader's."""

    path: Path
    sha256: str
    bytes: int
    file_name: str


class FileNotThere(UploadRefused):
    """There is no file of that name; the inbox goes on without it."""

    def __init__(self) -> None:
        super().__init__(FileReason.FILE_NOT_FOUND)


def store_upload(source: Path, uploads: Path, max_bytes: int, looked_at: os.stat_result | None = None) -> StoredUpload:
    """Copy a file into ``uploads`` under a generated name, readable by its owner only.

    Links, pipes, devices and folders are refused without being read. What is hashed
    is what was written, so a file that changes meanwhile cannot differ from its hash.

    Args:
        source: The user's file.
        uploads: The home's folder of uploads.
        max_bytes: Largest file; looked up before reading and counted while copying.
        looked_at: How the file was when the caller saw it; any other is taken for changed.

    Returns:
        The copy, on disk (fsync) when this returns.

    Raises:
        UploadRefused: Not there, unreadable, not a regular file, empty, too large or
            changed while it was copied; nothing is left behind.
        DiskUnavailable: The copy cannot be written.
    """
    # Before there is a copy: nothing may go wrong that would leave one.
    name = _plain_name(source)
    descriptor = open_regular_file(source)
    try:
        before = os.fstat(descriptor)
        if looked_at is not None and not is_unchanged(looked_at, before):
            raise UploadRefused(FileReason.CHANGED_WHILE_COPIED)
        if before.st_size > max_bytes:
            raise UploadRefused(FileReason.TOO_LARGE, max_bytes=max_bytes)
        if before.st_size == 0:
            raise UploadRefused(FileReason.EMPTY_FILE)
        path = uploads / f"{uuid.uuid4().hex}.copy"
        try:
            sha256, size = _copy(descriptor, path, max_bytes)
            after = os.fstat(descriptor)
            if (after.st_size, after.st_mtime_ns, size) != (before.st_size, before.st_mtime_ns, before.st_size):
                raise UploadRefused(FileReason.CHANGED_WHILE_COPIED)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
    finally:
        os.close(descriptor)
    return StoredUpload(path, sha256, size, name)


def open_regular_file(source: Path) -> int:
    """Return a descriptor of a regular file; whatever else it is, it is refused without waiting for it.

    Raises:
        UploadRefused: Not there, unreadable, or not a regular file.
    """
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        descriptor = os.open(source, flags)
    except (FileNotFoundError, NotADirectoryError, ValueError):  # ValueError: a NUL in the path
        raise FileNotThere from None
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise UploadRefused(FileReason.NOT_A_REGULAR_FILE, kind="a link") from None
        if error.errno == errno.ENXIO:
            raise UploadRefused(FileReason.NOT_A_REGULAR_FILE, kind="a socket or device") from None
        raise UploadRefused(FileReason.UNREADABLE_FILE, reason=error.strerror or "unknown reason") from None
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        raise UploadRefused(FileReason.NOT_A_REGULAR_FILE, kind=kind_of(mode))
    return descriptor


def kind_of(mode: int) -> str:
    """Return what is in a file's place, such as ``a pipe``, by its mode."""
    return next((name for is_kind, name in _KINDS if is_kind(mode)), "not a regular file")


def is_unchanged(before: os.stat_result, after: os.stat_result) -> bool:
    """Tell whether nobody has written to a file, renamed it or put another in its place between two looks."""
    return _state(before) == _state(after)


def _state(found: os.stat_result) -> tuple[int, int, int, int, int]:
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _copy(descriptor: int, path: Path, max_bytes: int) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    try:
        with os.fdopen(
            os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600), "wb"
        ) as copy:
            while block := _read_block(descriptor):
                size += len(block)
                if size > max_bytes:
                    raise UploadRefused(FileReason.TOO_LARGE, max_bytes=max_bytes)
                digest.update(block)
                copy.write(block)
            copy.flush()
            os.fsync(copy.fileno())
        sync_folder(path.parent)
    except OSError as error:
        raise DiskUnavailable(path.parent, error.strerror or "cannot be written") from None
    return digest.hexdigest(), size


def _read_block(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, _BLOCK_BYTES)
    except OSError as error:
        raise UploadRefused(FileReason.UNREADABLE_FILE, reason=error.strerror or "unknown reason") from None


def _plain_name(source: Path) -> str:
    """Return the file's name as every database can store it: no control characters, no broken bytes."""
    name = source.name.encode("utf-8", "replace").decode("utf-8")
    return "".join("?" if unicodedata.category(c)[0] == "C" else c for c in name)[:_LONGEST_NAME]
