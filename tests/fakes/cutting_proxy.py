"""A network between a program and PostgreSQL that breaks at the commit, before it or before its answer."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Literal

_CHUNK = 65_536


class CuttingProxy:
    """Passes bytes on until the client sends COMMIT; cuts that one connection and no other."""

    def __init__(self, server_socket: str, cut: Literal["before", "after"]) -> None:
        """Listen on a free port of loopback; ``server_socket`` is the path of the server's Unix socket."""
        self._server_socket = server_socket
        self._cut: str | None = cut
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    @property
    def has_cut(self) -> bool:
        """Whether a commit was cut off."""
        return self._cut is None

    def run(self) -> None:
        """Serve until the listener is closed."""
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(self._server_socket)
                is_cut = threading.Event()
                threading.Thread(target=self._pass_requests, args=(client, server, is_cut), daemon=True).start()
                threading.Thread(target=self._pass_answers, args=(server, client, is_cut), daemon=True).start()

    def close(self) -> None:
        """Accept no more connections."""
        # Closing alone does not wake the thread that accepts.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _pass_requests(self, client: socket.socket, server: socket.socket, is_cut: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(_CHUNK):
                if b"COMMIT" in data and self._cut is not None:
                    cut, self._cut = self._cut, None
                    is_cut.set()
                    if cut == "before":
                        break
                server.sendall(data)
        _close(server)

    def _pass_answers(self, server: socket.socket, client: socket.socket, is_cut: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(_CHUNK):
                if is_cut.is_set():
                    break
                client.sendall(data)
        _close(client)
        _close(server)


@contextlib.contextmanager
def cutting_proxy(server_socket: str, cut: Literal["before", "after"]) -> Iterator[CuttingProxy]:
    """Run a proxy beside the test."""
    proxy = CuttingProxy(server_socket, cut)
    thread = threading.Thread(target=proxy.run, daemon=True)
    thread.start()
    yield proxy
    proxy.close()
    thread.join(timeout=5)


def _close(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
