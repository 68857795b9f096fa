"""A job to pull from the UI alone: a person chooses the provider in the launchpad."""

import re
from collections.abc import Mapping
from typing import Any

import dagster as dg

from assets.guard import failures_as_messages
from assets.launch import IMPORT, RunOutcome, ended_badly, execute_import
from assets.pulling import Wish, pull
from assets.resources import WorkshopResource
from assets.tags import import_tags
from etl_customers.errors import UsageError
from etl_customers.target.ledger import FINISHED, ImportRecord
from schemas.sources import LABELS, PROVIDERS, QUICKBOOKS, XERO

START_PULL = "start_pull"


# No dg.Config: Dagster reads a text of such a class from the environment where it is given as {"env": …},
# and quotes the value where something goes wrong.
WISH = {
    "provider": dg.Field(
        dg.Enum("Provider", [dg.EnumValue(name, description=LABELS[name]) for name in PROVIDERS]),
        description="Where the customers are.",
    ),
    "tenant": dg.Field(
        dg.String,
        default_value="",
        description="The provider's id of the company; may be left empty where one company is connected.",
    ),
    "full": dg.Field(
        dg.Bool, default_value=False, description="All customers, not only those that changed since the last pull."
    ),
    "accept_vanished": dg.Field(
        dg.Bool,
        default_value=False,
        description="With full: make inactive whoever is missing at the provider, however many they are.",
    ),
}
_TENANT_FORMS = {
    QUICKBOOKS: re.compile(r"[0-9]{1,20}"),
    XERO: re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"),
}


@dg.op(
    config_schema=WISH,
    out=dg.Out(dg.Nothing),
    description="Choose the provider, quickbooks or xero. The pull is a run of its own, of the provider's job.",
)
def pull_customers(context: dg.OpExecutionContext, workshop: dg.ResourceParam[WorkshopResource]) -> None:
    """Accept a pull and run it; ends as the pull ends."""
    with failures_as_messages(), workshop.opened() as opened:
        wish = _wish(context.op_config)

        def run(record: ImportRecord) -> RunOutcome:
            context.log.info("the pull is import %s", record.import_id)
            tags = import_tags(record, opened.settings)
            return execute_import(context.instance, opened.home, record.import_id, tags, record.source)

        outcome = pull(opened, wish, f"run {context.run_id}", run)
    if outcome.record.status != FINISHED:
        raise ended_badly(outcome.record, outcome.run.failure)
    context.add_output_metadata(_metadata(outcome.record))


def _wish(config: Mapping[str, Any]) -> Wish:
    """Check what a person typed; whatever is no id of a company is not repeated.

    Raises:
        UsageError: The tenant is no id of the provider.
    """
    provider, tenant = config["provider"], config["tenant"].strip()
    if tenant and not _TENANT_FORMS[provider].fullmatch(tenant):
        raise UsageError(
            f"tenant is not an id of a company at {LABELS[provider]}; leave it empty, or copy it from: "
            "etl-customers connections"
        )
    return Wish(provider, tenant or None, config["full"], config["accept_vanished"])


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
    why = {"incomplete": record.why_incomplete} if record.why_incomplete else {}
    return {IMPORT: record.import_id, **run, **why, **{name: count or 0 for name, count in counts.items()}}


@dg.job(
    name=START_PULL,
    # What the launchpad shows at first.
    config={"ops": {"pull_customers": {"config": {"provider": QUICKBOOKS, "tenant": "", "full": False}}}},
    description="Pulls the customers of a connected company. In the launchpad, choose quickbooks or xero as the "
    "provider, name the tenant where several companies are connected, and launch.",
)
def start_pull() -> None:
    """One op, which starts a run of the provider's job."""
    pull_customers()
