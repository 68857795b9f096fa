"""How commands are written in the files that an import leaves: as they are run by whoever asked for it.

The command line says how; where it did not (Dagster), they keep the plain form.
"""

from collections.abc import Callable
from contextvars import ContextVar

COMMANDS_IN_FILES: ContextVar[Callable[[str], str]] = ContextVar("commands_in_files", default=str)
"""Turns a message into one in which each command works as it stands."""
