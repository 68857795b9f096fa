"""How long the web server waits: for the header of a request, and before it answers a wrong password."""

import asyncio
from collections import OrderedDict

from uvicorn.protocols.http.auto import AutoHTTPProtocol

SLOWEST_HEADER_SECONDS = 20.0
_FIRST_DELAY_SECONDS, _LONGEST_DELAY_SECONDS = 0.25, 8.0
_MOST_ADDRESSES = 1_000


class WrongPasswords:
    """Counts wrong passwords by address, the last thousand of them; whoever has the right one never waits."""

    def __init__(self) -> None:
        self._failures: OrderedDict[str, int] = OrderedDict()

    def delay(self, address: str) -> float:
        """Count one more of an address and return how many seconds its answer waits, twice as long each time."""
        failures = self._failures.pop(address, 0) + 1
        self._failures[address] = failures
        if len(self._failures) > _MOST_ADDRESSES:
            self._failures.popitem(last=False)
        return min(_FIRST_DELAY_SECONDS * 2.0 ** min(failures - 1, 20), _LONGEST_DELAY_SECONDS)

    def forget(self, address: str) -> None:
        """Start again for an address from which the right password came."""
        self._failures.pop(address, None)


class ImpatientProtocol(AutoHTTPProtocol):  # type: ignore[misc, valid-type]
    """uvicorn's protocol, which by itself keeps a connection for ever that never sends its whole header."""

    slowest_header_seconds = SLOWEST_HEADER_SECONDS
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Begin to wait for the first header."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Stop waiting when a header is complete; begin when the next one has begun."""
        super().data_received(data)
        cycle = getattr(self, "cycle", None)
        if cycle is not None and not cycle.response_complete:
            self._stop_waiting()
        elif self._timer is None:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self.slowest_header_seconds, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
