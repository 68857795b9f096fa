"""The command that opens the Dagster UI on a home."""

from typing import Annotated

import typer

from etl_customers.cli.options import HomeOption, installation_at


def add_to(app: typer.Typer) -> None:
    """Add this command to the program."""
    app.command()(ui)


def ui(
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Port to listen on.")] = 3000,
    host: Annotated[
        str,
        typer.Option("--host", help="Address to listen on; if other machines can reach it, ui.password must be set."),
    ] = "127.0.0.1",
    read_only: Annotated[
        bool, typer.Option("--read-only", help="Show everything, but launch and change nothing.")
    ] = False,
    home: HomeOption = None,
) -> None:
    """Open the Dagster UI and daemon on this home; Ctrl-C ends both."""
    from assets.ui.server import serve
    from etl_customers.cli.screen import say

    with installation_at(home) as installation:
        found, settings = installation.home, installation.settings

    serve(found, settings, host, port, read_only, say)
