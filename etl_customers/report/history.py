"""The ledger as a review wants it: totals, the last imports, rows per day, and a picture of those days.

What is read here is shown in the Dagster UI: ids, times, counts, no customer's value and
no file's name.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy import Connection

from etl_customers.database.connect import reading
from etl_customers.database.ledger import ACCEPTED, FINISHED, REFUSED, UNDONE, ImportRecord, list_imports
from etl_customers.database.tables import imports, removed_customers
from etl_customers.database.values import as_utc
from schemas.sources import CSV

_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP = 720, 220, 60, 190, 30
_LOADED, _FAILED, _INK = "#4f7fd9", "#d9694f", "#888888"


@dataclass(frozen=True)
class Totals:
    """Of all imports that the ledger has."""

    imports: int
    accepted: int
    finished: int
    refused: int
    undone: int
    rows_loaded: int
    """By imports that finished and were not undone."""
    rows_failed: int
    """Of files; customers of a pull that were not synced are ``rows_not_synced``."""
    rows_of_files: int = 0
    """Read, of files that finished and were not undone."""
    rows_not_synced: int = 0
    rows_updated: int = 0
    """By pulls that finished and were not undone."""
    rows_unchanged: int = 0

    @property
    def failed_share(self) -> float:
        """Failed rows of all rows of files, 0 to 1."""
        return self.rows_failed / max(1, self.rows_of_files)


@dataclass(frozen=True)
class Day:
    """Rows of the imports that finished on one day (UTC)."""

    day: date
    loaded: int
    failed: int


@dataclass(frozen=True)
class PastImport:
    """An import, and how many of its customers were undone or erased since."""

    record: ImportRecord
    removed: int


@dataclass(frozen=True)
class History:
    """The ledger at one moment."""

    totals: Totals
    last: tuple[PastImport, ...]
    """Newest first."""
    days: tuple[Day, ...]
    """Oldest first, without gaps, today last."""


def read_history(target: sa.Engine, now: datetime, *, last: int = 500, days: int = 30) -> History:
    """Read the ledger.

    Args:
        target: Whose ledger.
        now: Its day (UTC) is the last one of ``days``.
        last: Most imports to list; the totals are of all.
        days: Number of days.

    Raises:
        DatabaseUnavailable: The target does not answer.
    """
    with reading(target) as connection:
        records = list_imports(connection, limit=last)
        removed = _count_removed(connection, [record.import_id for record in records])
        return History(
            totals=_total(connection),
            last=tuple(PastImport(record, removed.get(record.import_id, 0)) for record in records),
            days=tuple(_by_day(connection, now.astimezone(UTC).date(), days)),
        )


def draw_days(days: Sequence[Day]) -> str:
    """Return a bar chart of rows loaded and failed per day as an SVG document, the failed ones on top."""
    most = max((day.loaded + day.failed for day in days), default=0)
    scale = (_BOTTOM - _TOP) / max(1, most)
    step = (_WIDTH - _LEFT) / max(1, len(days))
    bars = "".join(_bar(day, _LEFT + place * step, step, scale) for place, day in enumerate(days))
    first, last = (f"{days[0].day:%Y-%m-%d}", f"{days[-1].day:%Y-%m-%d}") if days else ("", "")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT}" '
        f'viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" font-size="12" fill="{_INK}">'
        f"{bars}"
        f'<path d="M{_LEFT} {_TOP}V{_BOTTOM}H{_WIDTH}" fill="none" stroke="{_INK}"/>'
        f'<text x="{_LEFT - 6}" y="{_TOP + 10}" text-anchor="end">{most:,}</text>'
        f'<text x="{_LEFT - 6}" y="{_BOTTOM}" text-anchor="end">0</text>'
        f'<text x="{_LEFT}" y="{_HEIGHT - 12}">{first}</text>'
        f'<text x="{_WIDTH}" y="{_HEIGHT - 12}" text-anchor="end">{last}</text>'
        f'<rect x="{_LEFT}" y="4" width="12" height="12" fill="{_LOADED}"/>'
        f'<text x="{_LEFT + 18}" y="14">rows loaded</text>'
        f'<rect x="{_LEFT + 110}" y="4" width="12" height="12" fill="{_FAILED}"/>'
        f'<text x="{_LEFT + 128}" y="14">rows failed</text>'
        "</svg>"
    )


def list_corrections(target: sa.Engine, import_id: str) -> list[str]:
    """Return the imports that correct an import's failed rows, in the order of their acceptance.

    Raises:
        DatabaseUnavailable: The target does not answer.
    """
    query = (
        sa.select(imports.c.import_id)
        .where(imports.c.parent_import_id == import_id)
        .order_by(imports.c.accepted_at, imports.c.import_id)
    )
    with reading(target) as connection:
        return list(connection.scalars(query))


def _bar(day: Day, left: float, step: float, scale: float) -> str:
    loaded, failed = day.loaded * scale, day.failed * scale
    place = f'x="{left + step * 0.15:.1f}" width="{step * 0.7:.1f}"'
    parts = ((_LOADED, _BOTTOM - loaded, loaded), (_FAILED, _BOTTOM - loaded - failed, failed))
    return "".join(
        f'<rect {place} y="{top:.1f}" height="{height:.1f}" fill="{colour}"/>'
        for colour, top, height in parts
        if height
    )


def _total(connection: Connection) -> Totals:
    is_file = imports.c.source == CSV
    counted = (
        imports.c.rows_loaded,
        sa.case((is_file, imports.c.rows_failed)),
        sa.case((is_file, imports.c.rows_read)),
        sa.case((~is_file, imports.c.rows_failed)),
        imports.c.rows_updated,
        imports.c.rows_unchanged,
    )
    query = sa.select(imports.c.status, sa.func.count(), *map(sa.func.sum, counted)).group_by(imports.c.status)
    by_status = {row[0]: [int(number or 0) for number in row[1:]] for row in connection.execute(query)}
    nothing = [0] * (1 + len(counted))
    number = {status: by_status.get(status, nothing)[0] for status in (ACCEPTED, FINISHED, REFUSED, UNDONE)}
    _, loaded, failed, of_files, not_synced, updated, unchanged = by_status.get(FINISHED, nothing)
    return Totals(
        imports=sum(number.values()),
        accepted=number[ACCEPTED],
        finished=number[FINISHED],
        refused=number[REFUSED],
        undone=number[UNDONE],
        rows_loaded=loaded,
        rows_failed=failed,
        rows_of_files=of_files,
        rows_not_synced=not_synced,
        rows_updated=updated,
        rows_unchanged=unchanged,
    )


def _by_day(connection: Connection, today: date, number: int) -> list[Day]:
    first = today - timedelta(days=number - 1)
    begin = datetime(first.year, first.month, first.day, tzinfo=UTC)
    failed_of_files = sa.case((imports.c.source == CSV, imports.c.rows_failed), else_=0)
    query = sa.select(imports.c.finished_at, imports.c.rows_loaded, failed_of_files).where(
        imports.c.status == FINISHED, imports.c.finished_at >= begin
    )
    counts = {first + timedelta(days=place): [0, 0] for place in range(number)}
    # Days are made here, because the databases name them differently, and PostgreSQL in the session's zone.
    for finished_at, loaded, failed in connection.execute(query):
        count = counts.get(as_utc(finished_at).date())
        if count is not None:
            count[0] += loaded or 0
            count[1] += failed or 0
    return [Day(day, loaded, failed) for day, (loaded, failed) in counts.items()]


def _count_removed(connection: Connection, import_ids: Sequence[str]) -> dict[str, int]:
    query = (
        sa.select(removed_customers.c.import_id, sa.func.count())
        .where(removed_customers.c.import_id.in_(import_ids))
        .group_by(removed_customers.c.import_id)
    )
    return {row.import_id: row[1] for row in connection.execute(query)}
