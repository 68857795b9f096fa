"""Appending many rows to a table of the target in the connection's own transaction.

COPY on PostgreSQL, the driver's ``executemany`` on SQLite: both several times faster
than rows through SQLAlchemy. Errors of the driver come out as they are; whoever opened
the transaction (``etl_customers.target.connect``) translates them.
"""

import polars as pl
from sqlalchemy import Connection


def append_frame(connection: Connection, table: str, frame: pl.DataFrame) -> None:
    """Append all rows of ``frame`` to ``table``; columns are matched by name.

    Args:
        connection: In a transaction, which sees the rows at once and owns them.
        table: A table of ``etl_customers.target.tables`` or a temporary one: fixed text.
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
