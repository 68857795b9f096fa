"""One DuckDB file per import: opening it locked down, and the tables that stages share.

The stages fill and read these tables; what is in them is theirs. Passwords never
come here, and no identifier is ever built from a header.

Tables, each written by one stage in one transaction:

====================== ============================================================
``provider_records``   pull: what a provider sent, one row per customer of its, as JSON of the known fields
``pulled_rows``        pull: what a row of ``raw_csv`` is at the provider
``pulled_names``       pull: what the provider calls the customer of a row
``pulled_warnings``    pull: texts that the mapping left out
``upload_columns``     read: one row per column of the upload
``raw_csv``            read: row, line, parent_row, password_state, cells as c0, c1, …
``overflowing_cells``  read: cells of ragged rows beyond the header, by row
``facts``              read: name and number, such as rows ``unread``
``validated_customers`` validate: rows without errors, typed
``properties``         validate: the properties of those rows
``customer_keys``      validate: identity keys of those rows
``row_errors``         every stage: all errors of all failed rows, by stage
``row_warnings``       validate: defaults filled in and the like
``existing_keys``      deduplicate: keys of the file that the target has already; of a pull, those that matter
``deduplicated_rows``  deduplicate: the rows to load; of a pull, those that become customers
``merged_rows``        deduplicate: of a pull, what is done with each row that keeps the rules
``changed_values``     deduplicate: of a pull, what the rows change of customers that are there
``updated_customers``  deduplicate: of a pull, those customers as they are to be
``claimed_keys``       deduplicate: of a pull, the identity keys that its rows' customers get
``released_keys``      deduplicate: of a pull, the identity keys that its rows' customers lose
``changed_properties`` deduplicate: of a pull, the properties of its own that it adds, changes and removes
====================== ============================================================

``updated_custom_fields`` (deduplicate) has the custom fields of ``updated_customers``.
"""

import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from etl_customers.base.errors import DiskUnavailable, ImportBusy
from etl_customers.base.tries import Tries
from schemas.columns import COLUMN_BY_NAME, CUSTOMER_COLUMNS, Kind

_CUSTOMER_COLUMNS = ", ".join(
    f"{name} {'date' if COLUMN_BY_NAME[name].kind is Kind.DATE else 'varchar'}" for name in CUSTOMER_COLUMNS
)
_TABLES = f"""
create table if not exists upload_columns (
    position integer, header varchar, role varchar, key varchar,
    property_type varchar, property_number integer, field varchar);
create table if not exists overflowing_cells ("row" bigint, cells varchar[]);
create table if not exists facts (name varchar primary key, number bigint, text varchar);
create table if not exists row_errors (
    stage varchar, "row" bigint, "column" varchar, code varchar, reference varchar, suggestion varchar);
create table if not exists provider_records (
    "position" bigint, provider_id varchar, updated_at timestamp, record varchar);
create table if not exists pulled_rows (
    "row" bigint, provider_id varchar, provider_updated_at timestamp, is_active boolean,
    parent_id varchar, merged_into varchar);
create table if not exists pulled_names ("row" bigint, display_name varchar, qualified_name varchar);
create table if not exists pulled_warnings ("row" bigint, "column" varchar, code varchar);
create table if not exists merged_rows ("row" bigint, action varchar, customer_id bigint, content_hash varchar);
create table if not exists changed_values (
    "row" bigint, customer_id bigint, "column" varchar, old_value varchar, new_value varchar);
create table if not exists updated_customers (
    "row" bigint, customer_id bigint, {_CUSTOMER_COLUMNS}, is_active boolean, warnings varchar);
create table if not exists updated_custom_fields ("row" bigint, custom_fields varchar);
create table if not exists changed_properties (
    "row" bigint, customer_id bigint, property_type varchar, number integer, provided_number integer,
    old_values varchar, new_values varchar);
create table if not exists claimed_keys ("row" bigint, kind varchar, value varchar);
create table if not exists released_keys (kind varchar, value varchar, customer_id bigint);
create table if not exists row_warnings ("row" bigint, "column" varchar, code varchar);
create table if not exists properties ("row" bigint, property_type varchar, number integer, field_values varchar);
create table if not exists customer_keys ("row" bigint, kind varchar, value varchar, "column" varchar);
create table if not exists existing_keys (kind varchar, value varchar, customer_id bigint);
create table if not exists deduplicated_rows ("row" bigint);
create table if not exists validated_customers (
    "row" bigint, {_CUSTOMER_COLUMNS},
    custom_fields varchar, has_password boolean, parent_row bigint, warnings varchar);
"""

_BOUNDS = """
select min("row"), max("row")
from (select "row", (row_number() over (order by "row") - 1) // ? as chunk from ({rows}))
group by chunk order by chunk
"""
_NOTHING_KEPT: dict[Path, duckdb.DuckDBPyConnection] = {}
_kept_open: ContextVar[dict[Path, duckdb.DuckDBPyConnection]] = ContextVar("kept_open", default=_NOTHING_KEPT)
"""Files that stay open in this process, each by a connection that nobody uses."""

_TABLE_NAMES = frozenset(re.findall(r"create table if not exists (\w+)", _TABLES))

_DAMAGE = (
    duckdb.SerializationException,
    duckdb.InternalException,
    duckdb.FatalException,
    duckdb.CatalogException,
    duckdb.BinderException,
)
"""What DuckDB raises on a file that is damaged, or has not the tables of this version."""

_DISK_REASONS = {
    "no space": "no space left on the device",
    "too large": "no space left on the device",
    "permission": "permission denied",
    "read-only": "it is read-only",
    "directory": "it is a folder, or its folder is gone",
}
_DAMAGED_FILE = ("not a valid duckdb", "could not read enough bytes")


class StagingDamaged(DiskUnavailable):
    """The staging file is none, or not one of this version; the first stage makes it anew."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, "damaged")
        self.args = (path,)

    def __str__(self) -> str:
        """Name the file and the stage to begin with."""
        return (
            f"the staging file {self.path} is damaged or of another version of this program; nothing is half done; "
            "import the same file, or pull, again, or materialize the import from its first asset on"
        )


@dataclass(frozen=True)
class UploadColumn:
    """One row of ``upload_columns``: what a column of the upload is for."""

    position: int
    header: str
    role: str
    """column, custom_field, property, constant, password, own, beyond, template or ignored."""
    key: str
    property_type: str | None
    property_number: int | None
    field: str | None

    @property
    def of_property(self) -> tuple[str | None, int | None]:
        """Of a property's field: the property."""
        return self.property_type, self.property_number

    @property
    def cell(self) -> str:
        """The column of ``raw_csv`` that holds its cells."""
        return f"c{self.position}"


class Staging:
    """An open staging file of one import; one process at a time has it."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection
        self._unread = ExitStack()

    def execute(self, sql: str, values: list[Any] | None = None) -> None:
        """Run a statement; ``values`` are bound, never pasted.

        In one transaction, fill a table by one ``insert … select`` at most: DuckDB 2.0.0 can lose sight
        of what a second one inserts (see ``deduplicate/failed_keys.sql``). ``append`` is not concerned.
        """
        self.connection.execute(sql, values)

    def rows(self, sql: str, values: list[Any] | None = None) -> list[tuple[Any, ...]]:
        """Return all rows of a query: for results that are small by nature."""
        return self.connection.execute(sql, values).fetchall()

    def number(self, sql: str, values: list[Any] | None = None) -> int:
        """Return the one number of a query, 0 where it is null."""
        # fetchall, because DuckDB refuses other work while a result has rows left.
        rows = self.connection.execute(sql, values).fetchall()
        return int(rows[0][0]) if rows and rows[0][0] is not None else 0

    def batches(self, sql: str, rows_at_a_time: int) -> Iterator[pl.DataFrame]:
        """Yield a query's result in frames of so many rows at most; until the last one no other statement can run."""
        reader = self.connection.sql(sql).to_arrow_reader(rows_at_a_time)
        self._unread.callback(reader.close)
        for batch in reader:
            yield pl.DataFrame(pl.from_arrow(batch))

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """Return a connection to the same file, for a result that is read while other statements run; close it when done."""
        return self._unread.enter_context(self.connection.cursor())

    def forget_unread(self) -> None:
        """Give up what was not read to its end.

        For that, DuckDB keeps the file open even when the connection is closed; whoever opens it again
        in this process waits for ever, without giving Python a chance to let go of it. Of a stage that
        failed, the traceback still holds what it was reading.

        Source:
            DuckDB's issue 25965, open on 2026-11-26.
        """
        self._unread.close()

    def bounds(self, rows: str, rows_at_a_time: int = 25_000) -> list[list[int]]:
        """Return first and last row of each chunk of what a query of distinct rows (fixed text) yields, in their order."""
        return [list(found) for found in self.rows(_BOUNDS.format(rows=rows), [rows_at_a_time])]

    def frame(self, sql: str, values: list[Any] | None = None) -> pl.DataFrame:
        """Return a query's result as a Polars frame."""
        table = self.connection.sql(sql, params=values).to_arrow_table()
        frame = pl.from_arrow(table)
        assert isinstance(frame, pl.DataFrame)
        return frame

    def upload_columns(self) -> list[UploadColumn]:
        """Return the columns of the upload in their order."""
        names = ", ".join(field.name for field in fields(UploadColumn))
        query = f"select {names} from upload_columns order by position"  # noqa: S608 (names of our own dataclass)
        return [UploadColumn(*row) for row in self.rows(query)]

    def forget(self, stage: str, *tables: str) -> None:
        """Delete what an earlier run of a stage left: these tables' rows and the stage's errors."""
        for table in tables:
            self.connection.execute(f'delete from "{table}"')  # noqa: S608 (fixed text)
        self.connection.execute("delete from row_errors where stage = ?", [stage])

    def append(self, table: str, frame: pl.DataFrame) -> None:
        """Append a frame to one of the tables above; its columns are matched by name, and those it lacks are null."""
        # A registered frame would stay in memory until the transaction ends, all of a file's chunks together.
        columns = self.connection.table(table).columns
        if missing := set(frame.columns) - set(columns):
            raise ValueError(f"{table} has no column {', '.join(sorted(missing))}")
        values = ", ".join(f'"{name}"' if name in frame.columns else f'null as "{name}"' for name in columns)
        self.connection.from_arrow(frame.to_arrow()).project(values).insert_into(table)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything written inside stands together or not at all."""
        self.connection.begin()
        try:
            yield
        except BaseException:
            # After a failed write DuckDB has rolled back by itself, and says so with an error.
            with suppress(duckdb.Error):
                self.connection.rollback()
            raise
        self.connection.commit()


@contextmanager
def open_staging(path: Path, memory_limit_mb: int, wait_seconds: float = 600) -> Iterator[Staging]:
    """Open or make the staging file of an import, with DuckDB locked down.

    DuckDB may touch the file, its write-ahead log and its own spill folder beside
    it, and nothing else on the machine.

    Args:
        path: ``staging/<import id>.duckdb``; made with mode 0600.
        memory_limit_mb: DuckDB's own memory limit; past it, DuckDB spills to disk.
        wait_seconds: How long another process may hold the file.

    Raises:
        ImportBusy: Another process held the file all that time.
        StagingDamaged: It is no staging file of this version.
        DiskUnavailable: The file cannot be made, read or written.
    """
    kept = _kept_open.get()
    try:
        with _connect(path, wait_seconds) as connection:
            if not _is_locked_down(connection):
                _lock_down(connection, path, memory_limit_mb)
            if kept is not _NOTHING_KEPT and path not in kept:
                # Not a cursor: that ends with its connection.
                kept[path] = duckdb.connect(path)
            staging = Staging(connection)
            try:
                yield staging
            finally:
                staging.forget_unread()
    except duckdb.Error as error:
        _let_go(path)
        raise _translate(error, path) or error from None


@contextmanager
def nothing_staged(memory_limit_mb: int) -> Iterator[Staging]:
    """Yield empty tables in memory, for an import whose staging file is gone, or was never in this home."""
    with duckdb.connect(":memory:") as connection:
        _lock_settings(connection, memory_limit_mb)
        connection.execute(_TABLES)
        yield Staging(connection)


@contextmanager
def kept_open() -> Iterator[None]:
    """Keep staging files that are opened inside open to the end, so that opening one again costs nothing.

    To make DuckDB ready for a file takes as long as to check hundreds of rows. Other
    processes cannot open these files meanwhile. What is deleted by ``remove_staging``,
    or has failed, is let go.
    """
    kept: dict[Path, duckdb.DuckDBPyConnection] = {}
    token = _kept_open.set(kept)
    try:
        yield
    finally:
        _kept_open.reset(token)
        with ExitStack() as files:
            for connection in kept.values():
                files.callback(connection.close)


@contextmanager
def open_if_whole(path: Path, memory_limit_mb: int, wait_seconds: float) -> Iterator[Staging | None]:
    """Hold a staging file; none where it is damaged: nobody can read it, and nobody works on it.

    Arguments and other errors are those of ``open_staging``.
    """
    with ExitStack() as stack:
        staging = None
        with suppress(StagingDamaged):
            staging = stack.enter_context(open_staging(path, memory_limit_mb, wait_seconds))
        yield staging


def remove_staging(path: Path) -> None:
    """Delete a staging file with all that DuckDB keeps beside it.

    Raises:
        DiskUnavailable: Something of it cannot be deleted.
    """
    _let_go(path)
    for leftover in path.parent.glob(path.name + "*"):
        try:
            if leftover.is_dir():
                shutil.rmtree(leftover)
            else:
                leftover.unlink(missing_ok=True)
        except OSError as error:
            raise DiskUnavailable(leftover, error.strerror or "cannot be deleted") from None


def _let_go(path: Path) -> None:
    connection = _kept_open.get().pop(path, None)
    if connection is not None:
        connection.close()


def _is_locked_down(connection: duckdb.DuckDBPyConnection) -> bool:
    return bool(connection.execute("select current_setting('lock_configuration')").fetchall()[0][0])


def _lock_down(connection: duckdb.DuckDBPyConnection, path: Path, memory_limit_mb: int) -> None:
    spill = path.with_name(path.name + ".tmp")
    connection.execute("set temp_directory = ?", [str(spill)])
    connection.execute("set allowed_paths = ?", [[str(path)]])
    connection.execute("set allowed_directories = ?", [[str(spill)]])
    _lock_settings(connection, memory_limit_mb)
    try:
        path.chmod(0o600)
    except FileNotFoundError:
        # Another process, for which nothing was in it, has deleted it: no name leads to it any more.
        pass
    except OSError as error:
        raise DiskUnavailable(path, error.strerror or "it belongs to somebody else") from None
    # Asking costs an eighth of making none, and a small import opens its file a dozen times.
    there = {name for (name,) in connection.execute("select table_name from duckdb_tables()").fetchall()}
    if not there.issuperset(_TABLE_NAMES):
        connection.execute(_TABLES)


def _lock_settings(connection: duckdb.DuckDBPyConnection, memory_limit_mb: int) -> None:
    connection.execute("set python_enable_replacements = false")
    connection.execute("set memory_limit = ?", [f"{memory_limit_mb}MB"])
    connection.execute("set preserve_insertion_order = false")
    connection.execute("set enable_external_access = false")
    connection.execute("set lock_configuration = true")


def _connect(path: Path, wait_seconds: float) -> duckdb.DuckDBPyConnection:
    def connect() -> duckdb.DuckDBPyConnection:
        try:
            return duckdb.connect(path)
        except duckdb.IOException as error:
            if "could not set lock" not in str(error).lower():
                raise
            raise ImportBusy(path.stem) from None

    return Tries((0.1,), is_repeated=True, within_seconds=wait_seconds).repeat(connect, ImportBusy)


def _translate(error: duckdb.Error, path: Path) -> DiskUnavailable | None:
    """Return what a user can mend; None for an error of ours. DuckDB's text holds values and is not passed on."""
    text = str(error).lower()
    is_io = isinstance(error, duckdb.IOException)
    if is_io or isinstance(error, duckdb.FatalException | duckdb.TransactionException):
        for phrase, reason in _DISK_REASONS.items():
            if phrase in text:
                return DiskUnavailable(path, reason)
    if isinstance(error, duckdb.OutOfMemoryException):
        return DiskUnavailable(path, "out of memory, or out of disk space to spill to")
    # DuckDB's plain class is that of checksums.
    if type(error) is duckdb.Error or isinstance(error, _DAMAGE) or any(phrase in text for phrase in _DAMAGED_FILE):
        return StagingDamaged(path)
    return DiskUnavailable(path, "the staging file cannot be read or written") if is_io else None
