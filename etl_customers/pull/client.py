"""Asking a provider on one connection: pacing, tries, the token, and one line of log per answer.

What the answers mean is in ``answers``; which pages are asked for, in ``quickbooks`` and ``xero``.
"""

import logging
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic
from typing import Never, NoReturn, Protocol, Self

from etl_customers.base import http
from etl_customers.base.errors import ProviderUnavailable, PullRefused
from etl_customers.connections.sending import request_id_of
from etl_customers.pull.answers import (
    UNEXPECTED,
    Action,
    Document,
    is_last_of_the_day,
    judge,
    retry_after,
    server_date,
)
from etl_customers.pull.pacing import Clock, Pacing
from etl_customers.settings.sections import Settings
from schemas.refusals import PullReason
from schemas.sources import LABELS

_LIMITS = http.Limits(connect_seconds=5, silent_seconds=125, most_bytes=64 * 1024 * 1024, body_seconds=300)
"""Intuit itself gives up after 120 seconds; of bytes, and of seconds in which they come, many times what a page needs."""
_TRIES = 6
_LONGEST_WAIT = 90
"""Seconds; a provider that asks for more is asked again by a later run."""
_YEAR = timedelta(days=365)
"""The farthest time that is named."""
_THROTTLED_WAIT = 60
"""Seconds after "too many calls" that does not say how long: both vendors count by the minute."""
_log = logging.getLogger("etl_customers.pull")


class RequestRefused(PullRefused):
    """The provider answered that it will not do what was asked, whoever asks again."""

    def __init__(
        self, why: PullReason, provider: str, tenant_id: str, reason: str, request_id: str | None = None
    ) -> None:
        named = f"{reason}, request {request_id}" if request_id else reason
        super().__init__(why, provider=provider, tenant=tenant_id, reason=named)
        self.reason, self.request_id = reason, request_id


class AccessTokens(Protocol):
    """What is asked of ``connections.tokens``."""

    def access_token(self) -> str:
        """Return a token that is valid for a minute at least."""
        ...

    def refresh(self, rejected: str) -> str:
        """Return another token than one that was rejected."""
        ...

    def note_accepted(self) -> None:
        """Note that the provider accepts the connection."""
        ...

    def note_rejected(self, reason: str, request_id: str | None) -> NoReturn:
        """Note that a token was rejected that is new, and raise what that means."""
        ...


@dataclass(frozen=True)
class Request:
    """One GET request."""

    what: str
    """For the log: ``page at 1``, ``count``."""
    path: str
    parameters: Mapping[str, str | int]
    records_in: Callable[[Document], list[object] | None]
    """Finds the records of an answer; None: it has not the shape that it should have."""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """An answer that can be used."""

    document: Document
    records: list[object]
    date: datetime | None
    """The server's, in UTC, from the header of that name."""
    request_id: str | None


class Client:
    """One connection's HTTP; use it in one thread at a time, and close it."""

    def __init__(
        self, provider: str, tenant_id: str, tokens: AccessTokens, settings: Settings, clock: Clock | None = None
    ) -> None:
        section = settings.provider(provider)
        self.provider, self.tenant_id = provider, tenant_id
        self._tokens = tokens
        self._base = str(section.api_url).rstrip("/")
        self._clock = clock or Clock()
        self._pacing = Pacing(provider, section.requests_per_minute, section.deadline_minutes, self._clock)
        self._http = http.Http(_LIMITS)
        self._is_day_used_up = self._is_accepted = False

    def __enter__(self) -> Self:
        """Return the client; the end of the block closes it."""
        return self

    def __exit__(self, *_: object) -> None:
        """Give its sockets back."""
        self._http.close()

    def utc_now(self) -> datetime:
        """Return the time of this machine."""
        return self._clock.utc_now()

    def stop(self) -> None:
        """Have a request that another thread makes end soon: it waits for nothing any more."""
        self._pacing.stop()

    def get(self, request: Request) -> Answer:
        """Ask until there is an answer that can be used.

        Only what may pass is tried again: limits, breakdowns of the server, broken connections.
        A rejected token is renewed once.

        Raises:
            ProviderUnavailable: No such answer came in six tries, in the time of one pull, or
                today; safe to repeat later.
            RequestRefused: It would be answered like this for ever.
            ReconnectNeeded: The provider no longer accepts the connection.
        """
        is_renewed = False
        failures = 0
        while True:
            self._pacing.before_request()
            if self._is_day_used_up:
                self._stop_for_today(None, None)
            token = self._tokens.access_token()
            outcome = self._send(request, token)
            if isinstance(outcome, Answer):
                self._note_accepted()
                return outcome
            if outcome.action is Action.RENEW and not is_renewed:
                self._tokens.refresh(token)
                is_renewed = True
                continue
            failures += 1
            if outcome.action not in (Action.RETRY, Action.WAIT) or failures == _TRIES:
                self._end(outcome)
            self._pacing.wait(self._pause(outcome, failures))

    def _note_accepted(self) -> None:
        if not self._is_accepted:
            self._tokens.note_accepted()
            self._is_accepted = True

    def unexpected(self, answer: Answer) -> Never:
        """End on an answer that lacks something.

        Raises:
            ProviderUnavailable: Always.
        """
        raise ProviderUnavailable(self.provider, UNEXPECTED, answer.request_id)

    def _send(self, request: Request, token: str) -> "Answer | _Failure":
        begun = monotonic()
        status, outcome = self._exchange(request, token)
        _log.info(
            "%s, %s: %s, request %s, %d ms, %d records",
            LABELS[self.provider],
            request.what,
            outcome.reason if status is None and isinstance(outcome, _Failure) else f"status {status}",
            outcome.request_id,
            1000 * (monotonic() - begun),
            len(outcome.records) if isinstance(outcome, Answer) else 0,
        )
        return outcome

    def _exchange(self, request: Request, token: str) -> "tuple[int | None, Answer | _Failure]":
        """Return status and meaning of the answer, or why there is none."""
        headers = {"Accept": "application/json", **request.headers, "Authorization": f"Bearer {token}"}
        try:
            reply = self._http.send(http.Request("GET", self._base + request.path, headers, request.parameters))
        except http.NoReply as error:
            return None, _LOST.get(error.loss, _BROKEN_OFF)
        return reply.status, self._read(request, reply)

    def _read(self, request: Request, reply: http.Reply) -> "Answer | _Failure":
        request_number = request_id_of(self.provider, reply)
        verdict = judge(self.provider, reply, is_conditional="If-Modified-Since" in request.headers)
        if verdict.action is not Action.USE:
            wait = retry_after(reply, self._clock.utc_now())
            return _Failure(verdict.action, verdict.reason, verdict.refusal, request_number, wait)
        self._is_day_used_up = is_last_of_the_day(reply)
        records = request.records_in(verdict.document)
        if records is None:
            return _Failure(Action.STOP, UNEXPECTED, request_id=request_number)
        return Answer(verdict.document, records, server_date(reply), request_number)

    def _pause(self, failure: "_Failure", failures: int) -> float:
        """Return the seconds to wait before the next try: what the provider asks for, else longer each time."""
        asked = failure.retry_after
        if asked is not None and asked > _LONGEST_WAIT:
            self._stop_until(failure.reason, asked, failure.request_id)
        if asked is None and failure.action is Action.WAIT:
            asked = _THROTTLED_WAIT
        backoff = 2.0 ** (failures - 1)
        # Uneven, so that connections that were refused together do not come back together.
        uneven = random.uniform(0, backoff / 2)  # noqa: S311 (no secret)
        return uneven + (backoff if asked is None else asked)

    def _end(self, failure: "_Failure") -> Never:
        """Raise what an answer means that cannot be used and is waited for no longer."""
        if failure.action is Action.REFUSE:
            raise RequestRefused(failure.refusal, self.provider, self.tenant_id, failure.reason, failure.request_id)
        if failure.action is Action.RENEW:
            self._tokens.note_rejected(failure.reason, failure.request_id)
        if failure.action is Action.STOP_FOR_TODAY:
            self._stop_for_today(failure.retry_after, failure.request_id)
        raise ProviderUnavailable(self.provider, failure.reason, failure.request_id)

    def _stop_for_today(self, seconds: float | None, request_number: str | None) -> Never:
        used_up = "its daily limit of calls is used up"
        if seconds is None:
            raise ProviderUnavailable(self.provider, f"{used_up}; continue within 24 hours", request_number)
        self._stop_until(used_up, seconds, request_number)

    def _stop_until(self, reason: str, seconds: float, request_number: str | None) -> Never:
        until = self._clock.utc_now() + min(timedelta(seconds=seconds), _YEAR)
        raise ProviderUnavailable(self.provider, f"{reason}; continue after {until:%Y-%m-%dT%H:%M:%SZ}", request_number)


@dataclass(frozen=True)
class _Failure:
    """An answer that cannot be used, or none at all."""

    action: Action
    reason: str
    refusal: PullReason = PullReason.INVALID_REQUEST
    request_id: str | None = None
    retry_after: float | None = None


_BROKEN_OFF = _Failure(Action.RETRY, "the connection cannot be made, or broke off")
_LOST = {
    http.Loss.TIMED_OUT: _Failure(Action.RETRY, "no answer in time"),
    http.Loss.NOT_SECURE: _Failure(Action.RETRY, "no secure connection can be made"),
    http.Loss.ENDLESS: _Failure(Action.STOP, "its answer did not end"),
}
