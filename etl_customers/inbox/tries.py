"""When an accepted import is started, and when it is started again because it came to no end.

An import that is refused or finished has an end; one whose run broke off has none. What
carried it, and how it is started, is not known here.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum

from etl_customers.database.ledger import ACCEPTED, ImportRecord
from etl_customers.imports.installation import Installation
from etl_customers.inbox.folders import held, list_accepted
from etl_customers.inbox.names import parts_of
from etl_customers.inbox.settle import find_records

MOST_TRIES = 8
_LOOKED_AT = 2_000
_LONGEST_PAUSE_SECONDS = 60 * 60.0


@dataclass(frozen=True)
class Try:
    """One attempt to carry an import to its end; ``ended_at`` is in seconds since the epoch, none while it goes on."""

    ended_at: float | None
    was_canceled: bool = False


class Step(StrEnum):
    """What to do for an accepted import."""

    START = "start"
    WAIT = "wait"
    """A try goes on, or its pause is not over."""
    ASK = "ask"
    """A person stopped it, or it broke off too often: a person must look."""


def next_step(tries: Sequence[Try], now: float) -> Step:
    """Say whether to start an accepted import, by what was tried since its acceptance.

    The first try begins at once; the pauses before the others are 1, 2, 4 … minutes, an
    hour at most, from the end of the last try.
    """
    ends = [one.ended_at for one in tries if one.ended_at is not None]
    if len(ends) < len(tries):
        return Step.WAIT
    if any(one.was_canceled for one in tries) or len(tries) >= MOST_TRIES:
        return Step.ASK
    pause = min(60.0 * 2 ** (len(ends) - 1), _LONGEST_PAUSE_SECONDS) if ends else 0.0
    return Step.START if not ends or now >= max(ends) + pause else Step.WAIT


@dataclass(frozen=True)
class Start:
    """An import to start; ``key`` differs for each try of each acceptance and is the same when asked twice."""

    record: ImportRecord
    key: str


@dataclass
class Starts:
    """What to do for all imports of the inbox that are under way."""

    to_start: list[Start] = field(default_factory=list)
    waiting: int = 0
    to_look_at: list[ImportRecord] = field(default_factory=list)
    """Those that need a person."""


TriesOf = Callable[[Mapping[str, float]], Mapping[str, Sequence[Try]]]
"""Takes import ids with the time of their acceptance (seconds since the epoch), returns what was tried since."""


def find_starts(installation: Installation, tries_of: TriesOf, *, most: int, now: float) -> Starts:
    """Say which imports of the files in ``accepted/`` to start, the first accepted first.

    Only the files and the ledger are asked, never what was started before: whatever
    broke off between an acceptance and its end is found again.

    Args:
        installation: Home, settings and target.
        tries_of: Tells what was tried.
        most: Most imports to start; the others wait.
        now: Seconds since the epoch.

    Raises:
        DiskUnavailable: A folder of the inbox cannot be used.
        DatabaseUnavailable: The target does not answer.
    """
    with held(installation.home):
        paths = list_accepted(installation.home, _LOOKED_AT)
        records = find_records(installation, paths)
        accepted_at: dict[str, int] = {}
        for path in paths:
            import_id = parts_of(path.name)[0]
            if import_id in records and records[import_id].status == ACCEPTED:
                with suppress(FileNotFoundError):  # a person took it away
                    accepted_at[import_id] = max(accepted_at.get(import_id, 0), path.lstat().st_ctime_ns)
    tries = tries_of({import_id: time_ns / 1e9 for import_id, time_ns in accepted_at.items()})
    starts = Starts()
    for import_id, time_ns in accepted_at.items():
        tried = tries.get(import_id, ())
        step = next_step(tried, now)
        if step is Step.ASK:
            starts.to_look_at.append(records[import_id])
        elif step is Step.START and len(starts.to_start) < most:
            starts.to_start.append(Start(records[import_id], f"{import_id}:{time_ns}:{len(tried)}"))
        else:
            starts.waiting += 1
    return starts
