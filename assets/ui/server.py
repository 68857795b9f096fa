"""The Dagster web server and daemon of one home, which run until they are told to end.

Here is what is served, where, and whether that is safe. How processes are kept running is
``assets.ui.supervising``'s, what the web server lets through ``assets.ui.guard``'s.
"""

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from assets.runtime.instance import open_instance, write_workspace
from assets.ui.guard import check_guarded, is_loopback
from assets.ui.supervising import Supervisor
from etl_customers.base.errors import NotNow, UsageError
from etl_customers.settings.home import HOME_VARIABLE, Home
from etl_customers.settings.sections import Settings

LOOPBACK = "127.0.0.1"
_WEB_SERVER = "web server"
_STARTED_WITHIN_SECONDS = 120
_CHECKED_EVERY_SECONDS = 0.2


class PortTaken(UsageError):
    """Something listens on the port already."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.port = port

    def __str__(self) -> str:
        """Name the port and the option."""
        return f"port {self.port} is taken; choose another with --port"


class NoAnswer(NotNow):
    """The web server runs and does not answer."""

    def __init__(self, log: Path) -> None:
        super().__init__(log)
        self.log = log

    def __str__(self) -> str:
        """Say how long it was waited for, and where its words are."""
        return f"the web server did not answer within {_STARTED_WITHIN_SECONDS} seconds; its log is {self.log}"


def serve(home: Home, settings: Settings, host: str, port: int, read_only: bool, tell: Callable[[str], None]) -> None:
    """Run the web server, and unless it is read-only the daemon, until SIGINT, SIGTERM or SIGHUP.

    One that dies is started again. Runs that are under way at the end are ended with it; the
    next daemon on this home finds that out and carries them on.

    Args:
        home: Whose Dagster storage and imports are shown.
        settings: Of this home; says who may use the web server.
        host: Address or name to listen on.
        port: To listen on.
        read_only: Refuse every change, launching runs included.
        tell: Gets a sentence with the URL once the server answers, and one for each death.

    Raises:
        assets.ui.guard.Unguarded: Others can reach the address, and no password keeps them out.
        PortTaken: Something else listens there.
        assets.ui.supervising.ServerEnded: A process ended by itself, and again.
        NoAnswer: The web server does not come up.
        SettingsInvalid: ``dagster.yaml`` cannot be used.
        DiskUnavailable: The home cannot be written.
    """
    check_guarded(host, settings.ui.password is not None)
    reached = _reached_at(host)
    if _listens(reached, port):
        raise PortTaken(port)
    with open_instance(home):
        pass  # made, and of one piece, before two processes open it at once
    supervisor = Supervisor(_commands(home, host, port, read_only), _environment(home), _log_of(home))
    with _stopping_on_signals():
        try:
            supervisor.start()
            _wait_until_it_answers(home, reached, port, supervisor)
            tell(_where(host, port, settings))
            while True:
                supervisor.check(tell)
                time.sleep(_CHECKED_EVERY_SECONDS)
        except KeyboardInterrupt:
            pass
        finally:
            supervisor.stop()


def _reached_at(host: str) -> str:
    """Return the address at which this machine itself reaches the server."""
    return {"0.0.0.0": LOOPBACK, "::": "::1"}.get(host, host)  # noqa: S104 - a look-up, nothing is bound


def _where(host: str, port: int, settings: Settings) -> str:
    """Say where a browser finds the server, under a name that it answers to."""
    if is_loopback(host):
        return f"Dagster is at http://{f'[{host}]' if ':' in host else host}:{port} (Ctrl-C ends it)"
    names = settings.ui.allowed_hosts
    if names:
        return f"Dagster is at http://{names[0]}:{port} (Ctrl-C ends it)"
    return f"Dagster is at http://localhost:{port}, and under no other name unless it is in ui.allowed_hosts (Ctrl-C ends it)"


def _commands(home: Home, host: str, port: int, read_only: bool) -> dict[str, list[str]]:
    """Return what each process is, as arguments of Python."""
    workspace = ["--workspace", str(write_workspace(home))]
    web_server = ["-m", "assets.ui.web_server", "--host", host, "--port", str(port), *workspace]
    if read_only:
        return {_WEB_SERVER: [*web_server, "--read-only"]}
    return {
        _WEB_SERVER: web_server,
        "daemon": ["-m", "dagster._daemon", "run", "--log-level", "warning", *workspace],
    }


def _log_of(home: Home) -> Callable[[str], Path]:
    return lambda name: home.dagster / f"{name.replace(' ', '_')}.log"


def _environment(home: Home) -> dict[str, str]:
    return {
        **os.environ,
        HOME_VARIABLE: str(home.path),
        "DAGSTER_HOME": str(home.dagster),
        # Or a folder called assets in the working directory would be taken for ours.
        "PYTHONSAFEPATH": "1",
        "PYTHONWARNINGS": "ignore",
    }


@contextmanager
def _stopping_on_signals() -> Iterator[None]:
    # SIGINT too: a shell that starts this in the background has it ignored.
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def stop(_number: int, _frame: FrameType | None) -> None:
        for number in numbers:  # a second Ctrl-C is not to leave half of them running
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _wait_until_it_answers(home: Home, reached: str, port: int, supervisor: Supervisor) -> None:
    deadline = time.monotonic() + _STARTED_WITHIN_SECONDS
    while not _listens(reached, port):
        supervisor.check(None)
        if time.monotonic() > deadline:
            raise NoAnswer(_log_of(home)(_WEB_SERVER))
        time.sleep(0.1)


def _listens(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=5):
            return True
    except OSError:
        return False
