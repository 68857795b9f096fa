"""All that a target holds, in words that two runs of the same files share; the oracle of the fault tests.

Ids of imports and customers, times, salts and runs differ from run to run: an import is called
by its file's name (a pull by its provider), a customer by its import and row; of the others
stays whether there is one. What is compared with what is for the tests.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.engine import Engine

from etl_customers.database.connect import reading
from etl_customers.database.tables import customers, imports, metadata, removed_customers

_DROPPED = {"customers.id", "customer_changes.id", "imports.run_id"}
_ONLY_WHETHER = {"password_hash", "token", "cursor"}
_CUSTOMER_IN_MESSAGE = re.compile(r"\bcustomer (\d+)\b")


def dump(target: Engine) -> dict[str, list[Any]]:
    """Return the rows of every table of the target, each a tuple in the order of its columns, sorted."""
    with reading(target) as connection:
        names = _names_of_imports(connection)
        customer_names = _names_of_customers(connection, names)
        return {table.name: _rows(connection, table, names, customer_names) for table in metadata.sorted_tables}


def differences(found: Mapping[str, list[Any]], expected: Mapping[str, list[Any]]) -> dict[str, list[Any]]:
    """Return the rows that one dump has and the other lacks, by table; none where the two are the same."""
    return {
        name: [
            *(row for row in found[name] if row not in rows),
            "expected",
            *(row for row in rows if row not in found[name]),
        ]
        for name, rows in expected.items()
        if found[name] != rows
    }


def _rows(
    connection: Connection, table: sa.Table, names: Mapping[str, str], customer_names: Mapping[int, str]
) -> list[Any]:
    columns = [column for column in table.columns if f"{table.name}.{column.name}" not in _DROPPED]
    tellers = [_teller(column, names, customer_names) for column in columns]
    rows = connection.execute(sa.select(*columns))
    told = [tuple(tell(value) for tell, value in zip(tellers, row, strict=True)) for row in rows]
    return sorted(told, key=repr)


def _teller(
    column: sa.Column[Any], names: Mapping[str, str], customer_names: Mapping[int, str]
) -> Callable[[Any], Any]:
    """Return what tells a column's value without what differs from run to run."""
    if isinstance(column.type, sa.DateTime) or column.name in _ONLY_WHETHER:
        return lambda value: value is not None
    if column.name == "customer_id":
        return lambda value: None if value is None else customer_names.get(value, "nobody")

    def tell(value: Any) -> Any:
        if isinstance(value, str):
            for import_id, name in names.items():
                value = value.replace(import_id, name)
        elif isinstance(value, list):
            return [tell(one) for one in value]
        elif isinstance(value, dict):
            # Messages of failed rows name the customer that was there already.
            return {key: _tell_message(one, customer_names) if key == "message" else one for key, one in value.items()}
        return value

    return tell


def _tell_message(message: str, customer_names: Mapping[int, str]) -> str:
    return _CUSTOMER_IN_MESSAGE.sub(lambda found: f"customer {customer_names.get(int(found[1]), 'nobody')}", message)


def _names_of_imports(connection: Connection) -> dict[str, str]:
    """Return a name for each import id; ids that are the beginning of others come after those."""
    query = sa.select(imports.c.import_id, imports.c.source, imports.c.file_name)
    counts: Counter[str] = Counter()
    names = {}
    for import_id, source, file_name in connection.execute(query.order_by(imports.c.accepted_at, imports.c.import_id)):
        name = file_name or source
        counts[name] += 1
        names[import_id] = f"<{name} {counts[name]}>"
    return dict(sorted(names.items(), key=lambda item: -len(item[0])))


def _names_of_customers(connection: Connection, names: Mapping[str, str]) -> dict[int, str]:
    there = sa.select(customers.c.id, customers.c.import_id, customers.c.import_row)
    gone = sa.select(removed_customers.c.customer_id, removed_customers.c.import_id, removed_customers.c.import_row)
    return {
        customer_id: f"{names[import_id]} row {row}"
        for query in (gone, there)
        for customer_id, import_id, row in connection.execute(query)
    }
