"""Commands about this installation: its health, the target's tables."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from etl_customers.cli.options import HomeOption, JsonOption

if TYPE_CHECKING:
    from sqlalchemy import Engine


def add_to(app: typer.Typer) -> None:
    """Add these commands to the program."""
    app.command()(doctor)
    database = typer.Typer(no_args_is_help=True, help="The tables of the target database.")
    database.command("upgrade")(upgrade)
    database.command("status")(status)
    app.add_typer(database, name="database")


def doctor(json: JsonOption = False, home: HomeOption = None) -> int:
    """Check the installation; exit 0 if all is well, 1 on a problem, 3 if the database is down."""
    from etl_customers.cli.doctor import examine
    from etl_customers.cli.screen import print_json, say
    from etl_customers.settings.home import find_home

    findings = examine(find_home(home))
    if json:
        print_json(
            {"findings": [{"what": f.what, "ok": f.is_ok, "detail": f.detail, "remedy": f.remedy} for f in findings]}
        )
    else:
        for finding in findings:
            line = f"{'ok     ' if finding.is_ok else 'PROBLEM'}  {finding.what}: {finding.detail}"
            say(line if finding.is_ok else f"{line}; {finding.remedy}")
    return max((finding.exit_code for finding in findings if not finding.is_ok), default=0)


def upgrade(home: HomeOption = None) -> None:
    """Bring the target's tables to the version that this program needs."""
    from etl_customers.cli.screen import say
    from etl_customers.database.connect import current_version, target_name
    from etl_customers.database.connect import upgrade as upgrade_target

    with _target(home) as target:
        before = current_version(target)
        upgrade_target(target)
        after = current_version(target)
        name = target_name(target)
    say(f"{name} {'was already at' if before == after else 'is now at'} version {after}")


def status(json: JsonOption = False, home: HomeOption = None) -> int:
    """Show which version the target's tables have and which this program needs; exit 1 if they differ."""
    from etl_customers.cli.screen import print_json, say
    from etl_customers.database.connect import current_version, target_name
    from etl_customers.database.migrations import HEAD

    with _target(home) as target:
        found, name = current_version(target), target_name(target)
    if json:
        print_json({"target": name, "version": found, "needed": HEAD, "current": found == HEAD})
    elif found == HEAD:
        say(f"{name} is at version {found}, as needed")
    else:
        say(f"{name} is at version {found or 'none'}; this program needs {HEAD}; run: etl-customers database upgrade")
    return 0 if found == HEAD else 1


@contextmanager
def _target(home: Path | None) -> Iterator["Engine"]:
    """Open the target whatever version its tables have."""
    from etl_customers.database.connect import connect
    from etl_customers.settings.environment import database_url
    from etl_customers.settings.home import find_home

    target = connect(database_url(find_home(home).make()))
    try:
        yield target
    finally:
        target.dispose()
