"""What an answer of a provider means: use it, try again, renew the token, or stop and say why.

Deciding only; the client acts upon it. Bodies are read here, and nothing of a body that is no
page goes further than the number of its error: errors' texts echo tokens and customers' values.
"""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import Enum, auto
from typing import Any

from etl_customers.base.http import Reply
from etl_customers.pull.faults import THROTTLED, Fault, read_fault, read_json, says_json
from schemas.refusals import PullReason
from schemas.sources import QUICKBOOKS, XERO

Document = dict[str, Any]
"""A JSON object as a provider sends it."""

UNEXPECTED = "its answer is not as documented"
_NEVER_DONE = frozenset({501, 505})
"""Of the server's errors those that no later moment mends."""
_SECONDS = re.compile(r"[0-9]{1,9}")


class Action(Enum):
    """What is to be done about an answer."""

    USE = auto()
    RETRY = auto()
    """It broke down: the same request may succeed in a moment."""
    WAIT = auto()
    """The limit of calls is reached."""
    STOP_FOR_TODAY = auto()
    """The limit of the day is reached."""
    RENEW = auto()
    """The access token is not accepted, whatever the reason that is given: a new one may be."""
    REFUSE = auto()
    """It would be answered like this for ever."""
    STOP = auto()
    """It is not as it should be; trying again at once is of no use, later may be."""


@dataclass(frozen=True)
class Verdict:
    """What an answer means."""

    action: Action
    reason: str = ""
    """Why it cannot be used, in our words."""
    refusal: PullReason = PullReason.INVALID_REQUEST
    """Where the action is to refuse."""
    document: Document = field(default_factory=dict, repr=False)
    """The answer itself, where it is to be used."""


_BY_FAULT = {
    120: Verdict(Action.RENEW, "error 120"),
    THROTTLED: Verdict(Action.WAIT, "too many calls, error 3001"),
    3100: Verdict(Action.REFUSE, "error 3100", PullReason.WRONG_ENVIRONMENT),
    3200: Verdict(Action.RENEW, "error 3200"),
    4002: Verdict(Action.REFUSE, "error 4002", PullReason.QUERY_FAILED),
    6190: Verdict(Action.REFUSE, "error 6190", PullReason.NO_SUBSCRIPTION),
    10000: Verdict(Action.RETRY, "error 10000"),
}
"""QuickBooks' numbers, on a status that does not decide by itself: 120 comes on 500, too, and is over in a moment."""
_BY_STATUS = {401: Action.RENEW, 429: Action.WAIT}


def judge(provider: str, reply: Reply, *, is_conditional: bool = False) -> Verdict:
    """Say what an answer means.

    Args:
        provider: ``quickbooks`` or ``xero``.
        reply: The answer.
        is_conditional: What was asked for is what has changed since a time.

    Source:
        https://developer.intuit.com/app/developer/qbo/docs/develop/troubleshooting/error-codes,
        https://developer.xero.com/documentation/api/accounting/responsecodes (read November 2026);
        a Fault may come with status 200, and an error's body need not be JSON.
    """
    document = read_json(reply)
    fault = read_fault(reply, document)
    number = None if fault is None else fault.number
    if (verdict := _judge_status(reply, number)) is not None:
        return verdict
    if provider == QUICKBOOKS and number in _BY_FAULT:
        return _BY_FAULT[number]
    if reply.status == 304 and is_conditional:
        # What HTTP has for "nothing was changed since"; Xero is not known to send it.
        return Verdict(Action.USE, document={"Contacts": [], "pagination": {"pageCount": 0, "itemCount": 0}})
    if reply.status >= 300:
        return _judge_error(provider, reply, fault)
    if fault is not None:
        reason = "an error without a number" if number is None else f"error {number}"
        return Verdict(Action.REFUSE, reason)
    if isinstance(document, dict):
        return Verdict(Action.USE, document=document)
    if says_json(reply) and document is None:
        return Verdict(Action.RETRY, "its answer broke off")
    return Verdict(Action.STOP, UNEXPECTED)


def _judge_status(reply: Reply, number: int | None) -> Verdict | None:
    """Return what a status means that decides whatever else the answer says; none where it does not."""
    status, reason = reply.status, _reason(reply, number)
    if status >= 500:
        return Verdict(Action.STOP if status in _NEVER_DONE else Action.RETRY, reason)
    if status == 429 and _is_of_the_day(reply):
        return Verdict(Action.STOP_FOR_TODAY, reason)
    return Verdict(_BY_STATUS[status], reason) if status in _BY_STATUS else None


def _judge_error(provider: str, reply: Reply, fault: Fault | None) -> Verdict:
    status, reason = reply.status, _reason(reply, None if fault is None else fault.number)
    if status == 403 and provider == XERO and fault is not None and "AuthenticationUnsuccessful" in fault.detail:
        return Verdict(Action.RENEW, reason)
    codes = {403: PullReason.FORBIDDEN, 404: PullReason.NOT_FOUND}
    if 400 <= status < 500:
        return Verdict(Action.REFUSE, reason, codes.get(status, PullReason.INVALID_REQUEST))
    return Verdict(Action.STOP, f"{reason}, which does not answer this request")


def _reason(reply: Reply, number: int | None) -> str:
    status = f"status {reply.status}"
    return status if number is None else f"{status}, error {number}"


def retry_after(reply: Reply, now: datetime) -> float | None:
    """Return the seconds that an answer asks to wait, from a number or a date; ``now`` where it has no Date itself."""
    asked = reply.headers.get("Retry-After", "").strip()
    if _SECONDS.fullmatch(asked):
        return float(asked)
    until = _http_date(asked)
    if until is None:
        return None
    return max((until - (server_date(reply) or now)) / timedelta(seconds=1), 0)


def server_date(reply: Reply) -> datetime | None:
    """Return the server's time in UTC as HTTP has it."""
    return _http_date(reply.headers.get("Date", ""))


def is_last_of_the_day(reply: Reply) -> bool:
    """Tell whether this was the last call of the day that the provider allows."""
    return reply.headers.get("X-DayLimit-Remaining", "").strip() == "0"


def _is_of_the_day(reply: Reply) -> bool:
    return reply.headers.get("X-Rate-Limit-Problem", "").strip().lower() == "day" or is_last_of_the_day(reply)


def _http_date(text: str) -> datetime | None:
    try:
        return parsedate_to_datetime(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
