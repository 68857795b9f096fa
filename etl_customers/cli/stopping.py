"""Whether somebody asked this command to stop (Ctrl-C, SIGTERM), whoever caught the signal meanwhile; what is said then."""

import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import FrameType

from etl_customers.base.errors import EtlCustomersError

_STOPPED = "stopped; you can run the same command again"
"""True of every command: what one has not committed is as before."""


class Stops:
    """Knows the signals that came: Python notes each in a pipe, also while Dagster has handlers of its own."""

    def __init__(self, pipe: int | None) -> None:
        self._pipe = pipe
        self._first: int | None = None
        self.sentence = _STOPPED
        """What the stop left, for the person who asked for it."""

    def signal(self) -> int | None:
        """Return the first stop that was asked for, or none."""
        if self._first is None and self._pipe is not None:
            try:
                came = os.read(self._pipe, 1024)
            except BlockingIOError:
                return None
            self._first = next((number for number in came if number in (signal.SIGINT, signal.SIGTERM)), None)
        return self._first


_STOPS: ContextVar[Stops | None] = ContextVar("stops", default=None)


def obey() -> None:
    """Stop where a stop was asked for and nothing came of it: Python drops what a handler raises within a callback.

    Raises:
        KeyboardInterrupt: As the handler did.
    """
    stops = _STOPS.get()
    if stops is not None and stops.signal() is not None:
        raise KeyboardInterrupt


@contextmanager
def when_stopped(tell: Callable[[], str]) -> Iterator[None]:
    """Have ``tell`` find out what a stop inside the block has left, and say it as a sentence."""
    try:
        yield
    except BaseException:
        stops = _STOPS.get()
        if stops is not None and stops.signal() is not None:
            try:
                stops.sentence = tell()
            except EtlCustomersError as error:
                stops.sentence = f"{_STOPPED}; what was already done could not be found out: {error}"
        raise


@contextmanager
def noticed_stops() -> Iterator[Stops]:
    """Take SIGTERM for what Ctrl-C is, and note both while the block runs."""
    if threading.current_thread() is not threading.main_thread():
        yield Stops(None)
        return
    reading, writing = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    wakeup = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    # A signal that the shell has told us to ignore (a command in the background) stays ignored.
    taken = [number for number in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, _stop) for number in taken}
    stops = Stops(reading)
    token = _STOPS.set(stops)
    try:
        yield stops
    finally:
        _STOPS.reset(token)
        for number, handler in before.items():
            signal.signal(number, handler)
        logging.disable(logging.NOTSET)
        signal.set_wakeup_fd(wakeup)
        os.close(writing)
        os.close(reading)


def _stop(_number: int, _frame: FrameType | None) -> None:
    # A pool whose connection is interrupted while it closes would log a traceback.
    logging.disable(logging.CRITICAL)
    raise KeyboardInterrupt
