"""Commands about mappings: which field of a provider becomes which column, as it is shipped or as the account says."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from etl_customers.cli.options import HomeOption, JsonOption, ListingGroup, target_at, user_name

if TYPE_CHECKING:
    from etl_customers.mappings.kept import KeptMapping

_Source = Annotated[str, typer.Argument(metavar="SOURCE", help="quickbooks or xero.", show_default=False)]
_HEADERS = ("source", "version", "in force", "added", "by", "digest")
_SHORT = 12


def add_to(app: typer.Typer) -> None:
    """Add these commands to the program."""
    group = typer.Typer(cls=ListingGroup, help="Say which field of a provider becomes which column.")
    group.command("list")(list_)
    group.command("show")(show)
    group.command("add")(add)
    group.command("remove")(remove)
    app.add_typer(group, name="mappings")


def list_(json: JsonOption = False, home: HomeOption = None) -> None:
    """List the mappings of each source, the shipped one first, and which is in force."""
    from dataclasses import asdict

    from etl_customers.cli.screen import console, print_json, table
    from etl_customers.database.connect import reading
    from etl_customers.mappings.kept import list_mappings

    with target_at(home) as target, reading(target) as connection:
        found = list_mappings(connection)
    if json:
        print_json({"mappings": [asdict(one) for one in found]})
        return
    console().print(table(_HEADERS, [_row(one) for one in found], right=("version",)))


def show(source: _Source, home: HomeOption = None) -> None:
    """Print the mapping of a source that is in force, as a file to change and add."""
    from etl_customers.database.connect import reading
    from etl_customers.mappings.kept import mapping_in_force

    with target_at(home) as target, reading(target) as connection:
        sys.stdout.write(mapping_in_force(connection, source).text)


def add(
    file: Annotated[
        Path, typer.Argument(help="A TOML file in the form that mappings show prints.", show_default=False)
    ],
    json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Put a mapping in force; the next pull of each connection of its source reads all customers again."""
    from dataclasses import asdict

    from etl_customers.cli.screen import print_json, say
    from etl_customers.database.connect import writing
    from etl_customers.mappings.document import MappingInvalid, read_mapping
    from etl_customers.mappings.kept import add_mapping, filled_fields, made_properties
    from schemas.sources import LABELS

    try:
        text = file.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise MappingInvalid("the file is not UTF-8") from None
    except OSError as error:
        raise MappingInvalid(f"the file cannot be read ({error.strerror})") from None
    with target_at(home) as target, writing(target) as connection:
        before, source = filled_fields(connection), read_mapping(text).source
        made = made_properties(connection, source)
        added = add_mapping(connection, text, user_name())
        unfilled = _less(before, filled_fields(connection))
        unmade = _without(made, made_properties(connection, source))
    if json:
        print_json(asdict(added) | {"unfilled_fields": list(unfilled), "unmade_properties": unmade})
        return
    say(
        f"mapping of {LABELS[added.source]}, version {added.version}, is in force; "
        "the next pull reads all customers again"
    )
    _say_unfilled(unfilled)
    _say_unmade(unmade)


def remove(source: _Source, home: HomeOption = None) -> None:
    """Go back to the shipped mapping of a source."""
    from etl_customers.cli.screen import say
    from etl_customers.database.connect import writing
    from etl_customers.mappings.kept import filled_fields, made_properties, remove_mapping
    from schemas.sources import LABELS

    with target_at(home) as target, writing(target) as connection:
        before, made = filled_fields(connection), made_properties(connection, source)
        remove_mapping(connection, source)
        unfilled = _less(before, filled_fields(connection))
        unmade = _without(made, made_properties(connection, source))
    say(f"the shipped mapping of {LABELS[source]} is in force again; the next pull reads all customers again")
    _say_unfilled(unfilled)
    _say_unmade(unmade)


def _without(before: list[str], after: list[str]) -> list[str]:
    return [label for label in before if label not in after]


def _less(before: dict[str, str], after: dict[str, str]) -> dict[str, str]:
    return {name: label for name, label in before.items() if name not in after}


def _say_unfilled(fields: dict[str, str]) -> None:
    """Name the custom fields that no mapping fills now."""
    from etl_customers.cli.screen import say

    if fields:
        say(
            "no mapping fills these custom fields now; customers keep the values that they have: "
            f"{', '.join(fields.values())}"
        )


def _say_unmade(properties: list[str]) -> None:
    """Name the properties that pulls of the source no longer make."""
    from etl_customers.cli.screen import say

    if properties:
        say(
            "the mapping no longer makes these properties; the next pull removes those that pulls made: "
            f"{', '.join(properties)}"
        )


def _row(one: "KeptMapping") -> tuple[object, ...]:
    from etl_customers.cli.screen import show as shown

    added = "shipped" if one.added_at is None else shown(one.added_at)
    return one.source, one.version, "yes" if one.is_in_force else "", added, one.added_by or "", one.digest[:_SHORT]
