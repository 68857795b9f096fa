"""Countries, states and first cities: what a cell may name, and by what name it is kept (R10, R12).

Reads the lists through ``etl_customers.validate.place_lists``; how spellings are
compared is in ``etl_customers.validate.place_names``.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property, lru_cache

from etl_customers.settings.sections import Reference
from etl_customers.texts.nearness import is_placeholder, only
from etl_customers.validate.place_hints import PlaceHints
from etl_customers.validate.place_lists import (
    State,
    read_cities_file,
    read_states_file,
    shipped_cities,
    shipped_countries,
    shipped_other_names,
    shipped_states,
    stamp,
)
from etl_customers.validate.place_names import name_keys, other_names, place_key, place_words, without_kind


class Places:
    """The reference lists in force; build it with ``load_places``."""

    def __init__(self, reference: Reference) -> None:
        self._reference = reference
        self._indexes: dict[str, Mapping[str, State]] = {}
        self._cities: dict[str, Mapping[str, str]] = {}
        self._state_hints: dict[str, PlaceHints] = {}

    def read_country(self, text: str) -> str | None:
        """Return the ISO 3166-1 alpha-2 code of a country named by code, name or common name."""
        if is_placeholder(text) and not text.isalpha():
            return None  # N/A is not NA, which is Namibia
        key = place_key(text)
        if key.isdecimal():
            key = key.zfill(3)  # a spreadsheet drops the zeros in front of a numeric code
        return self._countries.get(key) or self._countries.get(key.removeprefix("the"))

    def suggest_country(self, text: str) -> str | None:
        """Return the name of the nearest country, None where none is near or two are as near (Korea)."""
        code = only(self._country_hints.suggest(text))
        return None if code is None else shipped_countries()[code][0]

    def has_states(self, country: str) -> bool:
        """Tell whether the list knows states of a country; if not, any text is kept as it is."""
        return bool(self.states(country))

    def read_state(self, text: str, country: str) -> str | None:
        """Return the list's name of a state given by code (NSW, AU-NSW) or name.

        Accents, case and punctuation are forgiven, as are a word like State, Province or
        County, names in other languages where the list has them (Bavaria), and umlauts
        written out. Codes go before names, names before other names.
        """
        if is_placeholder(text) and not text.isalpha():
            return None  # N/A is not NA, which is Napoli
        index = self._state_index(country)
        for key in (place_key(text), *without_kind(text)):
            if key in index:
                return index[key].name
        return None

    def suggest_states(self, text: str, country: str) -> tuple[str, ...]:
        """Return the names of the states of a country that a text may mean, at most three, none where none is near."""
        if country not in self._state_hints:
            self._state_hints[country] = self._make_state_hints(country)
        return self._state_hints[country].suggest(text)

    def states(self, country: str) -> tuple[State, ...]:
        """Return the states of a country in the list's order, none where it has none."""
        return shipped_states(country) if self._own_states is None else self._own_states.get(country, ())

    def first_city(self, country: str, state: str) -> str | None:
        """Return the default city of a state (R12), None where the list has none.

        Args:
            country: Alpha-2 code.
            state: Name as ``read_state`` returns it; any text where the country has no states.
        """
        if self._own_cities is not None:
            return self._own_cities.get((country, place_key(state)))
        return self._shipped_cities(country).get(place_key(state))

    @cached_property
    def _countries(self) -> Mapping[str, str]:
        index: dict[str, str] = {}
        for tier in range(max(len(names) for names in shipped_countries().values())):
            for code, names in shipped_countries().items():
                for name in names[tier : tier + 1]:
                    for key in name_keys(name):
                        index.setdefault(key, code)
        return index

    @cached_property
    def _country_hints(self) -> PlaceHints:
        codes = {code for listed in shipped_countries().values() for code in listed[:5] if _is_code(code)}
        keys = {place_key(code) for code in codes}
        return PlaceHints(
            {key: code for key, code in self._countries.items() if key not in keys},
            [(place_words(name), code) for code, names in shipped_countries().items() for name in {*names} - codes],
            {},
            self.read_country,
            self.read_country,
        )

    def _make_state_hints(self, country: str) -> PlaceHints:
        states = self.states(country)
        codes = {state.code: state.name for state in states if state.code}
        other = shipped_other_names(country) if self._own_states is None else ()
        named = [(name, state.name) for state in states for name in (state.name, *other_names(state.full_name))]
        named += [(name, codes[code]) for code, name in other if code in codes]
        keys = {place_key(text) for code in codes for text in (code, f"{country}-{code}")}
        index = self._state_index(country)
        return PlaceHints(
            {key: state.name for key, state in index.items() if key not in keys or key == place_key(state.name)},
            [(place_words(name), value) for name, value in named if name],
            codes,
            lambda text: self.read_state(text, country),
            self.read_country,
            country,
        )

    @cached_property
    def _own_states(self) -> Mapping[str, tuple[State, ...]] | None:
        path = self._reference.states_file
        return read_states_file(path, self.read_country) if path is not None else None

    @cached_property
    def _own_cities(self) -> Mapping[tuple[str, str], str] | None:
        path = self._reference.cities_file
        return read_cities_file(path, self) if path is not None else None

    def _shipped_cities(self, country: str) -> Mapping[str, str]:
        """Return the first cities of a country by key of the state's name in the list in force."""
        if country not in self._cities:
            cities: dict[str, str] = {}
            for state in sorted(shipped_states(country), key=lambda state: state.is_nested):
                # A user's list may have other codes than ISO: cities follow the names.
                name = state.name if self._own_states is None else self.read_state(state.name, country)
                city = shipped_cities().get((country, state.code))
                if name and city:
                    cities.setdefault(place_key(name), city)
            self._cities[country] = cities
        return self._cities[country]

    def _state_index(self, country: str) -> Mapping[str, State]:
        if country not in self._indexes:
            other = shipped_other_names(country) if self._own_states is None else ()
            self._indexes[country] = _index_states(country, self.states(country), other)
        return self._indexes[country]


def read_region(places: Places, text: str, country: str) -> str | None:
    """Return the name of a state of a country; of a country that the list has no states of, any text is one (R10)."""
    return places.read_state(text, country) if places.has_states(country) else text


def load_places(reference: Reference) -> Places:
    """Return the reference lists in force, read again when a user's list has changed.

    Raises:
        SettingsInvalid: A list of the user's cannot be used; names the file and line.
    """
    return _load(reference, stamp(reference.states_file), stamp(reference.cities_file))


@lru_cache(maxsize=8)
def _load(reference: Reference, *_stamps: tuple[int, int] | None) -> Places:
    places = Places(reference)
    if reference.states_file is not None:
        places.states("")
    if reference.cities_file is not None:
        places.first_city("", "")
    return places


def _index_states(country: str, states: Iterable[State], other: Iterable[tuple[str, str]]) -> dict[str, State]:
    """Index states by every key; an earlier tier wins, within a tier the state that is part of no other."""
    ordered = sorted(states, key=lambda state: state.is_nested)
    by_code = {state.code: state for state in ordered if state.code}
    tiers: tuple[Iterator[tuple[str, State]], ...] = (
        (
            (place_key(text), state)
            for state in ordered
            if state.code
            for text in (state.code, f"{country}-{state.code}")
        ),
        ((key, state) for state in ordered for name in (state.name, state.full_name) for key in name_keys(name)),
        ((key, state) for state in ordered for name in other_names(state.full_name) for key in name_keys(name)),
        ((key, by_code[code]) for code, name in other if code in by_code for key in name_keys(name)),
    )
    index: dict[str, State] = {}
    for tier in tiers:
        for key, state in tier:
            if key:
                index.setdefault(key, state)
    return index


def _is_code(name: str) -> bool:
    return name.isdecimal() or (len(name) <= 3 and name.isupper())
