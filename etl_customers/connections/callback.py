"""The page to which a provider sends the browser back: a server on loopback that waits for one answer."""

import hmac
import re
import threading
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urlsplit

from etl_customers.base.errors import UsageError
from schemas.sources import LABELS

_CODE = re.compile("[ -~]{1,4096}")
_LOOPBACK = {"localhost": "127.0.0.1", "127.0.0.1": "127.0.0.1"}
_SECONDS_OF_A_REQUEST = 10
_PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>etl-customers</title>
<style>body{{font:1.1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:15vh auto;padding:0 1rem}}</style></head>
<body><h1>{title}</h1><p>{text}</p></body>
</html>
"""
_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class AccessNotGiven(UsageError):
    """The person, or the provider, ended the sign-in without giving access."""


@dataclass(frozen=True)
class Consent:
    """What the browser brought back: a code, which is as good as a token for some minutes."""

    code: str = field(repr=False)
    realm_id: str | None
    """QuickBooks' company; Xero is asked for its organisations."""


def read_consent(provider: str, address: str, state: str) -> Consent:
    """Read the address to which a provider has sent the browser back.

    Args:
        provider: ``quickbooks`` or ``xero``.
        address: Whole, or from its path on.
        state: That went along with the question.

    Raises:
        AccessNotGiven: It is no answer to this question, or access was not given.
    """
    try:
        parameters = {name: values[0] for name, values in parse_qs(urlsplit(address.strip()).query).items()}
    except ValueError:
        parameters = {}
    again = f"run again: etl-customers connect {provider}"
    if not _is_same(parameters.get("state", ""), state):
        raise AccessNotGiven(
            f"this is not {LABELS[provider]}'s answer to this command (its state is wrong or missing); {again}"
        )
    if "error" in parameters:
        denied = parameters["error"] == "access_denied"
        reason = "access was not given" if denied else "the sign-in was canceled"
        raise AccessNotGiven(f"{LABELS[provider]} says that {reason}; nothing was changed, {again}")
    if not _CODE.fullmatch(parameters.get("code", "")):
        raise AccessNotGiven(f"{LABELS[provider]}'s answer has no code; nothing was changed, {again}")
    return Consent(parameters["code"], parameters.get("realmId"))


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as socketserver has it
        """Say nothing: browsers connect ahead and hang up, and a traceback is no news for the person at the terminal."""


class CallbackServer:
    """Listens where ``redirect_uri`` says, on loopback only, as long as the ``with`` block lasts."""

    def __init__(self, provider: str, redirect_uri: str, state: str) -> None:
        """Begin to listen.

        Raises:
            UsageError: The address is not on this machine, or another program listens there.
        """
        parts = urlsplit(redirect_uri)
        host = _LOOPBACK.get(parts.hostname or "")
        if parts.scheme != "http" or host is None:
            raise UsageError(
                f"{provider}.redirect_uri is not an http address of localhost, so the browser cannot come back to this "
                f"command; run: etl-customers connect {provider} --manual"
            )
        self._provider, self._state, self._path = provider, state, parts.path or "/"
        self._outcome: Consent | AccessNotGiven | None = None
        self._answered = threading.Event()
        try:
            self._server = _Server((host, parts.port or 80), self._handler())
        except OSError as error:
            raise UsageError(
                f"port {parts.port or 80} of this machine cannot be used ({error.strerror or 'in use'}); end the "
                f"program that uses it, or change {provider}.redirect_uri here and at {LABELS[provider]}"
            ) from None
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def __enter__(self) -> "CallbackServer":
        """Return itself: it listens already."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop to listen."""
        self._server.shutdown()
        self._server.server_close()

    def wait(self, seconds: float) -> Consent:
        """Return what the browser brought back.

        Raises:
            AccessNotGiven: Access was not given, or nobody came back in time.
        """
        deadline = time.monotonic() + seconds
        while not self._answered.wait(0.2):  # short, so that Ctrl-C is heard
            if time.monotonic() > deadline:
                raise AccessNotGiven(
                    f"nobody came back from {LABELS[self._provider]} within {seconds / 60:g} minutes; nothing was "
                    f"changed, run again: etl-customers connect {self._provider}"
                )
        if isinstance(self._outcome, AccessNotGiven):
            raise self._outcome
        assert self._outcome is not None
        return self._outcome

    def take(self, target: str) -> tuple[HTTPStatus, str, str]:
        """Take a request and return the status, title and text of its page.

        What does not know the state is a stranger's and changes nothing; the first that
        knows it is the answer.
        """
        path, _, query = target.partition("?")
        if path != self._path:
            return HTTPStatus.NOT_FOUND, "Not found", "There is nothing here."
        try:
            self._settle(read_consent(self._provider, target, self._state))
        except AccessNotGiven as refused:
            state = parse_qs(query).get("state", [""])[0]
            if not _is_same(state, self._state):
                return (
                    HTTPStatus.BAD_REQUEST,
                    "This is not the expected answer",
                    "This page belongs to an earlier command. Use the address that the latest command printed.",
                )
            self._settle(refused)
            return HTTPStatus.OK, "Not connected", "Nothing was changed. The command in your terminal says more."
        return (
            HTTPStatus.OK,
            f"{LABELS[self._provider]} has answered",
            "You can close this page. The command in your terminal continues.",
        )

    def _settle(self, outcome: Consent | AccessNotGiven) -> None:
        if self._outcome is None:
            self._outcome = outcome
        self._answered.set()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        callback = self

        class Handler(BaseHTTPRequestHandler):
            timeout = _SECONDS_OF_A_REQUEST
            server_version, sys_version = "etl-customers", ""

            def do_GET(self) -> None:
                status, title, text = callback.take(self.path)
                body = _PAGE.format(title=title, text=text).encode()
                self.send_response(status)
                for name, value in (_HEADERS | {"Content-Length": str(len(body))}).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: ANN401 - as http.server has it
                """Say nothing: the address holds the code."""

        return Handler


def _is_same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode())
