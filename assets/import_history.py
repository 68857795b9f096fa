"""The review: the whole ledger as a table, totals that Dagster plots, and a picture of the last days."""

import base64
from datetime import UTC, datetime

import dagster as dg

from assets.guard import failures_as_messages
from assets.metadata import text_columns
from assets.resources import WorkshopResource
from assets.tags import file_label
from etl_customers.report.history import History, PastImport, Totals, draw_days, read_history
from etl_customers.settings import Settings

_SCHEMA = text_columns(
    (
        ("import", "string", "The import's id, which is its partition's key."),
        ("status", "string", "accepted (under way), finished, refused or undone."),
        ("read", "int", "Rows of the file up to the first empty one."),
        ("loaded", "int", "Rows that became customers."),
        ("updated", "int", "Of a pull: customers that it changed."),
        ("unchanged", "int", "Of a pull: customers that were as before."),
        ("failed", "int", "Rows that did not, each with its reasons in the failed-rows file."),
        ("unread", "int", "Filled rows after the first empty one."),
        ("removed", "int", "Customers of it that were undone or erased since."),
        ("corrects", "string", "The import whose failed rows this one corrects."),
        ("file", "string", "The first 8 of the SHA-256; the file's name where ui.show_file_names allows it."),
        ("source", "string", "Where it came from: csv, quickbooks or xero."),
        ("connection", "string", "Of a pull: the provider's id of the company."),
        ("accepted", "string", "When it was entered, UTC."),
        ("finished", "string", "When it was loaded or refused, UTC."),
        ("run", "string", "The run that ended it."),
    )
)


@dg.asset(
    group_name="review",
    kinds={"sql"},
    owners=["team:data"],
    tags={"stage": "review"},
    metadata={"dagster/column_schema": _SCHEMA},
)
def import_history(workshop: dg.ResourceParam[WorkshopResource]) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """All imports as the ledger in the target has them: totals, the last 500 one by one, rows per day."""
    with failures_as_messages(), workshop.opened() as opened:
        history = read_history(opened.target, datetime.now(UTC))
        settings = opened.settings
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": history.totals.imports,
            **_numbers(history.totals),
            "last_imports": _table(history, settings),
            "rows_per_day": dg.MetadataValue.md(_picture(history)),
        }
    )


write_import_history = dg.define_asset_job(
    "write_import_history",
    selection=[import_history],
    description="Reads the ledger and shows it: totals, the last imports, rows per day.",
)

daily_import_history = dg.ScheduleDefinition(
    name="daily_import_history",
    job=write_import_history,
    cron_schedule="0 5 * * *",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Every morning at 5:00 UTC, so that the totals can be followed from day to day.",
)


def _numbers(totals: Totals) -> dict[str, float]:
    return {
        "imports": totals.imports,
        "under way": totals.accepted,
        "finished": totals.finished,
        "refused": totals.refused,
        "undone": totals.undone,
        "rows loaded": totals.rows_loaded,
        "rows updated": totals.rows_updated,
        "rows unchanged": totals.rows_unchanged,
        "rows failed": totals.rows_failed,
        "failed share": round(totals.failed_share, 4),
    }


def _table(history: History, settings: Settings) -> dg.TableMetadataValue:
    return dg.MetadataValue.table(records=[_row(past, settings) for past in history.last], schema=_SCHEMA)


def _row(past: PastImport, settings: Settings) -> dg.TableRecord:
    record = past.record
    return dg.TableRecord(
        {
            "import": record.import_id,
            "status": record.status,
            "read": record.rows_read,
            "loaded": record.rows_loaded,
            "updated": record.rows_updated,
            "unchanged": record.rows_unchanged,
            "failed": record.rows_failed,
            "unread": record.rows_unread,
            "removed": past.removed,
            "corrects": record.parent_import_id,
            "file": file_label(record, settings),
            "source": record.source,
            "connection": record.tenant_id,
            "accepted": _time(record.accepted_at),
            "finished": _time(record.finished_at),
            "run": record.run_id,
        }
    )


def _time(time: datetime | None) -> str | None:
    return f"{time:%Y-%m-%d %H:%M}" if time else None


def _picture(history: History) -> str:
    """Return the days as Markdown that Dagster's page shows as a picture: it takes no other form of one."""
    svg = base64.b64encode(draw_days(history.days).encode()).decode()
    return f"![Rows loaded and failed per day](data:image/svg+xml;base64,{svg})"
