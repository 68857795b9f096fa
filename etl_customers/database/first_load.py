"""Loading many customers into a target that has none: keys are indexed and checked once, after all rows.

Row by row, the index and the foreign key of ``identity_keys`` cost PostgreSQL more than
everything else of a load. Others could not use them meanwhile; so this is done only where
nobody has anything to look up yet.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.schema import AddConstraint, CreateIndex, DropConstraint, DropIndex

from etl_customers.database.tables import customers, identity_keys

_FEWEST_ROWS = 25_000
"""Of fewer rows the tables are not worth keeping from others."""

_LOCK = "lock table customers, identity_keys in access exclusive mode nowait"
_OF_NO_USE = {
    "55P03": "somebody is reading or writing one of the two tables",
    "42501": "the tables belong to another user",
    "2BP01": "something of the user's own depends on the key",
    "42704": "a constraint has another name here",
}
"""SQLSTATE of what stands in the way: then keys are checked row by row, as ever."""


@contextmanager
def keys_indexed_last(connection: Connection, rows: int) -> Iterator[None]:
    """Put off the index and the foreign key of ``identity_keys`` until the block ends, where that can be done.

    It can on PostgreSQL, where the target has no customers, nobody else is at their
    tables and they are the user's own. Others wait for the tables until the transaction ends.

    Args:
        connection: In the load's writing transaction; inside, rows are appended and nothing is looked up.
        rows: How many customers are to be loaded.
    """
    if connection.dialect.name != "postgresql" or rows < _FEWEST_ROWS or not _take_apart(connection):
        yield
        return
    yield
    connection.execute(AddConstraint(identity_keys.primary_key, isolate_from_table=False))
    for index in identity_keys.indexes:
        connection.execute(CreateIndex(index))
    for key in identity_keys.foreign_key_constraints:
        connection.execute(AddConstraint(key, isolate_from_table=False))


def _take_apart(connection: Connection) -> bool:
    """Drop what is made again afterwards; false, and nothing is changed or locked, where that cannot be done."""
    try:
        with connection.begin_nested() as savepoint:
            connection.exec_driver_sql(_LOCK)
            if connection.scalar(sa.select(sa.exists().select_from(customers))):
                savepoint.rollback()
                return False
            for key in identity_keys.foreign_key_constraints:
                connection.execute(DropConstraint(key))
            for index in identity_keys.indexes:
                connection.execute(DropIndex(index))
            connection.execute(DropConstraint(identity_keys.primary_key))
    except sa.exc.DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) not in _OF_NO_USE:
            raise
        return False
    return True
