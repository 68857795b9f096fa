"""The company's country on the command line: read by name or code."""

from etl_customers.errors import UsageError


def read_country(text: str) -> str:
    """Return the ISO code of a country given by name or code.

    Raises:
        UsageError: There is none of that name; the nearest is suggested.
    """
    from etl_customers.settings import Reference
    from etl_customers.validate.places import load_places

    places = load_places(Reference())
    code = places.read_country(text)
    if code is None:
        nearest = places.suggest_country(text)
        hint = f"did you mean {nearest}?" if nearest else "use its name or its ISO 3166-1 code, such as AU"
        raise UsageError(f"company.country must be a country; {hint}")
    return code
