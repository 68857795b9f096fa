"""Everything that Dagster may know of this project, each asset by its name; loaded by workspace.yaml."""

import dagster as dg

from assets.alerts import failed_rows_alert, failed_run_alert
from assets.customers import deduplicated_customers, failed_rows, loaded_customers, validated_customers
from assets.dead_runs import dead_runs
from assets.import_history import daily_import_history, import_history, write_import_history
from assets.inbox import inbox_files, inbox_results
from assets.inbox_job import import_inbox_file
from assets.jobs import import_csv
from assets.raw_csv import raw_csv
from assets.resources import WorkshopResource
from assets.retention import daily_retention, delete_expired


def define(home: str = "") -> dg.Definitions:
    """Return the definitions over a home folder; empty: the one that the environment names.

    All steps of a run share one process: an import is one process with one staging file.
    """
    return dg.Definitions(
        assets=[raw_csv, validated_customers, deduplicated_customers, loaded_customers, failed_rows, import_history],
        jobs=[import_csv, import_inbox_file, write_import_history, delete_expired],
        schedules=[daily_import_history, daily_retention],
        sensors=[inbox_files, inbox_results, dead_runs, failed_run_alert, failed_rows_alert],
        resources={"workshop": WorkshopResource(home=home)},
        executor=dg.in_process_executor,
    )


definitions = define()
