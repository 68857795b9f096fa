"""Changing settings.toml by command: what is written, what is left as it is, what is refused."""

import tomllib
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl_customers.base.errors import NotFound, SettingsInvalid, UsageError
from etl_customers.settings.changes import set_setting, unset_setting
from etl_customers.settings.home import Home
from etl_customers.settings.in_force import load_settings
from etl_customers.settings.sections import Settings
from tests.properties import examples, mutated

WRITTEN = (
    '# ours\r\n[csv]\nmax_rows = 10 # few\n\n[company]   # who\nname = "Büro"\n\n'
    '[csv.aliases]\n"Cust. Name" = "last_name"\nTown = \'city\'\n'
)


def _any(settings: Settings) -> None:
    """Content with all settings."""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home whose settings a person has written."""
    home = Home(tmp_path / "home").make()
    home.settings_file.write_bytes(WRITTEN.encode())
    return home


def _text(home: Home) -> str:
    return home.settings_file.read_bytes().decode()


def test_a_setting_is_written_and_comments_order_and_all_else_stay(home: Home) -> None:
    change = set_setting(home, "csv.max_rows", "20", _any)
    assert (change.name, change.value, change.is_changed) == ("csv.max_rows", 20, True)
    assert _text(home) == WRITTEN.replace("10 # few", "20 # few")
    set_setting(home, "company.country", "AU", _any)
    assert _text(home) == WRITTEN.replace("10 # few", "20 # few").replace('"Büro"\n', '"Büro"\ncountry = "AU"\n')


def test_a_setting_that_is_set_to_what_it_is_leaves_the_file_alone(home: Home) -> None:
    before = home.settings_file.stat()
    assert not set_setting(home, "csv.max_rows", "10", _any).is_changed
    assert home.settings_file.stat().st_ino == before.st_ino


def test_a_setting_that_is_taken_out_has_its_default_again(home: Home) -> None:
    assert unset_setting(home, "csv.max_rows").is_changed
    assert load_settings(home).csv.max_rows == 2500
    assert not unset_setting(home, "csv.max_rows").is_changed
    assert load_settings(home).company.name == "Büro"


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("csv.required", "first_name, last_name", ["first_name", "last_name"]),
        ("csv.required", "", []),
        ("ui.allowed_hosts", "one.example.com", ["one.example.com"]),
        ("csv.ignore_unknown_columns", "yes", True),
        ("retention.days", "30", 30),
        ("alerts.failed_share", "0.25", 0.25),
        ("company.name", "Wattle & Co, “Sydney”", "Wattle & Co, “Sydney”"),
        ("company.name", "2500", "2500"),
        ("csv.aliases.Phone (home). No", "phone", "phone"),
        ("csv.aliases.Name a.b", "first_name", "first_name"),
        ("csv.aliases.Title", "", ""),
        ("csv.aliases.Title", "\u200b ", ""),
        ("company.city", " Per\u200bth", "Perth"),
        ("company.name", "می\u200cخواهم", "می\u200cخواهم"),
        ("xero.api_url", "https://api.example.com", "https://api.example.com"),
        ("QuickBooks.On-Unreadable", "fail", "fail"),
    ],
)
def test_a_value_is_written_as_its_type_and_read_back(home: Home, name: str, text: str, value: object) -> None:
    assert set_setting(home, name, text, _any).value == value
    found: object = tomllib.loads(_text(home))
    for part in name.split(".", 2):
        assert isinstance(found, dict)
        found = found[part if part in found else part.lower().replace("-", "_")]
    assert (found, type(found)) == (value, type(value))
    load_settings(home)


def test_a_file_is_named_from_the_root_so_that_it_is_found_from_anywhere(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert set_setting(home, "reference.cities_file", "cities.csv", _any).value == str(tmp_path / "cities.csv")


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("csv.max_rows", "0", "must be at least 1"),
        ("csv.max_rows", "many", "must be a whole number"),
        ("csv.ignore_unknown_columns", "perhaps", "must be true or false"),
        ("alerts.failed_share", "2", "must be at most 1"),
        ("duplicates.keys", "email,name", "'email', 'mobile' or 'phone'"),
        ("company.country", "Australia", "two letters"),
        ("company.city", " ", "settings unset company.city"),
        ("xero.api_url", "http://example.com", "must begin with https"),
        ("xero.redirect_uri", "nowhere", "must be an address"),
        ("csv.max_rows", "-5", "must be at least 1"),
        ("company.city", "\u200b", "settings unset company.city"),
        ("company.city", "Per\tth", "must be one line of text"),
        ("company.city", "x" * 256, "must have at most 255 characters"),
        ("company.name", "Wattle\nand Co", "must be one line of text"),
        ("company.name", "Wattle\x1b[2J", "must be one line of text"),
        ("csv.encoding", "utf-8\nx", "must be one line of text"),
        ("alerts.log_file", "a\nb.log", "must be a path without control characters"),
        ("ui.allowed_hosts", "a b", "must have names of hosts"),
        ("ui.allowed_hosts", "good.example.com,*", "must have names of hosts"),
        ("ui.allowed_hosts", "http://x", "must have names of hosts"),
        ("ui.allowed_hosts", "etl.example.com:3000", "must have names of hosts"),
        ("csv.aliases", "Town", r"settings set csv\.aliases\.HEADER COLUMN"),
    ],
)
def test_a_value_that_cannot_be_changes_nothing_and_what_can_be_is_said(
    home: Home, name: str, text: str, said: str
) -> None:
    with pytest.raises(UsageError, match=said) as refused:
        set_setting(home, name, text, _any)
    assert "name" not in text or text not in str(refused.value)
    assert _text(home) == WRITTEN


@pytest.mark.parametrize("section", ["csv", "company", "CSV", "quickbooks"])
def test_a_whole_section_is_neither_set_nor_taken_out_and_its_settings_are_named(home: Home, section: str) -> None:
    its_settings = f"{section.lower()} is a section, not a setting; name one of its settings: {section.lower()}\\."
    with pytest.raises(UsageError, match=its_settings):
        unset_setting(home, section)
    with pytest.raises(UsageError, match=its_settings):
        set_setting(home, section, "1", _any)
    assert _text(home) == WRITTEN


def test_a_section_that_is_none_can_be_taken_out(home: Home) -> None:
    home.settings_file.write_text('csv = 5\n[companies]\nname = "x"\n', encoding="utf-8")
    assert unset_setting(home, "csv").is_changed
    assert unset_setting(home, "companies").is_changed
    load_settings(home)


@pytest.mark.parametrize(
    "number",
    [
        f"{section}.{name}"
        for section, model in Settings()
        for name, value in model
        if isinstance(value, int | float) and not isinstance(value, bool)
    ],
)
@pytest.mark.parametrize("value", ["9" * 20, "9" * 400, "-1", "1e400", "inf", "nan"])
def test_no_number_is_without_limits(home: Home, number: str, value: str) -> None:
    with pytest.raises(UsageError, match="must be"):
        set_setting(home, number, value, _any)
    assert _text(home) == WRITTEN


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("company.contry", "company.country"),
        ("max_rows", "csv.max_rows"),
        ("quickbook.scheduled", "quickbooks.scheduled"),
        ("csv.max_rows.more", "csv.max_rows"),
    ],
)
def test_a_misspelt_name_is_answered_with_the_nearest(home: Home, name: str, nearest: str) -> None:
    with pytest.raises(NotFound, match=f"did you mean {nearest}"):
        set_setting(home, name, "1", _any)


@pytest.mark.parametrize(
    ("name", "variable"),
    [
        ("ui.password", "ETL_CUSTOMERS_UI__PASSWORD"),
        ("alerts.webhook_url", "ETL_CUSTOMERS_ALERTS__WEBHOOK_URL"),
        ("quickbooks.client_secret", "ETL_CUSTOMERS_QUICKBOOKS_CLIENT_SECRET"),
        ("xero.client_id", "ETL_CUSTOMERS_XERO_CLIENT_ID"),
        ("database_url", "ETL_CUSTOMERS_DATABASE_URL"),
        ("secret_key", "ETL_CUSTOMERS_SECRET_KEY"),
    ],
)
def test_a_secret_is_refused_with_the_variable_that_takes_it_and_not_repeated(
    home: Home, name: str, variable: str
) -> None:
    with pytest.raises(UsageError, match=variable) as refused:
        set_setting(home, name, "https://s3cret.example.com", _any)
    assert "s3cret" not in str(refused.value)
    assert _text(home) == WRITTEN


def test_a_secret_that_stands_in_the_file_can_be_taken_out(home: Home) -> None:
    home.settings_file.write_text('[ui]\npassword = "a long password"\n', encoding="utf-8")
    assert unset_setting(home, "ui.password").is_changed
    assert "password" not in _text(home)


def test_a_damaged_file_is_refused_with_its_line_and_left_as_it_is(home: Home) -> None:
    home.settings_file.write_text("[company]\nname = \n", encoding="utf-8")
    with pytest.raises(SettingsInvalid, match="line 2"):
        set_setting(home, "csv.max_rows", "5", _any)
    with pytest.raises(SettingsInvalid, match="line 2"):
        unset_setting(home, "csv.max_rows")
    assert _text(home) == "[company]\nname = \n"


def test_another_fault_in_the_file_is_said_with_the_command_that_takes_it_out(home: Home) -> None:
    home.settings_file.write_text("[csv]\nmax_row = 5\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"csv\.max_row.*settings unset csv\.max_row"):
        set_setting(home, "company.country", "AU", _any)
    assert unset_setting(home, "csv.max_row").is_changed
    assert set_setting(home, "company.country", "AU", _any).is_changed


def test_the_file_is_its_owners_only(home: Home) -> None:
    home.settings_file.chmod(0o644)
    set_setting(home, "csv.max_rows", "5", _any)
    assert home.settings_file.stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in home.path.iterdir() if path.is_file()) == ["settings.toml"]


def test_a_file_that_is_a_link_stays_one(home: Home, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.toml"
    home.settings_file.rename(elsewhere)
    home.settings_file.symlink_to(elsewhere)
    set_setting(home, "csv.max_rows", "5", _any)
    assert home.settings_file.is_symlink()
    assert "max_rows = 5 # few" in elsewhere.read_text("utf-8")


def test_two_at_once_do_not_lose_one_another(home: Home) -> None:
    names = [f"csv.aliases.Column {number}" for number in range(40)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda name: set_setting(home, name, "city", _any), names))
    assert len(load_settings(home).csv.aliases) == len(names) + 2


def test_a_variable_that_goes_before_the_file_is_named(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ETL_CUSTOMERS_CSV__MAX_ROWS", "30")
    assert set_setting(home, "csv.max_rows", "20", _any).overridden_by == "ETL_CUSTOMERS_CSV__MAX_ROWS"
    assert load_settings(home).csv.max_rows == 30


FORMS = (
    'csv = {max_rows = 10, required = ["city"], aliases = {Town = "city"}}\n',
    'csv.max_rows = 10\ncsv.aliases.Town = "city"\ncompany.name = "B\xfcro"\n',
    '[csv.aliases]\nTown = "city"\n[company]\nname = "x"\n[csv]\nmax_rows = 10\n',
    '["csv"]\n"max_rows" = 10\n\n[csv."aliases"] # a\n"Town" = "city" # b',
    "",
)


@examples(100, 3_000)
@given(
    content=mutated(st.sampled_from([form.encode() for form in FORMS])),
    change=st.sampled_from([("csv.max_rows", "7"), ("csv.aliases.Ort", "city"), ("company.country", "AU")]),
)
def test_whatever_form_the_file_has_it_is_changed_rightly_or_not_at_all(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, change: tuple[str, str]
) -> None:
    home = Home(tmp_path_factory.getbasetemp() / "forms").make()
    home.settings_file.write_bytes(content)
    for name, text in (change, (change[0], None)):
        before = home.settings_file.read_bytes()
        try:
            set_setting(home, name, text, _any) if text else unset_setting(home, name)
        except UsageError:
            assert home.settings_file.read_bytes() == before
    with suppress(SettingsInvalid):
        load_settings(home)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["csv.max_rows", "csv.aliases.Ort", "company.country"])
def test_any_usual_form_of_the_file_can_be_changed(home: Home, form: str, name: str) -> None:
    home.settings_file.write_text(form, encoding="utf-8")
    before = tomllib.loads(form)
    set_setting(home, name, {"csv.max_rows": "7", "csv.aliases.Ort": "city"}.get(name, "AU"), _any)
    assert tomllib.loads(_text(home)) != before
    unset_setting(home, name)
    load_settings(home)
