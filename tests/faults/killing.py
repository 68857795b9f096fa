"""Doing something in a process of its own that is killed, or meets a fault, at a point; which there are is in ``points``.

The process is ``disturbed``: one that has all of Python loaded, and forks for each thing that it is asked to do.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy.engine import Engine

from tests.faults.points import KILL

_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Fault:
    """What happens to a process, and where; by itself: it is killed."""

    at: int | str | None = None
    """Number of a point (from 1) among those of ``kinds``, or its name, such as ``after ledger.finish_import``.

    0: at none, but they are counted."""
    kinds: Iterable[str] = ()
    failure: str = KILL
    file_bytes: int | None = None
    """No file may become larger."""
    strace: Sequence[str] = ()
    """What ``strace`` does to the process's calls of the system."""
    busy_seconds: float | None = None
    """How long it waits for SQLite's lock; otherwise as long as the program does."""


NO_FAULT = Fault()


@dataclass(frozen=True)
class Outcome:
    """What came of it."""

    signal: int | None = None
    code: str | None = None
    exit_code: int = 0
    message: str = ""
    crash: str = ""
    """A traceback: none of our own errors came out."""
    result: Any = None
    points: list[str] = field(default_factory=list)
    """The points that were passed."""
    is_reached: bool = False

    @property
    def is_killed(self) -> bool:
        return self.signal == signal.SIGKILL


class Processes:
    """Starts processes that do one thing each."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    @property
    def pid(self) -> int:
        """The process that they are forked from."""
        return self._process.pid

    def run(self, home: Path, target: Engine, task: str, *arguments: Any, fault: Fault = NO_FAULT) -> Outcome:
        """Do something in a process of its own (``disturbed.TASKS``), which a fault may befall."""
        (outcome,) = self.run_at_once(home, target, task, *arguments, fault=fault)
        return outcome

    def kill(self, home: Path, target: Engine, task: str, *arguments: Any, at: str) -> None:
        """Do something in a process that is killed at a point."""
        assert self.run(home, target, task, *arguments, fault=Fault(at)).is_killed, f"{at} is never passed"

    def run_at_once(
        self, home: Path, target: Engine, task: str, *arguments: Any, fault: Fault = NO_FAULT, times: int = 1
    ) -> list[Outcome]:
        """Do the same in several processes."""
        return self.run_side_by_side(home, target, task, [arguments] * times, fault)

    def run_side_by_side(
        self, home: Path, target: Engine, task: str, each: Sequence[Sequence[Any]], fault: Fault = NO_FAULT
    ) -> list[Outcome]:
        """Do something in several processes, each with arguments of its own."""
        request = {
            "home": str(home),
            "url": target.url.render_as_string(hide_password=False),
            "task": task,
            "environment": dict(os.environ),
            "kinds": list(fault.kinds),
            "at": fault.at,
            "failure": fault.failure,
            "file_bytes": fault.file_bytes,
            "strace": list(fault.strace),
            "busy_seconds": fault.busy_seconds,
        }
        requests = [
            request | {"arguments": [str(one) if isinstance(one, Path) else one for one in arguments]}
            for arguments in each
        ]
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(requests) + "\n")
        self._process.stdin.flush()
        return [Outcome(**answer) for answer in json.loads(self._process.stdout.readline())]


@contextmanager
def processes(*prefix: str, modules: Sequence[str] = ()) -> Iterator[Processes]:
    """Start what processes are forked from, by a command that ``prefix`` begins; it ends with the block.

    ``modules`` are imported before, besides those of the engine.
    """
    command = [*prefix, sys.executable, "-m", "tests.faults.disturbed", *modules]
    with subprocess.Popen(command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Processes(process)
