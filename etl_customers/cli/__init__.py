"""The command line: the roof of the package. Its program begins here, with what a stop does until all else is imported.

Nothing slow is imported here: Python itself answers Ctrl-C with a traceback until ``main`` is called. What runs a
command is in ``etl_customers.cli.running``.
"""

import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

_STOPPED = b"\nstopped; you can run the same command again\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code; everything that goes wrong becomes one message.

    Args:
        arguments: Words after the program's name; those of this process if None.

    Returns:
        0, 1, 2 and 3 as docs/import-a-file.md says; 70 for a bug, 130 when interrupted (143 by SIGTERM), 141 when
        the reader of the output went away.
    """
    with _ended_by_stops():
        from etl_customers.cli.running import run

        return run(list(sys.argv[1:] if arguments is None else arguments))


@contextmanager
def _ended_by_stops() -> Iterator[None]:
    """End the process at once where it is asked to before a command runs, which has handlers of its own."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    usual = (signal.default_int_handler, signal.SIG_DFL)
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    taken = [number for number, handler in before.items() if handler in usual]
    try:
        for number in taken:
            signal.signal(number, _end)
        yield
    finally:
        for number in taken:
            signal.signal(number, before[number])


def _end(number: int, _frame: FrameType | None) -> None:
    os.write(2, _STOPPED)
    os._exit(128 + number)  # nothing has begun, and a module that is imported halfway may catch an exception
