"""A home that is connected to a running fake, for tests of pulls in Dagster."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from etl_customers.imports.installation import Installation, open_installation
from etl_customers.settings.home import Home
from tests.connected import connect_fake
from tests.fakes.provider_server import running
from tests.fakes.quickbooks import FakeQuickBooks

CANARIES = ("canary", "Canary", "customer.1@", "customer.2@", "Example Books")
"""What no page of Dagster's may show: customers' values, and the company's name."""


@contextmanager
def connected(folder: Path, scheduled: bool = False) -> Iterator[tuple[Installation, FakeQuickBooks]]:
    """Yield a new home on its embedded database, connected, and the fake with four customers, of which one is a project."""
    with running(FakeQuickBooks()) as fake, pytest.MonkeyPatch.context() as patch:
        for name, value in fake.environment().items():
            patch.setenv(name, value)
        patch.setenv("ETL_CUSTOMERS_QUICKBOOKS__SCHEDULED", "true" if scheduled else "false")
        fake.add(3, is_plain=True)
        fake.put({"DisplayName": "Canary Project", "IsProject": True})
        installation = open_installation(Home(folder / "home"))
        connect_fake(fake, installation.home, installation.target)
        yield installation, fake
        installation.target.dispose()
