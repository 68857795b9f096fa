"""Everything that Dagster may know of this project, each asset by its name; loaded by workspace.yaml."""

import dagster as dg

from assets.automation.alerts import failed_rows_alert, failed_run_alert
from assets.automation.inbox_job import import_inbox_file
from assets.automation.inbox_sensors import inbox_files, inbox_results
from assets.automation.jobs import import_csv, import_pull, import_quickbooks, import_xero
from assets.automation.pull_job import start_pull
from assets.automation.pull_schedules import hourly_pulls
from assets.automation.retention import daily_retention, delete_expired
from assets.automation.unknown_partitions import unknown_partitions
from assets.connections import daily_connection_care, keep_connections_alive, provider_connections
from assets.customers import deduplicated_customers, failed_rows, loaded_customers, validated_customers
from assets.display.customers_table import customers
from assets.providers import quickbooks_customers, xero_customers
from assets.raw_csv import raw_csv
from assets.review import daily_import_history, import_history, write_import_history
from assets.runtime.dead_runs import dead_runs
from assets.runtime.resources import InstallationResource, nothing_stored


def define(home: str = "") -> dg.Definitions:
    """Return the definitions over a home folder; empty: the one that the environment names.

    All steps of a run share one process: an import is one process with one staging file.
    """
    return dg.Definitions(
        assets=[
            raw_csv,
            quickbooks_customers,
            xero_customers,
            validated_customers,
            deduplicated_customers,
            loaded_customers,
            failed_rows,
            customers,
            import_history,
            provider_connections,
        ],
        jobs=[
            import_csv,
            import_quickbooks,
            import_xero,
            import_pull,
            import_inbox_file,
            start_pull,
            keep_connections_alive,
            write_import_history,
            delete_expired,
        ],
        schedules=[
            hourly_pulls,
            daily_connection_care,
            daily_import_history,
            daily_retention,
        ],
        sensors=[inbox_files, inbox_results, dead_runs, unknown_partitions, failed_run_alert, failed_rows_alert],
        resources={"installation": InstallationResource(home=home), "io_manager": nothing_stored},
        executor=dg.in_process_executor,
    )


definitions = define()
