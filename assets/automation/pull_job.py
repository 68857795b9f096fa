"""A job to pull from the UI alone: a person chooses the provider in the launchpad."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

from assets.automation.launch import IMPORT, RunOutcome, ended_badly, execute_import
from assets.automation.pulling import Wish, pull, wishes_of
from assets.display.endings import CODE
from assets.display.failures import EXIT_CODE, failures_as_messages
from assets.display.tags import CONNECTION, import_tags
from assets.runtime.resources import InstallationResource
from etl_customers.base.errors import UsageError, gravest
from etl_customers.database.ledger import FINISHED, ImportRecord
from etl_customers.imports.installation import Installation
from schemas.sources import LABELS, PROVIDERS, QUICKBOOKS, XERO

START_PULL = "start_pull"


# No dg.Config: Dagster reads a text of such a class from the environment where it is given as {"env": …},
# and quotes the value where something goes wrong.
WISH = {
    "provider": dg.Field(
        dg.Enum("Provider", [dg.EnumValue(name, description=LABELS[name]) for name in PROVIDERS]),
        description="The provider that has the customers.",
    ),
    "tenant": dg.Field(
        dg.String,
        default_value="",
        description="The provider's id of the company; if empty, all connected companies are pulled, one after "
        "the other.",
    ),
    "full": dg.Field(
        dg.Bool, default_value=False, description="Pull all customers, not only those that changed since the last pull."
    ),
    "accept_vanished": dg.Field(
        dg.Bool,
        default_value=False,
        description="With full: make all customers inactive that are gone at the provider, however many.",
    ),
}
_COUNTED = {
    "fetched": "rows_read",
    "created": "rows_loaded",
    "updated": "rows_updated",
    "unchanged": "rows_unchanged",
    "not_synced": "rows_failed",
    "vanished": "rows_vanished",
}
"""What is shown of a pull, and the column of the ledger that has it."""
_PULLS = "pulls"
_LINES = dg.TableSchema(
    columns=[
        dg.TableColumn(CONNECTION, "string", "The provider's id of the company."),
        dg.TableColumn("ended", "string", "The import's status in the ledger, or the code of what went wrong."),
        dg.TableColumn(IMPORT, "string", "The pull."),
        dg.TableColumn("why", "string", "Why some customers may be missing, or some deleted ones may not be known."),
        *(dg.TableColumn(name, "int") for name in _COUNTED),
    ]
)
_TENANT_FORMS = {
    QUICKBOOKS: re.compile(r"[0-9]{1,20}"),
    XERO: re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"),
}


@dg.op(
    config_schema=WISH,
    out=dg.Out(dg.Nothing),
    description="Choose the provider, quickbooks or xero. Each pull is its own run of the provider's job.",
)
def pull_customers(context: dg.OpExecutionContext, installation: dg.ResourceParam[InstallationResource]) -> None:
    """Accept a pull of each company that is meant, one after the other, and run it; ends as the pulls end."""
    with failures_as_messages(), installation.opened() as opened:
        wishes = wishes_of(opened, _wish(context.op_config))
        if len(wishes) == 1:
            record = _pull(context, opened, wishes[0])
            context.add_output_metadata(_metadata(record))
            return
        _pull_each(context, opened, wishes)


def _pull_each(context: dg.OpExecutionContext, installation: Installation, wishes: Sequence[Wish]) -> None:
    """Pull companies; one that fails does not stop the others, and all that failed are named in the end."""
    records: list[dg.TableRecord] = []
    failures: list[dg.Failure] = []
    for wish in wishes:
        try:
            with failures_as_messages():
                record = _pull(context, installation, wish)
        except dg.Failure as failure:
            context.log.error("%s %s: %s", LABELS[wish.provider], wish.tenant_id, failure.description)
            failures.append(failure)
            records.append(_line(wish, str(failure.metadata[CODE].value)))
        else:
            records.append(_line(wish, record.status, record))
    table = dg.MetadataValue.table(records, schema=_LINES)
    if failures:
        exit_code = gravest(int(str(failure.metadata[EXIT_CODE].value)) for failure in failures)
        worst = next(one for one in failures if one.metadata[EXIT_CODE].value == exit_code)
        raise dg.Failure(
            f"{len(failures)} of {len(wishes)} companies were not pulled; the log names each; the worst: "
            f"{worst.description}",
            metadata={CODE: worst.metadata[CODE], EXIT_CODE: exit_code, _PULLS: table},
            allow_retries=False,
        )
    context.add_output_metadata({_PULLS: table})


def _pull(context: dg.OpExecutionContext, installation: Installation, wish: Wish) -> ImportRecord:
    """Pull one company.

    Raises:
        dg.Failure: The pull came to no good end.
    """

    def run(record: ImportRecord) -> RunOutcome:
        context.log.info("the pull is import %s", record.import_id)
        tags = import_tags(record, installation.settings)
        return execute_import(context.instance, installation.home, record.import_id, tags, record.source)

    outcome = pull(installation, wish, f"run {context.run_id}", run)
    if outcome.record.status != FINISHED:
        raise ended_badly(outcome.record, outcome.run.failure)
    return outcome.record


def _wish(config: Mapping[str, Any]) -> Wish:
    """Check what a person typed; whatever is no id of a company is not repeated.

    Raises:
        UsageError: The tenant is no id of the provider.
    """
    provider, tenant = config["provider"], config["tenant"].strip()
    if tenant and not _TENANT_FORMS[provider].fullmatch(tenant):
        raise UsageError(
            f"tenant is not an id of a company at {LABELS[provider]}; leave it empty, or copy one from: "
            "etl-customers connections"
        )
    return Wish(provider, tenant or None, config["full"], config["accept_vanished"])


def _line(wish: Wish, ended: str, record: ImportRecord | None = None) -> dg.TableRecord:
    """Return a pull as a line of the table of several; without a record, one that came to no good end."""
    counts: dict[str, int | None] = dict.fromkeys(_COUNTED) if record is None else {**_counts(record)}
    why = "; ".join(_why(record).values()) if record else ""
    told = {CONNECTION: wish.tenant_id, "ended": ended, IMPORT: record.import_id if record else None, "why": why}
    return dg.TableRecord({**told, **counts})


def _metadata(record: ImportRecord) -> dict[str, Any]:
    run = {"run": dg.MetadataValue.dagster_run(record.run_id)} if record.run_id else {}
    return {IMPORT: record.import_id, **run, **_why(record), **_counts(record)}


def _why(record: ImportRecord) -> dict[str, str]:
    told = {"incomplete": record.why_incomplete, "deletions_unknown": record.why_deletions_unknown}
    return {name: why for name, why in told.items() if why}


def _counts(record: ImportRecord) -> dict[str, int]:
    return {name: getattr(record, column) or 0 for name, column in _COUNTED.items()}


@dg.job(
    name=START_PULL,
    # What the launchpad shows at first.
    config={"ops": {"pull_customers": {"config": {"provider": QUICKBOOKS, "tenant": "", "full": False}}}},
    description="Pulls the customers of connected companies. In the launchpad, choose quickbooks or xero as the "
    "provider, give a tenant if you want only that company, and launch.",
)
def start_pull() -> None:
    """One op, which starts a run of the provider's job for each company."""
    pull_customers()
