"""A job to import a file of the inbox from the UI alone: a person types its name in the launchpad."""

from pathlib import Path
from typing import Any

import dagster as dg

from assets.automation.launch import IMPORT, ended_badly, execute_import
from assets.display.failures import failures_as_messages
from assets.display.tags import import_tags
from assets.runtime.resources import InstallationResource
from etl_customers.database.ledger import ACCEPTED, FINISHED, ImportRecord
from etl_customers.imports.installation import Installation
from etl_customers.inbox.accept import accept_named
from etl_customers.inbox.settle import find_records, settle_one

IMPORT_INBOX_FILE = "import_inbox_file"


# No dg.Config: see pull_job.
FILE = {
    "file_name": dg.Field(
        dg.String,
        description="The name of a file in the folder inbox/ of the home, such as customers.csv: "
        "a name, not a path. Dagster stores what you type here.",
    )
}


@dg.op(
    config_schema=FILE,
    out=dg.Out(dg.Nothing),
    description="Type the name of a file in inbox/ as file_name. It is imported in its own run of import_csv.",
)
def import_file(context: dg.OpExecutionContext, installation: dg.ResourceParam[InstallationResource]) -> None:
    """Accept one file of the inbox, import it and put it away; ends as its import ends."""
    with failures_as_messages(), installation.opened() as opened:
        import_id, path = accept_named(opened, context.op_config["file_name"])
        context.log.info("the file is import %s", import_id)
        record, failure = _record(opened, path), None
        if record.status == ACCEPTED:
            tags = import_tags(record, opened.settings)
            outcome = execute_import(context.instance, opened.home, import_id, tags)
            record, failure = _record(opened, path), outcome.failure
        for why in settle_one(opened, path).problems:
            context.log.warning("the file stays in inbox/accepted/: %s", why)
        if record.status != FINISHED:
            raise ended_badly(record, failure)
        context.add_output_metadata(_metadata(record))


def _record(installation: Installation, path: Path) -> ImportRecord:
    (record,) = find_records(installation, [path]).values()
    return record


def _metadata(record: ImportRecord) -> dict[str, Any]:
    counts = {"read": record.rows_read, "loaded": record.rows_loaded, "failed": record.rows_failed}
    run = {"run": dg.MetadataValue.dagster_run(record.run_id)} if record.run_id else {}
    return {IMPORT: record.import_id, **run, **{name: count or 0 for name, count in counts.items()}}


@dg.job(
    name=IMPORT_INBOX_FILE,
    tags={"source": "csv"},
    # What the launchpad shows at first.
    config={"ops": {"import_file": {"config": {"file_name": "NAME.csv"}}}},
    description="Imports one file from the folder inbox/ by its name, even if the sensors are off. "
    "In the launchpad, replace NAME.csv by the name and launch.",
)
def import_inbox_file() -> None:
    """One op, which starts a run of import_csv."""
    import_file()
