"""Spellings of states and countries as they stand in people's files, and what is suggested for each, if anything."""

import time

import pytest

from etl_customers.settings.sections import Reference
from etl_customers.validate.places import Places, load_places

NSW, VIC, QLD, SA = "New South Wales", "Victoria", "Queensland", "South Australia"
STATES: dict[str, dict[str, str]] = {
    "AU": {
        "AC": "Australian Capital Territory", "ATC": "Australian Capital Territory", "vix": VIC, "VI": VIC, "TA": "Tasmania",
        "NSW, Australia": NSW, "nsw (australia)": NSW, "NT 0800": "Northern Territory", "NSW 2000": NSW, "Sydney NSW 2000": NSW,
        "Sydney, NSW": NSW, "Perth Western Australia 6000": "Western Australia", "Queensland Australia": QLD, "Victora": VIC,
        "Vicotria": VIC, "Quensland": QLD, "Qeensland": QLD, "Tazmania": "Tasmania", "New South Whales": NSW, "New S Wales": NSW,
        "South Aus": SA, "Sth Australia": SA, "W. Aust": "Western Australia", "Australian Capitol Territory": "Australian Capital Territory",
        "NSW/VIC": f"{NSW} or {VIC}", "Western Austrailia": "Western Australia", "QLD - Australia": QLD,
        "Northern": "", "Territory": "", "Wales": "", "Victoria, Canada": "", "Auckland, New Zealand": "", "New Zealand": "",
        "Port Victoria": "", "xyz": "", "Ruritania": "", "Sydney": "", "Overseas": "",
    },
    "US": {
        "Calif.": "California", "Cal": "California", "Tex": "Texas", "Penn": "Pennsylvania", "Penna": "Pennsylvania", "Mass": "Massachusetts",
        "Wash": "Washington", "Massachusets": "Massachusetts", "Massachucetts": "Massachusetts", "Pensylvania": "Pennsylvania",
        "Conneticut": "Connecticut", "Conecticut": "Connecticut", "Missisipi": "Mississippi", "Tennesee": "Tennessee",
        "Louisianna": "Louisiana", "Virgina": "Virginia", "N. Carolina": "North Carolina", "n carolina": "North Carolina",
        "W. Virginia": "West Virginia", "Carolina": "North Carolina or South Carolina", "Dakota": "North Dakota or South Dakota",
        "Passaic, NJ 07055": "New Jersey", "Powhatan, VIRGINIA 23139": "Virginia", "norristown, pa 19401": "Pennsylvania",
        "Santa Cruz CA": "California", "Lebanon, PA 17042": "Pennsylvania", "Ohoi": "Ohio", "Utha": "Utah", "Georiga": "Georgia",
        "Oregan": "Oregon", "New York, USA": "New York",
        "Mexico": "", "York": "", "Jersey": "", "Columbia": "", "Kansas City": "", "Ontario": "", "London": "", "Islands": "",
    },
    "CA": {
        "Ont.": "Ontario", "Que": "Quebec", "Sask": "Saskatchewan", "Nfld": "Newfoundland and Labrador", "Columbia": "British Columbia",
        "Brit Columbia": "British Columbia", "Newfoundland": "Newfoundland and Labrador", "Toronto, ON M5V 2T6": "Ontario",
        "Ontario, Canada": "Ontario", "P.E.I.": "Prince Edward Island", "Qubec": "Quebec", "Albert": "Alberta", "Manitba": "Manitoba",
        "Toronto": "", "California": "",
    },
    "GB": {
        "Lanarkshire": "North Lanarkshire or South Lanarkshire", "Sussex": "East Sussex or West Sussex", "Derbyshre": "Derbyshire",
        "Bucks": "Buckinghamshire", "Cornwal": "Cornwall", "Surry": "Surrey", "Kent, England": "Kent", "Essex, United Kingdom": "Essex",
        "Yorkshire": "East Riding of Yorkshire or North Yorkshire", "Dumfries": "Dumfries and Galloway",
        "West Yorkshire": "", "South Yorkshire": "", "West Yorks": "", "West Susex": "West Sussex", "North Yorkshre": "North Yorkshire",
        "Berkshire": "", "BKS": "", "Mull": "", "Middlesex": "", "Ireland": "", "Glamorgan": "", "Avon": "",
    },
    "NZ": {"Aukland": "Auckland", "Auckland 1010": "Auckland", "Otego": "Otago", "Bay of Plenty, NZ": "Bay of Plenty", "North Island": "", "AKL": ""},
    "IE": {"Co Corck": "Cork", "Dublin 4": "Dublin", "Dublin, Ireland": "Dublin", "Galwey": "Galway", "Co. Kery": "Kerry", "Leix": ""},
    "IN": {
        "Maharastra": "Mahārāshtra", "Gujrat": "Gujarāt", "Utter Pradesh": "Uttar Pradesh", "Tamil Nad": "Tamil Nādu",
        "Mumbai, Maharashtra 400001": "Mahārāshtra", "Pradesh": "", "Mumbai": "",
    },
}  # fmt: skip
COUNTRIES = {
    "Austrlia": "Australia", "Germny": "Germany", "New Zeeland": "New Zealand", "Untied States": "United States", "Brasil": "Brazil",
    "Great Brittain": "United Kingdom", "Scottland": "United Kingdom", "Phillipines": "Philippines", "Holand": "Netherlands",
    "Swizerland": "Switzerland", "Irland": "Ireland", "Canda": "Canada", "Sydney, Australia": "Australia", "Viet": "Vietnam",
    "Singapor": "Singapore", "England, UK": "United Kingdom",
    "Korea": "", "Virgin Islands": "", "Austr": "", "Atlantis": "", "Jersey City": "", "Zealand": "", "XX": "", "united": "", "Republic": "",
}  # fmt: skip
PLACEHOLDERS = [
    "N/A", "n/a", "NA", "n.a.", "#N/A", "-", "--", "?", ".", "NULL", "null", "(null)", "None", "nil", "unknown", "Unknown.", "not provided",
    "TBC", "TBA", "test", "x", "xxx", "Select state", "please select", "other", "undefined",
]  # fmt: skip


@pytest.fixture(scope="module")
def places() -> Places:
    """The shipped lists."""
    return load_places(Reference())


@pytest.mark.parametrize(
    ("country", "text", "suggested"),
    [(country, text, suggested) for country, texts in STATES.items() for text, suggested in texts.items()],
)
def test_a_state_is_suggested_where_one_is_meant_and_none_where_that_is_not_certain(
    places: Places, country: str, text: str, suggested: str
) -> None:
    assert places.read_state(text, country) is None
    assert " or ".join(places.suggest_states(text, country)) == suggested


@pytest.mark.parametrize(("text", "suggested"), COUNTRIES.items())
def test_a_country_is_suggested_where_one_is_meant_and_none_where_that_is_not_certain(
    places: Places, text: str, suggested: str
) -> None:
    assert places.read_country(text) is None
    assert (places.suggest_country(text) or "") == suggested


@pytest.mark.parametrize("text", PLACEHOLDERS)
def test_for_a_placeholder_nothing_is_suggested(places: Places, text: str) -> None:
    assert places.suggest_country(text) is None
    assert [places.suggest_states(text, country) for country in STATES] == [()] * len(STATES)


@pytest.mark.parametrize("text", ["N/A", "n/a", "N.A.", "n\\a", "#N/A", "N / A"])
def test_a_placeholder_is_not_read_as_namibia_or_napoli(places: Places, text: str) -> None:
    assert places.read_country(text) is None
    assert places.read_state(text, "IT") is None
    assert (places.read_country("NA"), places.read_state("na", "IT")) == ("NA", "Napoli")


def test_what_is_suggested_is_a_name_that_is_read(places: Places) -> None:
    for country, texts in STATES.items():
        for name in {name for text in texts for name in places.suggest_states(text, country)}:
            assert places.read_state(name, country) == name


def test_a_very_long_text_takes_no_time_and_has_no_suggestion(places: Places) -> None:
    started = time.perf_counter()
    for text in ("v" * 1_000_000, "NSW, " * 200_000, "a b " * 200_000):
        assert places.suggest_states(text, "AU") == ()
        assert places.suggest_country(text) is None
    assert time.perf_counter() - started < 5
