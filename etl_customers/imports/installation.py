"""What every stage needs to find: the home, the settings in force, the target, and the paths of an import."""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine

from etl_customers.base.errors import SettingsInvalid
from etl_customers.database.connect import connect, ensure_migrated
from etl_customers.settings.environment import database_url
from etl_customers.settings.home import Home
from etl_customers.settings.in_force import load_settings
from etl_customers.settings.sections import Settings
from etl_customers.validate.places import load_places, read_region
from schemas.sources import PROVIDERS


@dataclass(frozen=True)
class Installation:
    """Everything that a stage needs to find: the home, the settings in force, the target."""

    home: Home
    settings: Settings
    target: Engine

    def upload_path(self, import_id: str) -> Path:
        """Return where the import's upload lies while it is under way."""
        return self.home.uploads / f"{import_id}.upload"

    def staging_path(self, import_id: str) -> Path:
        """Return the import's DuckDB file."""
        return self.home.staging / f"{import_id}.duckdb"

    def failed_rows_path(self, import_id: str) -> Path:
        """Return the import's failed-rows file, which exists only if rows failed."""
        return self.home.failed / f"{import_id}.csv"


def open_installation(home: Home) -> Installation:
    """Make the home where it is missing, read the settings, connect, and see that the tables are there.

    Raises:
        SettingsInvalid: A setting cannot be used.
        DiskUnavailable: The home cannot be made or written.
        DatabaseUnavailable: The target does not answer.
        DatabaseNotMigrated: The target is no embedded one and lacks this version's tables.
    """
    settings = load_settings(home.make())
    check_places(settings)
    url = database_url(home)
    target = connect(url)
    try:
        ensure_migrated(target, embedded=url == f"sqlite:///{home.embedded_database}")
    except BaseException:
        target.dispose()
        raise
    return Installation(home, settings, target)


def check_places(settings: Settings) -> None:
    """See that countries and regions of the settings are some, and that the user's lists of places can be read.

    Raises:
        SettingsInvalid: One cannot.
    """
    places = load_places(settings.reference)
    countries = {"company": settings.company.country} | {name: settings.provider(name).country for name in PROVIDERS}
    for section, country in countries.items():
        if country is not None and places.read_country(country) != country:
            remedy = f"run: etl-customers settings set {section}.country AU"
            raise SettingsInvalid((f"{section}.country: not an ISO 3166-1 alpha-2 code; {remedy}",))
    for name in PROVIDERS:
        country, region = countries[name], settings.provider(name).region
        if country is not None and region is not None and read_region(places, region, country) is None:
            remedy = f"take it out: etl-customers settings unset {name}.region; or see: etl-customers states {country}"
            raise SettingsInvalid((f"{name}.region: not a state of {name}.country, which is {country}; {remedy}",))
