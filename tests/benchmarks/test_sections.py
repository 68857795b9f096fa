"""What sections make of runs: the right ratios, goals at the promised sizes only, no figure of runs that disagree."""

from pathlib import Path

import pytest

from benchmarks.crowded import crowded
from benchmarks.figures import Number, Table
from benchmarks.growth import growth
from benchmarks.measure import CannotMeasure, Run
from benchmarks.stages import stages
from tests.benchmarks.benches import ENGINE_STAGES, Asked, PreparedBench, run_of


def _numbers(table: Table, row: int) -> list[float]:
    return [round(cell.value, 3) for cell in table.rows[row] if isinstance(cell, Number)]


def test_growth_compares_time_per_row_with_that_of_100_000_rows_and_runs_ten_million_once(tmp_path: Path) -> None:
    seen: list[int] = []

    def answer(asked: Asked) -> Run:
        seen.append(asked.rows)
        return run_of(asked.rows, asked.rows * (3e-5 if asked.rows > 100_000 else 2e-5), peak_mb=1700)

    table = growth(PreparedBench(tmp_path, answer), (100_000, 1_000_000, 10_000_000), 3)
    assert [seen.count(rows) for rows in (100_000, 1_000_000, 10_000_000)] == [3, 3, 1]
    assert _numbers(table, 2) == [300.0, 30.0, 1.5, 1700.0]
    assert [(number.goal and number.goal.at_most, round(number.value, 1)) for number in table.goals()] == [
        (1536, 1700.0),
        (1.3, 1.5),
        (2048, 1700.0),
    ]


def test_a_crowded_target_is_compared_with_an_empty_one_on_files_that_share_no_customer(tmp_path: Path) -> None:
    starts: list[int] = []

    def answer(asked: Asked) -> Run:
        if asked.start > 1_000_000:
            starts.append(asked.start)
        is_known = asked.is_full and asked.rows == 2_500 and asked.start < 1_000_000
        return run_of(asked.rows, 1.1 if asked.is_full else 1.0, loaded=0 if is_known else asked.rows)

    table = crowded(PreparedBench(tmp_path, answer), (1_000_000, 2_500), 3)
    assert [row[0] for row in table.rows] == [
        f"{kind}, {sort}" for kind in ("PostgreSQL", "SQLite") for sort in ("new customers", "customers all there")
    ]
    assert [_numbers(table, row) for row in range(4)] == [[1.0, 1.1, 1.1]] * 4
    assert len(table.goals()) == 4
    # Each file goes into an empty target and into the crowd of both kinds.
    assert sorted(set(starts)) == [1_010_000, 1_020_000, 1_030_000]
    assert len(starts) == 12


def test_no_figure_is_shown_where_the_crowd_was_not_met(tmp_path: Path) -> None:
    bench = PreparedBench(tmp_path, lambda asked: run_of(asked.rows, 1.0))
    with pytest.raises(AssertionError, match="customers all there"):
        crowded(bench, (1_000, 100), 1)


def test_stages_stand_below_the_whole_import(tmp_path: Path) -> None:
    bench = PreparedBench(tmp_path, lambda asked: run_of(asked.rows, 6.0))
    table = stages(bench, (1_000,), 2)
    assert [row[0] for row in table.rows] == ["whole import", "a row", "peak memory", *ENGINE_STAGES]
    assert _numbers(table, 0) == [6.0, 6.0]
    assert _numbers(table, 1) == [6000.0, 6000.0]
    assert _numbers(table, 3) == [1.0, 1.0]


def test_a_file_for_which_the_disk_has_no_room_is_not_begun(tmp_path: Path) -> None:
    bench = PreparedBench(tmp_path, lambda asked: run_of(asked.rows, 1.0))
    with pytest.raises(CannotMeasure, match="make room, or name another folder with --folder"):
        super(PreparedBench, bench).file(10**12)
    assert not list(tmp_path.iterdir())
