"""When the next request of a connection may be sent: evenly below the provider's limit, within the pull's time.

What is waited for, and for how long, the client decides.
"""

import threading
import time
from datetime import UTC, datetime

from etl_customers.base.errors import ProviderUnavailable


class Clock:
    """Time as a pull sees it; whoever cannot wait hands in a clock whose ``wait`` only moves its hands."""

    def monotonic(self) -> float:
        """Return seconds from any point on, never backwards."""
        return time.monotonic()

    def utc_now(self) -> datetime:
        """Return the time of this machine, in UTC."""
        return datetime.now(UTC)

    def wait(self, seconds: float, stopped: threading.Event) -> None:
        """Wait so long, or until ``stopped`` is set."""
        stopped.wait(seconds)


class Stopped(Exception):
    """Nobody waits for the answer now; ends the thread that reads ahead, and is never shown."""


class Pacing:
    """Waits before requests, evenly spaced.

    A request that is late by less than one space does not delay those after it; what is missed
    beyond that is not made up for, so that a minute has one request too many at most.
    """

    def __init__(self, provider: str, requests_per_minute: int, deadline_minutes: int, clock: Clock) -> None:
        self.clock = clock
        self._provider = provider
        self._interval = 60 / requests_per_minute
        self._deadline_minutes = deadline_minutes
        self._deadline = clock.monotonic() + 60 * deadline_minutes
        self._next = clock.monotonic()
        self._stopped = threading.Event()

    def stop(self) -> None:
        """End the wait that is under way, and every later one."""
        self._stopped.set()

    def before_request(self) -> None:
        """Wait for the next place in the row.

        Raises:
            ProviderUnavailable: It is after the end of the time for one try.
        """
        self.wait(max(self._next - self.clock.monotonic(), 0))
        self._next = max(self._next, self.clock.monotonic() - self._interval) + self._interval

    def wait(self, seconds: float) -> None:
        """Wait so many seconds.

        Raises:
            ProviderUnavailable: That would be after the end of the time for one try.
        """
        if self.clock.monotonic() + seconds > self._deadline:
            raise ProviderUnavailable(self._provider, f"it took more than {self._deadline_minutes} minutes")
        if seconds > 0:
            self.clock.wait(seconds, self._stopped)
        if self._stopped.is_set():
            raise Stopped
