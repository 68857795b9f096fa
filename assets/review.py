"""The review of all imports: the asset, its job and its schedule. What it shows is in ``history_table``."""

from datetime import timedelta

import dagster as dg

from assets.display.failures import failures_as_messages
from assets.display.review_table import HISTORY_COLUMNS, history_of
from assets.runtime.resources import InstallationResource

_DAILY = dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=50), warn_window=timedelta(hours=26))
"""Its schedule runs every morning; where it is late, the daemon is not running."""


@dg.asset(
    group_name="review",
    kinds={"sql"},
    owners=["team:data"],
    tags={"stage": "review"},
    metadata={"dagster/column_schema": HISTORY_COLUMNS},
    freshness_policy=_DAILY,
)
def import_history(installation: dg.ResourceParam[InstallationResource]) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """All imports in the target's ledger: totals, the last 50 one by one, and rows per day."""
    with failures_as_messages(), installation.opened() as opened:
        return dg.MaterializeResult(metadata=history_of(opened))


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
    description="Every morning at 5:00 UTC, so that you can follow the totals from day to day. Each import, undo and "
    "erasure updates the history as well.",
)
