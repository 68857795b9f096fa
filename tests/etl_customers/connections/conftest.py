"""An environment in which a fake is named by its own fixture alone."""

import os

import pytest


@pytest.fixture(autouse=True)
def _only_our_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("ETL_CUSTOMERS_") and name != "ETL_CUSTOMERS_TEST_SERVER":
            monkeypatch.delenv(name)
