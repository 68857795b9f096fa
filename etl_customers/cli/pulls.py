"""Commands about pulls: pull a provider's customers; what ``imports`` says of pulls is made here too."""

import time
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from etl_customers.cli.connections import ProviderArgument, TenantOption
from etl_customers.cli.options import HomeOption, JsonOption, user_name, workshop_at

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from assets.launch import RunOutcome
    from assets.pulling import PullOutcome, Wish
    from etl_customers.report.pull_result import PullResult
    from etl_customers.settings import Home
    from etl_customers.target.ledger import ImportRecord
    from etl_customers.workshop import Workshop


def add_to(app: typer.Typer) -> None:
    """Add these commands to the program."""
    app.command()(pull)


def pull(
    provider: ProviderArgument,
    tenant: TenantOption = None,
    full: Annotated[
        bool, typer.Option("--full", help="All customers, not only those that changed since the last pull.")
    ] = False,
    accept_vanished: Annotated[
        bool,
        typer.Option(
            "--accept-vanished",
            help="With --full: however many customers are gone at the provider, make them inactive here.",
        ),
    ] = False,
    json: JsonOption = False,
    home: HomeOption = None,
) -> int:
    """Pull customers from QuickBooks Online or Xero; each one is synced, or listed with the reason why not.

    Exit codes:

    0: all are synced, but for those that are left out on purpose

    1: some could not be synced, or perhaps not all came

    2: the pull is refused, nothing was changed

    3: it could not be done now; run it again, it goes on where it stopped
    """
    from assets.pulling import Wish

    started = time.monotonic()
    with workshop_at(home) as workshop:
        result = _pull(workshop, Wish(provider.value, tenant, full or accept_vanished, accept_vanished))
    if json:
        from etl_customers.cli.screen import print_json

        print_json(result.as_record())
    else:
        from etl_customers.cli.pull_screen import print_pull

        print_pull(result, time.monotonic() - started)
    return result.exit_code


def result_of(target: "Engine", home: "Home", record: "ImportRecord", repeat: bool = False) -> "PullResult":
    """Return the result of a pull as the ledger has it.

    Raises:
        DatabaseUnavailable: The target does not answer.
    """
    from etl_customers.report.pull_result import pull_result_of
    from etl_customers.target.connect import reading

    with reading(target) as connection:
        return pull_result_of(connection, home, record, repeat)


def _pull(workshop: "Workshop", wish: "Wish") -> "PullResult":
    from assets.launch import run_import_job
    from assets.pulling import pull
    from assets.tags import import_tags
    from etl_customers.cli.progress import shown_progress

    with shown_progress() as progress:

        def run(record: "ImportRecord") -> "RunOutcome":
            tags = import_tags(record, workshop.settings)
            return run_import_job(workshop.home, record.import_id, progress, tags, record.source)

        outcome = pull(workshop, wish, user_name(), run)
    return _result(workshop, outcome)


def _result(workshop: "Workshop", outcome: "PullOutcome") -> "PullResult":
    from etl_customers.cli.run_ends import result_after_run

    read = partial(result_of, workshop.target, workshop.home, outcome.record, repeat=not outcome.accepted.is_new)
    return result_after_run(outcome.record.import_id, outcome.run.failure, read, "the pull is finished")
