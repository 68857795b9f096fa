"""Commands about the settings: which are in force, one set, one taken out."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from etl_customers.cli.options import HomeOption, JsonOption, ListingGroup, target_at
from schemas.sources import PROVIDERS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from etl_customers.settings.changes import Change
    from etl_customers.settings.home import Home
    from etl_customers.settings.sections import Settings

_NameArgument = Annotated[
    str, typer.Argument(help="Name, such as company.country or csv.aliases.HEADER.", show_default=False)
]


def add_to(app: typer.Typer) -> None:
    """Add these commands to the program."""
    group = typer.Typer(
        cls=ListingGroup, no_args_is_help=False, help="Show the settings in force, set one, or remove one."
    )
    group.command("list")(list_)
    # A value may begin with a hyphen, and a misspelt option is then one word too many.
    group.command("set", context_settings={"ignore_unknown_options": True})(set_)
    group.command("unset")(unset)
    app.add_typer(group, name="settings")


def list_(json: JsonOption = False, home: HomeOption = None) -> None:
    """Print every setting in force, its value and where it was read."""
    from etl_customers.cli.screen import console, print_json, table
    from etl_customers.settings.home import find_home
    from etl_customers.settings.in_force import settings_with_origins

    origins = list(settings_with_origins(find_home(home)))
    if json:
        print_json({"settings": [{"name": one.name, "value": one.value, "origin": one.origin} for one in origins]})
        return
    console().print(table(("setting", "value", "from"), [(one.name, one.value, one.origin) for one in origins]))


def set_(
    name: _NameArgument,
    value: Annotated[str, typer.Argument(help="The value; separate those of a list by commas.", show_default=False)],
    json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Write a setting into settings.toml of the home; an invalid value changes nothing."""
    from etl_customers.cli.company import read_company_region, read_country
    from etl_customers.settings.changes import find_setting, set_setting
    from etl_customers.settings.home import find_home

    found = find_home(home)
    setting = find_setting(name)
    # What is nothing, and what cannot be set at all, is said below.
    if setting.key == "country" and value.strip():
        value = read_country(value, setting.name)
    if setting.key == "region" and value.strip():
        value = read_company_region(value, setting.section, home)

    def check(wanted: "Settings") -> None:
        _check(wanted, home, setting.path)

    _print(found, set_setting(found, name, value, check), json)


def unset(name: _NameArgument, json: JsonOption = False, home: HomeOption = None) -> None:
    """Take a setting out of settings.toml: its default is in force again."""
    from etl_customers.settings.changes import unset_setting
    from etl_customers.settings.home import find_home

    found = find_home(home)
    _print(found, unset_setting(found, name), json)


def _check(wanted: "Settings", home: Path | None, path: tuple[str, ...]) -> None:
    """Ask the readers of a setting whether they can use it; what they need is slow to import."""
    from etl_customers.settings.home import find_home

    if path[0] in ("company", "reference", *PROVIDERS):
        from etl_customers.imports.installation import check_places

        check_places(wanted)
    if path[:2] == ("alerts", "log_file") and wanted.alerts.log_file is not None:
        from etl_customers.report.alerts import check_log_file

        check_log_file(find_home(home), wanted.alerts.log_file)
    if path[:2] == ("csv", "encoding") and wanted.csv.encoding is not None:
        from etl_customers.read.csv_files import checked_codec

        checked_codec(wanted.csv.encoding)
    if path[:2] == ("csv", "aliases"):
        from etl_customers.columns.account_fields import load_fields
        from etl_customers.columns.headers import KnownHeaders
        from etl_customers.database.connect import reading

        with target_at(home) as target, reading(target) as connection:
            KnownHeaders(load_fields(connection), wanted.csv.aliases)


def _print(home: "Home", change: "Change", json: bool) -> None:
    from etl_customers.cli.screen import print_json, say, show

    if json:
        record: Mapping[str, object] = {
            "name": change.name,
            "value": change.value,
            "changed": change.is_changed,
            "overridden_by": change.overridden_by,
            "file": str(home.settings_file),
        }
        print_json(dict(record))
        return
    if change.value is None:
        line = f"{change.name} is {'no longer' if change.is_changed else 'not'} set in {home.settings_file}"
    else:
        value = show(change.value) or "empty"
        line = f"{change.name} is {'now' if change.is_changed else 'already'} {value} in {home.settings_file}"
    if change.overridden_by is not None:
        line += f", but the environment variable {change.overridden_by} is set and takes precedence"
    say(line)
