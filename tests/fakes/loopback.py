"""HTTP on a free port of loopback: requests and answers as values, and a server that ends with all its threads.

What is answered is not decided here.
"""

import contextlib
import json
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

JSON = "application/json;charset=UTF-8"


@dataclass
class Request:
    """One request as it came; only the handler sees its headers and body."""

    method: str
    path: str
    parameters: dict[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        """The body's fields, of a form or of a JSON object."""
        text = self.body.decode("utf-8", "replace")
        if "json" in self.headers.get("content-type", ""):
            fields: dict[str, str] = json.loads(text)
            return fields
        return dict(parse_qsl(text))


@dataclass
class Answer:
    """One answer; ``body`` is bytes as they are sent."""

    status: int = 200
    body: bytes = b""
    content_type: str = JSON
    headers: dict[str, str] = field(default_factory=dict)


def as_json(value: object, status: int = 200, **headers: str) -> Answer:
    """Answer with a JSON value."""
    return Answer(
        status, json.dumps(value).encode(), headers={name.replace("_", "-"): v for name, v in headers.items()}
    )


def as_text(text: str, status: int, content_type: str = "text/plain; charset=utf-8", **headers: str) -> Answer:
    """Answer with a text: the vendors' 404 and 503, a proxy's HTML."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, text.encode(), content_type, named)


def wants_json(request: Request) -> bool:
    """Tell whether a request asks for JSON: who does not, or asks for anything, gets XML of both vendors."""
    return "json" in request.headers.get("accept", "")


def error_of(answer: Answer) -> str | None:
    """Return OAuth's word for what is wrong, where an answer has one."""
    try:
        value = json.loads(answer.body)
    except ValueError:
        return None
    return str(value["error"]) if isinstance(value, dict) and "error" in value else None


class Server(ThreadingHTTPServer):
    """Answers each connection in a thread of its own; an answer of None cuts the connection."""

    daemon_threads = False
    request_queue_size = 64

    def __init__(self, serve: Callable[[Request], tuple[Answer | None, str | None]]) -> None:
        self.serve = serve
        self._open: set[socket.socket] = set()
        super().__init__(("127.0.0.1", 0), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news."""

    def close_connections(self) -> None:
        """Wake threads that wait for the next request of a kept connection."""
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: Server

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length", 0)))
        parameters = dict(parse_qsl(parts.query, keep_blank_values=True))
        answer, cut = self.server.serve(Request(self.command, parts.path, parameters, headers, body))
        if answer is None:
            self.close_connection = True
            with contextlib.suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)
            return
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.headers.pop("Content-Type", answer.content_type))
        self.send_header("Content-Length", str(len(answer.body)))
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.body[: len(answer.body) // 2] if cut == "body" else answer.body)
        if cut == "body":
            self.close_connection = True

    do_POST = do_DELETE = do_GET  # noqa: N815 - names that http.server calls

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing on stderr."""
