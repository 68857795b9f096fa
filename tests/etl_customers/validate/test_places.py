"""Countries, states and first cities: what may be written, what is kept, what is suggested."""

from pathlib import Path

import pycountry
import pytest

from etl_customers.base.errors import SettingsInvalid
from etl_customers.settings.sections import Reference
from etl_customers.validate.places import Places, load_places

FIRST_CITIES = {
    "AU": "ACT Canberra, NSW Sydney, NT Darwin, QLD Brisbane, SA Adelaide, TAS Hobart, VIC Melbourne, WA Perth",
    "US": "AK Anchorage, AZ Phoenix, CA Los Angeles, DC Washington, FL Jacksonville, IL Chicago, MD Baltimore, MO Kansas City, "
    "NY New York City, OR Portland, PA Philadelphia, TX Houston, VA Virginia Beach, WA Seattle",
    "GB": "ENG London, SCT Glasgow, WLS Cardiff, NIR Belfast, BIR Birmingham, KEN Maidstone",
    "NZ": "AUK Auckland, CAN Christchurch, OTA Dunedin, WGN Wellington, WKO Hamilton, BOP Tauranga",
    "CA": "AB Calgary, BC Vancouver, MB Winnipeg, NS Halifax, ON Toronto, QC Montréal, SK Saskatoon, YT Whitehorse",
    "DE": "BB Potsdam, BE Berlin, BW Stuttgart, BY Munich, HB Bremen, HE Frankfurt am Main, HH Hamburg, MV Rostock, NI Hannover, "
    "NW Köln, RP Mainz, SH Kiel, SL Saarbrücken, ST Magdeburg, TH Erfurt",
    "IN": "DL Delhi, GJ Ahmedabad, KA Bengaluru, MH Mumbai, OD Bhubaneswar, RJ Jaipur, TN Chennai, TS Hyderabad, WB Kolkata",
    "ZA": "EC Gqeberha, FS Bloemfontein, GP Johannesburg, KZN Durban, LP Polokwane, NC Kimberley, WC Cape Town",
    "FR": "IDF Paris, ARA Lyon, PAC Marseille, OCC Toulouse, NAQ Bordeaux, GES Strasbourg, BRE Rennes, 69 Lyon, 06 Nice",
    "IE": "D Dublin, CO Cork, G Galway, LK Limerick, WD Waterford, L Dublin, M Cork",
    "IT": "21 Turin, 25 Milan, 42 Genoa, 45 Bologna, 52 Florence, 62 Rome, 72 Naples, 75 Bari, 82 Palermo, 88 Cagliari, BS Brescia",
    "ES": "AN Sevilla, CT Barcelona, MD Madrid, VC Valencia, PV Bilbao, AR Zaragoza, M Madrid, SE Sevilla, MA Málaga",
    "BR": "SP São Paulo, RJ Rio de Janeiro, BA Salvador, MG Belo Horizonte, PR Curitiba, AM Manaus, DF Brasília",
    "MX": "CMX Mexico City, NLE Monterrey, BCN Tijuana, PUE Puebla, YUC Mérida, ROO Cancún",
    "JP": "01 Sapporo, 13 Tokyo, 14 Yokohama, 23 Nagoya, 26 Kyoto, 27 Osaka, 28 Kobe, 30 Wakayama, 40 Fukuoka, 47 Naha, 08 Mito",
}


@pytest.fixture(scope="module")
def places() -> Places:
    return load_places(Reference())


def _lists(folder: Path, states: str | bytes | None = None, cities: str | bytes | None = None) -> Reference:
    paths: dict[str, Path | None] = {"states_file": None, "cities_file": None}
    for name, content in (("states_file", states), ("cities_file", cities)):
        if content is not None:
            path = folder / f"{name}.csv"
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
            paths[name] = path
    return Reference(states_file=paths["states_file"], cities_file=paths["cities_file"])


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("AU", "AU"), ("au", "AU"), ("AUS", "AU"), ("036", "AU"), ("36", "AU"), ("  australia ", "AU"), ("Commonwealth of Australia", None),
        ("USA", "US"), ("U.S.A.", "US"), ("United States", "US"), ("United States of America", "US"), ("UK", "GB"), ("Great Britain", "GB"),
        ("England", "GB"), ("UAE", "AE"), ("Holland", "NL"), ("The Netherlands", "NL"), ("Korea, Republic of", "KR"), ("South Korea", "KR"),
        ("north korea", "KP"), ("Korea", None), ("Cote d'Ivoire", "CI"), ("CÔTE D\u2019IVOIRE", "CI"), ("Ivory Coast", "CI"), ("Turkey", "TR"),
        ("Türkiye", "TR"), ("Viet Nam", "VN"), ("Vietnam", "VN"), ("Russia", "RU"), ("Iran", "IR"), ("Bolivia", "BO"), ("Taiwan", "TW"),
        ("Czech Republic", "CZ"), ("Macedonia", "MK"), ("Kosovo", "XK"), ("Puerto Rico", "PR"), ("Republic of Ireland", "IE"),
        ("Bosnia & Herzegovina", "BA"), ("Federal Republic of Germany", "DE"), ("Mexico City", None), ("", None), ("-", None), ("\x00", None),
    ],
)  # fmt: skip
def test_a_country_is_read_by_code_or_name(places: Places, text: str, code: str | None) -> None:
    assert places.read_country(text) == code


def test_every_country_of_iso_is_read_by_its_codes_and_names(places: Places) -> None:
    for country in pycountry.countries:
        for text in (
            country.alpha_2,
            country.alpha_3,
            country.numeric,
            country.name,
            getattr(country, "official_name", country.name),
        ):
            assert places.read_country(text) == country.alpha_2


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Austrlia", "Australia"),
        ("Germny", "Germany"),
        ("New Zeeland", "New Zealand"),
        ("Korea", None),
        ("Atlantis", None),
        ("XX", None),
    ],
)
def test_a_near_country_is_suggested_by_its_name(places: Places, text: str, name: str | None) -> None:
    assert places.suggest_country(text) == name


@pytest.mark.parametrize(
    ("text", "country", "name"),
    [
        ("NSW", "AU", "New South Wales"), ("nsw", "AU", "New South Wales"), ("AU-NSW", "AU", "New South Wales"), ("N.S.W.", "AU", "New South Wales"),
        ("new  south wales", "AU", "New South Wales"), ("State of Victoria", "AU", "Victoria"), ("US-NSW", "AU", None), ("NSW", "US", None),
        ("Bavaria", "DE", "Bayern"), ("Thueringen", "DE", "Thüringen"), ("thuringen", "DE", "Thüringen"), ("Freistaat Sachsen", "DE", "Sachsen"),
        ("Baden Württemberg", "DE", "Baden-Württemberg"), ("Tuscany", "IT", "Toscana"), ("Lombardy", "IT", "Lombardia"), ("Sicily", "IT", "Sicilia"),
        ("Sicilia", "IT", "Sicilia"), ("Andalusia", "ES", "Andalucía"), ("ANDALUCIA", "ES", "Andalucía"), ("Catalonia", "ES", "Catalunya"),
        ("Cataluña", "ES", "Catalunya"), ("Comunidad de Madrid", "ES", "Madrid, Comunidad de"), ("Galicia", "ES", "Galicia"),
        ("Newport", "GB", "Newport"), ("Casnewydd", "GB", "Newport"), ("Cymru", "GB", "Wales"), ("Kent", "GB", "Kent"),
        ("County Cork", "IE", "Cork"), ("Co. Cork", "IE", "Cork"), ("Washington State", "US", "Washington"), ("Washington DC", "US", "District of Columbia"),
        ("Tokyo-to", "JP", "Tokyo"), ("Osaka Prefecture", "JP", "Osaka"), ("Québec", "CA", "Quebec"), ("Stockholm", "SE", "Stockholms län"),
        ("Elgeyo Marakwet", "KE", "Elgeyo/Marakwet"), ("Rio Grande do Sul", "BR", "Rio Grande do Sul"), ("ile de france", "FR", "Île-de-France"),
        ("Brittany", "FR", "Bretagne"), ("Puerto Rico", "US", "Puerto Rico"), ("PR", "US", "Puerto Rico"), ("Free State", "ZA", "Free State"),
        ("Victora", "AU", None), ("", "AU", None), ("...", "AU", None), ("state", "AU", None), ("Bayern", "AU", None), ("NSW", "XX", None),
    ],
)  # fmt: skip
def test_a_state_is_read_by_code_or_name_and_kept_by_the_lists_name(
    places: Places, text: str, country: str, name: str | None
) -> None:
    assert places.read_state(text, country) == name


def test_every_state_is_read_by_its_code_and_by_the_name_it_is_kept_by(places: Places) -> None:
    for subdivision in pycountry.subdivisions:
        country = subdivision.country_code
        name = places.read_state(subdivision.code, country)
        assert name is not None
        assert places.read_state(name, country) == name
        assert places.read_state(subdivision.name, country) is not None


def test_a_kept_name_has_no_brackets_with_codes(places: Places) -> None:
    assert [state.name for state in places.states("GB") if "[" in state.name or "GB-" in state.name] == []


def test_near_states_are_suggested_nearest_first_and_far_ones_are_not(places: Places) -> None:
    assert places.suggest_states("Victora", "AU") == ("Victoria",)
    assert places.suggest_states("Calif.", "US") == ("California",)
    assert places.suggest_states("North Caralina", "US")[0] == "North Carolina"
    assert places.suggest_states("Bavarria", "DE") == ("Bayern",)
    assert places.suggest_states("xyz", "AU") == ()
    assert places.suggest_states("Ruritania", "AU") == ()
    assert len(places.suggest_states("Ohi", "US")) <= 3


def test_a_territory_that_is_also_a_state_works_both_ways(places: Places) -> None:
    assert places.read_country("Puerto Rico") == "PR"
    assert places.has_states("PR") is False
    assert places.read_state("Puerto Rico", "US") == "Puerto Rico"


def test_a_country_without_subdivisions_has_no_states(places: Places) -> None:
    assert places.has_states("AU") is True
    assert places.has_states("XK") is False
    assert places.states("HK") == ()


@pytest.mark.parametrize("country", FIRST_CITIES)
def test_the_first_city_of_a_state_is_its_largest(places: Places, country: str) -> None:
    for pair in FIRST_CITIES[country].split(", "):
        code, _, city = pair.partition(" ")
        name = places.read_state(f"{country}-{code}", country)
        assert name is not None
        assert (code, places.first_city(country, name)) == (code, city)


@pytest.mark.parametrize("country", FIRST_CITIES)
def test_every_state_of_the_upper_level_has_a_first_city(places: Places, country: str) -> None:
    # The outlying islands of the US have no town; France's territories without settlements neither.
    without = {
        state.code
        for state in places.states(country)
        if not state.is_nested and not places.first_city(country, state.name)
    }
    assert without <= {
        "UM",
        "CP",
        "TF",
        "BL",
        "MF",
        "PM",
        "WF",
        "NC",
        "PF",
        "GU",
        "MP",
        "AS",
        "VI",
        "PR",
        "974",
        "971",
        "972",
        "973",
        "976",
    }


def test_a_state_nobody_knows_has_no_first_city(places: Places) -> None:
    assert places.first_city("AU", "Ruritania") is None
    assert places.first_city("XX", "") is None


def test_the_users_states_replace_the_shipped_ones(tmp_path: Path) -> None:
    mine = load_places(_lists(tmp_path, states="Name,Code,Country\nNorth Island,NI,New Zealand\nSouth Island,,NZ\n"))
    assert [state.name for state in mine.states("NZ")] == ["North Island", "South Island"]
    assert mine.read_state("nz-ni", "NZ") == "North Island"
    assert mine.read_state("Auckland", "NZ") is None
    assert mine.has_states("AU") is False


def test_the_shipped_cities_follow_the_names_of_the_users_states(tmp_path: Path) -> None:
    mine = load_places(_lists(tmp_path, states="country,code,name\nAU,NSW,new south wales\nDE,BY,Bayern\n"))
    assert mine.first_city("AU", "new south wales") == "Sydney"
    assert mine.first_city("DE", "Bayern") == "Munich"


def test_the_first_city_of_the_users_list_is_the_default(tmp_path: Path) -> None:
    cities = "\ufeffcountry,state,city\nAU,NSW,Dubbo\nAustralia,New South Wales,Sydney\n\nXK,Anything,Prizren\n"
    mine = load_places(_lists(tmp_path, cities=cities))
    assert mine.first_city("AU", "New South Wales") == "Dubbo"
    assert mine.first_city("AU", "Victoria") is None
    assert mine.first_city("XK", "anything") == "Prizren"


def test_a_changed_list_is_read_again(tmp_path: Path) -> None:
    reference = _lists(tmp_path, states="country,code,name\nNZ,A,Aorangi\n")
    assert load_places(reference) is load_places(reference)
    _lists(tmp_path, states="country,code,name\nNZ,A,Aorangi\nNZ,B,Bluff\n")
    assert len(load_places(reference).states("NZ")) == 2


@pytest.mark.parametrize(
    ("states", "cities", "message"),
    [
        ("country,name\nAU,X\n", None, "states_file.csv, line 1: the header lacks code"),
        ("", None, "states_file.csv, line 1: the header lacks country, code, name"),
        ("country,code,name\nAU,X,Xland\nAtlantis,Y,Yland\n", None, "states_file.csv, line 3: country is not"),
        ("country,code,name\nAU,X,\n", None, "states_file.csv, line 2: name is empty"),
        ("country,code,name\nAU,X\n", None, "states_file.csv, line 2: 3 cells expected, 2 found"),
        ('country,code,name\nAU,X,"Xland\n', None, "states_file.csv, line 2: unexpected end of data"),
        (b"country,code,name\nAU,X,\xff\n", None, "states_file.csv is not UTF-8 text"),
        (None, "country,state,city\nAU,Ruritania,Zenda\n", "cities_file.csv, line 2: state is not"),
        (None, 'country,state,city\nAU,NSW,"Syd\tney"\n', "line 2: a cell must be one line of text"),
        (None, "country,state,city\nAU,NSW,\n", "cities_file.csv, line 2: city is empty"),
    ],
)
def test_a_broken_list_is_named_with_its_line(
    tmp_path: Path, states: str | bytes | None, cities: str | None, message: str
) -> None:
    with pytest.raises(SettingsInvalid) as caught:
        load_places(_lists(tmp_path, states=states, cities=cities))
    assert message in str(caught.value)


def test_a_list_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match=r"reference\.states_file: .*gone\.csv cannot be read"):
        load_places(Reference(states_file=tmp_path / "gone.csv"))
