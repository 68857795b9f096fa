"""Whether somebody asked this command to stop (Ctrl-C, SIGTERM), whoever caught the signal meanwhile."""

import logging
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Stops:
    """Knows the signals that came: Python notes each in a pipe, also while Dagster has handlers of its own."""

    def __init__(self, pipe: int | None) -> None:
        self._pipe = pipe

    def signal(self) -> int | None:
        """Return the first stop that was asked for, or none."""
        if self._pipe is None:
            return None
        try:
            came = os.read(self._pipe, 1024)
        except BlockingIOError:
            return None
        return next((number for number in came if number in (signal.SIGINT, signal.SIGTERM)), None)


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
    try:
        yield Stops(reading)
    finally:
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
