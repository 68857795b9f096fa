"""The UI on a free port, and Debian's chromium to look at it: for the stories in tests/browser and for ``make pictures``."""

import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from etl_customers.settings.home import Home

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
QUIET = ("--no-sandbox --disable-gpu --disable-background-networking --disable-component-update --disable-sync "
         "--no-first-run").split()  # fmt: skip
_STOPPED_WITHIN_SECONDS = 60


def find_chromium() -> str | None:
    """Return where a browser is; none where there is none."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def serving(home: Home, *options: str) -> Iterator[str]:
    """Run ``etl-customers ui`` on a free port and yield its URL."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    program = Path(sys.executable).with_name("etl-customers")
    command = [str(program), "ui", "--port", str(port), "--home", str(home.path), *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert f"127.0.0.1:{port}" in line, line
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(_STOPPED_WITHIN_SECONDS)
        process.stdout.close()
