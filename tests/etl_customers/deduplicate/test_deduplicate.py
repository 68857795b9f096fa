"""Which rows are loaded: the answer must be that of loading row by row."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from etl_customers.database.connect import reading
from etl_customers.database.tables import customers, identity_keys, imports, metadata
from etl_customers.deduplicate.deduplicate import DeduplicateCounts, deduplicate_customers
from etl_customers.staging import Staging, open_staging
from tests.properties import examples

Keys = list[list[int]]
"""Per row, from row 2 on, the numbers that stand for its identity keys."""

_KINDS = ("email", "phone", "name_address")
_COLUMNS = {"email": "email", "phone": "mobile", "name_address": "first_name"}
_EXISTING_CUSTOMERS = (7, 8)


def key_of(number: int) -> tuple[str, str]:
    """Return the kind and value that a number stands for; numbers share values, never both."""
    return _KINDS[number % 3], f"+{number // 3}"


def load_row_by_row(rows: Keys, existing: dict[int, int]) -> tuple[list[int], set[tuple[int, str, str]]]:
    """Say what a plain loop would do: the rows it loads, and (row, code, reference) of its errors."""
    claimed: dict[int, int] = {}
    loaded: list[int] = []
    errors: set[tuple[int, str, str]] = set()
    for row, keys in enumerate(rows, start=2):
        found = {(row, "already_exists", str(existing[key])) for key in keys if key in existing}
        found |= {(row, "duplicate_in_file", str(claimed[key])) for key in keys if key in claimed}
        if found:
            errors |= found
        else:
            loaded.append(row)
            claimed.update(dict.fromkeys(keys, row))
    return loaded, errors


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Staging, sa.Connection]]:
    """A staging file and a target with two customers that have no keys yet, which all tests fill in turn."""
    engine = sa.create_engine("sqlite://")
    metadata.create_all(engine)
    path = tmp_path_factory.mktemp("deduplicate") / "i.duckdb"
    with open_staging(path, 256) as staging, engine.begin() as connection:
        now = datetime.now(UTC)
        ledger = {"import_id": "i", "source": "csv", "status": "finished", "content_key": "k", "accepted_at": now}
        connection.execute(sa.insert(imports).values(ledger))
        for number in _EXISTING_CUSTOMERS:
            customer = {"id": number, "is_active": True, "import_id": "i", "import_row": number}
            connection.execute(sa.insert(customers).values(customer | {"created_at": now, "updated_at": now}))
        yield staging, connection
    engine.dispose()


Fill = Callable[[Keys, dict[int, int]], tuple[Staging, sa.Connection]]


@pytest.fixture(scope="module")
def staged(opened: tuple[Staging, sa.Connection]) -> Fill:
    """Fill the staging file with rows, and the target with keys and whose they are."""
    staging, connection = opened

    def fill(rows: Keys, existing: dict[int, int]) -> tuple[Staging, sa.Connection]:
        for table in ("validated_customers", "customer_keys", "existing_keys", "deduplicated_rows", "row_errors"):
            staging.execute(f'delete from "{table}"')
        staging.append("validated_customers", pl.DataFrame({"row": range(2, len(rows) + 2)}, schema={"row": pl.Int64}))
        keys = [
            (row, *key_of(number), _COLUMNS[key_of(number)[0]])
            for row, of_row in enumerate(rows, start=2)
            for number in sorted(set(of_row))
        ]
        schema = {"row": pl.Int64, "kind": pl.String, "value": pl.String, "column": pl.String}
        staging.append("customer_keys", pl.DataFrame(keys, schema=schema, orient="row"))
        connection.execute(sa.delete(identity_keys))
        for number, customer_id in existing.items():
            kind, value = key_of(number)
            claim = {"kind": kind, "value": value, "customer_id": customer_id}
            connection.execute(sa.insert(identity_keys).values(claim))
        return staging, connection

    return fill


def answer(staging: Staging) -> tuple[list[int], set[tuple[int, str, str]]]:
    """Return the rows to load and the errors, as ``load_row_by_row`` does."""
    loaded = [row for (row,) in staging.rows('select "row" from deduplicated_rows order by "row"')]
    errors = set(staging.rows("select \"row\", code, reference from row_errors where stage = 'deduplicate'"))
    return loaded, errors


@examples(60, 1_000)
@given(
    rows=st.lists(st.lists(st.integers(0, 8), min_size=1, max_size=4), max_size=14),
    existing=st.dictionaries(st.integers(0, 8), st.sampled_from(_EXISTING_CUSTOMERS), max_size=4),
)
def test_the_rows_loaded_are_those_that_a_plain_loop_would_load(
    staged: Fill, rows: Keys, existing: dict[int, int]
) -> None:
    staging, target = staged(rows, existing)
    counts = deduplicate_customers(staging, target)
    loaded, errors = load_row_by_row(rows, existing)
    assert answer(staging) == (loaded, errors)
    assert counts == DeduplicateCounts(deduplicated=len(loaded), failed=len({row for row, _, _ in errors}))


def test_a_row_that_fails_claims_nothing(staged: Fill) -> None:
    staging, target = staged([[1], [1, 2], [2]], {})
    deduplicate_customers(staging, target)
    assert answer(staging) == ([2, 4], {(3, "duplicate_in_file", "2")})


def test_a_row_that_the_target_has_claims_nothing_either(staged: Fill) -> None:
    staging, target = staged([[1, 2], [2]], {1: 7})
    deduplicate_customers(staging, target)
    assert answer(staging) == ([3], {(2, "already_exists", "7")})


def test_all_reasons_of_a_duplicate_are_named(staged: Fill) -> None:
    staging, target = staged([[1], [2], [1, 2, 3]], {3: 7})
    deduplicate_customers(staging, target)
    expected = {(4, "duplicate_in_file", "2"), (4, "duplicate_in_file", "3"), (4, "already_exists", "7")}
    assert answer(staging)[1] == expected


def test_a_long_chain_of_shared_keys_is_decided_in_one_go(staged: Fill) -> None:
    staging, target = staged([[n, n + 1] for n in range(5000)], {})
    assert deduplicate_customers(staging, target) == DeduplicateCounts(deduplicated=2500, failed=2500)


def test_more_duplicates_than_duckdb_writes_at_once_are_all_listed(tmp_path: Path, target: sa.Engine) -> None:
    """DuckDB 2.0.0 loses sight of rows where a statement that inserts none precedes one of 122,880 or more."""
    with open_staging(tmp_path / "many.duckdb", 256) as staging, reading(target) as connection:
        staging.execute("insert into row_errors select 'validate', i, 'email', 'x', null, null from range(1000) t(i)")
        staging.execute('insert into validated_customers ("row") select i from range(2, 200002) t(i)')
        staging.execute("""insert into customer_keys select i, 'email', (i % 50000)::varchar, 'email'
            from range(2, 200002) t(i)""")

        counts = deduplicate_customers(staging, connection)

        assert counts == DeduplicateCounts(deduplicated=50_000, failed=150_000)
        assert staging.number("select count(*) from row_errors") == 151_000


def test_deciding_again_forgets_the_first_answer(staged: Fill) -> None:
    staging, target = staged([[1], [1], [2]], {2: 7})
    first = deduplicate_customers(staging, target)
    before = answer(staging)
    target.execute(sa.delete(identity_keys))
    assert deduplicate_customers(staging, target) == DeduplicateCounts(deduplicated=2, failed=1)
    assert answer(staging) != before
    assert first == DeduplicateCounts(deduplicated=1, failed=2)


@pytest.mark.parametrize("rows", [[], [[1]]])
def test_nothing_to_compare_is_no_error(staged: Fill, rows: Keys) -> None:
    staging, target = staged(rows, {})
    assert deduplicate_customers(staging, target).failed == 0
