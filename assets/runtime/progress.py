"""How far a run in this process has come, for whoever started it; runs of the UI have no listener."""

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """What a listener wants to be told."""

    stage: Callable[[str], None]
    """Called with an asset's name as its work begins."""
    hashed: Callable[[int, int], None]
    """Called with the number of passwords hashed so far, and of all."""


LISTENER: ContextVar[Progress | None] = ContextVar("progress_listener", default=None)
