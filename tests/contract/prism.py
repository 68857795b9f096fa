"""Starts Prism, a server that answers by an OpenAPI file, and refuses requests that the file does not allow.

It is no part of the project: npx fetches it from the npm registry when it is wanted.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

PRISM = "@stoplight/prism-cli@5.14.2"
_PATIENCE = 300
"""Seconds until it listens; the first time npx fetches it."""
_NODE = "install Node.js 18 or newer, npm with it (on Debian and Ubuntu: apt install nodejs npm)"


class Missing(Exception):
    """What is needed is not there; the message says what, and where to get it."""


def require(spec: str, path: str | None = None) -> tuple[Path, str]:
    """Return the file and npx.

    Args:
        spec: The file as it was named.
        path: Where programs are looked for; none: where the environment says.

    Raises:
        Missing: One of them is not there.
    """
    if not spec:
        raise Missing("name the file: make contract SPEC=FILE; Xero's is xero_accounting.yaml of XeroAPI/Xero-OpenAPI")
    file = Path(spec)
    if not file.is_file():
        raise Missing(f"there is no file {spec}; Xero's is xero_accounting.yaml of XeroAPI/Xero-OpenAPI")
    npx = shutil.which("npx", path=path)
    if npx is None:
        raise Missing(f"npx is not here, which runs Prism: {_NODE}")
    return file, npx


@contextlib.contextmanager
def running_prism(spec: Path, npx: str, log: IO[bytes]) -> Iterator[str]:
    """Run Prism on a free port as long as the block; yield its address.

    Raises:
        Missing: It does not start; the message ends with what it said.
    """
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
    words = [npx, "--yes", PRISM, "mock", str(spec.absolute()), "--port", str(port)]
    # A session of its own: npx does not end what it has started.
    process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    try:
        _wait(process, port, log)
        yield f"http://127.0.0.1:{port}"
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


def _wait(process: subprocess.Popen[bytes], port: int, log: IO[bytes]) -> None:
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        if process.poll() is not None:
            break
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.2)
    log.seek(0)
    said = log.read().decode("utf-8", "replace").strip()[-2_000:]
    raise Missing(f"Prism ({PRISM}, fetched from the npm registry) does not start; it said:\n{said or 'nothing'}")
