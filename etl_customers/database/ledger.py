"""What the target remembers of imports: accepted, then finished or refused, perhaps undone; their counts and failed rows.

The ledger is the truth about an import. Every change of a status asks for the status it
comes from, so that of two processes one wins. The rows themselves are the load's business.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, RowMapping

from etl_customers.base.errors import NotFound
from etl_customers.database.tables import failed_rows, imports
from etl_customers.database.values import as_utc, storable, user_name
from schemas.codes import DELETIONS_UNKNOWN, INCOMPLETE, LEFT_OUT_CODES, RECORD_KINDS
from schemas.sources import PROVIDERS

ACCEPTED, FINISHED, REFUSED, UNDONE = "accepted", "finished", "refused", "undone"
_ROWS_AT_A_TIME = 1_000
_JSON_OF_SQLITE = ("json_each", "json_extract", "$.code")


@dataclass(frozen=True)
class ImportRecord:
    """One import; a field per column of ``imports``. Times are UTC."""

    import_id: str
    source: str
    status: str
    file_name: str | None
    sha256: str | None
    bytes: int | None
    encoding: str | None
    content_key: str
    parent_import_id: str | None
    accepted_at: datetime
    finished_at: datetime | None
    accepted_by: str | None
    run_id: str | None
    rows_read: int | None
    rows_loaded: int | None
    rows_failed: int | None
    rows_unread: int | None
    tenant_id: str | None
    is_full: bool | None
    accepts_vanished: bool | None
    is_complete: bool | None
    rows_updated: int | None
    rows_unchanged: int | None
    rows_vanished: int | None
    refusal_code: str | None
    refusal_message: str | None
    undone_at: datetime | None
    undone_by: str | None
    warnings: Sequence[Mapping[str, str | None]] | None
    """Of the file or pull as a whole: column (none where it is about no column), code and reference."""
    mapping_digest: str | None
    """Of a pull: SHA-256 of the mapping that it was read by."""

    @property
    def is_pull(self) -> bool:
        """Its customers come from a provider's company, not from a file."""
        return self.source in PROVIDERS

    @property
    def why_incomplete(self) -> str | None:
        """Return what disagrees where a pull is not complete; none where it is, and of files."""
        if self.is_complete is not False:
            return None
        return self._said(INCOMPLETE) or "fewer or more came than it counts"

    @property
    def why_deletions_unknown(self) -> str | None:
        """Return why a pull does not know of all customers whom the provider has deleted; none where it does."""
        return self._said(DELETIONS_UNKNOWN)

    @property
    def record_kinds(self) -> list[tuple[str, int, bool]]:
        """Return name, number and whether it is taken of each kind of records that a full pull fetched; else nothing."""
        return [(name, number, is_taken) for name, number, is_taken in json.loads(self._said(RECORD_KINDS) or "[]")]

    def _said(self, code: str) -> str | None:
        return next((one["reference"] for one in self.warnings or () if one["code"] == code), None)


@dataclass(frozen=True)
class FailedRow:
    """One failed row of an import, with all its reasons."""

    row: int
    """As a spreadsheet numbers it, header = 1."""
    line: int
    """Of the file, on which the row begins."""
    errors: list[dict[str, Any]]
    """column, code, message, suggestion of each, in the order of the upload's columns."""
    is_erased: bool = False
    """No file has the row now: its person was erased."""
    provider_id: str | None = None
    """Of a pull: the provider's id of the customer."""


def accept_import(
    connection: Connection,
    *,
    source: str,
    file_name: str | None,
    sha256: str,
    bytes: int | None,
    encoding: str | None,
    again: bool,
    accepted_by: str | None,
) -> tuple[ImportRecord, bool]:
    """Enter an import, or find the one of the same content.

    The same content is found whoever was first, also when that was a moment ago: the
    unique ``content_key`` decides. A refused import is set back to accepted, because the
    account's fields, the encoding or the file's name may be others now; one that is
    accepted (another process works on it, or one has died) takes over the encoding only.

    Args:
        connection: In a writing transaction.
        source: ``csv``, ``quickbooks`` or ``xero``.
        file_name: As the uploader called it.
        sha256: Of the content, in hexadecimal.
        bytes: Size of the content.
        encoding: The one that the user named, if any.
        again: Import it even if it was imported before.
        accepted_by: Operating system user, or what started it.

    Returns:
        The import, and whether it was entered just now.
    """
    now = datetime.now(UTC)
    base = f"{source}-{now:%Y%m%dT%H%M%SZ}-{sha256[:8]}"
    for number in range(1, 1_000):
        import_id = base if number == 1 else f"{base}-{number}"
        content_key = f"{sha256}:{import_id}" if again else sha256
        entry = {
            "import_id": import_id,
            "source": source,
            "status": ACCEPTED,
            "file_name": (None if file_name is None else storable(file_name)),
            "sha256": sha256,
            "bytes": bytes,
            "encoding": encoding,
            "content_key": content_key,
            "accepted_at": now,
            "accepted_by": user_name(accepted_by),
        }
        if _insert_unless_there(connection, entry):
            return _get(connection, imports.c.import_id == import_id), True
        if not again and _reopen(
            connection, content_key, encoding, (None if file_name is None else storable(file_name))
        ):
            return _get(connection, imports.c.content_key == content_key), False
    raise RuntimeError("a thousand imports were accepted within one second")


def find_import(connection: Connection, import_id: str) -> ImportRecord | None:
    """Return an import, none where the ledger has no such id."""
    row = connection.execute(sa.select(imports).where(imports.c.import_id == import_id)).mappings().first()
    return None if row is None else _record(row)


def require_import(connection: Connection, import_id: str) -> ImportRecord:
    """Return an import.

    Raises:
        NotFound: The ledger has no such id.
    """
    record = find_import(connection, import_id)
    if record is None:
        raise NotFound("import", import_id, "see: etl-customers imports")
    return record


def find_import_of_content(connection: Connection, sha256: str) -> ImportRecord | None:
    """Return the import that was first made of these bytes, not those that ``--again`` added."""
    row = connection.execute(sa.select(imports).where(imports.c.content_key == sha256)).mappings().first()
    return None if row is None else _record(row)


def list_ended_imports(connection: Connection, import_ids: Iterable[str]) -> list[str]:
    """Return those of ``import_ids`` that are known and no longer under way."""
    query = sa.select(imports.c.import_id).where(
        imports.c.import_id.in_(list(import_ids)), imports.c.status != ACCEPTED
    )
    return list(connection.scalars(query))


def list_accepted_before(connection: Connection, before: datetime) -> list[ImportRecord]:
    """Return the imports that have not ended although they were accepted before a time, the oldest first."""
    query = sa.select(imports).where(imports.c.status == ACCEPTED, imports.c.accepted_at < before)
    return [_record(row) for row in connection.execute(query.order_by(imports.c.accepted_at)).mappings()]


def find_imports(connection: Connection, import_ids: Iterable[str]) -> dict[str, ImportRecord]:
    """Return the entries of those of ``import_ids`` that the ledger knows."""
    wanted = list(import_ids)
    found: dict[str, ImportRecord] = {}
    for start in range(0, len(wanted), _ROWS_AT_A_TIME):
        query = sa.select(imports).where(imports.c.import_id.in_(wanted[start : start + _ROWS_AT_A_TIME]))
        found |= {row["import_id"]: _record(row) for row in connection.execute(query).mappings()}
    return found


def count_imports(connection: Connection) -> dict[str, int]:
    """Return the number of imports by status: it changes whenever one is accepted or ends."""
    query = sa.select(imports.c.status, sa.func.count()).group_by(imports.c.status)
    return dict(connection.execute(query).all())


def lock_import(connection: Connection, import_id: str) -> ImportRecord | None:
    """Return an import and keep others from changing it until the writing transaction ends."""
    query = sa.select(imports).where(imports.c.import_id == import_id).with_for_update()
    row = connection.execute(query).mappings().first()
    return None if row is None else _record(row)


def list_imports(connection: Connection, limit: int = 100) -> list[ImportRecord]:
    """Return the newest ``limit`` imports, newest first."""
    query = sa.select(imports).order_by(imports.c.accepted_at.desc(), imports.c.import_id.desc()).limit(limit)
    return [_record(row) for row in connection.execute(query).mappings()]


def count_left_out(connection: Connection, import_ids: Sequence[str]) -> dict[str, int]:
    """Return how many of a pull's customers were left out on purpose, of each pull that has some."""
    on_postgresql = connection.dialect.name == "postgresql"
    each, taken, path = ("json_array_elements", "json_extract_path_text", "code") if on_postgresql else _JSON_OF_SQLITE
    error = getattr(sa.func, each)(failed_rows.c.errors).table_valued("value", name="error")
    code = getattr(sa.func, taken)(error.c.value, path)
    is_work = sa.exists(sa.select(sa.literal(1)).select_from(error).where(code.not_in(sorted(LEFT_OUT_CODES))))
    counts: dict[str, int] = {}
    for start in range(0, len(import_ids), _ROWS_AT_A_TIME):
        mine = failed_rows.c.import_id.in_(import_ids[start : start + _ROWS_AT_A_TIME])
        query = sa.select(failed_rows.c.import_id, sa.func.count()).where(mine, ~is_work)
        counts |= dict(connection.execute(query.group_by(failed_rows.c.import_id)).all())
    return counts


def refuse_import(connection: Connection, import_id: str, code: str, message: str, run_id: str | None) -> bool:
    """Note that an accepted import was refused; false, and nothing noted, where it is not accepted."""
    return _end(
        connection,
        import_id,
        {
            "status": REFUSED,
            "run_id": run_id,
            "refusal_code": code,
            "refusal_message": storable(message),
        },
    )


def finish_import(
    connection: Connection,
    import_id: str,
    *,
    counts: Mapping[str, int],
    parent_import_id: str | None,
    run_id: str | None,
    finished_at: datetime,
    is_complete: bool | None = None,
    warnings: Sequence[Mapping[str, str | None]] = (),
) -> bool:
    """Note that an accepted import is loaded; in the transaction that writes its rows.

    Args:
        connection: That transaction.
        import_id: The import.
        counts: ``rows_read``, ``rows_loaded``, ``rows_failed``, ``rows_unread``, and those of a pull.
        parent_import_id: The import that this one corrects, if any.
        run_id: Dagster's run, if any.
        finished_at: The time that the customers bear too.
        is_complete: Of a pull: as many came as the provider counts.
        warnings: Of the file as a whole: column, code and reference.

    Returns:
        False, and nothing noted, where it is not accepted.
    """
    ended = {"status": FINISHED, "run_id": run_id, "parent_import_id": parent_import_id}
    changes: dict[str, Any] = {**ended, **counts, "warnings": list(warnings) or None}
    if is_complete is not None:
        changes["is_complete"] = is_complete
    return _end(connection, import_id, changes, finished_at)


def undo_import(connection: Connection, record: ImportRecord, undone_by: str | None, now: datetime) -> None:
    """Note that an import was undone; the same bytes make a new one from now on. Its counts stay as they were."""
    own = f":{record.import_id}"
    content_key = record.content_key if record.content_key.endswith(own) else f"{record.content_key}{own}"
    connection.execute(
        imports.update()
        .where(imports.c.import_id == record.import_id)
        .values(status=UNDONE, undone_at=now, undone_by=user_name(undone_by), content_key=content_key)
    )


def failed_rows_of(connection: Connection, import_id: str) -> Iterator[FailedRow]:
    """Yield an import's failed rows in the order of the file, a thousand in memory at a time."""
    query = (
        sa.select(
            failed_rows.c.row,
            failed_rows.c.line,
            failed_rows.c.errors,
            failed_rows.c.erased_at,
            failed_rows.c.provider_id,
        )
        .where(failed_rows.c.import_id == import_id)
        .order_by(failed_rows.c.row)
        .execution_options(yield_per=_ROWS_AT_A_TIME)
    )
    for row, line, errors, erased_at, provider_id in connection.execute(query):
        yield FailedRow(row, line, errors, is_erased=erased_at is not None, provider_id=provider_id)


def password_hashes_of(connection: Connection, import_id: str) -> Iterator[tuple[int, str]]:
    """Yield (row, hash) of an import's failed rows that had a password, for the upload that corrects them."""
    query = sa.select(failed_rows.c.row, failed_rows.c.password_hash).where(
        failed_rows.c.import_id == import_id, failed_rows.c.password_hash.is_not(None)
    )
    yield from connection.execute(query.execution_options(yield_per=_ROWS_AT_A_TIME))


def _get(connection: Connection, condition: sa.ColumnElement[bool]) -> ImportRecord:
    return _record(connection.execute(sa.select(imports).where(condition)).mappings().one())


def _record(row: RowMapping) -> ImportRecord:
    values = {field.name: row[field.name] for field in fields(ImportRecord)}
    times = {name: as_utc(value) for name, value in values.items() if isinstance(value, datetime)}
    return ImportRecord(**{**values, **times})


def _insert_unless_there(connection: Connection, entry: dict[str, Any]) -> bool:
    names = ", ".join(entry)
    marks = ", ".join(f":{name}" for name in entry)
    # On PostgreSQL this waits for another transaction that is entering the same content.
    statement = sa.text(f"insert into imports ({names}) values ({marks}) on conflict do nothing")  # noqa: S608 - our names
    typed = statement.bindparams(*(sa.bindparam(name, type_=imports.c[name].type) for name in entry))
    return connection.execute(typed, entry).rowcount == 1


def _reopen(connection: Connection, content_key: str, encoding: str | None, file_name: str | None) -> bool:
    same_content = imports.c.content_key == content_key
    # One that is accepted may be another process's, which imports it under its own name.
    is_refused = imports.c.status == REFUSED
    named = sa.case((is_refused, file_name), else_=imports.c.file_name)
    now = sa.literal(datetime.now(UTC), imports.c.accepted_at.type)
    accepted = sa.case((is_refused, now), else_=imports.c.accepted_at)
    change = (
        imports.update()
        .where(same_content, imports.c.status.in_((ACCEPTED, REFUSED)))
        .values(
            status=ACCEPTED,
            accepted_at=accepted,
            encoding=encoding,
            file_name=named,
            finished_at=None,
            refusal_code=None,
            refusal_message=None,
        )
    )
    if connection.execute(change).rowcount:
        return True
    return connection.scalar(sa.select(sa.literal(1)).where(same_content)) is not None


def _end(
    connection: Connection, import_id: str, changes: Mapping[str, Any], finished_at: datetime | None = None
) -> bool:
    change = (
        imports.update()
        .where(imports.c.import_id == import_id, imports.c.status == ACCEPTED)
        .values(finished_at=finished_at or datetime.now(UTC), **changes)
    )
    return connection.execute(change).rowcount == 1
