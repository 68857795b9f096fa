"""The history of all imports adds up, has every day, and its picture is a picture."""

from datetime import UTC, date, datetime, timedelta, timezone
from xml.etree import ElementTree

import sqlalchemy as sa
from sqlalchemy import Engine

from etl_customers.database.connect import writing
from etl_customers.database.ledger import accept_import, finish_import, refuse_import
from etl_customers.database.tables import imports, removed_customers
from etl_customers.report.history import Day, draw_days, read_history

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def enter(target: Engine, number: int, finished_at: datetime | None = None, **rows: int) -> str:
    with writing(target) as connection:
        record, _ = accept_import(
            connection,
            source="csv",
            file_name="Canary.csv",
            sha256=f"{number:064d}",
            bytes=1,
            encoding=None,
            again=False,
            accepted_by=None,
        )
        if finished_at is not None:
            counts = {f"rows_{name}": number for name, number in rows.items()}
            finish_import(
                connection,
                record.import_id,
                counts=counts,
                parent_import_id=None,
                run_id="run",
                finished_at=finished_at,
            )
    return record.import_id


def test_an_empty_ledger_has_a_history_of_empty_days(target: Engine) -> None:
    history = read_history(target, NOW, days=3)
    assert (history.totals.imports, history.totals.failed_share, history.last) == (0, 0.0, ())
    assert history.days == tuple(Day(date(2026, 11, day), 0, 0) for day in (20, 21, 22))


def test_totals_and_days_count_what_finished_and_stands(target: Engine) -> None:
    yesterday = NOW - timedelta(days=1)
    first = enter(target, 1, yesterday, read=10, loaded=7, failed=3, unread=0)
    enter(target, 2, yesterday, read=5, loaded=5, failed=0, unread=1)
    undone = enter(target, 3, NOW, read=9, loaded=9, failed=0, unread=0)
    enter(target, 4, NOW - timedelta(days=60), read=2, loaded=0, failed=2, unread=0)
    refused, accepted = enter(target, 5), enter(target, 6)
    with writing(target) as connection:
        refuse_import(connection, refused, "no_header", "no header", None)
        connection.execute(imports.update().where(imports.c.import_id == undone).values(status="undone"))
        removed = {"import_id": undone, "reason": "undone", "removed_at": NOW}
        connection.execute(
            sa.insert(removed_customers),
            [{"customer_id": number, "import_row": number + 1, **removed} for number in range(1, 10)],
        )
    history = read_history(target, NOW, days=30)
    totals = history.totals
    assert (totals.imports, totals.finished, totals.undone, totals.refused, totals.accepted) == (6, 3, 1, 1, 1)
    assert (totals.rows_loaded, totals.rows_failed) == (12, 5)
    assert totals.failed_share == 5 / 17
    assert history.days[-2:] == (Day(yesterday.date(), 12, 3), Day(NOW.date(), 0, 0))
    assert sum(day.loaded + day.failed for day in history.days) == 15
    by_id = {past.record.import_id: past for past in history.last}
    assert (by_id[undone].removed, by_id[first].removed, by_id[accepted].record.status) == (9, 0, "accepted")


def test_only_the_last_imports_are_listed_and_all_are_counted(target: Engine) -> None:
    ids = [enter(target, number) for number in range(1, 5)]
    history = read_history(target, NOW, last=2)
    assert [past.record.import_id for past in history.last] == [ids[3], ids[2]]
    assert history.totals.imports == 4


def test_a_day_is_one_of_utc(target: Engine) -> None:
    enter(target, 1, datetime(2026, 11, 21, 23, 30, tzinfo=UTC), read=1, loaded=1, failed=0, unread=0)
    just_after_midnight = datetime(2026, 11, 22, 1, tzinfo=timezone(timedelta(hours=1)))
    assert [day.loaded for day in read_history(target, just_after_midnight, days=2).days] == [1, 0]


def test_the_picture_has_a_bar_for_each_part_of_each_day_inside_its_frame() -> None:
    days = [Day(date(2026, 11, 1), 0, 0), Day(date(2026, 11, 2), 30, 10), Day(date(2026, 11, 3), 0, 5)]
    picture = ElementTree.fromstring(draw_days(days))  # noqa: S314 - our own
    bars = [mark for mark in picture.iter("{http://www.w3.org/2000/svg}rect") if mark.get("height") != "12"]
    assert len(bars) == 3
    tops = [float(bar.get("y", "0")) for bar in bars]
    heights = [float(bar.get("height", "0")) for bar in bars]
    assert min(tops) == 30
    assert [round(height / heights[2]) for height in heights] == [6, 2, 1]
    assert ElementTree.fromstring(draw_days([])) is not None  # noqa: S314 - our own


def test_customers_that_a_pull_did_not_sync_are_no_failed_rows(target: Engine) -> None:
    enter(target, 1, NOW, read=10, loaded=6, failed=4, unread=0)
    pulled = enter(target, 2, NOW, read=20, loaded=5, failed=15, unread=0)
    with writing(target) as connection:
        connection.execute(sa.update(imports).where(imports.c.import_id == pulled).values(source="xero"))

    history = read_history(target, NOW, days=1)

    totals = history.totals
    assert (totals.rows_loaded, totals.rows_failed, totals.rows_not_synced, totals.failed_share) == (11, 4, 15, 0.4)
    assert history.days == (Day(NOW.date(), 11, 4),)
