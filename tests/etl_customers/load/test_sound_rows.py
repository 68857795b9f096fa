"""The load asks the contract about every row: what was changed in staging, or came there by a bug, loads nothing."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from etl_customers.database.connect import reading
from etl_customers.database.ledger import ACCEPTED, find_import
from etl_customers.database.tables import customers, failed_rows, identity_keys
from etl_customers.imports import stages
from etl_customers.imports.installation import Installation
from etl_customers.load.load import load_customers
from etl_customers.load.pulled import load_pulled
from etl_customers.load.sound_rows import RowsBroken
from etl_customers.settings.home import Home
from etl_customers.settings.sections import Settings
from etl_customers.staging import Staging, open_staging
from schemas.validated_customers import validated_customers
from tests.imported import accept as accept_text
from tests.pulled import Books, contact, rows

from .conftest import Upload

ADA: dict[str, Any] = {"first_name": "Ada", "last_name": "Example", "email": "ada@example.com"}
CANARY = "canary-9f31"


def is_untouched(target: Engine, import_id: str) -> bool:
    """Tell whether nothing of an import is in the target, which is still to be loaded."""
    with reading(target) as connection:
        record = find_import(connection, import_id)
        counts = [
            connection.scalar(sa.select(sa.func.count()).select_from(table))
            for table in (customers, identity_keys, failed_rows)
        ]
    return record is not None and record.status == ACCEPTED and counts == [0, 0, 0]


@pytest.mark.parametrize(
    ("column", "value", "code"),
    [
        ("customer_title", "King", "unknown_title"),
        ("email", f"{CANARY} is no e-mail", "invalid_email"),
        ("mobile", "abc", "invalid_phone"),
        ("country", "zz!", "unknown_country"),
        ("city", CANARY * 1_000, "too_long"),
        ("last_name", "A\x1bda", "unprintable_character"),
        ("customer_type", None, "required"),
        ("custom_fields", "{", "no_json_object"),
    ],
)
def test_a_row_that_was_changed_in_staging_stops_the_load_and_nothing_is_loaded(
    target: Engine, stage: Callable[[Upload], Staging], accept: Callable[..., str], column: str, value: str, code: str
) -> None:
    import_id = accept(target)
    staging = stage(
        Upload(valid={2: ADA, 3: {**ADA, "email": "bob@example.com"}}, failed={4: [("city", "required", None)]})
    )
    staging.execute(f'update validated_customers set "{column}" = ? where "row" = 3', [value])
    with pytest.raises(RowsBroken) as stopped:
        load_customers(staging, target, import_id, {}, None)
    assert f"(row 3: {column}, {code}); nothing was loaded" in str(stopped.value)
    assert CANARY not in str(stopped.value)
    assert is_untouched(target, import_id)


def test_a_row_that_is_there_twice_stops_the_load(
    target: Engine, stage: Callable[[Upload], Staging], accept: Callable[..., str]
) -> None:
    import_id = accept(target)
    staging = stage(Upload(valid={2: ADA}))
    staging.execute("insert into validated_customers select * from validated_customers")
    with pytest.raises(RowsBroken, match="row 2: row, not_unique"):
        load_customers(staging, target, import_id, {}, None)
    assert is_untouched(target, import_id)


def test_many_broken_rows_are_counted(
    target: Engine, stage: Callable[[Upload], Staging], accept: Callable[..., str]
) -> None:
    staging = stage(Upload(valid={row: {**ADA, "customer_title": "King"} for row in range(2, 12)}))
    with pytest.raises(RowsBroken, match=r"row 4: customer_title, unknown_title; 7 more\)"):
        load_customers(staging, target, accept(target), {}, None)


def test_what_the_source_requires_is_asked_too(
    target: Engine, stage: Callable[[Upload], Staging], accept: Callable[..., str]
) -> None:
    import_id = accept(target)
    with pytest.raises(RowsBroken, match="row 2: city, required"):
        load_customers(stage(Upload(valid={2: ADA})), target, import_id, {}, None, validated_customers(("city",)))
    assert is_untouched(target, import_id)


def test_the_load_of_a_file_asks_for_what_the_settings_require(sqlite_target: Engine, tmp_path: Path) -> None:
    lax = Settings(csv={"required": ["first_name"]})
    installation = Installation(Home(tmp_path / "home").make(), lax, sqlite_target)
    import_id = accept_text(installation, "first_name,country\nAda,AU\n")
    stages.run_raw_csv(installation, import_id)
    stages.run_validated_customers(installation, import_id)
    stages.run_deduplicated_customers(installation, import_id)
    strict = replace(installation, settings=Settings(csv={"required": ["first_name", "email"]}))
    with pytest.raises(RowsBroken, match="row 2: email, required"):
        stages.run_loaded_customers(strict, import_id)
    assert is_untouched(sqlite_target, import_id)
    assert stages.run_loaded_customers(installation, import_id).loaded == 1


@pytest.mark.parametrize("is_known", [False, True], ids=["created", "changed"])
def test_a_pulled_row_that_was_changed_in_staging_stops_the_load_and_changes_nothing(
    sqlite_target: Engine, tmp_path: Path, is_known: bool
) -> None:
    books = Books(sqlite_target, tmp_path).connect()
    if is_known:
        books.pull(contact("a"))
    before = rows(sqlite_target, customers)
    import_id = books.accept()
    with open_staging(tmp_path / "changed.duckdb", 256) as staging:
        books.stage(staging, [contact("a", last="Newname", minutes=1)])
        staging.execute("insert into facts (name, text) values ('pull_since', '')")
        staging.execute("update validated_customers set customer_title = 'King'")
        with pytest.raises(RowsBroken, match="row 2: customer_title, unknown_title"):
            load_pulled(staging, sqlite_target, import_id, None, books.settings)
        assert rows(sqlite_target, customers) == before
        staging.execute("update validated_customers set customer_title = null, last_name = null, first_name = null")
        with pytest.raises(RowsBroken, match="row 2: business_name, name_missing"):
            load_pulled(staging, sqlite_target, import_id, None, books.settings)
    assert rows(sqlite_target, customers) == before
