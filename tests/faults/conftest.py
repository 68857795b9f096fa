"""What the fault tests share: processes to disturb."""

from collections.abc import Iterator

import pytest

from tests.faults.killing import Processes, processes


@pytest.fixture(scope="session")
def disturbed() -> Iterator[Processes]:
    """Processes of their own for what is to be killed, or to meet a fault."""
    with processes() as started:
        yield started
