"""Which customers failed rows matched is kept with them, and holds when a customer is removed meanwhile."""

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from etl_customers.database.connect import reading, writing
from etl_customers.database.tables import customers, matched_customers
from etl_customers.deduplicate.deduplicate import deduplicate_customers
from etl_customers.load.load import load_customers
from etl_customers.staging import Staging

from .conftest import Upload

ADA: dict[str, Any] = {
    "first_name": "Ada",
    "email": "ada@example.com",
    "keys": [("email", "ada@example.com"), ("phone", "+41445550100")],
}
BOB: dict[str, Any] = {"first_name": "Bob", "email": "bob@example.com", "keys": [("email", "bob@example.com")]}
BOTH: dict[str, Any] = {"first_name": "Both", "keys": [("email", "ada@example.com"), ("email", "bob@example.com")]}


def matches(target: Engine, import_id: str) -> set[tuple[int, int]]:
    """Return row and customer of an import's matches."""
    query = sa.select(matched_customers.c.row, matched_customers.c.customer_id)
    with reading(target) as connection:
        return {(row, by) for row, by in connection.execute(query.where(matched_customers.c.import_id == import_id))}


def deduplicated(staging: Staging, target: Engine) -> Staging:
    """Look for the staged customers in the target."""
    with reading(target) as connection:
        deduplicate_customers(staging, connection)
    return staging


def test_each_customer_that_a_row_matched_is_kept_once(
    target: Engine, stage: Callable[[Upload], Staging], accept: Callable[..., str]
) -> None:
    load_customers(stage(Upload(valid={2: ADA, 3: BOB})), target, accept(target, "1"), {}, None)
    second = accept(target, "2")

    load_customers(deduplicated(stage(Upload(valid={2: ADA, 3: BOTH})), target), target, second, {}, None)

    assert matches(target, second) == {(2, 1), (3, 1), (3, 2)}


def test_a_race_that_was_lost_keeps_its_matches_too(
    target: Engine, stage: Callable[[Upload], Staging], accept: Callable[..., str]
) -> None:
    second = accept(target, "2")
    late = deduplicated(stage(Upload(valid={2: BOB, 3: ADA})), target)
    load_customers(stage(Upload(valid={2: ADA})), target, accept(target, "1"), {}, None)

    load_customers(late, target, second, {}, None)

    assert matches(target, second) == {(3, 1)}


def test_a_row_whose_match_was_removed_since_is_loaded(
    target: Engine, stage: Callable[[Upload], Staging], accept: Callable[..., str]
) -> None:
    load_customers(stage(Upload(valid={2: ADA, 3: BOB})), target, accept(target, "1"), {}, None)
    second = accept(target, "2")
    late = deduplicated(stage(Upload(valid={2: ADA, 3: BOB})), target)
    with writing(target) as connection:
        connection.execute(customers.delete().where(customers.c.id == 1))

    counts = load_customers(late, target, second, {}, None)

    assert (counts.loaded, counts.failed) == (1, 1)
    assert matches(target, second) == {(3, 2)}
