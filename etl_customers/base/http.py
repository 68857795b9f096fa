"""The one place that speaks HTTP: a request goes out, and its whole answer comes back, or one error without values.

What an answer means, and whether it is asked for again, is not known here. ``requests`` is imported
with the first session: most commands need none.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from requests import PreparedRequest, Response, Session

_PART_BYTES = 64 * 1024


@dataclass(frozen=True)
class Request:
    """One request; shown without what may be a secret or a value."""

    method: str
    address: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """All that go along, ``Authorization`` too."""
    parameters: Mapping[str, str | int] = field(default_factory=dict, repr=False)
    """Of the query."""
    body: str | bytes | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Limits:
    """How long an answer is waited for, and how much of it is taken."""

    connect_seconds: float
    silent_seconds: float
    """Without a byte."""
    most_bytes: int | None
    """Of the unpacked body; None: the body is of no interest, and nothing of it is read."""
    body_seconds: float
    """For all of the body."""


@dataclass(frozen=True)
class Reply:
    """An answer, whatever its status; shown without its content."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    """Whatever the case of their names."""
    body: bytes = field(repr=False)
    """Unpacked; empty where it was not to be read."""


class Loss(StrEnum):
    """Why no whole answer came."""

    TIMED_OUT = "no answer in time"
    NOT_SECURE = "no secure connection can be made"
    BROKEN_OFF = "the connection cannot be made, or broke off"
    ENDLESS = "the answer did not end"
    UNREADABLE = "an address or a header cannot be read"
    """Of the request, of the proxy that the environment names, or of the answer."""


class NoReply(Exception):
    """No whole answer came; the other side may have done what was asked. The libraries' texts hold addresses."""

    def __init__(self, loss: Loss, library_error: str = "") -> None:
        super().__init__(str(loss))
        self.loss = loss
        self.library_error = library_error
        """The name of the library's class."""


class Http:
    """Sends requests over connections that stay open until it is closed; use it in one thread at a time.

    No redirect is followed, since it would carry tokens and values elsewhere, and ``~/.netrc`` is not read.
    Proxies and certificates of the environment are obeyed.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._session = _session_class()()

    def __enter__(self) -> Self:
        """Return it; the end of the block closes it."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Give its sockets back."""
        self._session.close()

    def send(self, request: Request) -> Reply:
        """Send a request once and return the answer.

        Raises:
            NoReply: No whole answer came.
        """
        import requests
        from urllib3.exceptions import HTTPError

        limits = self._limits
        try:
            with self._session.request(
                request.method,
                request.address,
                params=dict(request.parameters),
                data=request.body,
                headers=dict(request.headers),
                auth=_authorize,
                timeout=(limits.connect_seconds, limits.silent_seconds),
                allow_redirects=False,
                stream=True,
            ) as response:
                body = b"" if limits.most_bytes is None else _read(response, limits.most_bytes, limits.body_seconds)
                return Reply(response.status_code, response.headers, body)
        except requests.Timeout as error:  # one of connecting is a ConnectionError, too
            raise _no_reply(Loss.TIMED_OUT, error) from None
        except requests.exceptions.SSLError as error:
            raise _no_reply(Loss.NOT_SECURE, error) from None
        except requests.ConnectionError as error:
            raise _no_reply(Loss.BROKEN_OFF, error) from None
        except (requests.RequestException, HTTPError, ValueError) as error:
            raise _no_reply(Loss.UNREADABLE, error) from None


@cache
def _session_class() -> "type[Session]":
    from requests import Response, Session

    class Straight(Session):
        """A session for which no answer is a redirect.

        ``allow_redirects=False`` alone reads the whole body of one, however long, and stumbles over an address in it.
        """

        def get_redirect_target(self, resp: Response) -> None:  # noqa: ARG002 - whatever it says
            return

    return Straight


def _authorize(request: "PreparedRequest") -> "PreparedRequest":
    """Leave a request as it is; only the user and password of its own address go along where nothing else does.

    A function in this place keeps ``requests`` from looking for the host's password in ``~/.netrc``.
    """
    from requests.auth import HTTPBasicAuth
    from requests.utils import get_auth_from_url

    user, password = get_auth_from_url(request.url or "")
    if (user or password) and "Authorization" not in request.headers:
        HTTPBasicAuth(user, password)(request)
    return request


def _read(response: "Response", most_bytes: int, seconds: float) -> bytes:
    """Return the unpacked body of an answer of which nothing was read yet."""
    import requests
    from urllib3.exceptions import HTTPError, ReadTimeoutError

    deadline = time.monotonic() + seconds
    body = bytearray()
    try:
        # What one packet brought: iter_content waits for a whole block, and a drop at a time never fills it.
        while part := response.raw.read1(_PART_BYTES, decode_content=True):
            body += part
            if len(body) > most_bytes or time.monotonic() > deadline:
                raise NoReply(Loss.ENDLESS)
    except ReadTimeoutError:
        raise requests.ReadTimeout from None
    except HTTPError:
        raise requests.ConnectionError from None
    return bytes(body)


def _no_reply(loss: Loss, error: Exception) -> NoReply:
    return NoReply(loss, type(error).__name__)
