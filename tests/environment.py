"""Which of our variables tests have in their environment: those of the run itself, and the country that homes need."""

import os

import pytest

COUNTRY = "ETL_CUSTOMERS_COMPANY__COUNTRY"
SERVER_FOLDER = "ETL_CUSTOMERS_TEST_SERVER"
"""Names the folder of this run's PostgreSQL server; pytest-xdist's workers inherit it."""
KEPT = (COUNTRY, SERVER_FOLDER)


def keep_only_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take out every variable of the product that whoever runs the tests has set, for one test."""
    for name in list(os.environ):
        if name.startswith("ETL_CUSTOMERS_") and name not in KEPT:
            monkeypatch.delenv(name)
