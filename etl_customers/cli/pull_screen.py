"""The result of a pull on a terminal: what was synced, what was not and why, what to do next."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from etl_customers.cli.kinds_screen import print_kinds
from etl_customers.cli.pasting import relative, runnable
from etl_customers.cli.screen import console, pairs, say, show, table
from etl_customers.report.pull_result import CountedReason, CountedWarning, PullResult
from schemas.codes import ALREADY_EXISTS, LEFT_OUT_CODES
from schemas.sources import LABELS

_IDS_SHOWN = 3


def print_pull(result: PullResult, seconds: float | None = None) -> None:
    """Print a result for a person.

    Args:
        result: Of a pull.
        seconds: How long it took, where it was done just now.
    """
    from rich.text import Text

    if result.refusal is not None:
        say(f"error: the pull from {LABELS[result.source]} was refused: {result.refusal.message}", error=True)
        say(f"import: {result.import_id}", error=True)
        return
    screen = console()
    screen.print(Text(_headline(result), style="bold"), soft_wrap=True)
    screen.print(pairs(_facts(result, seconds)))
    print_kinds(result.source, [(one.kind, one.records, one.is_taken) for one in result.kinds])
    _print_warnings(result)
    _print_kept_edited(result)
    _print_reasons(
        f"Not synced ({result.to_look_at:,})",
        [reason for reason in result.reasons if reason.code not in LEFT_OUT_CODES],
    )
    _print_reasons(
        f"Left out on purpose ({result.left_out:,})",
        [reason for reason in result.reasons if reason.code in LEFT_OUT_CODES],
    )
    next_step = _next_step(result)
    if next_step:
        say("", *next_step)


def _headline(result: PullResult) -> str:
    name, rows = LABELS[result.source], result.rows
    if result.status == "accepted":
        return f"{name}: the pull was accepted, but has not ended"
    if result.status == "undone":
        return f"{name}: the pull was undone on {show(result.undone_at)}; it had fetched {_customers(rows.fetched)}"
    kind = "all customers" if result.is_full else "changed customers"
    if result.is_complete is False:
        kind = f"{kind}: INCOMPLETE, {result.why_incomplete}"
    return f"{name}, {kind}: {rows.fetched - rows.not_synced:,} of {_customers(rows.fetched)} synced"


def _facts(result: PullResult, seconds: float | None) -> Iterator[tuple[str, object]]:
    yield "import", result.import_id
    yield "tenant", result.connection
    if result.status != "accepted":
        rows = result.rows
        synced = f"{rows.created:,} created + {rows.updated:,} updated + {rows.unchanged:,} unchanged"
        yield "customers", f"{rows.fetched:,} fetched = {synced} + {rows.not_synced:,} not synced"
    # Not by the number that vanished then: whoever came back since, or by an undo, is active here.
    if result.vanished_ids:
        gone, ids = _customers(len(result.vanished_ids)), _some(result.vanished_ids)
        yield "vanished", f"{gone}, merged or deleted at the provider; now inactive here; ids at the provider: {ids}"
    if result.why_deletions_unknown is not None:
        yield (
            "deletions",
            f"some that were merged or deleted at the provider may not be known: {result.why_deletions_unknown}",
        )
    if result.is_complete is False:
        yield (
            "incomplete",
            (
                f"some customers may be missing: {result.why_incomplete}; those that came were synced, "
                "and the next pull asks for all of them again"
            ),
        )
    if result.kept_edited:
        kept = len({one.provider_id for one in result.kept_edited})
        yield (
            "kept edited",
            f"{_customers(kept)}, edited here and since changed at the provider; your edits were kept, see below",
        )
    if seconds is not None:
        yield "time", f"{seconds:.1f} s"


def _print_warnings(result: PullResult) -> None:
    if not result.warnings:
        return
    say("", "Warnings (these customers were synced)")
    rows = [(warning.customers, warning.message, _ids(warning)) for warning in result.warnings]
    console().print(table(("customers", "what", "ids at the provider"), rows, right=("customers",)))


def _print_kept_edited(result: PullResult) -> None:
    if not result.kept_edited:
        return
    say("", f"Kept as edited here, although {LABELS[result.source]} now has another value")
    columns: dict[str, list[str]] = {}
    for one in result.kept_edited:
        columns.setdefault(one.column, []).append(one.provider_id)
    rows = [(len(ids), column, _some(ids)) for column, ids in sorted(columns.items())]
    console().print(table(("customers", "column", "ids at the provider"), rows, right=("customers",)))


def _print_reasons(title: str, reasons: Sequence[CountedReason]) -> None:
    if not reasons:
        return
    say("", title)
    rows = [(reason.customers, reason.code, runnable(reason.message), _ids(reason)) for reason in reasons]
    console().print(table(("customers", "code", "what", "ids at the provider"), rows, right=("customers",)))


def _ids(reason: CountedReason | CountedWarning) -> str:
    return _some(reason.provider_ids, reason.customers)


def _some(provider_ids: Sequence[str], count: int | None = None) -> str:
    """Return the first ids, and a sign where there are more: ``count`` in all, where not all are given."""
    ids = [provider_id or "without an id" for provider_id in provider_ids[:_IDS_SHOWN]]
    return ", ".join(ids) + (" …" if (len(provider_ids) if count is None else count) > len(ids) else "")


def _next_step(result: PullResult) -> list[str]:
    pull = f"etl-customers pull {result.source} --tenant {result.connection}"
    if result.status == "undone":
        return [f"To sync its customers again, run: {pull}"]
    if result.status == "accepted":
        return [f"To continue where it stopped, run: {pull}"]
    steps = []
    if result.is_complete is False:
        steps.append(f"To fetch the rest, run: {pull}{' --full' if result.is_full else ''}")
    if result.not_synced_file:
        steps.append(f"What to do for each, with ids and links: {relative(Path(result.not_synced_file))}")
    codes = {reason.code for reason in result.reasons} - LEFT_OUT_CODES
    if ALREADY_EXISTS in codes:
        steps.append(
            f"To link them to the customers that the target already has, run: etl-customers settings set "
            f"{result.source}.link_existing true, then: "
            f"{pull} --full"
        )
    if result.to_look_at:
        steps.append(f"Correct {'others' if len(codes) > 1 else 'them'} at {LABELS[result.source]}, then run: {pull}")
    return steps


def _customers(count: int) -> str:
    return "1 customer" if count == 1 else f"{count:,} customers"
