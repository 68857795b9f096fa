"""Processes that are kept running: what dies is started again, what dies too often ends all, and nothing is left."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from assets.ui.supervising import MOST_DEATHS, ServerEnded, Supervisor

SECONDS = 60
# Starts a process of its own, and tells both ids.
PARENT = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(os.getpid(), child.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def supervise(tmp_path: Path) -> Iterator[Callable[[str], Supervisor]]:
    """Start one process that runs a program, and stop it in the end."""
    made = []

    def start(program: str) -> Supervisor:
        supervisor = Supervisor({"daemon": ["-c", program]}, os.environ, lambda name: tmp_path / f"{name}.log")
        made.append(supervisor)
        supervisor.start()
        return supervisor

    yield start
    for supervisor in made:
        supervisor.stop()


def lives(log: Path) -> list[list[int]]:
    """Return the ids that each life of the process has told."""
    return [[int(word) for word in line.split()] for line in log.read_text(encoding="utf-8").splitlines()]


def is_alive(process: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] not in "ZX"
    return False


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_killed_process_is_started_again_and_what_it_left_ends_with_the_rest(
    supervise: Callable[[str], Supervisor], tmp_path: Path
) -> None:
    supervisor, log, told = supervise(PARENT), tmp_path / "daemon.log", list[str]()
    wait_until(lambda: len(lives(log)) == 1)
    os.kill(lives(log)[0][0], signal.SIGKILL)

    def restarted() -> bool:
        supervisor.check(told.append)
        return len(lives(log)) == 2

    wait_until(restarted)
    assert told == ["the daemon ended by itself (exit code -9) and is started again"]
    (_, left), (second, its) = lives(log)
    assert is_alive(left), "an import may be under way in what a killed process has started"
    supervisor.stop()
    wait_until(lambda: not any(map(is_alive, (left, second, its))))


def test_a_process_that_dies_again_and_again_is_given_up(supervise: Callable[[str], Supervisor]) -> None:
    supervisor, told = supervise("raise SystemExit(7)"), list[str]()

    def dies() -> bool:
        supervisor.check(told.append)
        return False

    with pytest.raises(ServerEnded, match=r"daemon ended by itself \(exit code 7\).*daemon\.log"):
        wait_until(dies)
    assert len(told) == MOST_DEATHS


def test_a_process_that_dies_before_all_is_up_is_not_tried_again(supervise: Callable[[str], Supervisor]) -> None:
    supervisor = supervise("raise SystemExit(7)")

    def dies() -> bool:
        supervisor.check(None)
        return False

    with pytest.raises(ServerEnded):
        wait_until(dies)
