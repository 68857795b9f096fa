"""The command that opens the Dagster UI on a home."""

from typing import Annotated

import typer

from etl_customers.cli.options import HomeOption, workshop_at


def add_to(app: typer.Typer) -> None:
    """Add this command to the program."""
    app.command()(ui)


def ui(
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Port on this machine.")] = 3000,
    read_only: Annotated[bool, typer.Option("--read-only", help="Look only: nothing can be launched.")] = False,
    home: HomeOption = None,
) -> None:
    """Open the Dagster UI and daemon on this home; Ctrl-C ends both."""
    from assets.server import serve
    from etl_customers.cli.screen import say

    with workshop_at(home) as workshop:
        found = workshop.home

    serve(found, port, read_only, lambda url: say(f"Dagster is at {url} (Ctrl-C ends it)"))
