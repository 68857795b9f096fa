"""The result of an import as ``import --json`` prints it, built from the ledger so that a repeat gives the same."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

import sqlalchemy as sa

from etl_customers.base.errors import EtlCustomersError, UploadRefused
from etl_customers.database.ledger import ImportRecord, failed_rows_of
from etl_customers.database.tables import customers
from etl_customers.load.failures import staged_failures
from etl_customers.read.raw_csv import read_file_warnings
from etl_customers.settings.home import Home
from etl_customers.staging import Staging
from schemas.codes import COLUMN_LEFT_OUT, describe_file_warning, message

_LAST_ROW = 2**62


@dataclass(frozen=True)
class RowCounts:
    """Rows of an import; read = loaded + failed."""

    read: int = 0
    loaded: int = 0
    failed: int = 0
    unread: int = 0


@dataclass(frozen=True)
class RowErrors:
    """A row that was not loaded, with all its reasons as dictionaries of column, code, message, suggestion."""

    row: int
    line: int
    errors: Sequence[dict[str, Any]]


@dataclass(frozen=True)
class RowWarning:
    """Something that was filled in, or is odd but allowed, in a row that was loaded, or in the file as a whole."""

    row: int | None
    """None of the file as a whole."""
    column: str | None
    code: str
    message: str


@dataclass(frozen=True)
class Refusal:
    """Why a whole file was refused."""

    code: str
    message: str


class RunFailed(EtlCustomersError):
    """The run of an import ended before the import did; the error was met in a step of it."""

    def __init__(self, message: str, code: str, exit_code: int) -> None:
        super().__init__(message, code, exit_code)
        self.message, self.code, self.exit_code = message, code, exit_code

    def __str__(self) -> str:
        """Repeat the step's message."""
        return self.message


@dataclass(frozen=True)
class ImportResult:
    """What became of one import; ``as_record`` is the interface that scripts rely on."""

    import_id: str | None
    source: str
    file: str | None
    sha256: str | None
    status: str
    repeat: bool
    rows: RowCounts
    failed: Sequence[RowErrors]
    warnings: Sequence[RowWarning]
    failed_rows_file: str | None
    refusal: Refusal | None
    accepted_at: datetime | None = None
    finished_at: datetime | None = None
    parent_import_id: str | None = None
    undone_at: datetime | None = None

    @property
    def exit_code(self) -> int:
        """0 all rows loaded, 1 some failed or unread, 2 refused."""
        if self.refusal is not None:
            return 2
        return 1 if self.rows.failed or self.rows.unread else 0

    def as_record(self) -> dict[str, Any]:
        """Return the object of ``import --json``."""
        return {
            "import_id": self.import_id,
            "source": self.source,
            "file": self.file,
            "sha256": self.sha256,
            "status": self.status,
            "repeat": self.repeat,
            "rows": {
                "read": self.rows.read,
                "loaded": self.rows.loaded,
                "failed": self.rows.failed,
                "unread": self.rows.unread,
            },
            "failed": [
                {"row": failed.row, "line": failed.line, "errors": list(failed.errors)} for failed in self.failed
            ],
            "warnings": [
                {"row": warning.row, "column": warning.column, "code": warning.code, "message": warning.message}
                for warning in self.warnings
            ],
            "columns_left_out": [
                (warning.column or "")[1:-1] for warning in self.warnings if warning.code == COLUMN_LEFT_OUT
            ],
            "failed_rows_file": self.failed_rows_file,
            "refusal": None if self.refusal is None else {"code": self.refusal.code, "message": self.refusal.message},
        }


def result_of(
    connection: sa.Connection, home: Home, record: ImportRecord, repeat: bool = False, failed_limit: int | None = None
) -> ImportResult:
    """Read the result of an import from the ledger and the customers that it loaded.

    Args:
        connection: To the target.
        home: Where the failed-rows file is.
        record: The import.
        repeat: Whether these bytes had been imported before.
        failed_limit: Most failed rows to read; None: all of them.

    Raises:
        DatabaseUnavailable: The target does not answer.
    """
    failed = [
        RowErrors(row.row, row.line, [_error(error) for error in row.errors])
        for row in islice(failed_rows_of(connection, record.import_id), failed_limit)
    ]
    file = home.failed / f"{record.import_id}.csv"
    return ImportResult(
        import_id=record.import_id,
        source=record.source,
        file=record.file_name,
        sha256=record.sha256,
        status=record.status,
        repeat=repeat,
        rows=RowCounts(
            read=record.rows_read or 0,
            loaded=record.rows_loaded or 0,
            failed=record.rows_failed or 0,
            unread=record.rows_unread or 0,
        ),
        failed=failed,
        warnings=[*_file_warnings(record.warnings or ()), *warnings_of(connection, record.import_id)],
        failed_rows_file=str(file) if record.rows_failed and file.exists() else None,
        refusal=Refusal(record.refusal_code or "refused", record.refusal_message or "")
        if record.status == "refused"
        else None,
        accepted_at=record.accepted_at,
        finished_at=record.finished_at,
        parent_import_id=record.parent_import_id,
        undone_at=record.undone_at,
    )


def refused_before_accepted(file: str, error: UploadRefused) -> ImportResult:
    """Return the result of a file that never became an import: no regular file, too large and the like."""
    return ImportResult(
        import_id=None,
        source="csv",
        file=file,
        sha256=None,
        status="refused",
        repeat=False,
        rows=RowCounts(),
        failed=[],
        warnings=[],
        failed_rows_file=None,
        refusal=Refusal(error.code, str(error)),
    )


def dry_run_result(
    file: str,
    sha256: str,
    staging: Staging,
    read: int,
    unread: int,
    parent_import_id: str | None,
    refusal: UploadRefused | None,
) -> ImportResult:
    """Return what an import would give, from a staging file after all stages but the load (R23).

    Args:
        file: As the user calls it.
        sha256: Of its bytes.
        staging: Deduplicated, or of no matter where the file was refused.
        read: Rows read.
        unread: Rows after the first blank one.
        parent_import_id: The import that this file corrects.
        refusal: Why the file was refused, if it was.
    """
    failed = (
        []
        if refusal
        else [
            RowErrors(row.row, row.line, [_error(error) for error in row.errors])
            for row in staged_failures(staging, 0, _LAST_ROW)
        ]
    )
    return ImportResult(
        import_id=None,
        source="csv",
        file=file,
        sha256=sha256,
        status="refused" if refusal else "dry_run",
        repeat=False,
        rows=RowCounts(read=read, loaded=read - len(failed), failed=len(failed), unread=unread),
        failed=failed,
        warnings=[]
        if refusal
        else [*_file_warnings(read_file_warnings(staging)), *_render_warnings(_staged_warnings(staging))],
        failed_rows_file=None,
        refusal=None if refusal is None else Refusal(refusal.code, str(refusal)),
        parent_import_id=parent_import_id,
    )


def warnings_of(connection: sa.Connection, import_id: str) -> list[RowWarning]:
    """Return the warnings of an import's customers, in the order of the rows."""
    query = (
        sa.select(customers.c.import_row, customers.c.warnings)
        .where(customers.c.import_id == import_id, customers.c.warnings.is_not(None))
        .order_by(customers.c.import_row)
    )
    return _render_warnings((row, warnings) for row, warnings in connection.execute(query))


def _file_warnings(warnings: Iterable[Mapping[str, str | None]]) -> list[RowWarning]:
    return [RowWarning(None, one["column"], one["code"] or "", describe_file_warning(one)) for one in warnings]


def _staged_warnings(staging: Staging) -> Iterator[tuple[int, list[dict[str, str]]]]:
    for row, warnings in staging.rows(
        'select "row", warnings from validated_customers semi join deduplicated_rows using ("row") '
        'where warnings is not null order by "row"'
    ):
        yield row, json.loads(warnings)


def _render_warnings(rows: Iterable[tuple[int, list[dict[str, str]]]]) -> list[RowWarning]:
    return [
        RowWarning(row, warning["column"], warning["code"], message(warning["code"], warning["column"]))
        for row, warnings in rows
        for warning in warnings
    ]


def _error(error: dict[str, Any]) -> dict[str, Any]:
    return {name: error.get(name) for name in ("column", "code", "message", "suggestion")}
