"""Commands that take something away: undo an import, erase a person, delete what is past its retention time."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from etl_customers.cli.options import HomeOption, JsonOption, installation_at, of_a_customer, show_in_ui, user_name

if TYPE_CHECKING:
    from etl_customers.changes.erasing.erase import Erasure
    from etl_customers.changes.undoing import Undone
    from etl_customers.imports.installation import Installation

_SHOWN = 20


def add_to(app: typer.Typer) -> None:
    """Add these commands to the program."""
    app.command()(undo)
    app.command()(erase)
    app.command()(purge)


def undo(
    import_id: Annotated[str, typer.Argument(help="The import's id.", show_default=False)],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be taken back, but change nothing.")
    ] = False,
    json: JsonOption = False,
    home: HomeOption = None,
) -> int:
    """Take an import back: its customers, and the values that it changed. Afterwards the file can be imported again.

    Exit codes:

    0: all of it was taken back, now or before

    1: some customers or values were kept, because others have built upon them since

    2: there is nothing to undo

    3: it could not be done now, nothing was changed; run it again
    """
    from etl_customers.changes.undoing import undo as undo_import
    from etl_customers.cli.screen import print_json
    from etl_customers.cli.stopping import when_stopped

    with (
        installation_at(home) as installation,
        when_stopped(lambda: _what_a_stopped_undo_left(installation, import_id)),
    ):
        undone = undo_import(installation, import_id, user_name(), is_dry_run=dry_run)
        if not dry_run and not undone.is_repeat:
            kept = len(undone.kept)
            show_in_ui(installation, [import_id], "undone", removed=undone.removed, restored=undone.restored, kept=kept)
    if json:
        print_json(
            {
                "import_id": import_id,
                "status": "dry_run" if dry_run and not undone.is_repeat else "undone",
                "repeat": undone.is_repeat,
                "removed": undone.removed,
                "restored": undone.restored,
                "kept": [
                    {"customer_id": one.customer_id, "row": one.row, "code": one.code, "message": one.message}
                    for one in undone.kept
                ],
            }
        )
    else:
        _print_undone(undone, dry_run)
    return 1 if undone.kept else 0


def erase(
    customer_id: Annotated[
        int,
        typer.Argument(metavar="CUSTOMER_ID", help="The customer's id.", show_default=False, callback=of_a_customer),
    ],
    yes: Annotated[bool, typer.Option("--yes", help="Skip the confirmation.")] = False,
    json: JsonOption = False,
    home: HomeOption = None,
) -> int:
    """Erase a person from the target, staging, failed rows and imported files; only ids and counts stay.

    Exit codes:

    0: nothing of the person is left

    1: something still holds the person, or may hold it; the message says what to do

    2: there is no such customer

    3: it could not be done now; run it again
    """
    from etl_customers.changes.erasing.erase import erase as erase_customer
    from etl_customers.cli.screen import print_json
    from etl_customers.cli.stopping import when_stopped

    if not yes:
        _ask(customer_id)
    with (
        installation_at(home) as installation,
        when_stopped(lambda: _what_a_stopped_erasure_left(installation, customer_id)),
    ):
        erasure = erase_customer(installation, customer_id, user_name())
        if erasure.erased_at is not None and not erasure.is_repeat:
            show_in_ui(installation, [_import_of(installation, customer_id)], "a customer was erased")
    if json:
        print_json(
            {
                "customer_id": customer_id,
                "status": "erased" if erasure.erased_at else "kept",
                "erased_at": erasure.erased_at,
                "repeat": erasure.is_repeat,
                "failed_rows": erasure.failed_rows,
                "rewritten": [str(path) for path in erasure.rewritten],
                "deleted": [str(path) for path in erasure.deleted],
                "still_there": [
                    {"what": one.what, "remedy": one.remedy, "certain": one.is_certain} for one in erasure.still_there
                ],
            }
        )
    else:
        _print_erasure(erasure)
    return 1 if erasure.still_there else 0


def purge(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Count what would be deleted, but change nothing.")
    ] = False,
    json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Delete what is older than its retention time, as the nightly schedule in the Dagster UI does."""
    from dataclasses import asdict
    from datetime import UTC, datetime

    from assets.automation.retention import purge as purge_all
    from assets.runtime.instance import open_instance
    from etl_customers.cli.screen import console, pairs, print_json, say

    with installation_at(home) as installation, open_instance(installation.home) as instance:
        deleted, records = purge_all(instance, installation, datetime.now(UTC), is_dry_run=dry_run)
        days = installation.settings.retention.days
    counts = {**asdict(deleted), **asdict(records)}
    if json:
        print_json({"dry_run": dry_run, "days": days, **counts})
        return
    say(f"{'would be ' if dry_run else ''}deleted, because older than {days} days (retention.days):")
    console().print(pairs((name.replace("_", " "), count) for name, count in counts.items()))


def _what_a_stopped_undo_left(installation: "Installation", import_id: str) -> str:
    from etl_customers.database.connect import reading
    from etl_customers.database.ledger import UNDONE, require_import

    with reading(installation.target) as connection:
        record = require_import(connection, import_id)
    if record.status == UNDONE:
        return f"stopped, but import {import_id} was undone"
    return "stopped; nothing was taken back; you can run the same command again"


def _what_a_stopped_erasure_left(installation: "Installation", customer_id: int) -> str:
    from etl_customers.base.errors import NotFound
    from etl_customers.database.connect import reading
    from etl_customers.database.customers import CustomerRemoved, find_customer

    where = "still in the target database"
    try:
        with reading(installation.target) as connection:
            find_customer(connection, customer_id)
    except CustomerRemoved:
        where = "gone from the target database"
    except NotFound:
        return f"stopped; nothing was erased, because there never was a customer {customer_id}"
    return (
        f"stopped; customer {customer_id} is {where}; files may still hold the person; "
        "run the same command again to finish"
    )


def _import_of(installation: "Installation", customer_id: int) -> str:
    from etl_customers.database.connect import reading
    from etl_customers.database.removals import find_removed

    with reading(installation.target) as connection:
        removed = find_removed(connection, customer_id)
    return removed.import_id if removed else ""


def _ask(customer_id: int) -> None:
    from etl_customers.base.errors import UsageError

    if not sys.stdin.isatty():
        raise UsageError("cannot ask for confirmation here; to erase without it, add --yes")
    typer.confirm(f"Erase customer {customer_id} for good? This cannot be undone", abort=True, err=True)


def _print_undone(undone: "Undone", dry_run: bool) -> None:
    from etl_customers.cli.screen import console, say, show, table

    if undone.is_repeat:
        say(f"import {undone.import_id} was already undone on {show(undone.undone_at)}; nothing was changed this time")
        return
    would = "would be " if dry_run else ""
    if undone.was_accepted:
        say(f"nothing of import {undone.import_id} was loaded yet; it {would or 'was '}discarded")
        return
    say(
        f"import {undone.import_id} {would or 'was '}undone: {undone.removed} customers {would}removed, "
        f"{undone.restored} values {would}restored, {len(undone.kept)} kept"
    )
    if undone.kept:
        rows = [(one.customer_id, one.row, one.code, one.message) for one in undone.kept[:_SHOWN]]
        console().print(table(("customer", "row", "code", "why it is kept"), rows, right=("customer", "row")))
        if len(undone.kept) > _SHOWN:
            say(f"and {len(undone.kept) - _SHOWN} more; see all with --json")


def _print_erasure(erasure: "Erasure") -> None:
    from etl_customers.cli.screen import say, show

    number = erasure.customer_id
    if erasure.erased_at is None:
        say(
            f"customer {number} was not erased; the database keeps the customer until these are gone",
            error=True,
        )
    elif erasure.is_repeat:
        say(f"customer {number} was erased on {show(erasure.erased_at)}")
    else:
        say(f"customer {number} was erased now")
    say(
        *(f"  rows taken out: {path}" for path in erasure.rewritten),
        *(f"  deleted: {path}" for path in erasure.deleted),
    )
    for one in erasure.still_there:
        say(f"{'still there' if one.is_certain else 'may be there'}: {one.what}; {one.remedy}", error=True)
