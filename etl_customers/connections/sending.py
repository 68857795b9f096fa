"""One request to a provider's sign-in or connections service, and its answer; pulls have a client of their own.

What an answer says is told by its status and its JSON; nothing of it gets into an exception.
"""

import json
import re
from dataclasses import dataclass, field

from etl_customers.base.errors import ProviderUnavailable
from etl_customers.base.http import Http, Limits, Loss, NoReply, Reply, Request
from schemas.sources import QUICKBOOKS, XERO

MINOR_VERSION = "75"
"""Of QuickBooks' service; the lowest that counts since August 2025."""
_REQUEST_ID_HEADERS = {QUICKBOOKS: "intuit_tid", XERO: "Xero-Correlation-Id"}
"""The header by which a provider's support finds a request."""
_MOST_BYTES = 1024 * 1024
_REQUEST_ID = re.compile(r"[0-9A-Za-z._:-]{1,80}")
_REASONS = {
    Loss.TIMED_OUT: "it did not answer in time",
    Loss.NOT_SECURE: "no encrypted connection could be made",
    Loss.ENDLESS: "its answer did not end",
}
_BROKEN_OFF = "the connection failed or broke off"


@dataclass(frozen=True)
class Patience:
    """How long a provider is waited for.

    All tries together stay below the minute that others wait for SQLite's one writer.
    """

    connect_seconds: float = 5
    answer_seconds: float = 10
    pauses: tuple[float, ...] = (0.5, 2)
    """Seconds before each further try."""


PATIENCE = Patience()


class AnswerLost(ProviderUnavailable):
    """No whole answer came; the provider may have done what was asked."""

    code = "provider_unavailable"


@dataclass(frozen=True)
class Answer:
    """What a provider answered; shown without its content."""

    status: int
    request_id: str | None
    content: object = field(repr=False)
    """What the JSON of the body says; none where it is no JSON."""


def send(provider: str, request: Request, patience: Patience) -> Answer:
    """Send a request and return the answer, whatever its status.

    Args:
        provider: ``quickbooks`` or ``xero``.
        request: With its authorization in its headers.
        patience: How long the answer may take.

    Raises:
        AnswerLost: No whole answer came.
    """
    limits = Limits(patience.connect_seconds, patience.answer_seconds, _MOST_BYTES, patience.answer_seconds)
    try:
        with Http(limits) as http:
            reply = http.send(request)
    except NoReply as error:
        raise AnswerLost(provider, _REASONS.get(error.loss, _BROKEN_OFF)) from None
    return Answer(reply.status, request_id_of(provider, reply), _parse(reply.body))


def request_id_of(provider: str, reply: Reply) -> str | None:
    """Return the id by which the provider's support finds a request."""
    value = reply.headers.get(_REQUEST_ID_HEADERS[provider], "")
    return value if _REQUEST_ID.fullmatch(value) else None


def _parse(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
