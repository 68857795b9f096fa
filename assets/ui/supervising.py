"""Processes that belong together: started together, started again when one dies, ended together.

What they are and what they serve is ``assets.ui.server``'s business.
"""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from etl_customers.base.errors import NotNow

MOST_DEATHS = 5
WITHIN_SECONDS = 120
_PAUSE_SECONDS = 1.0
_STOPPED_WITHIN_SECONDS = 20
_PR_SET_PDEATHSIG = 1


class ServerEnded(NotNow):
    """The web server or the daemon ended by itself, and would do so again."""

    def __init__(self, name: str, code: int, log: Path) -> None:
        super().__init__(name, code, log)
        self.name, self.code, self.log = name, code, log

    def __str__(self) -> str:
        """Name the process and where its own words are."""
        return f"the {self.name} ended by itself (exit code {self.code}); its log is {self.log}"


@dataclass
class _Member:
    """One of the processes; ``process`` is none between its death and its next start."""

    name: str
    command: Sequence[str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    starts_at: float = 0.0
    deaths: deque[float] = field(default_factory=deque)


class Supervisor:
    """Keeps processes running.

    Each leads a process group of its own, so that what it started can be ended with it. When one
    dies, what it had started is left alone, because an import may be under way there; ``stop`` ends
    that too.
    """

    def __init__(
        self, commands: Mapping[str, Sequence[str]], environment: Mapping[str, str], log_of: Callable[[str], Path]
    ) -> None:
        """Prepare the processes.

        Args:
            commands: Arguments of Python, by the name of the process.
            environment: All variables that they get.
            log_of: Where a process writes: its notices are not for the terminal.
        """
        self._members = [_Member(name, command, log_of(name)) for name, command in commands.items()]
        self._environment = dict(environment)
        self._left: set[int] = set()

    def start(self) -> None:
        """Start every process, with an empty log."""
        for member in self._members:
            member.log.write_bytes(b"")
            self._start(member)

    def check(self, tell: Callable[[str], None] | None) -> None:
        """Start again what died, after a pause.

        Args:
            tell: Told of each death in a sentence; None: no process may die yet.

        Raises:
            ServerEnded: A process died, and it may not yet, or has too often of late.
        """
        now = time.monotonic()
        for member in self._members:
            if member.process is None:
                if now >= member.starts_at:
                    self._start(member)
                continue
            code = member.process.poll()
            if code is None:
                continue
            self._left.add(member.process.pid)
            member.process, member.starts_at = None, now + _PAUSE_SECONDS
            member.deaths.append(now)
            while now - member.deaths[0] > WITHIN_SECONDS:
                member.deaths.popleft()
            if tell is None or len(member.deaths) > MOST_DEATHS:
                raise ServerEnded(member.name, code, member.log)
            tell(f"the {member.name} ended by itself (exit code {code}) and is started again")
        # Group ids are given again once the last process of the group is gone: forget them in time.
        self._left = {group for group in self._left if _signal_group(group, 0)}

    def stop(self) -> None:
        """Ask every process to end, and then end it and all that any of them has started."""
        processes = [member.process for member in self._members if member.process is not None]
        for process in processes:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
        deadline = time.monotonic() + _STOPPED_WITHIN_SECONDS
        for process in processes:
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(0.1, deadline - time.monotonic()))
            _signal_group(process.pid, signal.SIGKILL)
            process.wait()
        for group in self._left:
            _signal_group(group, signal.SIGKILL)

    def _start(self, member: _Member) -> None:
        with member.log.open("ab") as log:
            member.process = subprocess.Popen(  # noqa: S603 - our own words
                [sys.executable, *member.command],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C reaches this process only, which then stops them in order
                preexec_fn=_die_with_parent,
            )


def _signal_group(group: int, number: int) -> bool:
    """Send a signal to a process group; false where nobody is left in it."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
