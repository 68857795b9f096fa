"""Which customers of the target the failed rows of an import matched, as the ledger keeps it.

Whoever removes customers looks there first. A customer that was found when the file was
deduplicated may have been removed since; then the answer of that stage is out of date.
"""

from sqlalchemy import BigInteger, Column, Connection, MetaData, String, Table, exists, insert, literal, select
from sqlalchemy.schema import CreateTable, DropTable

from etl_customers.database.bulk import append_frame
from etl_customers.database.tables import customers, matched_customers
from etl_customers.load.staged_rows import StagedRows

_matches = Table(
    "matches", MetaData(), Column("row", BigInteger), Column("customer_id", BigInteger), prefixes=["TEMPORARY"]
)


class MatchRemoved(Exception):
    """A customer that a row matched is no longer in the target: the row must be checked again."""


def write_matches(rows: StagedRows, connection: Connection, import_id: str) -> None:
    """Fill ``matched_customers`` with the rows that failed as ``already_exists``.

    Args:
        rows: Deduplicated.
        connection: In the load's transaction, in which nobody removes customers.
        import_id: The import that is being loaded.

    Raises:
        MatchRemoved: One of those customers was removed since the rows were deduplicated.
    """
    frames = rows.matches()
    first = next(frames, None)
    if first is None:
        return
    connection.execute(CreateTable(_matches))
    append_frame(connection, _matches.name, first)
    for frame in frames:
        append_frame(connection, _matches.name, frame)
    is_there = exists().where(customers.c.id == _matches.c.customer_id)
    if connection.scalar(select(_matches.c.row).where(~is_there).limit(1)) is not None:
        raise MatchRemoved
    entries = select(literal(import_id, String), _matches.c.row, _matches.c.customer_id)
    connection.execute(insert(matched_customers).from_select(["import_id", "row", "customer_id"], entries))
    connection.execute(DropTable(_matches))
