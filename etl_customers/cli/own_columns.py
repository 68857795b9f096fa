"""Commands for the account's own columns: custom fields, property types and their fields."""

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from etl_customers.cli.options import HomeOption, JsonOption, ListingGroup, target_at
from schemas.columns import FieldType

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from etl_customers.columns.account_fields import AccountFields, Field

_Label = Annotated[str, typer.Argument(help="Header of the column.", show_default=False)]
_Type = Annotated[FieldType, typer.Option("--type", help="The type of its values.")]
_Id = Annotated[str | None, typer.Option("--id", help="Its id; made from the label if not given.")]
_Required = Annotated[bool, typer.Option("--required", help="Rows where it is empty fail.")]
_Choices = Annotated[list[str] | None, typer.Option("--choice", help="A choice; repeat the option for each one.")]
_TypeId = Annotated[str, typer.Argument(help="Id or label of the property type.", show_default=False)]
_FIELD_HEADERS = ("id", "label", "type", "required", "choices")


def add_to(app: typer.Typer) -> None:
    """Add these commands to the program."""
    fields = typer.Typer(cls=ListingGroup, help="Manage custom fields: your own columns for each customer.")
    fields.command("list")(list_fields)
    fields.command("add")(add_field)
    fields.command("remove")(remove_field)
    app.add_typer(fields, name="fields")
    properties = typer.Typer(
        cls=ListingGroup, help="Manage properties: things that a customer may have several of, such as pets."
    )
    properties.command("list")(list_properties)
    properties.command("add")(add_property)
    properties.command("remove")(remove_property)
    app.add_typer(properties, name="properties")


def list_fields(json: JsonOption = False, home: HomeOption = None) -> None:
    """List the custom fields in the order of the template."""
    from etl_customers.cli.screen import console, print_json, say, table

    fields = _load(home).custom_fields
    if json:
        print_json({"fields": [_record(field) for field in fields]})
    elif not fields:
        say("no custom fields; to add one, run: etl-customers fields add LABEL --type text")
    else:
        console().print(table(_FIELD_HEADERS, [_row(field) for field in fields]))


def add_field(
    label: _Label,
    type_: _Type = FieldType.TEXT,
    id_: _Id = None,
    required: _Required = False,
    choice: _Choices = None,
    json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Add a custom field; the template has it from now on."""
    from etl_customers.columns.field_changes import add_custom_field
    from etl_customers.database.connect import writing

    with target_at(home) as target, writing(target) as connection, _without_clashes(connection, home):
        field = add_custom_field(connection, label, type_, id=id_, is_required=required, choices=choice or ())
    _print_added("custom field", field, json)


def remove_field(
    id_: Annotated[str, typer.Argument(metavar="ID", help="Id of the field.", show_default=False)],
    home: HomeOption = None,
) -> None:
    """Remove a custom field from the template; the values that customers have are kept."""
    from etl_customers.cli.screen import say
    from etl_customers.database.connect import writing
    from etl_customers.mappings.kept import remove_unmapped_field

    with target_at(home) as target, writing(target) as connection:
        remove_unmapped_field(connection, id_)
    say(f"custom field {id_} removed")


def list_properties(json: JsonOption = False, home: HomeOption = None) -> None:
    """List the property types with their fields, in the order of the template."""
    from etl_customers.cli.screen import console, print_json, say, table

    types = _load(home).property_types
    if json:
        record = [{"id": t.id, "label": t.label, "fields": [_record(field) for field in t.fields]} for t in types]
        print_json({"properties": record})
    elif not types:
        say("no properties; to add a type, run: etl-customers properties add Pet")
    else:
        rows = [(t.id, t.label, *row) for t in types for row in ([_row(f) for f in t.fields] or [("",) * 5])]
        headers = ("property", "its label", *(f"field {name}" if name != "id" else "field" for name in _FIELD_HEADERS))
        console().print(table(headers, rows))


def add_property(
    label: Annotated[str, typer.Argument(help="Label of a new property type, or the id of one.", show_default=False)],
    field: Annotated[
        str | None, typer.Argument(help="Label of a field to add to the property type.", show_default=False)
    ] = None,
    type_: _Type = FieldType.TEXT,
    id_: _Id = None,
    required: _Required = False,
    choice: _Choices = None,
    json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Add a property type (properties add Pet), or a field to one (properties add pet Breed)."""
    from etl_customers.columns.field_changes import add_property_field, add_property_type
    from etl_customers.database.connect import writing

    with target_at(home) as target, writing(target) as connection, _without_clashes(connection, home):
        if field is None:
            added = add_property_type(connection, label, id_)
        else:
            owner = _type_id(connection, label)
            made = add_property_field(
                connection, owner, field, type_, id=id_, is_required=required, choices=choice or ()
            )
    if field is None:
        _print_added_type(added.id, added.label, json)
    else:
        _print_added(f"field of {label}", made, json)


def remove_property(
    type_id: _TypeId,
    field: Annotated[
        str | None, typer.Argument(help="Id of the field; the whole type if not given.", show_default=False)
    ] = None,
    home: HomeOption = None,
) -> None:
    """Remove a property type, or one field of it; the values that customers have are kept."""
    from etl_customers.cli.screen import say
    from etl_customers.database.connect import writing
    from etl_customers.mappings.kept import remove_unmapped_property

    with target_at(home) as target, writing(target) as connection:
        remove_unmapped_property(connection, _type_id(connection, type_id), field)
    say(f"property type {type_id} removed" if field is None else f"field {field} of {type_id} removed")


@contextmanager
def _without_clashes(connection: "Connection", home: Path | None) -> Iterator[None]:
    """Refuse what the body adds where an alias of the settings has a header of it already."""
    from etl_customers.base.errors import FieldInvalid
    from etl_customers.columns.account_fields import load_fields
    from etl_customers.settings.home import find_home
    from etl_customers.settings.in_force import load_settings

    aliases = load_settings(find_home(home)).csv.aliases
    if not aliases:  # what follows is slow to import
        yield
        return
    from etl_customers.columns.headers import KnownHeaders

    before = KnownHeaders(load_fields(connection), {}).clashes(aliases)
    yield
    for alias, owner in KnownHeaders(load_fields(connection), {}).clashes(aliases):
        if (alias, owner) not in before:
            raise FieldInvalid(
                f"the setting csv.aliases has the alias {alias}, which would take over a header of {owner}; "
                f"choose another label or id, or run: etl-customers settings unset {shlex.quote(f'csv.aliases.{alias}')}"
            )


def _type_id(connection: "Connection", name: str) -> str:
    from etl_customers.columns.account_fields import load_fields

    return next((t.id for t in load_fields(connection).property_types if name in (t.id, t.label)), name)


def _load(home: Path | None) -> "AccountFields":
    from etl_customers.columns.account_fields import load_fields
    from etl_customers.database.connect import reading

    with target_at(home) as target, reading(target) as connection:
        return load_fields(connection)


def _record(field: "Field") -> dict[str, object]:
    return {
        "id": field.id,
        "label": field.label,
        "type": str(field.type),
        "required": field.is_required,
        "choices": list(field.choices),
    }


def _row(field: "Field") -> tuple[object, ...]:
    return field.id, field.label, str(field.type), field.is_required, "; ".join(field.choices)


def _print_added(what: str, field: "Field", json: bool) -> None:
    from etl_customers.cli.screen import print_json, say

    if json:
        print_json(_record(field))
    else:
        say(f"{what} {field.label} added, its id is {field.id}")


def _print_added_type(type_id: str, label: str, json: bool) -> None:
    from etl_customers.cli.screen import print_json, say

    if json:
        print_json({"id": type_id, "label": label, "fields": []})
    else:
        say(
            f"property type {label} added, its id is {type_id}; add fields: etl-customers properties add {type_id} Name"
        )
