"""The ledger: one import per content, statuses that only move forward, rows in order."""

import re
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from etl_customers.database.connect import reading, writing
from etl_customers.database.ledger import (
    FailedRow,
    ImportRecord,
    accept_import,
    count_left_out,
    failed_rows_of,
    find_import,
    finish_import,
    list_imports,
    password_hashes_of,
    refuse_import,
)
from etl_customers.database.tables import failed_rows, imports
from schemas.codes import MERGED, PROJECT, UNUSED

SHA = "3fa9c1d2" + "0" * 56
COUNTS = {"rows_read": 5, "rows_loaded": 3, "rows_failed": 2, "rows_unread": 0}


def test_an_accepted_import_is_named_by_source_time_and_content(target: Engine) -> None:
    record, is_new = _accept(target)

    assert is_new
    assert re.fullmatch(r"csv-\d{8}T\d{6}Z-3fa9c1d2", record.import_id)
    assert record.status == "accepted"
    assert abs(datetime.now(UTC) - record.accepted_at) < timedelta(minutes=1)
    with reading(target) as connection:
        assert find_import(connection, record.import_id) == record
        assert find_import(connection, "csv-unknown") is None


def test_the_same_content_is_the_same_import(target: Engine) -> None:
    first, _ = _accept(target, file_name="a.csv")
    second, is_new = _accept(target, file_name="b.csv")

    assert not is_new
    assert second == first


def test_a_finished_import_is_found_as_it_is(target: Engine) -> None:
    first, _ = _accept(target)
    _finish(target, first.import_id)

    second, is_new = _accept(target, encoding="cp1252")

    assert not is_new
    assert (second.status, second.rows_loaded, second.encoding) == ("finished", 3, None)


def test_a_refused_import_that_is_tried_again_has_the_name_of_the_file_now(target: Engine) -> None:
    first, _ = _accept(target, file_name="old.csv")
    same, _ = _accept(target, file_name="meanwhile.csv")
    with writing(target) as connection:
        refuse_import(connection, first.import_id, "not_utf8", "line 3 is not UTF-8", None)
    again, _ = _accept(target, file_name="new.csv")
    assert (first.import_id, same.file_name) == (again.import_id, "old.csv")
    assert again.file_name == "new.csv"


def test_a_refused_import_is_tried_again_with_the_encoding_named_now(target: Engine) -> None:
    first, _ = _accept(target)
    with writing(target) as connection:
        assert refuse_import(connection, first.import_id, "not_utf8", "line 3 is not UTF-8", None)
        refused = find_import(connection, first.import_id)
    assert refused is not None
    assert (refused.status, refused.refusal_code) == ("refused", "not_utf8")
    assert refused.finished_at is not None

    second, is_new = _accept(target, encoding="cp1252")

    assert not is_new
    assert second.import_id == first.import_id
    assert (second.status, second.encoding, second.refusal_code, second.finished_at) == (
        "accepted",
        "cp1252",
        None,
        None,
    )


def test_again_makes_another_import_even_within_the_same_second(target: Engine) -> None:
    records = [_accept(target)[0], *(_accept(target, again=True)[0] for _ in range(3))]

    assert len({record.import_id for record in records}) == 4
    assert len({record.content_key for record in records}) == 4


def test_two_contents_with_the_same_beginning_get_two_ids(target: Engine) -> None:
    records = [_accept(target, sha256=f"3fa9c1d2{number:056x}")[0] for number in range(5)]

    assert len({record.import_id for record in records}) == 5
    assert all(re.fullmatch(r"csv-\w+-3fa9c1d2(-\d)?", record.import_id) for record in records)


def test_of_many_that_accept_the_same_content_at_once_one_enters_it(target: Engine) -> None:
    results: list[tuple[ImportRecord, bool]] = []
    threads = [threading.Thread(target=lambda: results.append(_accept(target))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(is_new for _, is_new in results) == [False] * 7 + [True]
    assert len({record.import_id for record, _ in results}) == 1


def test_a_status_moves_only_from_accepted(target: Engine) -> None:
    record, _ = _accept(target)
    _finish(target, record.import_id)

    with writing(target) as connection:
        assert not refuse_import(connection, record.import_id, "late", "too late", None)
        assert not _finish_in(connection, record.import_id)
        assert not refuse_import(connection, "csv-unknown", "late", "too late", None)
    with reading(target) as connection:
        found = find_import(connection, record.import_id)
    assert found is not None
    assert (found.status, found.refusal_code, found.run_id) == ("finished", None, "run-1")


def test_imports_are_listed_newest_first(target: Engine) -> None:
    ids = [_accept(target, sha256=f"{number:064x}")[0].import_id for number in range(5)]
    with writing(target) as connection:
        for age, import_id in enumerate(ids):
            time = datetime(2026, 1, 20, tzinfo=UTC) - timedelta(days=age)
            connection.execute(imports.update().where(imports.c.import_id == import_id).values(accepted_at=time))

    with reading(target) as connection:
        assert [record.import_id for record in list_imports(connection)] == ids
        assert [record.import_id for record in list_imports(connection, limit=2)] == ids[:2]


def test_names_that_no_database_can_hold_are_kept_as_well_as_possible(target: Engine) -> None:
    record, _ = _accept(target, file_name="caf\udce9.csv", accepted_by="x" * 500)

    assert record.file_name == "caf?.csv"
    assert record.accepted_by == "x" * 128


def test_failed_rows_come_in_the_order_of_the_file(target: Engine) -> None:
    record, _ = _accept(target)
    errors = [_error("email", "invalid_email"), _error("phone", "invalid_phone")]
    with writing(target) as connection:
        connection.execute(
            failed_rows.insert(),
            [
                {"import_id": record.import_id, "row": row, "line": row + 1, "errors": errors[: row % 2 + 1]}
                for row in reversed(range(2, 3_002))
            ],
        )

    with reading(target) as connection:
        found = list(failed_rows_of(connection, record.import_id))
        assert [failed.row for failed in found] == list(range(2, 3_002))
        assert found[1] == FailedRow(3, 4, errors)
        assert list(password_hashes_of(connection, record.import_id)) == []


def _accept(engine: Engine, **changes: Any) -> tuple[ImportRecord, bool]:
    with writing(engine) as connection:
        return _accept_in(connection, **changes)


def _accept_in(connection: sa.Connection, **changes: Any) -> tuple[ImportRecord, bool]:
    entry: dict[str, Any] = {
        "source": "csv",
        "file_name": "customers.csv",
        "sha256": SHA,
        "bytes": 1234,
        "encoding": None,
        "again": False,
        "accepted_by": "ada",
    }
    return accept_import(connection, **{**entry, **changes})


def _finish(engine: Engine, import_id: str) -> None:
    with writing(engine) as connection:
        assert _finish_in(connection, import_id)


def _finish_in(connection: sa.Connection, import_id: str) -> bool:
    now = datetime.now(UTC)
    return finish_import(connection, import_id, counts=COUNTS, parent_import_id=None, run_id="run-1", finished_at=now)


def _error(column: str, code: str) -> dict[str, Any]:
    return {"column": column, "code": code, "message": f"{column} is wrong", "suggestion": None}


def test_who_was_left_out_on_purpose_is_counted_of_more_imports_than_a_query_takes(target: Engine) -> None:
    with_some, with_none = _accept(target)[0].import_id, _accept(target, sha256="4" * 64)[0].import_id
    codes = [[MERGED], [UNUSED, PROJECT], [MERGED, "invalid_email"], ["invalid_email"]]
    rows = [(with_some, number, found) for number, found in enumerate(codes, 2)] + [(with_none, 2, ["invalid_email"])]
    entries = [
        {"import_id": one, "row": row, "line": row, "errors": [{"column": None, "code": code} for code in found]}
        for one, row, found in rows
    ]
    with writing(target) as connection:
        connection.execute(failed_rows.insert(), entries)
    with reading(target) as connection:
        too_many = 70_000 if target.dialect.name == "postgresql" else 260_000
        others = [f"csv-{number}" for number in range(too_many)]
        assert count_left_out(connection, [with_none, *others, with_some]) == {with_some: 2}
