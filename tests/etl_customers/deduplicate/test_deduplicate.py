"""Which rows are loaded: the answer must be that of loading row by row."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from etl_customers.deduplicate.deduplicate import DeduplicateCounts, deduplicate_customers
from etl_customers.staging import Staging, open_staging
from etl_customers.target.tables import customers, identity_keys, imports, metadata

Keys = list[list[int]]
"""Per row, from row 2 on, the numbers that stand for its identity keys."""

_EXISTING_CUSTOMER = 7


def load_row_by_row(rows: Keys, existing: set[int]) -> tuple[list[int], set[tuple[int, str, str]]]:
    """Say what a plain loop would do: the rows it loads, and (row, code, reference) of its errors."""
    claimed: dict[int, int] = {}
    loaded: list[int] = []
    errors: set[tuple[int, str, str]] = set()
    for row, keys in enumerate(rows, start=2):
        found = {(row, "already_exists", str(_EXISTING_CUSTOMER)) for key in keys if key in existing}
        found |= {(row, "duplicate_in_file", str(claimed[key])) for key in keys if key in claimed}
        if found:
            errors |= found
        else:
            loaded.append(row)
            claimed.update(dict.fromkeys(keys, row))
    return loaded, errors


@contextmanager
def staged(rows: Keys, existing: set[int]) -> Iterator[tuple[Staging, sa.Connection]]:
    """Yield a staging file with these rows and a target that has the existing keys."""
    engine = sa.create_engine("sqlite://")
    metadata.create_all(engine)
    with TemporaryDirectory() as folder, open_staging(Path(folder) / "i.duckdb", 256) as staging:
        staging.append("validated_customers", pl.DataFrame({"row": range(2, len(rows) + 2)}, schema={"row": pl.Int64}))
        keys = [
            (row, "phone", f"+{key}", "mobile")
            for row, of_row in enumerate(rows, start=2)
            for key in sorted(set(of_row))
        ]
        schema = {"row": pl.Int64, "kind": pl.String, "value": pl.String, "column": pl.String}
        staging.append("customer_keys", pl.DataFrame(keys, schema=schema, orient="row"))
        with engine.begin() as connection:
            now = datetime.now(UTC)
            ledger = {"import_id": "i", "source": "csv", "status": "finished", "content_key": "k", "accepted_at": now}
            connection.execute(sa.insert(imports).values(ledger))
            customer = {"id": _EXISTING_CUSTOMER, "is_active": True, "import_id": "i", "import_row": 2}
            connection.execute(sa.insert(customers).values(customer | {"created_at": now, "updated_at": now}))
            for key in existing:
                claim = {"kind": "phone", "value": f"+{key}", "customer_id": _EXISTING_CUSTOMER}
                connection.execute(sa.insert(identity_keys).values(claim))
            yield staging, connection


def answer(staging: Staging) -> tuple[list[int], set[tuple[int, str, str]]]:
    """Return the rows to load and the errors, as ``load_row_by_row`` does."""
    loaded = [row for (row,) in staging.rows('select "row" from deduplicated_rows order by "row"')]
    errors = set(staging.rows("select \"row\", code, reference from row_errors where stage = 'deduplicate'"))
    return loaded, errors


@given(
    rows=st.lists(st.lists(st.integers(0, 8), min_size=1, max_size=4), max_size=14),
    existing=st.sets(st.integers(0, 8), max_size=3),
)
def test_the_rows_loaded_are_those_that_a_plain_loop_would_load(rows: Keys, existing: set[int]) -> None:
    with staged(rows, existing) as (staging, target):
        counts = deduplicate_customers(staging, target)
        loaded, errors = load_row_by_row(rows, existing)
        assert answer(staging) == (loaded, errors)
        assert counts == DeduplicateCounts(deduplicated=len(loaded), failed=len({row for row, _, _ in errors}))


def test_a_row_that_fails_claims_nothing() -> None:
    with staged([[1], [1, 2], [2]], existing=set()) as (staging, target):
        deduplicate_customers(staging, target)
        assert answer(staging) == ([2, 4], {(3, "duplicate_in_file", "2")})


def test_a_row_that_the_target_has_claims_nothing_either() -> None:
    with staged([[1, 2], [2]], existing={1}) as (staging, target):
        deduplicate_customers(staging, target)
        assert answer(staging) == ([3], {(2, "already_exists", "7")})


def test_all_reasons_of_a_duplicate_are_named() -> None:
    with staged([[1], [2], [1, 2, 3]], existing={3}) as (staging, target):
        deduplicate_customers(staging, target)
        expected = {(4, "duplicate_in_file", "2"), (4, "duplicate_in_file", "3"), (4, "already_exists", "7")}
        assert answer(staging)[1] == expected


def test_a_long_chain_of_shared_keys_is_decided_in_one_go() -> None:
    with staged([[n, n + 1] for n in range(5000)], existing=set()) as (staging, target):
        assert deduplicate_customers(staging, target) == DeduplicateCounts(deduplicated=2500, failed=2500)


def test_deciding_again_forgets_the_first_answer() -> None:
    with staged([[1], [1], [2]], existing={2}) as (staging, target):
        first = deduplicate_customers(staging, target)
        before = answer(staging)
        target.execute(sa.delete(identity_keys))
        assert deduplicate_customers(staging, target) == DeduplicateCounts(deduplicated=2, failed=1)
        assert answer(staging) != before
        assert first == DeduplicateCounts(deduplicated=1, failed=2)


@pytest.mark.parametrize("rows", [[], [[1]]])
def test_nothing_to_compare_is_no_error(rows: Keys) -> None:
    with staged(rows, existing=set()) as (staging, target):
        assert deduplicate_customers(staging, target).failed == 0
