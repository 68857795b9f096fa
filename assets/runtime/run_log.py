"""What the engine says of its work, in the log of the run that does it."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

_ENGINE = logging.getLogger("etl_customers")


class _ToRun(logging.Handler):
    """Hands lines of the engine to a run; they hold ids, counts and times, and nothing of a customer."""

    def __init__(self, log: dg.DagsterLogManager) -> None:
        super().__init__(logging.INFO)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line; its level stays."""
        self._log.log(record.levelno, record.getMessage())


@contextmanager
def engine_log(context: dg.AssetExecutionContext) -> Iterator[None]:
    """Let the engine's lines of this process appear in the run's log while the block lasts."""
    handler, level = _ToRun(context.log), _ENGINE.level
    _ENGINE.addHandler(handler)
    _ENGINE.setLevel(logging.INFO)
    try:
        yield
    finally:
        _ENGINE.setLevel(level)
        _ENGINE.removeHandler(handler)
