"""A home with an inbox, and what a daemon would do with it, without Dagster."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from etl_customers.database.connect import reading
from etl_customers.database.ledger import ImportRecord, list_imports
from etl_customers.imports.installation import Installation, open_installation
from etl_customers.inbox.accept import accept_files
from etl_customers.inbox.look import Entry, look_at
from etl_customers.inbox.names import parts_of
from etl_customers.inbox.settle import Settlement, settle_files
from etl_customers.settings.home import Home
from tests.imported import finish

ROW = "Ada,Lovelace,Sydney,ada@example.com,pass-word-1\n"
FILE = f"first_name,last_name,city,email,password\n{ROW}"


@dataclass
class Inbox:
    """The inbox of a home, with short words for what tests do to it."""

    installation: Installation

    @property
    def home(self) -> Home:
        return self.installation.home

    def drop(self, name: str = "customers.csv", text: str | bytes = FILE) -> Path:
        """Put a file into the inbox; by default one row with a password."""
        path = self.home.inbox / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    def entry(self, path: Path) -> Entry:
        """Look at a file as if it had been the same for long."""
        return look_at(path, self.installation.settings.csv.max_bytes)

    def accept(self, *paths: Path) -> int:
        """Accept these files and return how many were."""
        return accept_files(self.installation, [self.entry(path) for path in paths], most=100, seconds=60).accepted

    def run(self) -> None:
        """Carry the imports of all files in ``accepted/`` through their stages."""
        for import_id in sorted({parts_of(path.name)[0] for path in self.home.inbox_accepted.iterdir()}):
            finish(self.installation, import_id)

    def settle(self) -> Settlement:
        return settle_files(self.installation, [], seconds=60)

    def records(self) -> list[ImportRecord]:
        """Return all imports, the newest first."""
        with reading(self.installation.target) as connection:
            return list_imports(connection, 10_000)

    def names(self) -> dict[str, list[str]]:
        """Return what lies where."""
        folders = (self.home.inbox_accepted, self.home.inbox_done, self.home.inbox_rejected)
        found = {folder.name: sorted(path.name for path in folder.iterdir()) for folder in folders}
        return {"inbox": sorted(path.name for path in self.home.inbox.iterdir() if path.name not in found)} | found


@pytest.fixture
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    """A new home on its embedded database."""
    monkeypatch.delenv("ETL_CUSTOMERS_DATABASE_URL", raising=False)
    opened = open_installation(Home(tmp_path / "home"))
    yield opened
    opened.target.dispose()


@pytest.fixture
def inbox(installation: Installation) -> Inbox:
    return Inbox(installation)
