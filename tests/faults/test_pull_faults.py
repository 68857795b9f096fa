"""Whatever goes wrong at a provider: in the end the target holds its customers, once each, and the connection stands.

The mishaps are in ``pull_mishaps``, each by its name; those of later pulls are tested beside this file.
"""

from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlalchemy.engine import Engine

from tests.faults.enduring import Mishap, befalling, endure
from tests.faults.pull_mishaps import FIRST_PULL, LATER_PULL
from tests.faults.pulling import connected


@befalling(FIRST_PULL)
def test_a_first_pull_ends_with_the_providers_customers_in_spite_of(
    mishaps: Sequence[Mishap],
    tmp_path: Path,
    sqlite_target: Engine,
    undisturbed_target: Engine,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with connected(mishaps[0].provider, tmp_path, sqlite_target) as world:
        endure(world, mishaps, caplog, undisturbed_target)


def test_at_least_sixty_four_mishaps_have_a_name() -> None:
    names = [name for pulls in (FIRST_PULL, LATER_PULL) for together in pulls.values() for name in together]
    assert len(set(names)) == len(names) >= 64
