"""A home with an accepted import, for tests of the Dagster face."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from dagster._core.storage.defs_state.base import DefsStateStorage

from etl_customers.imports.accepting import accept_upload
from etl_customers.imports.installation import Installation, open_installation
from etl_customers.settings.home import Home
from tests.environment import keep_only_ours

FILE = (
    "first_name,last_name,email,city,state,country\n"
    "Ada,Canaryname,ada@canary.example,Sydney,NSW,AU\n"
    "Bob,,bob@canary.example,Sydney,Canarystate,AU\n"
    "Ada,Again,ADA@canary.example,Sydney,NSW,AU\n"
)


@pytest.fixture(autouse=True)
def _only_our_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    keep_only_ours(monkeypatch)


@pytest.fixture(autouse=True)
def _nothing_of_an_instance_stays() -> Iterator[None]:
    """See that the test left nothing behind that would make definitions fail in a later test of the process.

    Dagster keeps what belongs to the current instance in a context variable. A context that is not left by ``with``
    is left whenever the garbage collector comes to it, and puts back the storage of an instance that is closed.
    """
    yield
    assert DefsStateStorage.get() is None


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    """A new home on its embedded database."""
    opened = open_installation(Home(tmp_path / "home"))
    yield opened
    opened.target.dispose()


@pytest.fixture
def import_id(installation: Installation, tmp_path: Path) -> str:
    """An accepted import of three rows, of which one is loaded."""
    file = tmp_path / "customers.csv"
    file.write_text(FILE, encoding="utf-8")
    return accept_upload(installation, file).record.import_id
