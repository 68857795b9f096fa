"""``python -m assets.ui.web_server``: Dagster's web application behind our guard, in one process.

The one place with private names of Dagster's web server; tests/assets/ui/test_web_server.py holds
them to what Dagster does. Who starts this process and again when it dies: ``assets.ui.server``.
"""

import argparse
import asyncio
import os
import threading
import warnings
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import dagster as dg
import uvicorn
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._core.remote_representation.code_location import CodeLocation, GrpcServerCodeLocation
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import WorkspaceFileTarget
from dagster_webserver.app import create_app_from_workspace_process_context
from starlette.types import ASGIApp

from assets.runtime.instance import open_instance
from assets.ui.guard import Access, Guard, check_guarded
from assets.ui.patience import ImpatientProtocol
from etl_customers.base.errors import EtlCustomersError
from etl_customers.base.private_files import OWNER_ONLY
from etl_customers.settings.home import find_home
from etl_customers.settings.in_force import load_settings
from etl_customers.settings.sections import Settings

_STATEMENT_TIMEOUT_MILLISECONDS = 15_000
_POOL_RECYCLE_SECONDS = 3_600
_POOL_MAX_OVERFLOW = 20
_MOST_CONNECTIONS = 500
_CODE_CHECKED_EVERY_SECONDS = 5
_AFTER_LOADING_SECONDS = 30


def access_of(settings: Settings, read_only: bool) -> Access:
    """Return who may use the web server according to the settings."""
    password = settings.ui.password
    return Access(
        hosts=settings.ui.allowed_hosts,
        password=None if password is None else password.get_secret_value(),
        read_only=read_only,
    )


@contextmanager
def guarded_app(instance: dg.DagsterInstance, workspace: str, access: Access) -> Iterator[ASGIApp]:
    """Yield Dagster's web application with our guard before it.

    Args:
        instance: Whose runs are shown.
        workspace: The workspace file; its code is loaded before this yields.
        access: Who may use it; where it says read-only, Dagster itself refuses mutations too.
    """
    # Dagster's own program does the same; nothing of it sends telemetry.
    instance.optimize_for_webserver(_STATEMENT_TIMEOUT_MILLISECONDS, _POOL_RECYCLE_SECONDS, _POOL_MAX_OVERFLOW)
    with WorkspaceProcessContext(
        instance,
        version=dg.__version__,
        read_only=access.read_only,
        workspace_load_target=WorkspaceFileTarget(paths=[workspace]),
        code_server_log_level="warning",
    ) as process_context:
        ended = threading.Event()
        keeper = threading.Thread(target=_keep_code_loaded, args=(process_context, ended), daemon=True)
        keeper.start()
        try:
            yield Guard(create_app_from_workspace_process_context(process_context, lifespan=_lifespan), access)
        finally:
            ended.set()
            keeper.join()


def _keep_code_loaded(process_context: WorkspaceProcessContext, ended: threading.Event) -> None:
    """Load our code again when the process that holds it died: Dagster's web server waits for somebody to click."""
    pause = _CODE_CHECKED_EVERY_SECONDS
    while not ended.wait(pause):
        pause = _CODE_CHECKED_EVERY_SECONDS
        for name, entry in process_context.create_request_context().get_code_location_entries().items():
            if not _is_loaded(entry.code_location):
                process_context.reload_code_location(name)
                pause = _AFTER_LOADING_SECONDS  # code that cannot be loaded is not to keep the machine busy


def _is_loaded(location: CodeLocation | None) -> bool:
    if not isinstance(location, GrpcServerCodeLocation):
        return location is not None
    try:
        location.client.ping("")
    except DagsterUserCodeUnreachableError:
        return False
    return True


def main() -> None:
    """Serve the home that the environment names until the process is told to stop."""
    parser = argparse.ArgumentParser(prog="python -m assets.ui.web_server", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--workspace", required=True)
    parser.add_argument("--read-only", action="store_true")
    options = parser.parse_args()
    warnings.simplefilter("ignore")  # Dagster's notices about itself
    os.umask(OWNER_ONLY)
    home = find_home()
    try:
        access = access_of(load_settings(home), options.read_only)
        check_guarded(options.host, access.password is not None)
        with open_instance(home) as instance, guarded_app(instance, options.workspace, access) as app:
            _run(app, options.host, options.port)
    except EtlCustomersError as error:
        parser.exit(error.exit_code, f"{error}\n")


def _run(app: ASGIApp, host: str, port: int) -> None:
    uvicorn.run(
        app,
        http=ImpatientProtocol,
        limit_concurrency=_MOST_CONNECTIONS,
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        # What a request says of where it comes from is believed of nobody.
        proxy_headers=False,
        server_header=False,
        # A page that is open somewhere keeps a web socket, and would keep the server from ending.
        timeout_graceful_shutdown=3,
    )


@asynccontextmanager
async def _lifespan(_app: ASGIApp) -> AsyncIterator[None]:
    # Ctrl-C cancels the task that waits here, which is no error (encode/uvicorn issue 1160).
    try:
        yield
    except asyncio.exceptions.CancelledError:
        return


if __name__ == "__main__":
    main()
