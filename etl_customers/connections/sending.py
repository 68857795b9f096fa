"""One request to a provider's sign-in or connections service, and its answer; pulls have a client of their own.

No redirect is followed, nothing of a request or an answer gets into an exception, and no
answer takes longer, or more memory, than was agreed.
"""

import json
import re
from dataclasses import dataclass, field

import requests

from etl_customers.base.errors import ProviderUnavailable
from etl_customers.connections.bodies import Endless, Session, read_body
from schemas.sources import QUICKBOOKS, XERO

REQUEST_ID_HEADERS: dict[str, str] = {QUICKBOOKS: "intuit_tid", XERO: "Xero-Correlation-Id"}
"""The header by which a provider's support finds a request."""
_MOST_BYTES = 1024 * 1024
_REQUEST_ID = re.compile(r"[0-9A-Za-z._:-]{1,64}")


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


def send(provider: str, request: requests.Request, patience: Patience) -> Answer:
    """Send a request and return the answer, whatever its status.

    Args:
        provider: ``quickbooks`` or ``xero``.
        request: With its authorization in its headers; nothing is added to it.
        patience: How long the answer may take.

    Raises:
        AnswerLost: No whole answer came.
    """
    request.auth = _as_it_is  # else requests would look for a password of this host in ~/.netrc
    timeout = (patience.connect_seconds, patience.answer_seconds)
    try:
        with Session() as session:
            prepared = session.prepare_request(request)
            settings = session.merge_environment_settings(prepared.url or "", {}, True, None, None)
            with session.send(prepared, timeout=timeout, allow_redirects=False, **settings) as response:
                body = read_body(response, _MOST_BYTES, patience.answer_seconds)
                return Answer(response.status_code, _request_id(provider, response), _parse(body))
    except requests.exceptions.SSLError:
        raise AnswerLost(provider, "no encrypted connection could be made") from None
    except requests.exceptions.Timeout:
        raise AnswerLost(provider, "it did not answer in time") from None
    except Endless:
        raise AnswerLost(provider, "its answer did not end") from None
    except (requests.RequestException, ValueError):
        # ValueError: an address or a header of the answer that the library cannot read.
        raise AnswerLost(provider, "the connection failed or broke off") from None


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _request_id(provider: str, response: requests.Response) -> str | None:
    value = response.headers.get(REQUEST_ID_HEADERS[provider], "")
    return value if _REQUEST_ID.fullmatch(value) else None


def _parse(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
