"""What staging gives to the load: every row once, in the order of the file, a few at a time."""

import json
from collections.abc import Callable

import pytest

from etl_customers.load.failures import staged_failures
from etl_customers.load.staged_rows import StagedRows
from etl_customers.staging import Staging

from .conftest import Upload

Stage = Callable[[Upload], Staging]
UPLOAD = Upload(
    valid={
        row: {"email": f"{row}@example.com", "keys": [("email", f"{row}@example.com"), ("phone", f"+{row}")]}
        for row in (30, 2, 7, 9, 11, 12, 13)
    },
    failed={row: [("mobile", "invalid_phone", None)] for row in (21, 3, 20, 8, 5)},
)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_rows_come_in_chunks_with_all_that_belongs_to_them(stage: Stage, size: int) -> None:
    rows = StagedRows(stage(UPLOAD), {}, {}, rows_at_a_time=size)

    chunks = list(rows.chunks())

    assert [row for chunk in chunks for row in chunk.customers["row"]] == [2, 7, 9, 11, 12, 13, 30]
    assert max(chunk.customers.height for chunk in chunks) <= size
    for chunk in chunks:
        assert sorted(chunk.keys["row"]) == sorted([*chunk.customers["row"]] * 2)


@pytest.mark.parametrize("size", [1, 2, 5, 100])
def test_failed_rows_come_in_chunks_in_the_order_of_the_file(stage: Stage, size: int) -> None:
    rows = StagedRows(stage(UPLOAD), {}, {}, rows_at_a_time=size)

    frames = list(rows.failed_rows())

    assert [row for frame in frames for row in frame["row"]] == [3, 5, 8, 20, 21]
    assert max(frame.height for frame in frames) <= size
    assert all(json.loads(text)[0]["code"] == "invalid_phone" for frame in frames for text in frame["errors"])


def test_rows_that_were_not_deduplicated_are_not_given(stage: Stage) -> None:
    staging = stage(UPLOAD)
    staging.execute('delete from deduplicated_rows where "row" in (2, 13)')

    (chunk,) = StagedRows(staging, {}, {}).chunks()

    assert list(chunk.customers["row"]) == [7, 9, 11, 12, 30]
    assert {2, 13}.isdisjoint(chunk.keys["row"])


def test_failures_of_a_part_of_the_file_can_be_asked_for(stage: Stage) -> None:
    assert [failed.row for failed in staged_failures(stage(UPLOAD), 5, 20)] == [5, 8, 20]
