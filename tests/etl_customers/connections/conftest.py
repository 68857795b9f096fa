"""A home on a fresh target and a running fake, reached by the environment as in real life."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from etl_customers.settings import Home
from tests.fakes.provider_server import running
from tests.fakes.quickbooks import FakeQuickBooks
from tests.fakes.xero import FakeXero


@pytest.fixture(autouse=True)
def _only_our_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("ETL_CUSTOMERS_") and name != "ETL_CUSTOMERS_TEST_SERVER":
            monkeypatch.delenv(name)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A new home."""
    return Home(tmp_path / "home").make()


@pytest.fixture
def quickbooks(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeQuickBooks]:
    """A running fake QuickBooks, named by the environment."""
    with running(FakeQuickBooks()) as fake:
        for name, value in fake.environment().items():
            monkeypatch.setenv(name, value)
        yield fake


@pytest.fixture
def xero(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeXero]:
    """A running fake Xero, named by the environment."""
    with running(FakeXero()) as fake:
        for name, value in fake.environment().items():
            monkeypatch.setenv(name, value)
        yield fake
