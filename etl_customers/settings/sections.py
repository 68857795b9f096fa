"""The sections of the settings: names, types, defaults. What a setting means to a stage is that stage's business."""

from typing import Annotated, ClassVar, Literal

import pydantic
from pydantic import BaseModel, ConfigDict, Field
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from etl_customers.settings.environment import PREFIX
from etl_customers.settings.types import FilePath, HostName, Line, OptionalLine
from schemas.columns import CUSTOMER_COLUMNS
from schemas.sources import PROVIDERS


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Company(_Section):
    """Whose customers these are; fills what a row leaves open (R10, R12)."""

    name: Line = "My company"
    country: str = Field("US", pattern=r"^[A-Z]{2}$", description="ISO 3166-1 alpha-2 code")
    city: OptionalLine = Field(None, description="used if a row has neither city nor state")

    @property
    def has_country(self) -> bool:
        """Whether anybody has set the country; the default is nobody's wish."""
        return "country" in self.model_fields_set


class Csv(_Section):
    """How files are read (R3, R4, R13)."""

    max_rows: int = Field(2500, ge=1, le=10**12, description="most data rows of a file")
    max_bytes: int = Field(64 * 1024 * 1024, ge=1, le=10**15, description="largest file, and largest unpacked .xlsx")
    encoding: OptionalLine = Field(None, description="used if --encoding is not given; UTF-8 and UTF-16 need none")
    required: tuple[Literal[CUSTOMER_COLUMNS], ...] = ("first_name", "last_name", "city")  # type: ignore[valid-type]
    ignore_unknown_columns: bool = False
    aliases: dict[str, str] = Field(default_factory=dict, description="extra header = column")


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

    enabled: bool = Field(True, description="the Dagster daemon imports files that are put there")
    settle_seconds: float = Field(5, ge=0, le=3600, description="a file is taken when it has not changed for this long")


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
    failed_share: float = Field(0.1, ge=0, le=1, description="a larger share of failed rows makes a check warn")


class Ui(_Section):
    """The web server that ``etl-customers ui`` starts."""

    password: pydantic.SecretStr | None = Field(None, min_length=12, description="the browser asks for it")
    allowed_hosts: tuple[HostName, ...] = Field((), description="more names that it is reached by, without port")
    show_file_names: bool = Field(False, description="let Dagster store the names of uploaded files")


class Reference(_Section):
    """The user's own lists of places, CSV files that replace the shipped ones (R10, R12)."""

    states_file: FilePath | None = Field(None, description="columns country, code, name")
    cities_file: FilePath | None = Field(
        None, description="columns country, state, city; the first city of a state is its default"
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
    full_every_days: int = Field(7, ge=1, le=365, description="days after which a scheduled pull is of all customers")
    required: tuple[Literal[CUSTOMER_COLUMNS], ...] = Field((), description="besides a person's or a business name")  # type: ignore[valid-type]
    on_unreadable: Literal["leave_out", "fail"] = Field(
        "leave_out", description="what to do with a title, e-mail, number, state or country that the rules cannot read"
    )
    country: str | None = Field(
        None, pattern=r"^[A-Z]{2}$", description="for customers without one; if not set, the connected company's"
    )
    region: OptionalLine = Field(None, description="the connected company's state; if not set, what the provider says")
    link_existing: bool = Field(False, description="link and update a customer that the target has from elsewhere")
    vanished_share: float = Field(0.05, ge=0, le=1, description="a pull stops if a larger share of customers is gone")
    deadline_minutes: int = Field(120, ge=1, le=7 * 24 * 60, description="longest time of one attempt to pull")
    redirect_uri: pydantic.HttpUrl = Field(
        pydantic.HttpUrl("http://localhost:8734/callback"), description="as it was entered at the provider"
    )


class QuickBooks(Provider):
    """QuickBooks Online; client id and secret come from the environment only."""

    requests_per_minute: int = Field(480, ge=1, le=1_000_000, description="of one company; Intuit allows 500")
    sub_customers: Literal["import", "leave_out"] = Field(
        "import", description="what to do with customers below another customer"
    )
    api_url: SecureUrl = pydantic.HttpUrl("https://quickbooks.api.intuit.com")
    authorize_url: SecureUrl = pydantic.HttpUrl("https://appcenter.intuit.com/connect/oauth2")
    token_url: SecureUrl = pydantic.HttpUrl("https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer")
    revoke_url: SecureUrl = pydantic.HttpUrl("https://developer.api.intuit.com/v2/oauth2/tokens/revoke")


class Xero(Provider):
    """Xero; client id and secret come from the environment only."""

    requests_per_minute: int = Field(58, ge=1, le=1_000_000, description="of one organisation; Xero allows 60")
    include_suppliers: bool = Field(False, description="also sync contacts that are only suppliers")
    include_unused: bool = Field(True, description="also sync contacts that have no sales and no purchases")
    api_url: SecureUrl = pydantic.HttpUrl("https://api.xero.com")
    authorize_url: SecureUrl = pydantic.HttpUrl("https://login.xero.com/identity/connect/authorize")
    token_url: SecureUrl = pydantic.HttpUrl("https://identity.xero.com/connect/token")
    revoke_url: SecureUrl = pydantic.HttpUrl("https://identity.xero.com/connect/revocation")


class Settings(BaseSettings):
    """All settings in force; build them with ``load_settings``."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True, case_sensitive=False
    )

    reads_environment: ClassVar[bool] = True

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
        return (env_settings, init_settings) if cls.reads_environment else (init_settings,)
