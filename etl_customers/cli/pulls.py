"""Commands about pulls: pull a provider's customers; what ``imports`` says of pulls is made here too."""

import time
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from etl_customers.base.errors import EtlCustomersError, error_code, gravest
from etl_customers.cli.connections import ProviderArgument, TenantOption
from etl_customers.cli.options import HomeOption, JsonOption, installation_at, user_name
from etl_customers.cli.screen import print_json, say
from schemas.sources import LABELS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Engine

    from assets.automation.launch import RunOutcome
    from assets.automation.pulling import PullOutcome, Wish
    from etl_customers.database.ledger import ImportRecord
    from etl_customers.imports.installation import Installation
    from etl_customers.report.pull_result import PullResult
    from etl_customers.settings.home import Home


def add_to(app: typer.Typer) -> None:
    """Add these commands to the program."""
    app.command()(pull)


def pull(
    provider: ProviderArgument,
    tenant: TenantOption = None,
    full: Annotated[
        bool, typer.Option("--full", help="Pull all customers, not only those that changed since the last pull.")
    ] = False,
    accept_vanished: Annotated[
        bool,
        typer.Option(
            "--accept-vanished",
            help="With --full: make all customers inactive that are gone at the provider, however many.",
        ),
    ] = False,
    json: JsonOption = False,
    home: HomeOption = None,
) -> int:
    """Pull customers from QuickBooks Online or Xero; each one is synced, or listed with the reason why it was not.

    If several companies are connected and none is named, all are pulled, one after the other.

    Exit codes (of several companies, the first of these that occurs: 2, 3, 1):

    0: all were synced, except those that were left out on purpose

    1: some could not be synced, or some may be missing

    2: the pull was refused, nothing was changed

    3: it could not be done now; run it again to continue where it stopped
    """
    from assets.automation.pulling import Wish, wishes_of

    wish = Wish(provider.value, tenant, full or accept_vanished, accept_vanished)
    with installation_at(home) as installation:
        wishes = wishes_of(installation, wish)
        if len(wishes) > 1:
            return _pull_each(installation, wishes, json)
        started = time.monotonic()
        result = _pull(installation, wish)
        _print(result, time.monotonic() - started, json)
        return result.exit_code


def _pull_each(installation: "Installation", wishes: "Sequence[Wish]", as_json: bool) -> int:
    """Pull companies one after the other, each with its result; one that fails does not stop the others."""
    records, codes = [], []
    for wish in wishes:
        started = time.monotonic()
        try:
            result = _pull(installation, wish)
        except EtlCustomersError as error:
            codes.append(error.exit_code)
            said = {"code": error_code(error), "message": str(error)}
            records.append({"source": wish.provider, "connection": wish.tenant_id, "error": said})
            say(f"error: {LABELS[wish.provider]} {wish.tenant_id}: {error}", error=True)
        else:
            codes.append(result.exit_code)
            records.append(result.as_record())
            if not as_json:
                _print(result, time.monotonic() - started, as_json)
        if not as_json:
            say("")
    if as_json:
        print_json({"pulls": records})
    return gravest(codes)


def _print(result: "PullResult", seconds: float, as_json: bool) -> None:
    if as_json:
        print_json(result.as_record())
    else:
        from etl_customers.cli.pull_screen import print_pull

        print_pull(result, seconds)


def result_of(target: "Engine", home: "Home", record: "ImportRecord", repeat: bool = False) -> "PullResult":
    """Return the result of a pull as the ledger has it.

    Raises:
        DatabaseUnavailable: The target does not answer.
    """
    from etl_customers.database.connect import reading
    from etl_customers.report.pull_result import pull_result_of

    with reading(target) as connection:
        return pull_result_of(connection, home, record, repeat)


def _pull(installation: "Installation", wish: "Wish") -> "PullResult":
    from assets.automation.launch import run_import_job
    from assets.automation.pulling import pull
    from assets.display.tags import import_tags
    from etl_customers.cli.progress import shown_progress
    from etl_customers.cli.stopping import when_stopped

    begun: list[str] = []

    def run(record: "ImportRecord") -> "RunOutcome":
        begun.append(record.import_id)
        tags = import_tags(record, installation.settings)
        return run_import_job(installation.home, record.import_id, progress, tags, record.source)

    with when_stopped(lambda: _what_a_stop_left(installation, wish, begun)), shown_progress() as progress:
        outcome = pull(installation, wish, user_name(), run)
        return _result(installation, outcome)


def _what_a_stop_left(installation: "Installation", wish: "Wish", begun: "Sequence[str]") -> str:
    from etl_customers.database.connect import reading
    from etl_customers.database.ledger import FINISHED, require_import

    for import_id in begun[-1:]:
        with reading(installation.target) as connection:
            record = require_import(connection, import_id)
        if record.status == FINISHED and wish.is_full and not record.is_full:
            return (
                f"stopped; pull {import_id}, which had to end first, has finished, "
                "but nothing of the full pull was loaded; run the same command again"
            )
        if record.status == FINISHED:
            return f"stopped, but pull {import_id} has finished; see: etl-customers imports show {import_id}"
    return "stopped; nothing of this pull was loaded; the same command continues it"


def _result(installation: "Installation", outcome: "PullOutcome") -> "PullResult":
    from etl_customers.cli.run_ends import result_after_run

    read = partial(
        result_of, installation.target, installation.home, outcome.record, repeat=not outcome.accepted.is_new
    )
    return result_after_run(outcome.record.import_id, outcome.run.failure, read, "the pull has finished")
