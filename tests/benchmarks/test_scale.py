"""How the figures of many imports by several run workers are made; ``make scale`` runs them, which takes minutes."""

import pytest

from benchmarks.scale import most_at_once


@pytest.mark.parametrize(
    ("spans", "most"),
    [([(0, 1)], 1), ([(0, 1), (1, 2)], 1), ([(0, 3), (1, 2), (1.5, 4), (3, 5)], 3)],
    ids=["one", "one after the other", "three of four"],
)
def test_runs_are_at_once_only_while_they_share_a_moment(spans: list[tuple[float, float]], most: int) -> None:
    assert most_at_once(spans) == most
