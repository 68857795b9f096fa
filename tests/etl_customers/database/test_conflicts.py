"""Transactions that the database breaks off in favour of others."""

import threading

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from etl_customers.database.conflicts import repeat_in_conflict
from etl_customers.database.connect import writing
from etl_customers.database.driver_errors import DatabaseConflict


def test_two_transactions_that_wait_for_each_other_are_both_done_in_the_end(postgresql_target: Engine) -> None:
    both_hold_one = threading.Barrier(2)
    tries: list[int] = []

    def lock_both(first: int, second: int) -> None:
        tries.append(first)
        with writing(postgresql_target) as connection:
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(first)))
            if len(tries) <= 2:
                both_hold_one.wait(timeout=30)
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(second)))

    threads = [
        threading.Thread(target=lambda: repeat_in_conflict(lambda: lock_both(1, 2))),
        threading.Thread(target=lambda: repeat_in_conflict(lambda: lock_both(2, 1))),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert len(tries) == 3


def test_a_transaction_that_gives_way_every_time_is_given_up() -> None:
    tries: list[int] = []

    def conflict() -> None:
        tries.append(1)
        raise DatabaseConflict("target", "another transaction had precedence")

    with pytest.raises(DatabaseConflict):
        repeat_in_conflict(conflict)
    assert len(tries) == 5
