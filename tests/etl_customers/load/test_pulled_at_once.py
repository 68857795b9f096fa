"""Loading a pull while others work on the same customers."""

import threading
import time
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from etl_customers.changes.editing import checker_of
from etl_customers.columns.account_fields import load_fields
from etl_customers.database.connect import connect, reading, writing
from etl_customers.database.edits import edit_customer
from etl_customers.database.tables import customers, identity_keys, provider_customers
from etl_customers.load.pulled import PullCounts, load_pulled
from etl_customers.staging import open_staging
from tests.pulled import Books, contact, rows

_WAITING = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"


def test_what_a_person_edits_while_a_pull_is_loaded_is_kept(postgresql_target: Engine, tmp_path: Path) -> None:
    books = Books(postgresql_target, tmp_path).connect()
    books.pull(contact("a"), contact("b"))
    results: list[PullCounts] = []
    changed = [contact("a", last="Theirs", EmailAddress="theirs@example.com", minutes=1), contact("b", minutes=1)]
    thread = threading.Thread(target=lambda: results.append(books.pull(*changed)))

    with writing(postgresql_target) as connection:
        check = checker_of(connection, 1, load_fields(connection), books.settings)
        edit_customer(connection, 1, {"last_name": "Mine"}, "eva", check)
        thread.start()
        _wait_for_lock(postgresql_target)
    thread.join(timeout=60)

    assert results == [PullCounts(2, 0, 1, 1, 0, 0)]
    row = rows(postgresql_target, customers)[0]
    assert (row["last_name"], row["email"]) == ("Mine", "theirs@example.com")


def test_pulls_of_two_connections_with_the_same_people_load_each_person_once(target_url: str, tmp_path: Path) -> None:
    engines = [connect(target_url) for _ in range(2)]
    books = [Books(engine, tmp_path, tenant_id=f"company-{n}").connect() for n, engine in enumerate(engines)]
    people = [contact(f"c{n:03}") for n in range(100)]
    orders = [people, [{**one, "ContactID": f"d{99 - n:03}"} for n, one in enumerate(people)]]
    ids = [one.accept() for one in books]
    barrier = threading.Barrier(2)
    results: list[PullCounts] = []

    def load(number: int) -> None:
        one = books[number]
        with open_staging(tmp_path / f"{ids[number]}.duckdb", 256) as staging:
            one.stage(staging, orders[number])
            barrier.wait()
            results.append(load_pulled(staging, one.target, ids[number], None, one.settings))

    threads = [threading.Thread(target=load, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)

    assert [one.fetched for one in results] == [100, 100]
    assert sum(one.created for one in results) == sum(one.not_synced for one in results) == 100
    assert len(rows(engines[0], customers)) == len(rows(engines[0], provider_customers)) == 100
    assert len(rows(engines[0], identity_keys)) == 200
    for engine in engines:
        engine.dispose()


def _wait_for_lock(target: Engine) -> None:
    for _ in range(3_000):
        with reading(target) as connection:
            if connection.scalar(sa.text(_WAITING)):
                return
        time.sleep(0.01)
    raise AssertionError("the load waits for nobody")
