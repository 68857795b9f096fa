"""The tree of commands: which there are and in which order ``--help`` lists them."""

import typer
from typer.core import TyperGroup

from etl_customers.cli import (
    accounts,
    administration,
    customers,
    dagster_ui,
    imports,
    reference,
)


def command() -> TyperGroup:
    """Return the whole command, ready to be invoked."""
    app = typer.Typer(
        name="etl-customers",
        help="Import existing customers: every row is loaded, or listed with all the reasons why not.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    for module in (imports, customers, accounts, reference, administration, dagster_ui):
        module.add_to(app)
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    return group
