"""Pulls in the process that asks for them: of which companies, which one is accepted, what is run before a full one."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from assets.automation.launch import RunOutcome
from etl_customers.base.errors import UsageError
from etl_customers.database.connect import read_patiently
from etl_customers.database.ledger import FINISHED, ImportRecord
from etl_customers.imports.accepting_pulls import AcceptedPull, accept, list_pullable
from etl_customers.imports.installation import Installation
from etl_customers.imports.stage_gate import find_record

_MOST_PULLS = 3


@dataclass(frozen=True)
class Wish:
    """What somebody wants to have pulled."""

    provider: str
    tenant_id: str | None
    """None: all companies that are connected."""
    is_full: bool = False
    accepts_vanished: bool = False


@dataclass(frozen=True)
class PullOutcome:
    """The last pull that was run for a wish."""

    accepted: AcceptedPull
    record: ImportRecord
    """As the ledger has it afterwards."""
    run: RunOutcome


def wishes_of(installation: Installation, wish: Wish) -> list[Wish]:
    """Return what is wanted of each company; the wish itself where it names one, or where there are not several.

    Raises:
        UsageError: Any number may have vanished, but of several companies.
        DatabaseUnavailable: The target does not answer.
    """
    tenants = [] if wish.tenant_id is not None else list_pullable(installation, wish.provider)
    if len(tenants) <= 1:
        return [wish]
    if wish.accepts_vanished:
        raise UsageError(
            "accepting any number of vanished customers needs one company; name it (--tenant ID, in the UI: tenant), "
            f"where ID is one of {', '.join(tenants)}"
        )
    return [replace(wish, tenant_id=tenant_id) for tenant_id in tenants]


def pull(
    installation: Installation, wish: Wish, accepted_by: str, run: Callable[[ImportRecord], RunOutcome]
) -> PullOutcome:
    """Accept a pull and run it; where one that is not full stands in the way of a full one, that one first.

    Args:
        installation: Home, settings and target.
        wish: What is wanted.
        accepted_by: Who wants it.
        run: Runs the job of an accepted pull to its end.

    Raises:
        EtlCustomersError: No pull can be accepted.
    """
    for _ in range(_MOST_PULLS):
        accepted = accept(
            installation,
            wish.provider,
            wish.tenant_id,
            is_full=wish.is_full,
            accepts_vanished=wish.accepts_vanished,
            accepted_by=accepted_by,
        )
        ended = run(accepted.record)
        record = read_patiently(partial(find_record, installation, accepted.record.import_id))
        outcome = PullOutcome(accepted, record, ended)
        if outcome.record.status != FINISHED or outcome.record.is_full or not wish.is_full:
            break
    return outcome
