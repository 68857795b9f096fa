"""Indexing keys last: only where nobody needs them, and nothing of the tables is another afterwards."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import polars as pl
import pytest
import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.engine import Engine

from etl_customers.database.bulk import append_frame, new_customer_ids, time_text
from etl_customers.database.connect import connect, writing
from etl_customers.database.driver_errors import UniqueViolation
from etl_customers.database.first_load import keys_indexed_last
from etl_customers.database.tables import customers, identity_keys, imports

MANY = 25_000
NOW = datetime(2026, 1, 1, tzinfo=UTC)
SHAPE = """
    select conname, pg_get_constraintdef(oid) from pg_constraint where conrelid = 'identity_keys'::regclass
    union all select indexname, indexdef from pg_indexes where tablename = 'identity_keys'
    order by 1
"""


def shape(connection: Connection) -> list[tuple[str, str]]:
    return [(name, text) for name, text in connection.execute(sa.text(SHAPE))]


def add_customer(connection: Connection, *emails: str) -> None:
    """Write one customer as a load does, in an import of its own."""
    import_id = f"csv-{emails[0]}"
    entry = {"import_id": import_id, "source": "csv", "status": "finished", "content_key": import_id}
    connection.execute(imports.insert().values(accepted_at=NOW, **entry))
    (customer_id,) = new_customer_ids(connection, 1)
    now = time_text(connection, NOW)
    customer = {"id": customer_id, "is_active": True, "import_id": import_id, "import_row": 2}
    append_frame(connection, "customers", pl.DataFrame([customer | {"created_at": now, "updated_at": now}]))
    keys = [{"kind": "email", "value": email, "customer_id": customer_id} for email in emails]
    append_frame(connection, "identity_keys", pl.DataFrame(keys))


@contextmanager
def whole(engine: Engine, rows: int = MANY) -> Iterator[Connection]:
    """Load as many rows, and see that the table is as it was before."""
    with engine.connect() as connection:
        before = shape(connection)
    with writing(engine) as connection, keys_indexed_last(connection, rows):
        yield connection
    with engine.connect() as connection:
        assert shape(connection) == before


def test_many_rows_into_an_empty_target_are_indexed_after_all_of_them_and_the_table_is_as_before(
    postgresql_target: Engine,
) -> None:
    with whole(postgresql_target) as connection:
        assert [name for name, _ in shape(connection) if "not_null" not in name] == []
        add_customer(connection, "ada@example.com", "lovelace@example.com")
    with postgresql_target.connect() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(identity_keys)) == 2


def test_a_key_that_comes_twice_is_found_at_the_end_and_nothing_stays(postgresql_target: Engine) -> None:
    with pytest.raises(UniqueViolation), whole(postgresql_target) as connection:
        add_customer(connection, "ada@example.com", "ada@example.com")
    with postgresql_target.connect() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(customers)) == 0
        assert "pk_identity_keys" in dict(shape(connection))


def test_few_rows_are_indexed_as_they_come(postgresql_target: Engine) -> None:
    with whole(postgresql_target, rows=MANY - 1) as connection:
        assert "pk_identity_keys" in dict(shape(connection))


def test_a_target_with_customers_keeps_its_index(postgresql_target: Engine) -> None:
    with writing(postgresql_target) as connection:
        add_customer(connection, "ada@example.com")
    with whole(postgresql_target) as connection:
        assert "pk_identity_keys" in dict(shape(connection))
        add_customer(connection, "bob@example.com")


def test_a_table_that_somebody_reads_is_neither_waited_for_nor_locked(postgresql_target: Engine) -> None:
    with postgresql_target.connect() as reader:
        reader.execute(sa.select(customers))
        with whole(postgresql_target) as connection:
            assert "pk_identity_keys" in dict(shape(connection))
            add_customer(connection, "ada@example.com")
            reader.execute(sa.select(identity_keys))


def test_what_a_user_hung_on_the_key_stays(postgresql_target: Engine) -> None:
    mine = "create table marks (kind varchar(16), value text, foreign key (kind, value) references identity_keys)"
    with writing(postgresql_target) as connection:
        connection.exec_driver_sql(mine)
    with whole(postgresql_target) as connection:
        assert "pk_identity_keys" in dict(shape(connection))
        add_customer(connection, "ada@example.com")


def test_a_user_who_does_not_own_the_tables_loads_row_by_row(postgresql_target: Engine) -> None:
    role = f"loader_{postgresql_target.url.database}"
    grants = (
        f'create role "{role}" login',
        f'grant select, insert, update, delete on all tables in schema public to "{role}"',
        f'grant usage on all sequences in schema public to "{role}"',
    )
    with writing(postgresql_target) as connection:
        for grant in grants:
            connection.exec_driver_sql(grant)
    engine = connect(postgresql_target.url.set(username=role).render_as_string(hide_password=False))
    try:
        with whole(engine) as connection:
            assert "pk_identity_keys" in dict(shape(connection))
            add_customer(connection, "ada@example.com")
    finally:
        engine.dispose()
        with writing(postgresql_target) as connection:
            connection.exec_driver_sql(f'drop owned by "{role}"')
            connection.exec_driver_sql(f'drop role "{role}"')


def test_sqlite_is_left_as_it_is(sqlite_target: Engine) -> None:
    with writing(sqlite_target) as connection, keys_indexed_last(connection, MANY):
        add_customer(connection, "ada@example.com")
        assert [index["name"] for index in sa.inspect(connection).get_indexes("identity_keys")]
