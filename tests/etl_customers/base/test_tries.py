"""What is tried again is tried as often and waits as long as its policy says; everything else ends at once."""

import subprocess
import sys
import time

import pytest

from etl_customers.base.tries import Tries


class Clock:
    """Counts what it was asked to wait and moves its hands instead."""

    def __init__(self) -> None:
        self.waits: list[float] = []
        self.now = 0.0

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of all that is tried."""
    clock = Clock()
    monkeypatch.setattr(time, "sleep", clock.sleep)
    monkeypatch.setattr(time, "monotonic", lambda: clock.now)
    return clock


class Action:
    """Fails so many times, each time with an error of its own, and takes so many seconds for it."""

    def __init__(self, clock: Clock, failures: int, seconds: float = 0) -> None:
        self.clock, self.failures, self.seconds = clock, failures, seconds
        self.calls = 0

    def __call__(self) -> int:
        self.calls += 1
        self.clock.now += self.seconds
        if self.calls <= self.failures:
            raise ConnectionError(self.calls)
        return self.calls


def test_what_succeeds_is_done_once_and_needs_no_library(clock: Clock) -> None:
    assert Tries((1,)).repeat(Action(clock, 0), ConnectionError) == 1
    code = (
        "import sys; from etl_customers.base.tries import Tries; "
        "print(Tries((1,)).repeat(lambda: 7, OSError), 'tenacity' in sys.modules)"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "7 False\n"


@pytest.mark.parametrize("failures", [1, 2])
def test_there_is_one_more_try_after_each_pause(clock: Clock, failures: int) -> None:
    assert Tries((0.5, 2)).repeat(Action(clock, failures), ConnectionError) == failures + 1
    assert clock.waits == [0.5, 2][:failures]


def test_the_last_error_comes_out_as_it_is(clock: Clock) -> None:
    with pytest.raises(ConnectionError, match=r"^3$"):
        Tries((0.5, 2)).repeat(Action(clock, 9), ConnectionError)
    assert clock.waits == [0.5, 2]


def test_another_error_ends_it_at_once_on_the_first_try_and_on_a_later_one(clock: Clock) -> None:
    for failures in (0, 1):
        action = Action(clock, failures)

        def ended(action: Action = action) -> None:
            raise KeyError(action())

        with pytest.raises(KeyError):
            Tries((1, 1)).repeat(ended, ConnectionError)
        assert action.calls == failures + 1
    assert clock.waits == [1]


def test_an_error_that_cannot_pass_ends_it_at_once(clock: Clock) -> None:
    action = Action(clock, 9)
    with pytest.raises(ConnectionError, match=r"^2$"):
        Tries((1, 1, 1)).repeat(action, ConnectionError, lambda error: error.args[0] < 2)
    assert (action.calls, clock.waits) == (2, [1])


def test_random_pauses_are_up_to_their_seconds_and_differ(clock: Clock) -> None:
    pauses = tuple(2.0**n for n in range(20))
    Tries(pauses, is_random=True).repeat(Action(clock, 20), ConnectionError)
    shares = [wait / pause for wait, pause in zip(clock.waits, pauses, strict=True)]
    assert all(0 <= share <= 1 for share in shares)
    assert len(set(shares)) == 20


def test_the_last_pause_may_stand_for_all_that_follow_until_the_time_is_over(clock: Clock) -> None:
    action = Action(clock, 99)
    with pytest.raises(ConnectionError):
        Tries((1, 2), is_repeated=True, within_seconds=8).repeat(action, ConnectionError)
    assert (action.calls, clock.waits) == (5, [1, 2, 2, 2])


def test_the_time_of_the_tries_themselves_counts_the_first_one_too(clock: Clock) -> None:
    action = Action(clock, 99, seconds=3)
    with pytest.raises(ConnectionError):
        Tries((1, 1), within_seconds=7.5).repeat(action, ConnectionError)
    assert (action.calls, clock.waits) == (2, [1])
    with pytest.raises(ConnectionError):
        Tries((1,), is_repeated=True, within_seconds=0).repeat(action, ConnectionError)
    assert action.calls == 3


def test_who_stops_the_program_ends_a_wait_and_a_try(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Tries((1,)).repeat(stop, Exception)
    monkeypatch.setattr(time, "sleep", stop)
    action = Action(clock, 9)
    with pytest.raises(KeyboardInterrupt):
        Tries((60,)).repeat(action, ConnectionError)
    assert action.calls == 1
