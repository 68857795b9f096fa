"""What the review shows of the ledger: totals that Dagster plots, the last imports with links, a picture of the last days."""

import base64
import re
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from assets.display.metadata import text_columns
from assets.display.tags import file_label
from etl_customers.imports.installation import Installation
from etl_customers.report.history import History, PastImport, Totals, draw_days, read_history
from etl_customers.settings.sections import Settings

IMPORT_HISTORY = "import_history"
_ID_START = re.compile(r"^[a-z]+-\d{8}T\d{6}Z-")
_HYPHEN = "\N{NON-BREAKING HYPHEN}"
_SHORT = 8
"""Of a connection's id, from its end: the table is to be no wider than the page."""
_SHOWN = 50
"""Imports that are listed; all others are in the totals."""
HISTORY_COLUMNS = text_columns(
    (
        ("when (UTC)", "string", "When it was accepted."),
        ("status", "string", "accepted (under way), finished, refused or undone."),
        ("file", "string", "The first 8 digits of the SHA-256, or the file's name if ui.show_file_names is on."),
        ("read", "int", "Rows of the file up to the first empty one; for a pull, customers fetched."),
        ("loaded", "int", "Rows that became customers."),
        ("failed", "int", "Rows that failed, each with its reasons in the failed-rows file."),
        ("not synced", "int", "For a pull: customers that were not synced, including those left out on purpose."),
        ("updated", "int", "For a pull: customers that it changed."),
        ("unchanged", "int", "For a pull: customers that were unchanged."),
        ("unread", "int", "Filled rows after the first empty one."),
        ("removed", "int", "Customers of it that have since been undone or erased."),
        ("source", "string", "Where it came from."),
        ("connection", "string", "For a pull: the end of the provider's id of the company."),
        ("corrects", "string", "The import whose failed rows this one corrects."),
        ("import", "string", "The end of the import's id (its partition key), with a link."),
        ("run", "string", "The run that finished it."),
    )
)
"""In the order of what is asked first; a column without any entry is not shown."""
_NAMES = [column.name for column in HISTORY_COLUMNS.columns]


def history_of(installation: Installation) -> dict[str, Any]:
    """Return the ledger as the asset shows it; also for those who changed it and note that without a run.

    Raises:
        DatabaseUnavailable: The target does not answer.
    """
    history = read_history(installation.target, datetime.now(UTC), last=_SHOWN)
    return {
        "dagster/row_count": history.totals.imports,
        **_numbers(history.totals),
        "last_imports": dg.MetadataValue.md(_table(history, installation.settings)),
        "rows_per_day": dg.MetadataValue.md(_picture(history)),
    }


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
        "customers not synced": totals.rows_not_synced,
        "failed share": round(totals.failed_share, 4),
    }


def _table(history: History, settings: Settings) -> str:
    """Return the last imports as a Markdown table, because Dagster's own tables take no links."""
    rows = [_row(past, settings) for past in history.last]
    names = [name for name in _NAMES if any(row[name] for row in rows)]
    lines = [names, ["---"] * len(names), *([row[name] for name in names] for row in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines) if rows else "There are no imports yet."


def _row(past: PastImport, settings: Settings) -> dict[str, str]:
    record = past.record
    file, is_pull = file_label(record, settings), record.is_pull
    return {
        "when (UTC)": _time(record.accepted_at),
        "status": record.status,
        "file": f"`{file}`" if file else "",
        "read": _number(record.rows_read),
        "loaded": _number(record.rows_loaded),
        "failed": "" if is_pull else _number(record.rows_failed),
        "not synced": _number(record.rows_failed) if is_pull else "",
        "updated": _number(record.rows_updated),
        "unchanged": _number(record.rows_unchanged),
        "unread": _number(record.rows_unread or None),
        "removed": _number(past.removed or None),
        "source": record.source,
        "connection": _short(record.tenant_id) if record.tenant_id else "",
        "corrects": _link(record.parent_import_id),
        "import": _link(record.import_id),
        "run": f"[{record.run_id[:8]}](/runs/{record.run_id})" if record.run_id else "",
    }


def _number(count: int | None) -> str:
    return "" if count is None else f"{count:,}"


def _short(tenant_id: str) -> str:
    return f"`{tenant_id}`" if len(tenant_id) <= _SHORT else f"`…{tenant_id[-_SHORT:]}`"


def _link(import_id: str | None) -> str:
    """Return a link to an import by the end of its id, for its source and time are in the row already."""
    if import_id is None:
        return ""
    return f"[{_ID_START.sub('', import_id)}](/assets/loaded_customers?view=partitions&partition={import_id})"


def _time(time: datetime | None) -> str:
    """Return a time that no browser breaks into several lines."""
    return f"{time:%Y-%m-%d %H:%M}".replace("-", _HYPHEN).replace(" ", "\N{NO-BREAK SPACE}") if time else ""


def _picture(history: History) -> str:
    """Return the days as Markdown that Dagster's page shows as a picture: it takes no other form of one."""
    svg = base64.b64encode(draw_days(history.days).encode()).decode()
    return f"![Rows loaded and failed per day](data:image/svg+xml;base64,{svg})"
