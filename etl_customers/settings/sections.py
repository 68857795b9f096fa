"""The home folder and the settings: the only module that reads the environment.

What a setting means to a stage is that stage's business; here are names, types,
defaults and where a value came from.
"""

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import pydantic
from pydantic import BaseModel, ConfigDict, Field
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from etl_customers.base.errors import DiskUnavailable, SettingsInvalid
from etl_customers.settings.types import FilePath, HostName, Line, OptionalLine
from schemas.columns import CUSTOMER_COLUMNS
from schemas.sources import PROVIDERS, QUICKBOOKS

HOME_VARIABLE = "ETL_CUSTOMERS_HOME"
DATABASE_VARIABLE = "ETL_CUSTOMERS_DATABASE_URL"
SECRET_KEY_VARIABLE = "ETL_CUSTOMERS_SECRET_KEY"
"""Holds the key of stored tokens, in the place of the home's ``secret.key``."""
"""What a person is told to run who has never said in which country the company is."""
_PREFIX = "ETL_CUSTOMERS_"
_SETTINGS_FILE = "settings.toml"


@dataclass(frozen=True)
class Home:
    """The folder that holds everything of one installation; each part has a property."""

    path: Path

    @property
    def settings_file(self) -> Path:
        """``settings.toml``; need not exist."""
        return self.path / _SETTINGS_FILE

    @property
    def inbox(self) -> Path:
        """Files dropped here are imported."""
        return self.path / "inbox"

    @property
    def inbox_accepted(self) -> Path:
        """Files of the inbox whose import is under way, each named ``<import id>--<its name>``."""
        return self.inbox / "accepted"

    @property
    def inbox_done(self) -> Path:
        """Files of the inbox that were imported, their passwords blanked."""
        return self.inbox / "done"

    @property
    def inbox_rejected(self) -> Path:
        """What could not be imported, each beside a note that says why."""
        return self.inbox / "rejected"

    @property
    def uploads(self) -> Path:
        """Copies of the files under import; each is deleted when its import ends."""
        return self.path / "uploads"

    @property
    def staging(self) -> Path:
        """One DuckDB file per import."""
        return self.path / "staging"

    @property
    def failed(self) -> Path:
        """One failed-rows file per import that had failed rows."""
        return self.path / "failed"

    @property
    def dagster(self) -> Path:
        """The Dagster home (DAGSTER_HOME)."""
        return self.path / "dagster"

    @property
    def embedded_database(self) -> Path:
        """The SQLite file that is the target unless a database URL is set."""
        return self.path / "customers.db"

    @property
    def secret_key(self) -> Path:
        """The key of stored tokens, made by the first ``connect``; mode 0600."""
        return self.path / "secret.key"

    def make(self) -> "Home":
        """Make the folder and its parts, readable by their owner only.

        Raises:
            DiskUnavailable: A folder cannot be made.
        """
        inbox = (self.inbox, self.inbox_accepted, self.inbox_done, self.inbox_rejected)
        for folder in (self.path, *inbox, self.uploads, self.staging, self.failed, self.dagster):
            try:
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            except OSError as error:
                raise DiskUnavailable(folder, error.strerror or "cannot be made") from None
        return self


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Company(_Section):
    """Whose customers these are; fills what a row leaves open (R10, R12)."""

    name: Line = "My company"
    country: str = Field("US", pattern=r"^[A-Z]{2}$", description="ISO 3166-1 alpha-2 code")
    city: OptionalLine = Field(None, description="taken where a row has neither city nor state")

    @property
    def has_country(self) -> bool:
        """Whether anybody has set the country; the default is nobody's wish."""
        return "country" in self.model_fields_set


class Csv(_Section):
    """How files are read (R3, R4, R13)."""

    max_rows: int = Field(2500, ge=1, le=10**12, description="most data rows of a file")
    max_bytes: int = Field(64 * 1024 * 1024, ge=1, le=10**15, description="largest file, and largest unpacked .xlsx")
    encoding: OptionalLine = Field(None, description="taken when --encoding is not given; UTF-8 and UTF-16 need none")
    required: tuple[Literal[CUSTOMER_COLUMNS], ...] = ("first_name", "last_name", "city")  # type: ignore[valid-type]
    ignore_unknown_columns: bool = False
    aliases: dict[str, str] = Field(default_factory=dict, description="further header = column")


class Duplicates(_Section):
    """Which columns say who a customer is (R18)."""

    keys: tuple[Literal["email", "mobile", "phone"], ...] = ("email", "mobile", "phone")


class Passwords(_Section):
    """Cost of argon2id; OWASP's minimum is the least that is accepted (R5)."""

    memory_kib: int = Field(19456, ge=19456, le=4 * 1024 * 1024)
    iterations: int = Field(2, ge=2, le=1_000)
    parallelism: int = Field(1, ge=1, le=128)


class Retention(_Section):
    """How long what is not the customer's own record is kept."""

    days: int = Field(7, ge=0, le=36_500)


class Inbox(_Section):
    """How files that are dropped into ``inbox/`` are imported."""

    enabled: bool = Field(True, description="the Dagster daemon imports what is dropped there")
    settle_seconds: float = Field(5, ge=0, le=3600, description="a file is taken when unchanged for so long")


class SecretUrl(pydantic.Secret[pydantic.HttpUrl]):
    """A URL of which only the host may be shown: chat tools put their key into the path."""

    def _display(self) -> str:
        url = self.get_secret_value()
        return f"{url.scheme}://{url.host}/**********"


class Alerts(_Section):
    """Who is told of imports that fail, or of rows that do; without a URL or a file, nobody."""

    webhook_url: SecretUrl | None = Field(None, description="gets a POST with a JSON object")
    log_file: FilePath | None = Field(None, description="gets a line of JSON")
    on_failed_rows: bool = Field(True, description="also when an import finished with failed rows")
    failed_share: float = Field(0.1, ge=0, le=1, description="more failed rows than this share make a check warn")


class Ui(_Section):
    """The web server that ``etl-customers ui`` starts."""

    password: pydantic.SecretStr | None = Field(None, min_length=12, description="asked for by the browser")
    allowed_hosts: tuple[HostName, ...] = Field((), description="further names under which it is reached, without port")
    show_file_names: bool = Field(False, description="let Dagster keep the names of uploaded files")


class Reference(_Section):
    """The user's own lists of places, CSV files that replace the shipped ones (R10, R12)."""

    states_file: FilePath | None = Field(None, description="columns country, code, name")
    cities_file: FilePath | None = Field(
        None, description="columns country, state, city; first of a state is its default"
    )


class Staging(_Section):
    """Limits of DuckDB while it works on one import."""

    memory_limit_mb: int = Field(512, ge=64, le=16 * 1024 * 1024)
    chunk_rows: int = Field(50_000, ge=1, le=10_000_000, description="rows in memory at a time")


def _require_https(url: pydantic.HttpUrl) -> pydantic.HttpUrl:
    """Tokens travel to these addresses: only this machine itself may be spoken to in clear."""
    if url.scheme != "https" and url.host not in ("localhost", "127.0.0.1", "[::1]"):
        raise ValueError("must begin with https://")
    if url.username or url.password or url.query or url.fragment:
        raise ValueError("must have no user, password or query in it")
    return url


SecureUrl = Annotated[pydantic.HttpUrl, pydantic.AfterValidator(_require_https)]


class Provider(_Section):
    """What pulls from any provider have in common (R4, R25)."""

    scheduled: bool = Field(False, description="pull every hour; all customers as often as full_every_days says")
    full_every_days: int = Field(
        7, ge=1, le=365, description="days after which a pull by the clock is of all customers"
    )
    required: tuple[Literal[CUSTOMER_COLUMNS], ...] = Field((), description="besides a person's or a business name")  # type: ignore[valid-type]
    on_unreadable: Literal["leave_out", "fail"] = Field(
        "leave_out", description="of a title, e-mail, number, state or country that the rules cannot read"
    )
    country: str | None = Field(
        None, pattern=r"^[A-Z]{2}$", description="of customers who do not say theirs; none: the connected company's"
    )
    link_existing: bool = Field(False, description="link a customer that the target has from elsewhere, and update it")
    vanished_share: float = Field(0.05, ge=0, le=1, description="a pull stops where more customers are gone")
    deadline_minutes: int = Field(120, ge=1, le=7 * 24 * 60, description="longest time of one try to pull")
    redirect_uri: pydantic.HttpUrl = Field(
        pydantic.HttpUrl("http://localhost:8734/callback"), description="as it was entered at the provider"
    )


class QuickBooks(Provider):
    """QuickBooks Online; client id and secret come from the environment only."""

    requests_per_minute: int = Field(480, ge=1, le=1_000_000, description="of one company; Intuit allows 500")
    sub_customers: Literal["import", "leave_out"] = Field("import", description="customers below another customer")
    api_url: SecureUrl = pydantic.HttpUrl("https://quickbooks.api.intuit.com")
    authorize_url: SecureUrl = pydantic.HttpUrl("https://appcenter.intuit.com/connect/oauth2")
    token_url: SecureUrl = pydantic.HttpUrl("https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer")
    revoke_url: SecureUrl = pydantic.HttpUrl("https://developer.api.intuit.com/v2/oauth2/tokens/revoke")


class Xero(Provider):
    """Xero; client id and secret come from the environment only."""

    requests_per_minute: int = Field(58, ge=1, le=1_000_000, description="of one organisation; Xero allows 60")
    include_suppliers: bool = Field(False, description="also contacts that only sell to the company")
    include_unused: bool = Field(True, description="also contacts that have neither bought nor sold")
    api_url: SecureUrl = pydantic.HttpUrl("https://api.xero.com")
    authorize_url: SecureUrl = pydantic.HttpUrl("https://login.xero.com/identity/connect/authorize")
    token_url: SecureUrl = pydantic.HttpUrl("https://identity.xero.com/connect/token")
    revoke_url: SecureUrl = pydantic.HttpUrl("https://identity.xero.com/connect/revocation")


class Settings(BaseSettings):
    """All settings in force; build them with ``load_settings``."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True, case_sensitive=False
    )

    company: Company = Company()
    csv: Csv = Csv()
    duplicates: Duplicates = Duplicates()
    passwords: Passwords = Passwords()
    retention: Retention = Retention()
    inbox: Inbox = Inbox()
    alerts: Alerts = Alerts()
    ui: Ui = Ui()
    reference: Reference = Reference()
    staging: Staging = Staging()
    quickbooks: QuickBooks = QuickBooks()
    xero: Xero = Xero()

    def provider(self, name: str) -> QuickBooks | Xero:
        """Return the section of a provider, one of ``schemas.sources.PROVIDERS``."""
        section: QuickBooks | Xero = getattr(self, name)
        return section

    def required_of(self, source: str) -> tuple[str, ...]:
        """Return the columns that a row of a source needs; a provider's needs a name besides (R4)."""
        return self.provider(source).required if source in PROVIDERS else self.csv.required

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment first, then the home's settings.toml; no .env, no secrets folder."""
        return env_settings, init_settings


class _SettingsOfFile(Settings):
    """The same, read from the file alone."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Nothing but what is given."""
        return (init_settings,)


@dataclass(frozen=True)
class ClientCredentials:
    """By what a provider knows the application that an account has registered there."""

    id: str
    secret: str | None = field(repr=False)
    """None where the application has none (Xero, PKCE alone)."""


@dataclass(frozen=True)
class SettingOrigin:
    """One setting in force and where it was read."""

    name: str
    value: object
    origin: str


def find_home(option: Path | None = None) -> Home:
    """Return the home named by ``option``, else by the environment, else ``.etl-customers`` here."""
    chosen = option or Path(os.environ.get(HOME_VARIABLE) or ".etl-customers")
    return Home(chosen.absolute())


def database_url(home: Home) -> str:
    """Return the SQLAlchemy URL of the target: the environment's, else the embedded SQLite file."""
    return os.environ.get(DATABASE_VARIABLE) or f"sqlite:///{home.embedded_database}"


def secret_keys() -> str | None:
    """Return the keys of stored tokens as the environment has them, none where it has none."""
    return os.environ.get(SECRET_KEY_VARIABLE) or None


def client_credentials(provider: str) -> ClientCredentials:
    """Return the client id and secret of a provider, from the environment only.

    Raises:
        SettingsInvalid: The id is missing, QuickBooks has no secret, or one is no plain ASCII.
    """
    names = [f"{_PREFIX}{provider.upper()}_CLIENT_{part}" for part in ("ID", "SECRET")]
    client_id, secret = (os.environ.get(name, "").strip() for name in names)
    wanted = names if provider == QUICKBOOKS else names[:1]
    problems = [
        f"{name} is not set; it is shown where the application is registered"
        for name in wanted
        if not os.environ.get(name, "").strip()
    ]
    problems += [
        f"{name} holds other than plain ASCII characters"
        for name, value in zip(names, (client_id, secret), strict=True)
        if not re.fullmatch("[!-~]*", value)
    ]
    if problems:
        raise SettingsInvalid(tuple(problems))
    return ClientCredentials(client_id, secret or None)


def load_settings(home: Home) -> Settings:
    """Read the settings in force: environment over ``settings.toml`` over defaults.

    Raises:
        SettingsInvalid: Names every setting that has a wrong name, type or value.
    """
    in_file = read_settings_file(home)
    _refuse_unknown_sections()
    try:
        return Settings(**in_file)
    except pydantic.ValidationError as error:
        problems = tuple(
            f"{'.'.join(map(str, detail['loc']))} ({_origin(home, in_file, *detail['loc'][:2])}): {_allowed(detail)}"
            for detail in error.errors(include_input=False, include_url=False)
        )
        raise SettingsInvalid(problems) from None
    except SettingsError as error:
        # The one thing it is raised for; its text names the section, its cause holds the value.
        section = re.search(r'field "(\w+)"', str(error))
        name = f"{_PREFIX}{section[1].upper()}" if section else f"a variable {_PREFIX}…"
        raise SettingsInvalid((f"{name}, or a list or table below it ({name}__…), is not JSON",)) from None


def settings_with_origins(home: Home) -> Iterator[SettingOrigin]:
    """Yield every setting with its value and where it came from, in the order of the sections."""
    settings, in_file = load_settings(home), read_settings_file(home)
    for section, model in settings:
        for key, value in model:
            yield SettingOrigin(f"{section}.{key}", value, _origin(home, in_file, section, key))


def settings_of_file(in_file: Mapping[str, Any]) -> Settings:
    """Return the settings that ``settings.toml`` alone would make; see first that it has no problems."""
    return _SettingsOfFile(**in_file)


def problems_in_file(in_file: Mapping[str, Any]) -> dict[tuple[str, ...], str]:
    """Return the settings that ``settings.toml`` may not have, whatever the environment says, each with what is allowed."""
    try:
        _SettingsOfFile(**in_file)
    except pydantic.ValidationError as error:
        details = error.errors(include_input=False, include_url=False)
        return {tuple(map(str, detail["loc"])): _allowed(detail) for detail in details}
    return {}


def overriding_variable(section: str, key: str) -> str | None:
    """Return the environment variable from which a setting is read instead of ``settings.toml``, if there is one."""
    name, whole = f"{_PREFIX}{section}__{key}".upper(), f"{_PREFIX}{section}".upper()
    return next(
        (one for one in os.environ if one.upper() in (name, whole) or one.upper().startswith(f"{name}__")), None
    )


def variable_of(section: str, key: str) -> str:
    """Return the name of the environment variable that holds a setting."""
    return f"{_PREFIX}{section}__{key}".upper()


def _origin(home: Home, in_file: Mapping[str, Any], section: object, key: object = "") -> str:
    """Return the variable or the file that a setting was read from, ``default`` where from neither."""
    variable = overriding_variable(str(section), str(key))
    if variable is not None:
        return variable
    values = in_file.get(str(section))
    return (
        str(home.settings_file) if values is not None and (not isinstance(values, dict) or key in values) else "default"
    )


def _refuse_unknown_sections() -> None:
    """Pydantic passes over a variable whose section it does not know: a misspelt one would go unnoticed."""
    for name in os.environ:
        section, is_setting, _ = name.upper().removeprefix(_PREFIX).partition("__")
        if name.upper().startswith(_PREFIX) and is_setting and section.lower() not in Settings.model_fields:
            raise SettingsInvalid((f"{name}: there is no section {section.lower()}; see: etl-customers settings",))


def _allowed(detail: Mapping[str, Any]) -> str:
    """Say in plain words what a setting may be; pydantic's own words are for programmers."""
    context = detail.get("ctx", {})
    words = {
        "bool": "must be true or false",
        "dict": "must be a table",
        "float": "must be a number",
        "int": "must be a whole number",
        "list": "must be a list",
        "model": "must be a table",
        "string": "must be text",
        "tuple": "must be a list",
        "url": "must be an address such as https://example.com",
    }
    kind = str(detail["type"])
    match kind:
        case "greater_than_equal":
            return f"must be at least {context['ge']}"
        case "less_than_equal":
            return f"must be at most {context['le']}"
        case "literal_error":
            return f"must be {context['expected']}"
        case "string_too_short":
            return f"must have at least {context['min_length']} characters"
        case "string_pattern_mismatch":
            return "must be the two letters of a country's code, such as AU"
        case "extra_forbidden":
            return "there is no such setting"
        case "value_error":
            return str(detail["msg"]).removeprefix("Value error, ")
    return words.get(kind.partition("_")[0], str(detail["msg"]))


def read_settings_file(home: Home) -> dict[str, Any]:
    """Return what ``settings.toml`` holds, nothing where there is none.

    Raises:
        SettingsInvalid: It is not TOML; names the line.
        DiskUnavailable: It cannot be read.
    """
    path = home.settings_file
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise DiskUnavailable(path, error.strerror or "cannot be read") from None
    except (ValueError, RecursionError) as error:  # also a number of thousands of digits, or as many brackets
        raise SettingsInvalid((f"{path} is not TOML: {error}",)) from None
