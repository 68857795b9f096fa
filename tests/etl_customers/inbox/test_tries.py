"""When an import is started, and when it is started again."""

import pytest

from etl_customers.inbox.tries import MOST_TRIES, Step, Try, find_starts, next_step
from tests.etl_customers.inbox.conftest import Inbox

MINUTE = 60.0


def test_an_import_that_was_never_tried_is_started_at_once() -> None:
    assert next_step([], now=0) is Step.START


def test_an_import_is_never_started_while_a_try_goes_on() -> None:
    assert next_step([Try(None)], now=10**9) is Step.WAIT
    assert next_step([Try(0), Try(None)], now=10**9) is Step.WAIT


@pytest.mark.parametrize(("tried", "minutes"), [(1, 1), (2, 2), (3, 4), (4, 8), (7, 60)])
def test_pauses_grow_to_an_hour(tried: int, minutes: int) -> None:
    tries = [Try(float(number)) for number in range(tried)]
    assert next_step(tries, now=tried - 1 + minutes * MINUTE - 1) is Step.WAIT
    assert next_step(tries, now=tried - 1 + minutes * MINUTE) is Step.START


def test_after_eight_tries_or_where_a_person_canceled_one_a_person_must_look() -> None:
    assert next_step([Try(0)] * MOST_TRIES, now=10**9) is Step.ASK
    assert next_step([Try(0), Try(1, was_canceled=True)], now=10**9) is Step.ASK


def test_what_is_started_is_found_in_the_folder_and_the_ledger_alone(inbox: Inbox) -> None:
    inbox.accept(inbox.drop("a.csv"), inbox.drop("b.csv"), inbox.drop("c.csv", "first_name\nx\n"))
    same, other = sorted({name.partition("--")[0] for name in inbox.names()["accepted"]})
    starts = find_starts(inbox.installation, lambda _: {}, most=10, now=0)
    assert {start.record.import_id for start in starts.to_start} == {same, other}
    again = find_starts(inbox.installation, lambda _: {}, most=10, now=0)
    assert [start.key for start in again.to_start] == [start.key for start in starts.to_start]
    tried = find_starts(inbox.installation, lambda _: {same: [Try(0)], other: [Try(None)]}, most=10, now=MINUTE)
    assert [start.record.import_id for start in tried.to_start] == [same]
    assert tried.to_start[0].key not in {start.key for start in starts.to_start}
    assert (tried.waiting, tried.to_look_at) == (1, [])
    few = find_starts(inbox.installation, lambda _: {}, most=1, now=0)
    assert (len(few.to_start), few.waiting) == (1, 1)


def test_a_refused_file_that_is_dropped_again_is_started_under_another_key(inbox: Inbox) -> None:
    keys = set()
    for _ in range(2):
        inbox.accept(inbox.drop("bad.csv", "shoe\n1\n"))
        (start,) = find_starts(inbox.installation, lambda _: {}, most=10, now=0).to_start
        keys.add(start.key)
        with pytest.raises(Exception, match="header"):
            inbox.run()
        assert [one.outcome for one in inbox.settle().settled] == ["refused"]
    assert len(keys) == 2
    assert len(inbox.records()) == 1
