"""Loading: all of an import at once, exactly once, whoever else loads at the same time."""

import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from etl_customers.base.errors import DatabaseUnavailable, NotFound, UsageError
from etl_customers.database.connect import connect, reading, writing
from etl_customers.database.driver_errors import UnexpectedDatabaseError
from etl_customers.database.ledger import failed_rows_of, find_import, refuse_import
from etl_customers.database.tables import customers, failed_rows, identity_keys, properties, property_types
from etl_customers.load.load import LoadCounts, load_customers
from etl_customers.staging import Staging

from .conftest import Upload

Stage = Callable[[Upload], Staging]
Accept = Callable[..., str]

CANARY = "canary-9f31@example.com"
ADA: dict[str, Any] = {
    "first_name": "Ada",
    "last_name": "Lovelace",
    "street_address": 'At "The Mill",\r\n2nd floor',
    "city": "Zürich",
    "email": "ada@example.com",
    "date_joined": date(2018, 3, 1),
    "custom_fields": '{"shoe_size": 38}',
    "warnings": '[{"column": "city", "code": "city_defaulted"}]',
    "keys": [("email", "ada@example.com"), ("phone", "+41445550100")],
}
BOB: dict[str, Any] = {"first_name": "Bob", "email": "bob@example.com", "keys": [("email", "bob@example.com")]}
EVE: dict[str, Any] = {"first_name": "Eve", "email": "eve@example.com", "keys": [("email", "eve@example.com")]}
BAD_MOBILE: tuple[str, str, str | None] = ("mobile", "invalid_phone", None)


def test_everything_of_a_row_is_in_the_target(target: Engine, stage: Stage, accept: Accept) -> None:
    import_id = accept(target)

    load_customers(stage(Upload(valid={2: ADA})), target, import_id, {}, "run-1")

    with reading(target) as connection:
        row = connection.execute(sa.select(customers)).mappings().one()
        record = find_import(connection, import_id)
        keys = connection.execute(sa.select(identity_keys).order_by(identity_keys.c.kind)).all()
    filled = {name: value for name, value in row.items() if value is not None}
    assert record is not None
    created_at = filled.pop("created_at")
    assert filled.pop("updated_at") == created_at
    assert created_at.replace(tzinfo=UTC) == record.finished_at
    assert abs(created_at.replace(tzinfo=UTC) - datetime.now(UTC)) < timedelta(minutes=1)
    assert filled == {
        **{name: value for name, value in ADA.items() if name not in ("keys", "custom_fields", "warnings")},
        "id": 1,
        "customer_type": "Personal",
        "custom_fields": {"shoe_size": 38},
        "warnings": [{"column": "city", "code": "city_defaulted"}],
        "is_active": True,
        "import_id": import_id,
        "import_row": 2,
    }
    assert [tuple(key) for key in keys] == [("email", "ada@example.com", 1), ("phone", "+41445550100", 1)]
    assert (record.status, record.run_id) == ("finished", "run-1")


def test_properties_belong_to_their_customer(target: Engine, stage: Stage, accept: Accept) -> None:
    with writing(target) as connection:
        connection.execute(
            property_types.insert().values(id="pet", label="Pet", position=1, created_at=datetime.now(UTC))
        )
    bob = {**BOB, "properties": [("pet", 1, {"name": "Rex"}), ("pet", 2, {"name": "Mia", "age": 3})]}

    load_customers(stage(Upload(valid={2: ADA, 3: bob})), target, accept(target), {}, None)

    with reading(target) as connection:
        rows = connection.execute(sa.select(properties).order_by(properties.c.number)).all()
    assert [tuple(row[:4]) for row in rows] == [
        (2, "pet", 1, {"name": "Rex"}),
        (2, "pet", 2, {"name": "Mia", "age": 3}),
    ]
    assert {tuple(row[4:]) for row in rows} == {(None, None, None)}  # no pull may change them


def test_ids_ascend_in_the_order_of_the_file(target: Engine, stage: Stage, accept: Accept) -> None:
    people = {row: {"first_name": f"Row {row}"} for row in (9, 2, 5, 3, 8)}

    load_customers(stage(Upload(valid=people)), target, accept(target), {}, None)

    with reading(target) as connection:
        rows = connection.execute(sa.select(customers.c.id, customers.c.import_row).order_by(customers.c.id)).all()
    assert [tuple(row) for row in rows] == [(1, 2), (2, 3), (3, 5), (4, 8), (5, 9)]


def test_failed_rows_are_kept_with_all_their_reasons_in_the_order_of_the_columns(
    target: Engine, stage: Stage, accept: Accept
) -> None:
    errors = [
        ("name and address", "duplicate_in_file", None),
        ("mobile", "unprintable_character", None),
        ("mobile", "invalid_phone", None),
        ("email", "invalid_email", "example.com"),
    ]
    import_id = accept(target)

    counts = load_customers(
        stage(Upload(valid={2: ADA}, failed={4: errors, 3: [BAD_MOBILE]}, unread=6)), target, import_id, {}, None
    )

    assert counts == LoadCounts(read=3, loaded=1, failed=2, unread=6)
    with reading(target) as connection:
        record = find_import(connection, import_id)
        failed = list(failed_rows_of(connection, import_id))
    assert record is not None
    assert (record.rows_read, record.rows_loaded, record.rows_failed, record.rows_unread) == (3, 1, 2, 6)
    assert [(row.row, row.line) for row in failed] == [(3, 13), (4, 14)]
    assert [(error["column"], error["code"], error["suggestion"]) for error in failed[1].errors] == [
        ("email", "invalid_email", "example.com"),
        ("mobile", "invalid_phone", None),
        ("mobile", "unprintable_character", None),
        ("name and address", "duplicate_in_file", None),
    ]
    assert failed[1].errors[3]["message"] == "name and address duplicates row 7, which was loaded"


def test_loading_the_same_import_twice_changes_nothing(target: Engine, stage: Stage, accept: Accept) -> None:
    import_id = accept(target)
    upload = Upload(valid={2: ADA, 3: BOB}, failed={4: [BAD_MOBILE]})
    first = load_customers(stage(upload), target, import_id, {}, "run-1")
    before = _dump(target)

    second = load_customers(stage(Upload(valid={2: EVE})), target, import_id, {}, "run-2")

    assert second == first == LoadCounts(read=3, loaded=2, failed=1, unread=0)
    assert _dump(target) == before


def test_a_file_of_failed_rows_only_is_finished_too(target: Engine, stage: Stage, accept: Accept) -> None:
    assert load_customers(stage(Upload(failed={2: [BAD_MOBILE]})), target, accept(target), {}, None) == LoadCounts(
        1, 0, 1, 0
    )


def test_a_file_without_rows_is_finished_too(target: Engine, stage: Stage, accept: Accept) -> None:
    assert load_customers(stage(Upload()), target, accept(target), {}, None) == LoadCounts(0, 0, 0, 0)


def test_an_unknown_or_refused_import_is_not_loaded(target: Engine, stage: Stage, accept: Accept) -> None:
    import_id = accept(target)
    with writing(target) as connection:
        refuse_import(connection, import_id, "ragged", "line 3 is ragged", None)
    staging = stage(Upload(valid={2: ADA}))

    with pytest.raises(UsageError, match="is refused"):
        load_customers(staging, target, import_id, {}, None)
    with pytest.raises(NotFound, match="no import csv-unknown"):
        load_customers(staging, target, "csv-unknown", {}, None)

    assert _dump(target)["customers"] == []


def test_rows_that_do_not_add_up_are_not_loaded(target: Engine, stage: Stage, accept: Accept) -> None:
    staging = stage(Upload(valid={2: ADA}))
    staging.execute("update facts set number = 5 where name = 'rows_read'")

    with pytest.raises(RuntimeError, match="read 5 rows, but 1 \\+ 0"):
        load_customers(staging, target, accept(target), {}, None)

    assert _dump(target)["customers"] == []


def test_hashes_go_with_their_rows_loaded_or_failed(target: Engine, stage: Stage, accept: Accept) -> None:
    upload = Upload(valid={2: ADA, 3: BOB}, failed={4: [BAD_MOBILE], 5: [BAD_MOBILE]}, passwords=(3, 4))

    load_customers(stage(upload), target, accept(target), {3: "$three", 4: "$four"}, None)

    assert _hashes(target) == ({2: None, 3: "$three"}, {4: "$four", 5: None})


def test_a_password_that_was_not_hashed_stops_the_load(target: Engine, stage: Stage, accept: Accept) -> None:
    with pytest.raises(ValueError, match="without its hash"):
        load_customers(stage(Upload(valid={2: ADA}, passwords=(2,))), target, accept(target), {}, None)


def test_a_corrected_row_without_a_password_takes_it_from_the_import_that_it_corrects(
    target: Engine, stage: Stage, accept: Accept
) -> None:
    parent = accept(target, "1")
    failed = {row: [BAD_MOBILE] for row in (2, 3, 4, 5)}
    load_customers(stage(Upload(failed=failed, passwords=(2, 3, 4))), target, parent, {2: "$2", 3: "$3", 4: "$4"}, None)
    child = accept(target, "2")
    corrected = Upload(
        valid={2: ADA, 3: BOB, 4: EVE},
        failed={5: [BAD_MOBILE], 6: [BAD_MOBILE]},
        parent_rows={2: 3, 3: 2, 4: 9, 5: 4, 6: 5},
        passwords=(3,),
        parent_import_id=parent,
    )

    load_customers(stage(corrected), target, child, {3: "$new"}, None)

    with reading(target) as connection:
        record = find_import(connection, child)
        query = sa.select(failed_rows.c.row, failed_rows.c.password_hash).where(failed_rows.c.import_id == child)
        kept = dict(connection.execute(query).all())
        lineage = sa.select(customers.c.import_row, customers.c.parent_row).where(customers.c.import_id == child)
        assert dict(connection.execute(lineage).all()) == {2: 3, 3: 2, 4: 9}
    assert record is not None
    assert record.parent_import_id == parent
    assert _hashes(target)[0] == {2: "$3", 3: "$new", 4: None}
    assert kept == {5: "$4", 6: None}


def test_of_two_imports_with_the_same_customer_the_later_one_lists_it_as_existing(
    target: Engine, stage: Stage, accept: Accept
) -> None:
    first, second = accept(target, "1"), accept(target, "2")
    late = stage(Upload(valid={2: EVE, 3: ADA}))
    load_customers(stage(Upload(valid={2: ADA, 3: BOB})), target, first, {}, None)

    counts = load_customers(late, target, second, {}, None)

    assert counts == LoadCounts(read=2, loaded=1, failed=1, unread=0)
    with reading(target) as connection:
        failed = list(failed_rows_of(connection, second))
    assert [error["code"] for error in failed[0].errors] == ["already_exists", "already_exists"]
    assert failed[0].errors[0]["message"].endswith("already belongs to customer 1")
    assert [row["first_name"] for row in _dump(target)["customers"]] == ["Ada", "Bob", "Eve"]


@pytest.mark.parametrize("is_reversed", [False, True])
def test_imports_that_load_the_same_customers_at_once_load_each_once(
    target_url: str, stage: Stage, accept: Accept, is_reversed: bool
) -> None:
    people = [{"email": f"{n}@example.com", "keys": [("email", f"{n}@example.com")]} for n in range(300)]
    orders = [people, people[::-1] if is_reversed else people]
    engines = [connect(target_url) for _ in orders]
    stagings = [stage(Upload(valid=dict(enumerate(order, start=2)))) for order in orders]
    ids = [accept(engine, str(number)) for number, engine in enumerate(engines)]
    barrier = threading.Barrier(2)
    results: list[LoadCounts] = []

    def load(number: int) -> None:
        barrier.wait()
        results.append(load_customers(stagings[number], engines[number], ids[number], {}, None))

    _run(lambda: load(0), lambda: load(1))

    assert [count.read for count in results] == [300, 300]
    assert sum(count.loaded for count in results) == 300
    assert sum(count.failed for count in results) == 300
    assert len(_dump(engines[0])["customers"]) == len(_dump(engines[0])["identity_keys"]) == 300
    for engine in engines:
        engine.dispose()


def test_an_import_that_is_loaded_by_many_at_once_is_loaded_once(target_url: str, stage: Stage, accept: Accept) -> None:
    engines = [connect(target_url) for _ in range(4)]
    import_id = accept(engines[0])
    stagings = [stage(Upload(valid={2: ADA, 3: BOB})) for _ in engines]
    results: list[LoadCounts] = []

    _run(
        *(
            lambda engine=engine, staging=staging: results.append(load_customers(staging, engine, import_id, {}, None))
            for engine, staging in zip(engines, stagings, strict=True)
        )
    )

    assert results == [LoadCounts(read=2, loaded=2, failed=0, unread=0)] * 4
    assert len(_dump(engines[0])["customers"]) == 2
    for engine in engines:
        engine.dispose()


def test_a_database_that_breaks_off_leaves_nothing(postgresql_target: Engine, stage: Stage, accept: Accept) -> None:
    import_id = accept(postgresql_target)
    staging = stage(Upload(valid={2: ADA}))
    with writing(postgresql_target) as connection:
        connection.exec_driver_sql(
            "create function break_off() returns trigger language plpgsql as "
            "'begin perform pg_terminate_backend(pg_backend_pid()); return new; end'"
        )
        connection.exec_driver_sql(
            "create trigger break_off before insert on identity_keys for each row execute function break_off()"
        )

    with pytest.raises(DatabaseUnavailable):
        load_customers(staging, postgresql_target, import_id, {}, None)

    dump = _dump(postgresql_target)
    assert dump["customers"] == dump["identity_keys"] == []
    with writing(postgresql_target) as connection:
        connection.exec_driver_sql("drop trigger break_off on identity_keys")
    assert load_customers(staging, postgresql_target, import_id, {}, None).loaded == 1


def test_no_message_contains_a_value_that_the_database_cannot_hold(
    postgresql_target: Engine, stage: Stage, accept: Accept
) -> None:
    # The contract knows the customer's columns, not the keys; only a bug makes a key like this.
    staging = stage(Upload(valid={2: {"first_name": CANARY, "keys": [("email", f"{CANARY}\0")]}}))

    with pytest.raises(UnexpectedDatabaseError) as caught:
        load_customers(staging, postgresql_target, accept(postgresql_target), {}, None)

    assert CANARY not in str(caught.value)
    assert caught.value.__suppress_context__


def test_no_message_contains_a_key_that_is_there_twice(target: Engine, stage: Stage, accept: Accept) -> None:
    # Deduplicate would have failed the second row; a staging file like this is a bug.
    staging = stage(Upload(valid={2: {"keys": [("email", CANARY)]}}))
    staging.execute("insert into customer_keys select * from customer_keys")

    with pytest.raises(UnexpectedDatabaseError) as caught:
        load_customers(staging, target, accept(target), {}, None)

    assert CANARY not in str(caught.value)


def _run(*jobs: Callable[[], None]) -> None:
    threads = [threading.Thread(target=job) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)


def _hashes(engine: Engine) -> tuple[dict[int, str | None], dict[int, str | None]]:
    with reading(engine) as connection:
        loaded = connection.execute(sa.select(customers.c.import_row, customers.c.password_hash)).all()
        failed = connection.execute(sa.select(failed_rows.c.row, failed_rows.c.password_hash)).all()
        return dict(loaded), dict(failed)


def _dump(engine: Engine) -> dict[str, list[dict[str, Any]]]:
    with reading(engine) as connection:
        return {
            table.name: [
                dict(row) for row in connection.execute(sa.select(table).order_by(*table.primary_key)).mappings()
            ]
            for table in customers.metadata.sorted_tables
        }
