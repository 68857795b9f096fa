"""One item ahead: in order, errors where they belong, and no thread left."""

import threading
from collections.abc import Iterator

import pytest

from etl_customers.base.read_ahead import read_ahead, work_between


def count_to(last: int, made: list[int]) -> Iterator[int]:
    for number in range(1, last + 1):
        made.append(number)
        yield number


def never_stopped() -> None:
    raise AssertionError("nothing is to be stopped")


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith(("read-ahead", "beside"))]


def test_items_come_in_order_and_at_most_one_is_made_ahead() -> None:
    made: list[int] = []
    with read_ahead(count_to(5, made), never_stopped) as items:
        for number in items:
            assert len(made) <= number + 1
    assert made == [1, 2, 3, 4, 5]
    assert threads() == []


def test_what_making_an_item_raises_comes_after_the_items_before_it() -> None:
    def two_items() -> Iterator[int]:
        yield 1
        yield 2
        raise LookupError

    seen: list[int] = []
    with pytest.raises(LookupError), read_ahead(two_items(), lambda: None) as items:
        seen.extend(items)
    assert seen == [1, 2]
    assert threads() == []


def test_an_error_of_the_reader_cuts_short_what_the_thread_waits_for() -> None:
    stopped = threading.Event()

    def slow_items() -> Iterator[int]:
        yield 1
        assert stopped.wait(30)
        yield 2

    def read_one() -> None:
        with read_ahead(slow_items(), stopped.set) as items:
            next(items)
            raise LookupError

    with pytest.raises(LookupError):
        read_one()
    assert threads() == []


def test_a_reader_may_leave_before_the_last_item() -> None:
    made: list[int] = []
    with read_ahead(count_to(5, made), never_stopped) as items:
        assert next(items) == 1
    assert made in ([1], [1, 2])
    assert threads() == []


def test_results_are_written_in_the_order_of_their_items_by_the_thread_that_makes_these() -> None:
    written: list[tuple[int, str]] = []
    work_between(count_to(5, []), lambda number: number * 10, lambda made: written.append((made, thread_name())))
    assert [made for made, _ in written] == [10, 20, 30, 40, 50]
    assert {name.startswith("beside") for _, name in written} == {True}
    assert threads() == []


@pytest.mark.parametrize("where", ["make", "work", "write"])
def test_what_is_raised_at_any_step_comes_out_and_nothing_is_written_after_it(where: str) -> None:
    def fail_at(step: str, number: int) -> int:
        if step == where and number == 3:
            raise LookupError
        return number

    written: list[int] = []
    items = (fail_at("make", number) for number in range(1, 7))
    with pytest.raises(LookupError):
        work_between(items, lambda n: fail_at("work", n), lambda n: written.append(fail_at("write", n)))
    assert written == [1, 2]
    assert threads() == []


def thread_name() -> str:
    return threading.current_thread().name
