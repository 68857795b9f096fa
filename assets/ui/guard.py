"""What stands before Dagster's web application: who may ask, from where, and in which form.

Dagster has no log-in, answers whatever name it is called by, and executes mutations that
come in a plain GET. So every request passes here first. What Dagster does with a request
that passed is Dagster's.
"""

import asyncio
import base64
import binascii
import hmac
import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assets.ui.bodies import LARGEST_BODY, BodyRefused, again, changes_something, read_body, too_large
from assets.ui.patience import WrongPasswords
from etl_customers.base.errors import UsageError

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")
_REALM = 'Basic realm="etl-customers", charset="UTF-8"'
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}
# Everything that is no page, and so nothing that a link elsewhere leads to.
_CLOSED = frozenset({"report_asset_materialization", "report_asset_check", "report_asset_observation"})
"""By these anybody on the machine could write into the history of an asset, and nothing of ours does."""
_NO_PAGES = _CLOSED | {"graphql", "server_info", "dagit_info", "logs", "notebook", "dagit", "download_debug"}
_UNCHANGED = "This UI is read-only; to change something, use one that is not."
_HEADERS = {
    # Dagster's own policy says nothing of frames; two policies hold both.
    "content-security-policy": "frame-ancestors 'none'",
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


class Unguarded(UsageError):
    """Others could reach the web server, and nothing would keep them out."""

    def __init__(self, host: str) -> None:
        super().__init__(host)
        self.host = host

    def __str__(self) -> str:
        """Name the address, what is missing, and how it is set."""
        return (
            f"other machines can reach {self.host}, and anybody there could start and delete runs; "
            "set a password first (ETL_CUSTOMERS_UI__PASSWORD), or leave out --host"
        )


@dataclass(frozen=True)
class Access:
    """Who may use the web server.

    Attributes:
        hosts: Names under which it may be called, besides those of this machine; without port.
        password: Asked for where it is set, with any user name.
        read_only: Refuse every request that is no question, on top of what Dagster refuses.
    """

    hosts: tuple[str, ...] = ()
    password: str | None = None
    read_only: bool = False


@dataclass(frozen=True)
class Refusal:
    """Why a request does not reach Dagster: one sentence with what to do."""

    status: int
    text: str
    headers: Mapping[str, str] | None = None


def check_guarded(host: str, has_password: bool) -> None:
    """Refuse to listen where others can come when no password is set.

    Raises:
        Unguarded: Names the address.
    """
    if not (has_password or is_loopback(host)):
        raise Unguarded(host)


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach an address; a name that is not ``localhost`` may be anything."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Guard:
    """ASGI middleware that lets through what ``refusal`` has nothing against."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app, self._access = app, access
        self._wrong_passwords = WrongPasswords()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a refused request with its reason; pass on any other, and add headers to its answer."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        refused = refusal(scope, self._access)
        await self._slow_down(scope, refused)
        if refused is None and scope["type"] == "http" and scope["method"] == "POST":
            try:
                body = await read_body(receive)
            except BodyRefused as why:
                refused = Refusal(why.status, why.text)
            else:
                receive = again(body, receive)
                if self._access.read_only and changes_something(body):
                    refused = Refusal(403, _UNCHANGED)
        if refused is not None:
            await _refuse(refused, scope, receive, send)
            return
        if scope["type"] == "websocket" and self._access.read_only:
            receive = _questions_only(receive)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                _add_headers(MutableHeaders(scope=message), _first_segment(scope))
            await send(message)

        await self._app(scope, receive, send_with_headers)

    async def _slow_down(self, scope: Scope, refused: Refusal | None) -> None:
        """Let whoever guesses passwords wait longer each time; who has the right one, or sent none, does not wait."""
        if self._access.password is None or not Headers(scope=scope).getlist("authorization"):
            return
        address = (scope.get("client") or ("",))[0]
        if refused is None:
            self._wrong_passwords.forget(address)
        elif refused.status == 401:
            await asyncio.sleep(self._wrong_passwords.delay(address))


def _questions_only(receive: Receive) -> Receive:
    """Return what ends a web socket over which something is to be changed."""

    async def receive_question() -> Message:
        message = await receive()
        if message["type"] == "websocket.receive" and changes_something(
            message.get("text") or message.get("bytes") or ""
        ):
            return {"type": "websocket.disconnect", "code": 1008}
        return message

    return receive_question


def refusal(scope: Scope, access: Access) -> Refusal | None:
    """Return why a request is refused, or none.

    Args:
        scope: Of an HTTP request or the handshake of a web socket.
        access: Who may use the server.

    Source:
        Fetch Metadata (https://www.w3.org/TR/fetch-metadata/), RFC 9110 section 7.4 (misdirected
        requests), and Dagster's ``dagster_webserver.webserver`` and ``.graphql`` for the routes.
    """
    headers = Headers(scope=scope)
    return (
        _wrong_host(headers.getlist("host"), access.hosts)
        or _cross_site(scope, headers)
        or _not_logged_in(headers.getlist("authorization"), access.password)
        or (_wrong_form(scope, headers, access) if scope["type"] == "http" else None)
    )


def _wrong_host(given: Sequence[str], hosts: tuple[str, ...]) -> Refusal | None:
    """Only our own names: a page elsewhere may point a name of its own at this machine (DNS rebinding)."""
    if len(given) != 1:
        return Refusal(400, "A request must have exactly one Host header; send the name that this server has.")
    if _name(given[0]) in {name.lower() for name in (*LOOPBACK_NAMES, *hosts)}:
        return None
    return Refusal(
        421,
        "This server does not have that name; use http://localhost with its port, "
        "or run: etl-customers settings set ui.allowed_hosts NAME, and start it again.",
    )


def _cross_site(scope: Scope, headers: Headers) -> Refusal | None:
    refused = Refusal(
        403,
        "Requests from other sites are refused, because they could start and delete runs; "
        "open this server's own address in the browser instead.",
    )
    origins = headers.getlist("origin")
    if any(not _is_own(origin, headers["host"]) for origin in origins):
        return refused
    if headers.get("sec-fetch-site", "none") in ("none", "same-origin"):
        return None
    is_link = (
        scope["type"] == "http"
        and scope["method"] == "GET"
        and headers.get("sec-fetch-mode") == "navigate"
        and headers.get("sec-fetch-dest") == "document"
        and _first_segment(scope) not in _NO_PAGES
    )
    return None if is_link else refused


def _is_own(origin: str, host: str) -> bool:
    """Tell whether an origin is this server under the name that it was called by; never so for ``null``."""
    scheme, _, name = origin.lower().partition("://")
    default = _DEFAULT_PORTS.get(scheme)
    return default is not None and name.removesuffix(default) == host.lower().removesuffix(default)


def _not_logged_in(given: Sequence[str], password: str | None) -> Refusal | None:
    if password is None or (len(given) == 1 and hmac.compare_digest(_password_in(given[0]), password.encode())):
        return None
    return Refusal(
        401,
        "A password is needed: the setting ui.password, with any user name; scripts send it as a bearer token.",
        {"www-authenticate": _REALM},
    )


def _password_in(authorization: str) -> bytes:
    """Return the password that a header holds; empty where it holds none, which no password is."""
    scheme, _, credentials = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return credentials.strip().encode("latin-1")
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(credentials.strip(), validate=True).partition(b":")[2]
        except (binascii.Error, ValueError):
            return b""
    return b""


def _wrong_form(scope: Scope, headers: Headers, access: Access) -> Refusal | None:
    """Refuse what other sites can make a browser send without asking first, and what Dagster takes too lightly."""
    method, segment = scope["method"], _first_segment(scope)
    if segment in _CLOSED:
        return Refusal(404, "This server takes no reports; imports and commands record by themselves what they did.")
    length = headers.get("content-length", "0")
    if not length.isascii() or not length.isdigit() or int(length[:20]) > LARGEST_BODY:
        return Refusal(413, too_large().text)
    if method in ("GET", "HEAD", "OPTIONS"):
        if segment == "graphql" and scope["query_string"]:
            return Refusal(
                405,
                "This server does not answer GraphQL by GET, which could change something; send a POST with application/json.",
                {"allow": "POST"},
            )
        return None
    if method != "POST" or (access.read_only and segment != "graphql"):
        return Refusal(405, "This server does not accept such a request; the UI shows what can be done.")
    # Dagster looks for the words anywhere in the header: "text/plain; application/json" would pass, unasked.
    if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        return Refusal(415, "The body of a POST must be JSON; send it with Content-Type: application/json.")
    return None


def _name(host: str) -> str:
    """Return a Host header's name without its port, in lower case."""
    name, colon, port = host.lower().rpartition(":")
    return name if colon and port.isascii() and port.isdigit() else host.lower()


def _first_segment(scope: Scope) -> str:
    path: str = scope["path"]
    return path.strip("/").partition("/")[0].lower()


def _add_headers(headers: MutableHeaders, segment: str) -> None:
    for name, value in _HEADERS.items():
        if name == "content-security-policy":
            headers.append(name, value)
        else:
            headers[name] = value
    if segment in _NO_PAGES:
        headers.setdefault("cache-control", "no-store")


async def _refuse(refused: Refusal, scope: Scope, receive: Receive, send: Send) -> None:
    # A web socket is refused by an HTTP answer too: uvicorn has the extension, and so the browser the status.
    if scope["type"] == "websocket" and "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1008})
        return
    headers = {**_HEADERS, "cache-control": "no-store", **(refused.headers or {})}
    await PlainTextResponse(refused.text + "\n", refused.status, headers)(scope, receive, send)
