"""The company's country on the command line: read by name or code, and asked for where a file needs it."""

import sys
from pathlib import Path

from etl_customers.base.errors import UsageError


def read_country(text: str) -> str:
    """Return the ISO code of a country given by name or code.

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
        raise UsageError(f"company.country must be a country; {hint}")
    return code


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
    from etl_customers.imports.stages import lacks_country

    with installation_at(home) as installation:
        if not lacks_country(installation, file, encoding=encoding, again=again):
            return
    set_("company.country", _ask(), home=home)


def _ask() -> str:
    import typer

    from etl_customers.cli.screen import say

    say("Rows of the file do not say their country, so that of your company is taken for them.")
    while True:
        answer: str = typer.prompt("In which country is the company (name or code)?", prompt_suffix=" ")
        try:
            return read_country(answer)
        except UsageError as error:
            say(str(error), error=True)
