"""Commands that show reference data: the states that a row may name."""

from typing import Annotated

import typer

from etl_customers.cli.options import HomeOption, JsonOption


def add_to(app: typer.Typer) -> None:
    """Add these commands to the program."""
    app.command()(states)


def states(
    country: Annotated[
        str | None, typer.Argument(help="Name or code of a country; the company's if not given.", show_default=False)
    ] = None,
    json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """List the states of a country, by the codes and names that rows may have."""
    from etl_customers.base.errors import NotFound, UsageError
    from etl_customers.cli.screen import console, print_json, say, table
    from etl_customers.settings.home import find_home
    from etl_customers.settings.in_force import load_settings
    from etl_customers.validate.places import load_places

    settings = load_settings(find_home(home))
    places = load_places(settings.reference)
    if not country and not settings.company.has_country:
        raise UsageError(
            "name a country, such as: etl-customers states AU (or set your company's country once: "
            "etl-customers settings set company.country AU)"
        )
    asked = country or settings.company.country
    code = places.read_country(asked)
    if code is None:
        nearest = places.suggest_country(asked)
        raise NotFound(
            "country", asked, f"did you mean {nearest}?" if nearest else "use its ISO 3166-1 name or code, such as AU"
        )
    listed = places.states(code)
    if json:
        print_json({"country": code, "states": [{"code": state.code, "name": state.name} for state in listed]})
    elif not listed:
        say(f"{code} has no states in the reference list, so any text is kept as it is")
    else:
        console().print(table(("code", f"state of {code}"), [(state.code, state.name) for state in listed]))
