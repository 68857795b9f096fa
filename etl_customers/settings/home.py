"""The home: the folder that holds everything of one installation."""

import os
from dataclasses import dataclass
from pathlib import Path

from etl_customers.base.errors import DiskUnavailable

HOME_VARIABLE = "ETL_CUSTOMERS_HOME"
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


def find_home(option: Path | None = None) -> Home:
    """Return the home named by ``option``, else by the environment, else ``.etl-customers`` here."""
    chosen = option or Path(os.environ.get(HOME_VARIABLE) or ".etl-customers")
    return Home(chosen.absolute())
