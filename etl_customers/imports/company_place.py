"""Where a connected company is: as the settings say, else as it says itself; and what its customers are given of the home's."""

from dataclasses import dataclass

from etl_customers.database.connections import ConnectionRecord
from etl_customers.settings.sections import Company, Settings
from etl_customers.validate.place_names import place_key
from etl_customers.validate.places import Places, load_places, read_region


@dataclass(frozen=True)
class CompanyPlace:
    """Country and state of a connected company; None: nobody has said it."""

    country: str | None
    """ISO 3166-1 alpha-2."""
    region: str | None
    """A state of that country, by its name in the list in force."""


def place_of(settings: Settings, record: ConnectionRecord) -> CompanyPlace:
    """Return where a connected company is; the settings go before what it says itself.

    A region that is set counts for the companies in whose country there is such a state.

    Raises:
        SettingsInvalid: A list of places of the user's cannot be used.
    """
    section = settings.provider(record.provider)
    country = section.country or record.country
    if country is None:
        return CompanyPlace(None, None)
    told = record.region if record.country == country else None
    as_set = None if section.region is None else read_region(load_places(settings.reference), section.region, country)
    return CompanyPlace(country, as_set or told or None)


def company_of_pull(settings: Settings, place: CompanyPlace) -> Company:
    """Return whose customers a pull brings; where nobody has said where that company is, the home's company.

    R12 means the company's own city. The home's is taken for it only where that company can be
    in it: in the same country, and not where the list has the city as the first of another state.
    """
    home = settings.company
    if place.country is None:
        return home
    is_here = home.has_country and home.country == place.country
    if is_here and home.city is not None and place.region is not None:
        is_here = not _is_of_another_state(load_places(settings.reference), home.city, place.country, place.region)
    return Company(name=home.name, country=place.country, city=home.city if is_here else None)


def _is_of_another_state(places: Places, city: str, country: str, region: str) -> bool:
    states = {state.name: state for state in places.states(country)}
    if region not in states or states[region].is_nested:
        return False  # a province is within a region, which may have another first city
    firsts = {name for name, state in states.items() if not state.is_nested and _is_first(places, city, country, name)}
    return bool(firsts) and region not in firsts


def _is_first(places: Places, city: str, country: str, state: str) -> bool:
    first = places.first_city(country, state)
    return first is not None and place_key(first) == place_key(city)
