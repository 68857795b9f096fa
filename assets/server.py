"""The Dagster web server and daemon of one home, as two processes that end with the one that started them."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import FrameType

from assets.instance import write_workspace
from etl_customers.errors import NotNow, UsageError
from etl_customers.settings import HOME_VARIABLE, Home

HOST = "127.0.0.1"
_STARTED_WITHIN_SECONDS = 120
_STOPPED_WITHIN_SECONDS = 20
_PR_SET_PDEATHSIG = 1
_WEB_SERVER = [
    "dagster_webserver",
    "--host",
    HOST,
    "--dagster-log-level",
    "warning",
    "--code-server-log-level",
    "warning",
    "--suppress-warnings",
]
_DAEMON = ["dagster._daemon", "run", "--log-level", "warning"]


class PortTaken(UsageError):
    """Something listens on the port already."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.port = port

    def __str__(self) -> str:
        """Name the port and the option."""
        return f"port {self.port} is taken; choose another with --port"


class ServerEnded(NotNow):
    """The web server or the daemon ended by itself."""

    def __init__(self, name: str, code: int, log: Path) -> None:
        super().__init__(name, code, log)
        self.name, self.code, self.log = name, code, log

    def __str__(self) -> str:
        """Name the process and where its own words are."""
        return f"the {self.name} ended by itself (exit code {self.code}); its own words are in {self.log}"


def serve(home: Home, port: int, read_only: bool, announce: Callable[[str], None]) -> None:
    """Run the web server, and unless it is read-only the daemon, until SIGINT, SIGTERM or SIGHUP.

    Args:
        home: Whose Dagster storage and imports are shown.
        port: Of the loopback interface.
        read_only: Refuse every change, launching runs included.
        announce: Called with the URL once the server answers.

    Raises:
        PortTaken: Something else listens there.
        ServerEnded: A process ended by itself.
        DiskUnavailable: The home cannot be written.
    """
    if _listens(port):
        raise PortTaken(port)
    workspace = ["--workspace", str(write_workspace(home))]
    commands = {"web server": [*_WEB_SERVER, "--port", str(port), *(["--read-only"] if read_only else []), *workspace]}
    if not read_only:
        commands["daemon"] = [*_DAEMON, *workspace]
    with _stopping_on_signals(), _processes(home, commands) as processes:
        _wait_until_it_answers(home, port, processes)
        announce(f"http://{HOST}:{port}")
        while True:
            _check(home, processes)
            time.sleep(0.2)


@contextmanager
def _processes(home: Home, commands: dict[str, list[str]]) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    processes: dict[str, subprocess.Popen[bytes]] = {}
    stack = ExitStack()
    try:
        for name, command in commands.items():
            log = stack.enter_context(_log_file(home, name).open("wb"))
            processes[name] = subprocess.Popen(  # noqa: S603 - our own words
                [sys.executable, "-m", *command],
                env=_environment(home),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C reaches this process only, which then stops them in order
                preexec_fn=_die_with_parent,
            )
        yield processes
    except KeyboardInterrupt:
        pass
    finally:
        _stop(list(processes.values()))
        stack.close()


def _log_file(home: Home, name: str) -> Path:
    """Return where a process writes: Dagster's own notices are not for the terminal."""
    return home.dagster / f"{name.replace(' ', '_')}.log"


def _environment(home: Home) -> dict[str, str]:
    return {
        **os.environ,
        HOME_VARIABLE: str(home.path),
        "DAGSTER_HOME": str(home.dagster),
        # Or a folder called assets in the working directory would be taken for ours.
        "PYTHONSAFEPATH": "1",
    }


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _stop(processes: list[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
    deadline = time.monotonic() + _STOPPED_WITHIN_SECONDS
    for process in processes:
        with suppress(subprocess.TimeoutExpired):
            process.wait(max(0.1, deadline - time.monotonic()))
        with suppress(ProcessLookupError):  # what it had started, and itself where it did not listen
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextmanager
def _stopping_on_signals() -> Iterator[None]:
    # SIGINT too: a shell that starts this in the background has it ignored.
    def stop(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _wait_until_it_answers(home: Home, port: int, processes: dict[str, subprocess.Popen[bytes]]) -> None:
    deadline = time.monotonic() + _STARTED_WITHIN_SECONDS
    while not _listens(port):
        _check(home, processes)
        if time.monotonic() > deadline:
            raise ServerEnded("web server", 0, _log_file(home, "web server"))
        time.sleep(0.1)


def _check(home: Home, processes: dict[str, subprocess.Popen[bytes]]) -> None:
    for name, process in processes.items():
        code = process.poll()
        if code is not None:
            raise ServerEnded(name, code, _log_file(home, name))


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0
