"""An environment in which a fake is named by its own fixture alone."""

import pytest

from tests.environment import keep_only_ours


@pytest.fixture(autouse=True)
def _only_our_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    keep_only_ours(monkeypatch)
