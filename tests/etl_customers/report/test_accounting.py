"""What is counted again in the target agrees with what was loaded, also after customers were removed."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from etl_customers.database.connect import reading, writing
from etl_customers.database.ledger import failed_rows_of
from etl_customers.database.tables import customers, identity_keys, removed_customers
from etl_customers.imports.accepting import accept_upload
from etl_customers.imports.installation import Installation, open_installation
from etl_customers.imports.whole import run_import
from etl_customers.report.accounting import (
    TargetKeys,
    TargetRows,
    account_for_validated,
    count_staged_rows,
    count_target_keys,
    count_target_rows,
    list_failed_rows,
)
from etl_customers.report.lineage import read_shown_columns
from etl_customers.settings.environment import DATABASE_VARIABLE
from etl_customers.settings.home import Home

FILE = "first_name,last_name,email,mobile,city\nA,B,a@example.com,+61491570156,C\nD,E,,,C\nF,,f@example.com,,C\n"


@pytest.fixture
def installation(tmp_path: Path, target_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    """A new home on each kind of database."""
    monkeypatch.setenv(DATABASE_VARIABLE, target_url)
    opened = open_installation(Home(tmp_path / "home"))
    yield opened
    opened.target.dispose()


def test_rows_and_keys_are_counted_in_the_target_itself(installation: Installation, tmp_path: Path) -> None:
    file = tmp_path / "upload.csv"
    file.write_text(FILE, encoding="utf-8")
    import_id = accept_upload(installation, file).record.import_id
    assert count_target_rows(installation.target, import_id) == TargetRows(0, 0, 0)
    assert count_target_keys(installation.target, import_id) == TargetKeys(0, 0, 0)
    run_import(installation, import_id)
    assert count_target_rows(installation.target, import_id) == TargetRows(customers=2, removed=0, failed=1)
    assert count_target_keys(installation.target, import_id) == TargetKeys(keys=3, keyless=0, shared=0)
    with writing(installation.target) as connection:
        gone, left = connection.scalars(sa.select(customers.c.id).order_by(customers.c.import_row))
        connection.execute(sa.delete(customers).where(customers.c.id == gone))
        connection.execute(
            sa.insert(removed_customers).values(
                customer_id=gone, import_id=import_id, import_row=2, reason="erased", removed_at=datetime.now(UTC)
            )
        )
        connection.execute(sa.delete(identity_keys).where(identity_keys.c.customer_id == left))
    rows = count_target_rows(installation.target, import_id)
    assert (rows, rows.loaded) == (TargetRows(customers=1, removed=1, failed=1), 2)
    assert count_target_keys(installation.target, import_id) == TargetKeys(keys=0, keyless=1, shared=0)


def test_a_key_that_a_customer_of_another_import_has_too_is_counted(installation: Installation, tmp_path: Path) -> None:
    ids = []
    for name in ("a", "b"):
        file = tmp_path / f"{name}.csv"
        file.write_text(f"first_name,last_name,email,city\n{name},B,{name}@example.com,C\n", encoding="utf-8")
        ids.append(accept_upload(installation, file).record.import_id)
        run_import(installation, ids[-1])
    with writing(installation.target) as connection:  # somebody's hand has taken the primary key away
        connection.exec_driver_sql("create table copied as select * from identity_keys")
        connection.exec_driver_sql("drop table identity_keys")
        connection.exec_driver_sql("alter table copied rename to identity_keys")
        connection.execute(identity_keys.update().values(value="a@example.com"))
    for import_id in ids:
        assert count_target_keys(installation.target, import_id) == TargetKeys(keys=1, keyless=0, shared=1)


def test_looking_at_an_import_whose_staging_was_deleted_makes_no_file(installation: Installation) -> None:
    file, limits = installation.staging_path("csv-20261122T081443Z-3fa9c1d2"), installation.settings.staging
    assert count_staged_rows(file, limits) is None
    assert account_for_validated(file, limits, validated=3, failed=2).is_balanced
    assert read_shown_columns(file, limits) == ()
    assert not file.exists()


def test_suggestions_are_shown_only_where_a_reference_list_has_them(installation: Installation, tmp_path: Path) -> None:
    file = tmp_path / "upload.csv"
    file.write_text(
        "first_name,last_name,city,state,country,date_joined\nA,B,C,Westen Australia,AU,2020-01-31\n", encoding="utf-8"
    )
    import_id = accept_upload(installation, file).record.import_id
    run_import(installation, import_id)
    with reading(installation.target) as connection:
        [kept] = failed_rows_of(connection, import_id)
    assert all(error["suggestion"] for error in kept.errors)
    shown = {cell.column: cell.suggestion for cell in list_failed_rows(installation.target, import_id, limit=9).first}
    assert shown == {"state": "Western Australia", "date_joined": None}
