"""Where a company is, on the command line: country and region read by name or code, the country asked for where a file needs it."""

import sys
from pathlib import Path

from etl_customers.base.errors import UsageError


def read_country(text: str, setting: str = "company.country") -> str:
    """Return the ISO code of a country given by name or code.

    Args:
        text: As a person writes it.
        setting: That is to have it, for the message.

    Raises:
        UsageError: There is none of that name; the nearest is suggested.
    """
    from etl_customers.settings.sections import Reference
    from etl_customers.validate.places import load_places

    places = load_places(Reference())
    code = places.read_country(text)
    if code is None:
        nearest = places.suggest_country(text)
        hint = f"did you mean {nearest}?" if nearest else "use its name or its ISO 3166-1 code, such as AU"
        raise UsageError(f"{setting} must be a country; {hint}")
    return code


def read_company_region(text: str, provider: str, home: Path | None) -> str:
    """Return the name of a state, given by name or code, of the country in which a provider's companies are.

    That country is the setting's, else that of any company that was connected.

    Raises:
        UsageError: It is no state of such a country; the nearest are suggested. Or nobody has said the country.
        DatabaseUnavailable: The target does not answer.
    """
    from etl_customers.cli.options import target_at
    from etl_customers.database.connect import reading
    from etl_customers.database.connections import list_connections
    from etl_customers.settings.home import find_home
    from etl_customers.settings.in_force import load_settings
    from etl_customers.validate.places import load_places, read_region

    settings = load_settings(find_home(home))
    country, places = settings.provider(provider).country, load_places(settings.reference)
    with target_at(home) as target, reading(target) as connection:
        connected = {one.country for one in list_connections(connection, provider) if one.country is not None}
    countries = [country] if country is not None else sorted(connected)
    if not countries:
        raise UsageError(
            f"{provider}.region needs the country of the connected company, which is not known; "
            f"set it first, such as: etl-customers settings set {provider}.country AU"
        )
    found = (read_region(places, text, country) for country in countries)
    if (name := next(filter(None, found), None)) is not None:
        return name
    nearest = [state for country in countries for state in places.suggest_states(text, country)]
    lists = " or ".join(f"etl-customers states {country}" for country in countries)
    hint = f"did you mean {' or '.join(nearest)}?" if nearest else f"to list them, run: {lists}"
    raise UsageError(f"{provider}.region must be a state of {' or '.join(countries)}; {hint}")


def settle_country(home: Path | None, file: Path, encoding: str | None, again: bool) -> None:
    """Ask a person at a terminal in which country the company is, where a file needs it and nobody has said it before.

    Nobody is asked in a pipe: there the file is refused with the command that sets it.
    """
    from etl_customers.settings.home import find_home
    from etl_customers.settings.in_force import load_settings

    if not (sys.stdin.isatty() and sys.stdout.isatty()) or load_settings(find_home(home)).company.has_country:
        return
    from etl_customers.cli.options import installation_at
    from etl_customers.cli.settings import set_
    from etl_customers.imports.dry_run import lacks_country

    with installation_at(home) as installation:
        if not lacks_country(installation, file, encoding=encoding, again=again):
            return
    set_("company.country", _ask(), home=home)


def _ask() -> str:
    import typer

    from etl_customers.cli.screen import say

    say("Some rows of the file have no country, so they get the country of your company.")
    while True:
        answer: str = typer.prompt("In which country is the company (name or code)?", prompt_suffix=" ")
        try:
            return read_country(answer)
        except UsageError as error:
            say(str(error), error=True)
