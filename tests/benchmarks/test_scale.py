"""Imports by several run workers on PostgreSQL storage: the processes of deploy/compose.yaml, without containers."""

from pathlib import Path

import pytest

from benchmarks.scale import Load, most_at_once, scale

WITHIN_SECONDS = 180


@pytest.mark.parametrize(
    ("spans", "most"),
    [([(0, 1)], 1), ([(0, 1), (1, 2)], 1), ([(0, 3), (1, 2), (1.5, 4), (3, 5)], 3)],
    ids=["one", "one after the other", "three of four"],
)
def test_runs_are_at_once_only_while_they_share_a_moment(spans: list[tuple[float, float]], most: int) -> None:
    assert most_at_once(spans) == most


def test_two_run_workers_import_what_is_dropped_each_file_once(
    tmp_path: Path, empty_postgresql_url: str, postgresql_url: str
) -> None:
    load = Load(files=4, rows=3, workers=2)
    outcome = scale(tmp_path, postgresql_url, empty_postgresql_url, load, WITHIN_SECONDS)
    assert outcome.customers == 12
    assert outcome.at_once == 2
