"""Settings: where they come from, which go before which, and what is said of wrong ones."""

import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl_customers.base.errors import DiskUnavailable, SettingsInvalid
from etl_customers.imports.installation import open_installation
from etl_customers.settings.environment import database_url
from etl_customers.settings.home import Home, find_home
from etl_customers.settings.in_force import load_settings, settings_with_origins
from tests.properties import examples, mutated


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A made home."""
    return Home(tmp_path / "home").make()


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ETL_CUSTOMERS_HOME", "ETL_CUSTOMERS_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)


def test_the_environment_goes_before_the_file_and_the_file_before_the_default(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.settings_file.write_text('[csv]\nmax_rows = 10\nmax_bytes = 20\n[company]\nname = "Büro"\n', encoding="utf-8")
    monkeypatch.setenv("ETL_CUSTOMERS_CSV__MAX_ROWS", "30")
    settings = load_settings(home)
    assert (settings.csv.max_rows, settings.csv.max_bytes, settings.csv.ignore_unknown_columns) == (30, 20, False)
    assert settings.company.name == "Büro"


def test_every_setting_tells_where_it_was_read(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.settings_file.write_text("[csv]\nmax_bytes = 20\n", encoding="utf-8")
    monkeypatch.setenv("ETL_CUSTOMERS_DUPLICATES__KEYS", '["email"]')
    origins = {setting.name: (setting.value, setting.origin) for setting in settings_with_origins(home)}
    assert origins["duplicates.keys"] == (("email",), "ETL_CUSTOMERS_DUPLICATES__KEYS")
    assert origins["csv.max_bytes"] == (20, str(home.settings_file))
    assert origins["csv.max_rows"] == (2500, "default")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[csv]\nmax_rows = 'many'\n", "csv.max_rows"),
        ("[csv]\nmax_rows = 0\n", "csv.max_rows"),
        ("[csv]\nmax_row = 5\n", "csv.max_row"),
        ("[csv]\nrequired = ['shoe_size']\n", "csv.required"),
        ("[companies]\nname = 'x'\n", "companies"),
        ("[duplicates]\nkeys = ['name']\n", "duplicates.keys"),
        ("[passwords]\nmemory_kib = 1024\n", "passwords.memory_kib"),
        ("[csv\n", "not valid TOML"),
    ],
)
def test_a_wrong_setting_is_named(home: Home, text: str, named: str) -> None:
    home.settings_file.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsInvalid, match=named):
        load_settings(home)


def test_a_wrong_setting_is_named_with_the_place_where_it_was_read(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.settings_file.write_text("[csv]\nmax_rows = 0\n", encoding="utf-8")
    monkeypatch.setenv("ETL_CUSTOMERS_PASSWORDS__ITERATIONS", "1")
    with pytest.raises(SettingsInvalid) as refused:
        load_settings(home)
    assert f"csv.max_rows ({home.settings_file})" in str(refused.value)
    assert "passwords.iterations (ETL_CUSTOMERS_PASSWORDS__ITERATIONS)" in str(refused.value)


def test_a_misspelt_section_in_the_environment_is_named(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ETL_CUSTOMERS_CVS__MAX_ROWS", "5")
    with pytest.raises(SettingsInvalid, match="ETL_CUSTOMERS_CVS__MAX_ROWS: there is no section cvs"):
        load_settings(home)


def test_a_wrong_value_is_not_repeated(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ETL_CUSTOMERS_CSV__MAX_ROWS", "s3cret")
    with pytest.raises(SettingsInvalid) as refused:
        load_settings(home)
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize(
    "address",
    [
        "http://api.example.com/s3cret",
        "http://localhost.example.com/s3cret",
        "https://eva:s3cret@api.example.com/",
        "http://s3cret@127.0.0.1/",
        "https://api.example.com/?key=s3cret",
    ],
)
def test_tokens_go_to_no_address_in_clear_and_no_password_stands_in_one(
    home: Home, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("ETL_CUSTOMERS_XERO__API_URL", address)
    with pytest.raises(SettingsInvalid, match=r"xero.api_url.*must (begin with https|have no user)") as refused:
        load_settings(home)
    assert "s3cret" not in str(refused.value)


def test_the_companys_country_is_one(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ETL_CUSTOMERS_COMPANY__COUNTRY", "XX")
    with pytest.raises(SettingsInvalid, match=r"company\.country"):
        open_installation(home)


def test_the_home_is_the_option_else_the_environment_else_a_folder_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_home().path == tmp_path / ".etl-customers"
    monkeypatch.setenv("ETL_CUSTOMERS_HOME", str(tmp_path / "a"))
    assert find_home().path == tmp_path / "a"
    assert find_home(tmp_path / "b").path == tmp_path / "b"


def test_a_home_is_readable_by_its_owner_only(home: Home) -> None:
    parts = (home.path, home.inbox, home.uploads, home.staging, home.failed, home.dagster)
    assert {part.stat().st_mode & 0o777 for part in parts} == {0o700}


def test_a_home_that_cannot_be_made_is_said_with_its_path(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DiskUnavailable, match="file/home"):
        Home(tmp_path / "file" / "home").make()


def test_the_target_is_the_embedded_database_unless_a_url_is_set(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    assert database_url(home) == f"sqlite:///{home.path}/customers.db"
    monkeypatch.setenv("ETL_CUSTOMERS_DATABASE_URL", "postgresql://host/db")
    assert database_url(home) == "postgresql://host/db"


@pytest.mark.parametrize("variable", ["ETL_CUSTOMERS_CSV__REQUIRED", "ETL_CUSTOMERS_CSV"])
def test_a_list_in_the_environment_that_is_no_json_is_named_without_its_value(
    home: Home, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "email mobile")
    with pytest.raises(SettingsInvalid, match=r"ETL_CUSTOMERS_CSV.*JSON") as raised:
        load_settings(home)
    assert "mobile" not in str(raised.value)


TOML = b'[csv]\nmax_rows = 10\nrequired = ["city"]\naliases = {Town = "city"}\n[company]\nname = "B\xc3\xbcro"\n[retention]\ndays = 7\n'


@examples(100, 3_000)
@given(content=mutated(st.just(TOML)) | st.sampled_from([b"a = " + b"[" * 9_000, b"a = 1" + b"0" * 9_000]))
def test_any_settings_file_is_read_or_said_to_be_wrong(home: Home, content: bytes) -> None:
    home.settings_file.write_bytes(content)
    with suppress(SettingsInvalid):
        assert load_settings(home).csv.max_rows > 0


@examples(100, 3_000)
@given(
    name=st.sampled_from(
        ["CSV", "CSV__MAX_ROWS", "CSV__REQUIRED", "CSV__ALIASES", "COMPANY__COUNTRY", "RETENTION__DAYS"]
    ),
    value=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
    | st.recursive(
        st.none() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    ).map(json.dumps),
)
def test_any_variable_is_read_or_said_to_be_wrong(home: Home, name: str, value: str) -> None:
    with pytest.MonkeyPatch.context() as environment, suppress(SettingsInvalid):
        environment.setenv(f"ETL_CUSTOMERS_{name}", value)
        assert load_settings(home).csv.max_rows > 0


@pytest.mark.parametrize("is_in_file", [True, False])
def test_texts_of_settings_are_without_what_nobody_sees_wherever_they_stand(
    home: Home, monkeypatch: pytest.MonkeyPatch, *, is_in_file: bool
) -> None:
    def write(name: str, value: str) -> None:
        if is_in_file:
            section, _, key = name.partition(".")
            home.settings_file.write_text(f"[{section}]\n{key} = {json.dumps(value)}\n", encoding="utf-8")
        else:
            monkeypatch.setenv(f"ETL_CUSTOMERS_{name.replace('.', '__')}".upper(), value)

    write("company.city", " Per\u200bth\u2060 ")
    assert load_settings(home).company.city == "Perth"
    write("company.city", "\u200b")
    assert load_settings(home).company.city is None
    for city in ("Per\tth", "Per\nth", "Per\u2028th", "Per\x1bth"):
        write("company.city", city)
        with pytest.raises(SettingsInvalid, match=r"company\.city .* must be one line of text"):
            load_settings(home)
    write("company.city", "Perth")
    write("company.name", "\u200b")
    with pytest.raises(SettingsInvalid, match=r"company\.name .* must not be empty"):
        load_settings(home)


def test_names_of_the_web_server_are_as_browsers_send_them(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ETL_CUSTOMERS_UI__ALLOWED_HOSTS", '["ETL.example.com", "etl_1", "192.0.2.7", "2001:DB8::0:1"]')
    assert load_settings(home).ui.allowed_hosts == ("etl.example.com", "etl_1", "192.0.2.7", "[2001:db8::1]")
    for wrong in ("", "*", "a b", "http://x", "x:80", "-x.example.com", "x..y", "x/y", "bücher.example", "a" * 64):
        monkeypatch.setenv("ETL_CUSTOMERS_UI__ALLOWED_HOSTS", json.dumps([wrong]))
        with pytest.raises(SettingsInvalid, match=r"ui\.allowed_hosts.* must have names of hosts"):
            load_settings(home)
