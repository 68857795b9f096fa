"""A process that imports all of Python once and then forks a child for each thing it is asked to do (``killing``).

Loading Python takes longer than an import of a few rows. It is asked in lines of JSON and answers in such.
Nothing but modules may be made before the fork: neither DuckDB nor Polars would survive it.
"""

import contextlib
import gc
import importlib
import io
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandera.backends.polars.builtin_checks  # noqa: F401 - Pandera imports it late, and that takes a second

from etl_customers.base.errors import EtlCustomersError, error_code
from etl_customers.changes.erasing.erase import erase
from etl_customers.changes.undoing import undo
from etl_customers.connections.tokens import open_tokens
from etl_customers.database import connect as target_connect
from etl_customers.database.connect import connect, reading
from etl_customers.database.ledger import list_imports
from etl_customers.imports import dry_run
from etl_customers.imports.installation import Installation
from etl_customers.load.pulled import load_pulled
from etl_customers.report.result import result_of
from etl_customers.settings.environment import DATABASE_VARIABLE
from etl_customers.settings.home import Home
from etl_customers.settings.sections import Company, Settings
from etl_customers.staging import open_staging
from etl_customers.validate.places import load_places
from tests.faults.importing import run_command
from tests.faults.points import Points


def _import(installation: Installation, file: str) -> None:
    run_command(installation, Path(file))


def _import_at(installation: Installation, file: str, time_to_begin: float) -> dict[str, Any]:
    """Do that at a moment of the system's monotonic clock, and return what the command would report."""
    load_places(installation.settings.reference)
    with reading(installation.target):
        time.sleep(max(0, time_to_begin - time.monotonic()))
    run_command(installation, Path(file))
    with reading(installation.target) as connection:
        (record,) = (one for one in list_imports(connection) if one.file_name == Path(file).name)
        return result_of(connection, installation.home, record, repeat=False).as_record()


def _dry_run(installation: Installation, file: str) -> None:
    with dry_run.dry_run(installation, Path(file)):
        pass


def _load_pulled(installation: Installation, import_id: str) -> None:
    with open_staging(installation.staging_path(import_id), 256) as staging:
        load_pulled(staging, installation.target, import_id, None, installation.settings)


def _erase(installation: Installation, customer_id: int) -> None:
    erase(installation, customer_id, "eva")


def _undo(installation: Installation, import_id: str) -> None:
    undo(installation, import_id, "eva")


def _access_token(installation: Installation, provider: str, tenant_id: str) -> str:
    return open_tokens(
        installation.home, installation.settings, installation.target, provider, tenant_id
    ).access_token()


def _command(installation: Installation, *words: str) -> dict[str, Any]:
    """Run a command of the program as a terminal would, but for the terminal."""
    from etl_customers.cli import main as run

    os.environ |= {
        "ETL_CUSTOMERS_HOME": str(installation.home.path),
        DATABASE_VARIABLE: installation.target.url.render_as_string(hide_password=False),
        "ETL_CUSTOMERS_COMPANY__COUNTRY": "AU",
    }
    with (
        contextlib.redirect_stdout(io.StringIO()) as out,
        contextlib.redirect_stderr(io.StringIO()) as error,
        _counted(),
    ):
        exit_code = run(words)
    return {"exit_code": exit_code, "out": out.getvalue(), "error": error.getvalue()}


@contextmanager
def _counted() -> Iterator[None]:
    """Count the points inside alone: around it nobody has a word to say when a stop comes."""
    points = sys.getprofile()
    if isinstance(points, Points):
        points.is_counting = True
    yield
    if isinstance(points, Points):
        points.is_counting = False


TASKS: dict[str, Callable[..., Any]] = {
    "import": _import,
    "import at": _import_at,
    "dry run": _dry_run,
    "load pulled": _load_pulled,
    "erase": _erase,
    "undo": _undo,
    "access token": _access_token,
    "command": _command,
}


def _perform(request: dict[str, Any]) -> dict[str, Any]:
    """Do what is asked for, in a child; return what came of it."""
    os.environ.clear()
    os.environ.update(request["environment"])
    tempfile.tempdir = None
    if request["file_bytes"] is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (request["file_bytes"],) * 2)
    if request["busy_seconds"] is not None:
        target_connect._BUSY_SECONDS = request["busy_seconds"]
    points = Points(set(request["kinds"]), request["at"], request["failure"])
    points.is_counting = request["task"] != "command"
    answer: dict[str, Any] = {}
    with _traced(request["strace"]):
        if request["at"] is not None:
            threading.setprofile(points)
            sys.setprofile(points)
        try:
            settings = Settings(company=Company(country="AU", city="Sydney"))
            installation = Installation(Home(Path(request["home"])).make(), settings, connect(request["url"]))
            answer["result"] = TASKS[request["task"]](installation, *request["arguments"])
        except EtlCustomersError as error:
            answer |= {"code": error_code(error), "exit_code": error.exit_code, "message": str(error)}
        except BaseException:  # noqa: BLE001 - the outermost edge of the child
            answer["crash"] = traceback.format_exc()
        finally:
            sys.setprofile(None)
            threading.setprofile(None)
    return answer | {"points": points.labels, "is_reached": points.is_reached}


@contextmanager
def _traced(options: list[str]) -> Iterator[None]:
    """Have ``strace`` do something to this process's calls of the system inside; without options, nothing."""
    if not options:
        yield
        return
    tracer = subprocess.Popen(["strace", "-f", "-qq", "-o", "/dev/null", *options, "-p", str(os.getpid())])
    while "TracerPid:\t0\n" in Path("/proc/self/status").read_text(encoding="utf-8"):
        if tracer.poll() is not None:
            raise RuntimeError("strace cannot be used")
        time.sleep(0.01)
    try:
        yield
    finally:
        tracer.terminate()
        tracer.wait()


def _fork(request: dict[str, Any]) -> tuple[int, int]:
    """Begin to do what is asked for; return the child and the pipe that its answer will come from."""
    reader, writer = os.pipe()
    child = os.fork()
    if child:
        os.close(writer)
        return child, reader
    try:
        os.close(reader)
        with os.fdopen(writer, "w") as pipe:
            json.dump(_perform(request), pipe)
    finally:
        os._exit(0)


def _answer_of(child: int, reader: int) -> dict[str, Any]:
    with os.fdopen(reader) as pipe:
        text = pipe.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return {"signal": os.WTERMSIG(status)}
    answer: dict[str, Any] = json.loads(text)
    return answer


def main() -> None:
    """Answer each line of requests, which are performed at the same time; arguments are modules to import before."""
    # Whoever runs the tests in the background has them ignored, and what is ignored is left alone.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    for module in sys.argv[1:]:
        importlib.import_module(module)
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        children = [_fork(request) for request in json.loads(line)]
        sys.stdout.write(json.dumps([_answer_of(*child) for child in children]) + "\n")
        sys.stdout.flush()
    # The end of the interpreter takes a while and has nothing to do.
    os._exit(0)


if __name__ == "__main__":
    main()
