"""What kind of file the bytes are, whatever the file's name says."""

import zipfile
from pathlib import Path
from typing import Literal

from etl_customers.base.errors import UploadRefused
from schemas.refusals import FileReason

_ZIP = b"PK\x03\x04"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"%PDF-", "a PDF"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"\xfd7zXZ\x00", "an xz archive"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive"),
    (b"PK\x05\x06", "an empty zip archive"),
    (b"PK\x07\x08", "a zip archive in parts"),
    (b"\x89PNG\r\n\x1a\n", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"{\\rtf", "an RTF document"),
    (b"SQLite format 3\x00", "a SQLite database"),
    (b"PAR1", "a Parquet file"),
    (b"\x7fELF", "a program"),
)
_PARTS: tuple[tuple[str, str], ...] = (
    ("xl/vbaProject.bin", "a workbook with macros (.xlsm)"),
    ("xl/workbook.bin", "a binary workbook (.xlsb)"),
    ("word/document.xml", "a Word document"),
    ("ppt/presentation.xml", "a presentation"),
    ("content.xml", "an OpenDocument file"),
    ("Index/Document.iwa", "a Numbers document"),
)
_MARKUP = (b"<html", b"<!doctype", b"<?xml", b"<table")
_BOMS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")


def find_kind(path: Path) -> Literal["csv", "xlsx"]:
    """Tell CSV from workbook by the first bytes.

    Raises:
        UploadRefused: No bytes, or only a byte order mark; or another kind of file, which the message names.
    """
    with path.open("rb") as file:
        head = file.read(4096)
    if not head or head in _BOMS:
        raise UploadRefused(FileReason.EMPTY_FILE)
    if head.startswith(_ZIP):
        return _kind_of_zip(path)
    if head.startswith(_OLE):
        raise UploadRefused(FileReason.NOT_CSV, kind=_kind_of_ole(path))
    for signature, kind in _SIGNATURES:
        if head.startswith(signature):
            raise UploadRefused(FileReason.NOT_CSV, kind=kind)
    if head.removeprefix(_BOMS[0]).lstrip().lower().startswith(_MARKUP):
        raise UploadRefused(FileReason.NOT_CSV, kind="an HTML or XML document")
    return "csv"


def _kind_of_zip(path: Path) -> Literal["xlsx"]:
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError):
        raise UploadRefused(FileReason.NOT_CSV, kind="a damaged zip archive or workbook") from None
    for part, kind in _PARTS:
        if part in names:
            raise UploadRefused(FileReason.NOT_CSV, kind=kind)
    if "xl/workbook.xml" not in names:
        raise UploadRefused(FileReason.NOT_CSV, kind="a zip archive")
    return "xlsx"


def _kind_of_ole(path: Path) -> str:
    """Encrypted workbooks are wrapped in the container of old Office files."""
    wanted = "EncryptedPackage".encode("utf-16-le")
    with path.open("rb") as file:
        tail = b""
        while block := file.read(1024 * 1024):
            if wanted in tail + block:
                return "a workbook protected by a password"
            tail = block[-len(wanted) :]
    return "an old Office file (.xls)"
