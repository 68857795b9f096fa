"""Appending many rows to a table of the target in the connection's own transaction, and what such rows need.

COPY on PostgreSQL, the driver's ``executemany`` on SQLite: both several times faster
than rows through SQLAlchemy. Errors of the driver come out as they are; whoever opened
the transaction (``etl_customers.database.connect``) translates them.
"""

from datetime import datetime

import polars as pl
import sqlalchemy as sa
from sqlalchemy import Connection


def append_frame(connection: Connection, table: str, frame: pl.DataFrame) -> None:
    """Append all rows of ``frame`` to ``table``; columns are matched by name.

    Args:
        connection: In a transaction, which sees the rows at once and owns them.
        table: A table of ``etl_customers.database.tables`` or a temporary one: fixed text.
        frame: n rows; null is SQL's null, and no column holds an empty string, because
            COPY's CSV form could not tell the two apart.
    """
    if not frame.height:
        return
    columns = ", ".join(f'"{name}"' for name in frame.columns)
    cursor = connection.connection.cursor()
    try:
        if connection.dialect.name == "postgresql":
            with cursor.copy(f'copy "{table}" ({columns}) from stdin (format csv)') as copy:
                copy.write(frame.write_csv(include_header=False).encode())
        else:
            marks = ", ".join("?" * frame.width)
            dates = [name for name, dtype in frame.schema.items() if dtype.is_temporal()]
            rows = frame.with_columns(pl.col(dates).cast(pl.String)).rows()
            statement = f'insert into "{table}" ({columns}) values ({marks})'  # noqa: S608 (our own names)
            cursor.executemany(statement, rows)
    finally:
        cursor.close()


def new_customer_ids(connection: Connection, count: int) -> list[int]:
    """Return ids that nobody else gets, ascending; in a writing transaction."""
    if connection.dialect.name == "postgresql":
        # One array, because SQLAlchemy's rows cost more than the numbers.
        number = "nextval(pg_get_serial_sequence('customers', 'id')::regclass)"
        query = sa.text(f"select array_agg({number}) from generate_series(1, :count)")  # noqa: S608 - fixed text
        ids: list[int] | None = connection.scalar(query, {"count": count})
        return ids or []
    # The write lock is held, and SQLite itself notes the highest id that was ever inserted.
    last = connection.scalar(sa.text("select seq from sqlite_sequence where name = 'customers'")) or 0
    return list(range(last + 1, last + 1 + count))


def time_text(connection: Connection, time: datetime) -> str:
    """Return a UTC time as SQLAlchemy stores it on SQLite, and with its zone for PostgreSQL."""
    return f"{time:%Y-%m-%d %H:%M:%S.%f}{_zone(connection)}"


def time_texts(connection: Connection, column: str) -> pl.Expr:
    """Return a column of UTC times in the same form."""
    return pl.col(column).dt.strftime("%Y-%m-%d %H:%M:%S%.6f") + pl.lit(_zone(connection))


def _zone(connection: Connection) -> str:
    return "+00:00" if connection.dialect.name == "postgresql" else ""
