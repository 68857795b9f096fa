"""Options that several commands share, and the group that is itself a listing."""

import getpass
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from etl_customers.cli.pasting import remember_home
from etl_customers.cli.stopping import obey

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from etl_customers.imports.installation import Installation

HomeOption = Annotated[
    Path | None,
    typer.Option(
        "--home",
        callback=remember_home,
        help="Home folder; if not given, ETL_CUSTOMERS_HOME or .etl-customers in this folder.",
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
EncodingOption = Annotated[
    str | None,
    typer.Option("--encoding", help="Encoding of a file that is neither UTF-8 nor UTF-16, such as windows-1252."),
]


class ListingGroup(TyperGroup):
    """A group whose first word need not be one of its commands: the rest is then for ``list``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 - a private class of typer
        """Put ``list`` in front unless a command of the group or a question for help comes first."""
        if not args or (args[0] not in self.commands and args[0] not in ("--help", "-h")):
            args = ["list", *args]
        return super().parse_args(ctx, args)


_LARGEST_ID = 2**63 - 1
MOST_LISTED = 1_000_000
"""Largest ``--limit``: more lines than anybody reads."""


def of_a_customer(number: int) -> int:
    """Let pass what a database can have as an id."""
    from etl_customers.base.errors import NotFound

    if not 0 < number <= _LARGEST_ID:
        raise NotFound("customer", str(number), "to find it, run: etl-customers customers TEXT")
    return number


@contextmanager
def installation_at(home: Path | None) -> Iterator["Installation"]:
    """Open the installation of a home and close its database connections afterwards.

    Raises:
        EtlCustomersError: The home, the settings or the target cannot be used.
    """
    from etl_customers.imports.installation import open_installation
    from etl_customers.settings.home import find_home

    installation = open_installation(find_home(home))
    try:
        obey()
        yield installation
    finally:
        installation.target.dispose()


@contextmanager
def target_at(home: Path | None) -> Iterator["Engine"]:
    """Open the target database of a home, for commands that need nothing of the stages (slow to import).

    Raises:
        EtlCustomersError: The home, the settings or the target cannot be used.
    """
    from etl_customers.database.connect import connect, ensure_migrated
    from etl_customers.settings.environment import database_url
    from etl_customers.settings.home import find_home

    found = find_home(home).make()
    url = database_url(found)
    target = connect(url)
    try:
        ensure_migrated(target, embedded=url == f"sqlite:///{found.embedded_database}")
        yield target
    finally:
        target.dispose()


def user_name() -> str:
    """Return the operating system's name of the user, as the ledger keeps it."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def show_in_ui(installation: "Installation", import_ids: Iterable[str], what: str, **numbers: int) -> None:
    """Let the Dagster UI of the home show a change; it is made, whatever becomes of this.

    Args:
        installation: The home, and the target in which the change was made.
        import_ids: The imports whose customers were changed.
        what: In a few words, without a customer's value or id.
        numbers: What the change came to.
    """
    if not (installation.home.dagster / "dagster.yaml").exists():
        return  # nobody has used the UI here, and Dagster takes a second to import
    from assets.changes import show_change
    from etl_customers.base.errors import EtlCustomersError
    from etl_customers.cli.screen import say

    try:
        show_change(installation, import_ids, what, **numbers)
    except EtlCustomersError as error:
        say(f"warning: done, but the Dagster UI does not show it yet: {error}", error=True)
