"""A job to pull from the UI alone: a person chooses the provider in the launchpad."""

from typing import Any

import dagster as dg
from pydantic import Field

from assets.guard import failures_as_messages
from assets.launch import IMPORT, RunOutcome, ended_badly, execute_import
from assets.pulling import Wish, pull
from assets.resources import WorkshopResource
from assets.tags import import_tags
from etl_customers.errors import UsageError
from etl_customers.target.ledger import FINISHED, ImportRecord
from schemas.sources import PROVIDERS

START_PULL = "start_pull"


class PullWish(dg.Config):
    """What a person types."""

    provider: str = Field(description="quickbooks or xero")
    tenant: str = Field("", description="The provider's id of the company; may be left out where there is one.")
    full: bool = Field(False, description="All customers, not only those that changed since the last pull.")
    accept_vanished: bool = Field(
        False, description="With full: however many customers the provider has no more, make them inactive."
    )


@dg.op(description="Type the provider, quickbooks or xero. The pull is a run of its own, of the provider's job.")
def pull_customers(
    context: dg.OpExecutionContext, config: PullWish, workshop: dg.ResourceParam[WorkshopResource]
) -> None:
    """Accept a pull and run it; ends as the pull ends."""
    with failures_as_messages(), workshop.opened() as opened:
        if config.provider not in PROVIDERS:
            raise UsageError(f"provider is none of {', '.join(PROVIDERS)}")

        def run(record: ImportRecord) -> RunOutcome:
            context.log.info("the pull is import %s", record.import_id)
            tags = import_tags(record, opened.settings)
            return execute_import(context.instance, opened.home, record.import_id, tags, record.source)

        wish = Wish(config.provider, config.tenant or None, config.full, config.accept_vanished)
        outcome = pull(opened, wish, f"run {context.run_id}", run)
    if outcome.record.status != FINISHED:
        raise ended_badly(outcome.record, outcome.run.failure)
    context.add_output_metadata(_metadata(outcome.record))


def _metadata(record: ImportRecord) -> dict[str, Any]:
    counts = {
        "fetched": record.rows_read,
        "created": record.rows_loaded,
        "updated": record.rows_updated,
        "unchanged": record.rows_unchanged,
        "not_synced": record.rows_failed,
        "vanished": record.rows_vanished,
    }
    run = {"run": dg.MetadataValue.dagster_run(record.run_id)} if record.run_id else {}
    return {IMPORT: record.import_id, **run, **{name: count or 0 for name, count in counts.items()}}


@dg.job(
    name=START_PULL,
    # What the launchpad shows at first.
    config={"ops": {"pull_customers": {"config": {"provider": "PROVIDER", "tenant": "", "full": False}}}},
    description="Pulls the customers of a connected company. In the launchpad, put quickbooks or xero in the place of "
    "PROVIDER, name the tenant where there are several, and launch.",
)
def start_pull() -> None:
    """One op, which starts a run of the provider's job."""
    pull_customers()
