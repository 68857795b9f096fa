"""What the ticks of the inbox say: one sentence of counts and import ids, and no names that an uploader chose."""

from collections.abc import Iterable, Mapping

from assets.display.tags import file_label
from etl_customers.database.ledger import ImportRecord
from etl_customers.inbox.accept import Acceptance
from etl_customers.inbox.look import Look
from etl_customers.inbox.settle import Outcome, Settlement
from etl_customers.inbox.tries import MOST_TRIES, Starts
from etl_customers.settings.sections import Settings
from etl_customers.texts.listing import listed

_NAMED = 20
_IN_REJECTED = "see the notes in inbox/rejected/"


def say_waiting(found: Look, accepted: Acceptance, starts: Starts) -> str:
    """Return why a tick starts nothing."""
    parts = [
        _count(found.waiting, "not complete yet, or changed too recently"),
        _count(accepted.left + found.unexamined, "complete; the next ticks take them"),
        _count(len(found.odd), "not an upload; inbox_results sets them aside"),
        _count(starts.waiting, "being imported, or waiting to start again"),
    ]
    parts += _problems(accepted.problems)
    if starts.to_look_at:
        names = listed((record.import_id for record in starts.to_look_at), _NAMED)
        parts.append(
            f"{len(starts.to_look_at)} no longer started ({names}), because they were canceled or broke off {MOST_TRIES} times; "
            "look at the runs and re-execute one"
        )
    return _sentence(parts, "the inbox is empty")


def say_settled(settlement: Settlement, waiting: int, settings: Settings) -> str:
    """Return what became of the files of a tick."""
    parts = []
    for outcome in Outcome:
        records = [one.record for one in settlement.settled if one.outcome is outcome]
        if records:
            named = listed((_named(record, settings) for record in records if record is not None), _NAMED)
            parts.append(f"{len(records)} {outcome}{f' ({named})' if named else ''}")
    if any(one.outcome not in (Outcome.DONE, Outcome.REPEAT) for one in settlement.settled):
        parts.append(_IN_REJECTED)
    if settlement.set_aside:
        kinds = ", ".join(f"{number} {code}" for code, number in sorted(settlement.set_aside.items()))
        parts.append(f"{settlement.set_aside.total()} set aside ({kinds}), {_IN_REJECTED}")
    parts += [
        _count(len(settlement.under_way), "being imported"),
        _count(settlement.left, "ended; the next tick puts them away"),
        _count(waiting, "not complete yet, or changed too recently"),
        *_problems(settlement.problems),
    ]
    return _sentence(parts, "nothing to put away")


def _problems(problems: Mapping[str, int]) -> list[str]:
    return [f"{number} could not be moved: {why}" for why, number in sorted(problems.items())]


def _named(record: ImportRecord, settings: Settings) -> str:
    label = file_label(record, settings)
    # Without names to show, the label is what the id ends with.
    return f"{label} as {record.import_id}" if settings.ui.show_file_names else f"as {record.import_id}"


def _count(number: int, words: str) -> str:
    return f"{number} {words}" if number else ""


def _sentence(parts: Iterable[str], otherwise: str) -> str:
    return "; ".join(part for part in parts if part) or otherwise
