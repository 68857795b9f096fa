"""Both fakes, running."""

from collections.abc import Iterator

import pytest

from tests.fakes.provider_server import running
from tests.fakes.quickbooks import FakeQuickBooks
from tests.fakes.xero import FakeXero


@pytest.fixture
def quickbooks() -> Iterator[FakeQuickBooks]:
    """A company without customers."""
    with running(FakeQuickBooks()) as fake:
        yield fake


@pytest.fixture
def xero() -> Iterator[FakeXero]:
    """An organisation without contacts."""
    with running(FakeXero()) as fake:
        yield fake


@pytest.fixture(params=["quickbooks", "xero"])
def fake(request: pytest.FixtureRequest) -> FakeQuickBooks | FakeXero:
    """A company without customers; the test runs once for each provider."""
    provider: FakeQuickBooks | FakeXero = request.getfixturevalue(request.param)
    return provider
