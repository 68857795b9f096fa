"""A network before the real PostgreSQL that breaks at a chosen message: it knows where one ends and the next begins.

What is sent through it, and what must be left of that, is for the tests.

Source:
    PostgreSQL's documentation, chapter "Frontend/Backend Protocol", "Message Formats".
"""

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import pytest
from sqlalchemy.engine import Engine, make_url

from etl_customers.base.errors import DatabaseUnavailable
from etl_customers.database.connect import connect
from tests.faults.importing import VALUES

PASSWORD = "canary-pass-of-the-url"
COMMIT, COMMITTED, COPY_DATA = "a COMMIT", "the answer to a COMMIT", "rows of a COPY"
AUTHENTICATION, BEGINNING = "the answer to the password", "the first message of a connection"
Mode = Literal["before", "within", "after"]
MODES: tuple[Mode, ...] = ("before", "within", "after")
# SQLAlchemy closes no cursor of a connection that broke off; the server has long forgotten it.
FORGOTTEN_CURSORS = pytest.mark.filterwarnings("ignore:.*was deleted while still open:ResourceWarning")
_ASKS_FOR_ENCRYPTION = (80_877_103, 80_877_104)


@dataclass(frozen=True)
class Message:
    """One message; ``kind`` is its first byte, empty where the protocol gives it none."""

    number: int
    """1 is the first since the cut was set."""
    is_clients: bool
    kind: bytes
    data: bytes


Point = Callable[[Message], bool]


def numbered(number: int) -> Point:
    """Return the point of the n-th message, of either side."""
    return lambda message: message.number == number


def named(name: str) -> Point:
    """Return the point of the first message of that name, one of the constants above."""

    def is_it(message: Message) -> bool:
        return {
            COMMIT: message.is_clients and message.kind in (b"P", b"Q") and b"COMMIT" in message.data,
            COMMITTED: not message.is_clients and message.kind == b"C" and b"COMMIT" in message.data,
            COPY_DATA: message.is_clients and message.kind == b"d",
            AUTHENTICATION: not message.is_clients and message.kind == b"R",
            BEGINNING: message.is_clients and not message.kind,
        }[name]

    return is_it


class PostgresProxy:
    """Passes messages on until one that was chosen; then it cuts that connection, and others too where it stays down."""

    def __init__(self, server_socket: str) -> None:
        """Listen on a free port of loopback; ``server_socket`` is the path of the server's Unix socket."""
        self._server_socket = server_socket
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._point: Point | None = None
        self._mode: Mode = "before"
        self._stays_down = self._is_down = self.has_cut = False
        self._passed = 0

    def mend(self) -> None:
        """Break nowhere from now on, and let connections through again."""
        with self._lock:
            self._point, self._is_down = None, False

    def cut(self, point: Point, mode: Mode = "before", *, stays_down: bool = False) -> None:
        """Break once, before, within or after a message; messages are counted from here on."""
        with self._lock:
            self._point, self._mode, self._stays_down = point, mode, stays_down
            self._passed, self._is_down, self.has_cut = 0, False, False

    def run(self) -> None:
        """Serve until the listener is closed."""
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                # Messages are passed on one by one: each would wait until the one before is acknowledged.
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                server = socket.socket(socket.AF_UNIX)
                if self._is_down or server.connect_ex(self._server_socket):
                    client.close()
                    server.close()
                    continue
                connection = _Connection(client, server)
                with self._lock:
                    self._open |= {client, server}
                for is_clients in (True, False):
                    thread = threading.Thread(target=self._pass_on, args=(connection, is_clients), daemon=True)
                    thread.start()
                    self._threads.append(thread)

    def close(self) -> None:
        """End all connections and accept no more."""
        _close(self._listener)
        for end in list(self._open):
            _close(end)
        for thread in self._threads:
            thread.join(timeout=5)

    def _pass_on(self, connection: "_Connection", is_clients: bool) -> None:
        source, sink = connection.ends(is_clients)
        with contextlib.suppress(OSError), source.makefile("rb") as stream:
            while message := connection.read(stream.read, is_clients):
                with self._lock:
                    if connection.is_cut or not self._forward(message, sink):
                        connection.is_cut = True
                        break
        connection.close()
        with self._lock:
            self._open -= {source, sink}

    def _forward(self, message: tuple[bytes, bytes], sink: socket.socket) -> bool:
        """Pass a message on as far as the cut allows; false where that was it."""
        kind, data = message
        if kind == b"X":
            # The end of a connection, which may come at any time after it was used.
            sink.sendall(data)
            return True
        self._passed += 1
        is_here = self._point is not None and self._point(
            Message(self._passed, sink.family == socket.AF_UNIX, kind, data)
        )
        if not is_here:
            sink.sendall(data)
            return True
        self._point, self.has_cut, self._is_down = None, True, self._stays_down
        sink.sendall({"before": b"", "within": data[: len(data) // 2], "after": data}[self._mode])
        return False


class _Connection:
    """Both ends of one connection, and what its messages look like next."""

    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        self._client, self._server = client, server
        self._has_begun = self._answers_one_byte = self.is_cut = False

    def ends(self, is_clients: bool) -> tuple[socket.socket, socket.socket]:
        """Return where messages of a side come from and go to."""
        return (self._client, self._server) if is_clients else (self._server, self._client)

    def read(self, read: Callable[[int], bytes], is_clients: bool) -> tuple[bytes, bytes] | None:
        """Return the next message and its kind, none at the end."""
        if is_clients and not self._has_begun:
            return self._read_beginning(read)
        kind = read(1)
        if not is_clients and self._answers_one_byte:
            self._answers_one_byte = False
            return (b"", kind) if kind else None
        length = read(4)
        return (kind, kind + length + read(_number(length) - 4)) if length else None

    def _read_beginning(self, read: Callable[[int], bytes]) -> tuple[bytes, bytes] | None:
        length = read(4)
        if not length:
            return None
        body = read(_number(length) - 4)
        if _number(body[:4]) in _ASKS_FOR_ENCRYPTION:
            self._answers_one_byte = True
        else:
            self._has_begun = True
        return b"", length + body

    def close(self) -> None:
        """Close both ends."""
        _close(self._client)
        _close(self._server)


@contextlib.contextmanager
def before_postgresql(url: str) -> Iterator[tuple[PostgresProxy, str]]:
    """Run a proxy beside the test; yield it with the URL that leads through it to the same database."""
    direct = make_url(url)
    proxy = PostgresProxy(f"{direct.query['host']}/.s.PGSQL.{direct.port or 5432}")
    thread = threading.Thread(target=proxy.run, daemon=True)
    thread.start()
    through = direct.set(host="127.0.0.1", port=proxy.port, password=PASSWORD, query={})
    try:
        yield proxy, through.render_as_string(hide_password=False)
    finally:
        proxy.close()
        thread.join(timeout=5)


@contextlib.contextmanager
def through_proxy(target: Engine) -> Iterator[tuple[PostgresProxy, Engine]]:
    """Yield a proxy before a PostgreSQL target, and an engine that goes through it."""
    with before_postgresql(target.url.render_as_string(hide_password=False)) as (proxy, url):
        engine = connect(url)
        try:
            yield proxy, engine
        finally:
            engine.dispose()


def is_stopped_by(proxy: PostgresProxy, work: Callable[[], Any]) -> bool:
    """Do something that a cut may stop; it must say so as the target's users may read it."""
    stopped = None
    try:
        work()
    except DatabaseUnavailable as error:
        stopped = error
    finally:
        proxy.mend()
    if stopped is None:
        return False
    assert proxy.has_cut
    assert stopped.exit_code == 3
    assert PASSWORD not in str(stopped)
    assert VALUES not in str(stopped)
    return True


def _number(four_bytes: bytes) -> int:
    number: int = struct.unpack("!i", four_bytes)[0]
    return number


def _close(end: socket.socket) -> None:
    # Closing alone does not wake a thread that waits for it.
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
