"""The tree of commands: which there are and in which order ``--help`` lists them."""

from typing import Annotated

import typer
from typer.core import TyperGroup

from etl_customers.cli import (
    administration,
    connections,
    customers,
    dagster_ui,
    imports,
    mappings,
    own_columns,
    pulls,
    reference,
    removals,
    settings,
)


def command() -> TyperGroup:
    """Return the whole command, ready to be invoked."""
    app = typer.Typer(
        name="etl-customers",
        help="Import existing customers: every row is loaded, or listed with all the reasons why it was not.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    app.callback()(_options)
    for module in (
        imports,
        connections,
        pulls,
        customers,
        mappings,
        own_columns,
        reference,
        removals,
        settings,
        administration,
        dagster_ui,
    ):
        module.add_to(app)
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    return group


def _print_version(is_asked: bool) -> None:
    from importlib.metadata import version

    from etl_customers.cli.screen import say

    if is_asked:
        say(f"etl-customers {version('etl-customers')}")
        raise typer.Exit


def _options(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass
