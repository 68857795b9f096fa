"""What both fake providers share: HTTP on loopback, a clock that tests move, a log, limits and scripted faults.

Here is nothing that QuickBooks or Xero alone do. Standard library only: ``make pull`` runs the fakes, too.
"""

import contextlib
import json
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from tests.fakes.loopback import Answer, Request, Server, error_of

_LOGGED_HEADERS = ("accept", "content-type", "if-modified-since", "xero-tenant-id")


class Clock:
    """The fake's time: the machine's, plus whatever a test has added; UTC."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def now(self) -> datetime:
        """Return the fake's time."""
        return datetime.now(UTC) + self._ahead

    def advance(self, **time: float) -> None:
        """Move on by what ``timedelta`` takes: ``hours=25``."""
        self._ahead += timedelta(**time)


@dataclass
class Logged:
    """What the log keeps of a request: never a token, a code or a secret."""

    kind: str
    method: str
    path: str
    parameters: dict[str, str]
    """Of the query string; of a form only ``grant_type``."""
    headers: dict[str, str]
    """Lower-case names, and only those that are no secret."""
    is_authorised: bool
    """Whether it carried an Authorization header."""
    at: datetime
    status: int | None = None
    """None: no answer was sent."""
    said: str | None = None
    """Of the token endpoint: OAuth's error."""


@dataclass
class Fault:
    """A scripted mishap; what it does not say happens as usual.

    ``kind``, ``nth`` and ``times`` say when: from the n-th request of that kind on, counted
    from when the fault was scripted, so many in a row. Kinds: page, count, changes, token, authorize,
    connections, company, revoke, other; ``any`` is each of them.
    """

    kind: str = "page"
    nth: int = 1
    times: float = 1
    answer: Answer | None = None
    """Sent in the place of the real answer; the request changes nothing."""
    headers: dict[str, str] = field(default_factory=dict)
    """Added to the real answer, or put in the place of its own."""
    edit: Callable[[Any], Any] | None = None
    """Takes the real answer's JSON value, returns (or changes) what is sent."""
    edit_bytes: Callable[[bytes], bytes] | None = None
    """The same for the body; its length is stated rightly: JSON that ends too early."""
    replay: bool = False
    """Sends the last answer of this kind once more."""
    cut: str | None = None
    """``before``: nothing is done; ``after``: done, no answer; ``body``: half of the stated length arrives."""
    pause: float = 0
    """Seconds before the answer."""
    before: Callable[[], object] | None = None
    """Called before the request is looked at: customers change between two pages. Requests of its own are served."""
    after: Callable[[], object] | None = None
    """Called after the answer was made, before it is sent."""
    seen: int = 0
    """Requests of its kind since it was scripted."""

    def meets(self, kind: str) -> bool:
        """Count a request; say whether it is one to spoil."""
        if self.kind not in (kind, "any"):
            return False
        self.seen += 1
        return self.nth <= self.seen < self.nth + self.times

    @property
    def is_over(self) -> bool:
        """Whether every request that it was to spoil has come."""
        return self.seen >= self.nth + self.times - 1


@dataclass
class Limits:
    """A vendor's limits, for all requests with a token; a request beyond is answered 429."""

    per_minute: int
    window_seconds: float = 60
    """What counts as a minute: tests scale it down."""
    per_second: int | None = None
    per_day: int | None = None
    at_once: int | None = None
    taken: deque[float] = field(default_factory=deque)
    taken_today: int = 0

    def take(self, running: int) -> str | None:
        """Count a request; return ``minute``, ``second``, ``day`` or ``concurrent`` where it is beyond a limit."""
        now = time.monotonic()
        while self.taken and self.taken[0] <= now - self.window_seconds:
            self.taken.popleft()
        if self.per_day is not None and self.taken_today >= self.per_day:
            return "day"
        if self.at_once is not None and running > self.at_once:
            return "concurrent"
        if len(self.taken) >= self.per_minute:
            return "minute"
        if self.per_second is not None and sum(at > now - 1 for at in self.taken) >= self.per_second:
            return "second"
        self.taken.append(now)
        self.taken_today += 1
        return None

    def retry_after(self) -> int:
        """Return the whole seconds until the oldest request of this minute is forgotten."""
        return max(1, round(self.taken[0] + self.window_seconds - time.monotonic())) if self.taken else 1


class FakeProvider:
    """A server on a free port of loopback; subclasses say what kinds of requests there are and answer them."""

    token_kinds: frozenset[str] = frozenset()
    """Kinds that need an access token and count against the limits."""

    def __init__(self, limits: Limits | None = None) -> None:
        """Make it; ``running`` starts it."""
        self.clock = Clock()
        self.lock = threading.RLock()
        self.limits = limits
        self.requests: list[Logged] = []
        self.most_at_once = 0
        self._running = 0
        self._faults: list[Fault] = []
        self._next_faults: deque[Sequence[Fault]] = deque()
        self._last: dict[str, Answer] = {}
        self._stopped = threading.Event()
        self._server: Server | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        assert self._server is not None, "the fake is not running"
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def start(self) -> None:
        """Serve in threads."""
        self._server = Server(self.serve)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self) -> None:
        """End every connection and thread."""
        assert self._server is not None
        self._stopped.set()
        self._server.shutdown()
        self._server.close_connections()
        self._server.server_close()

    def fail(self, *faults: Fault) -> None:
        """Script faults; of several that meet a request the one scripted first spoils it."""
        with self.lock:
            self._faults.extend(faults)

    def fail_in_turn(self, *scripts: Sequence[Fault]) -> None:
        """Script faults of which those of a script count requests from the end of the script before."""
        with self.lock:
            self._next_faults.extend(scripts)

    def faults_left(self) -> list[Fault]:
        """Return the faults of which a request that they were to spoil has not come."""
        with self.lock:
            waiting = [fault for script in self._next_faults for fault in script]
            return [fault for fault in [*self._faults, *waiting] if not fault.is_over]

    def mend(self) -> None:
        """Forget all faults."""
        with self.lock:
            self._faults.clear()
            self._next_faults.clear()

    def count(self, kind: str) -> int:
        """Return how many requests of a kind came."""
        with self.lock:
            return sum(request.kind == kind for request in self.requests)

    def kind_of(self, request: Request) -> str:
        """Return the kind of a request."""
        raise NotImplementedError

    def respond(self, kind: str, request: Request) -> Answer:
        """Answer a request, changing what it asks to change."""
        raise NotImplementedError

    def too_many(self, problem: str) -> Answer:
        """Answer a request beyond the limits."""
        raise NotImplementedError

    def sign(self, kind: str, answer: Answer) -> None:
        """Add the headers that the provider puts on each answer."""
        raise NotImplementedError

    def serve(self, request: Request) -> tuple[Answer | None, str | None]:
        """Answer a request as the faults and limits have it; (None, cut) where the connection is cut."""
        kind = self.kind_of(request)
        with self.lock:
            self._running += 1
            self.most_at_once = max(self.most_at_once, self._running)
            logged = _logged(kind, request, self.clock.now())
            self.requests.append(logged)
            if self._next_faults and all(fault.is_over for fault in self._faults):
                self._faults = [*self._next_faults.popleft()]
            # Each counts the request: the second fault's "third page" is the third page, too.
            meeting = [fault for fault in self._faults if fault.meets(kind)]
        fault = meeting[0] if meeting else Fault()
        try:
            if fault.pause:
                self._stopped.wait(fault.pause)
            if fault.before is not None:
                fault.before()
            with self.lock:
                answer = self._spoiled(kind, request, fault)
            if fault.after is not None:
                fault.after()
        finally:
            with self.lock:
                self._running -= 1
        if fault.cut in ("before", "after"):
            return None, fault.cut
        logged.status = answer.status
        logged.said = error_of(answer) if kind == "token" else None
        return answer, fault.cut

    def _spoiled(self, kind: str, request: Request, fault: Fault) -> Answer:
        if fault.cut == "before":
            return Answer()
        answer = self._answer(kind, request, fault)
        if fault.edit is not None:
            value = json.loads(answer.body)
            changed = fault.edit(value)
            answer.body = json.dumps(value if changed is None else changed).encode()
        if fault.edit_bytes is not None:
            answer.body = fault.edit_bytes(answer.body)
        self.sign(kind, answer)
        answer.headers.update(fault.headers)
        return answer

    def _answer(self, kind: str, request: Request, fault: Fault) -> Answer:
        if fault.answer is not None:
            return Answer(fault.answer.status, fault.answer.body, fault.answer.content_type, {**fault.answer.headers})
        if fault.replay and kind in self._last:
            return replace(self._last[kind], headers={})
        if self.limits is not None and kind in self.token_kinds and (problem := self.limits.take(self._running)):
            return self.too_many(problem)
        answer = self.respond(kind, request)
        self._last[kind] = replace(answer)
        return answer


_Fake = TypeVar("_Fake", bound=FakeProvider)


@contextlib.contextmanager
def running(fake: _Fake) -> Iterator[_Fake]:
    """Run a fake as long as the block."""
    fake.start()
    try:
        yield fake
    finally:
        fake.stop()


def request_id() -> str:
    """Return a new id by which a provider's support would find a request."""
    return str(uuid.uuid4())


def _logged(kind: str, request: Request, at: datetime) -> Logged:
    parameters = dict(request.parameters)
    if kind == "token":
        parameters["grant_type"] = request.form.get("grant_type", "")
    for secret in ("code", "state", "code_challenge"):
        parameters.pop(secret, None)
    headers = {name: request.headers[name] for name in _LOGGED_HEADERS if name in request.headers}
    return Logged(kind, request.method, request.path, parameters, headers, "authorization" in request.headers, at)
