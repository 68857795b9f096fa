"""No more of an answer is read than was agreed, whatever the other side sends."""

import gzip
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest
import requests

from etl_customers.connections.bodies import Endless, Session, read_body

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n%b\r\n"


@contextmanager
def sending(send: Callable[[socket.socket], object]) -> Iterator[str]:
    """Yield the address of a server that answers one request as ``send`` does."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            with server.accept()[0] as connection, suppress(OSError):
                connection.recv(65536)
                send(connection)

        thread = threading.Thread(target=answer)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"
        thread.join(10)


def read(address: str, most_bytes: int = 1000, seconds: float = 5) -> bytes:
    """Ask, and read the body within limits."""
    with (
        Session() as session,
        session.get(address, stream=True, timeout=(5, 2), allow_redirects=False) as response,
    ):
        return read_body(response, most_bytes, seconds)


def test_a_body_is_read_to_its_end_and_unpacked() -> None:
    packed = gzip.compress(b"a" * 1000)
    with sending(lambda to: to.sendall(HEAD % (len(packed), b"Content-Encoding: gzip\r\n") + packed)) as address:
        assert read(address) == b"a" * 1000
    chunks = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"
    with sending(lambda to: to.sendall(chunks)) as address:
        assert read(address) == b"abc"


def test_a_small_body_that_unpacks_to_a_large_one_is_endless() -> None:
    packed = gzip.compress(b"a" * 50_000_000)
    with (
        sending(lambda to: to.sendall(HEAD % (len(packed), b"Content-Encoding: gzip\r\n") + packed)) as address,
        pytest.raises(Endless),
    ):
        read(address)


def test_a_body_that_comes_drop_by_drop_is_endless() -> None:
    def drip(to: socket.socket) -> None:
        to.sendall(HEAD % (1000, b""))
        for _ in range(100):
            to.sendall(b" ")
            time.sleep(0.02)

    begun = time.monotonic()
    with sending(drip) as address, pytest.raises(Endless):
        read(address, seconds=0.1)
    assert time.monotonic() - begun < 1.5


def test_a_redirect_is_an_answer_like_others_wherever_it_leads() -> None:
    def redirect(to: socket.socket) -> None:
        to.sendall(b"HTTP/1.1 302 Found\r\nLocation: http://[\r\nContent-Length: 90000000\r\n\r\n" + b" " * 2000)

    with sending(redirect) as address, pytest.raises(Endless):
        read(address)


@pytest.mark.parametrize(
    "answer", [HEAD % (1000, b"") + b"half", HEAD % (7, b"Content-Encoding: gzip\r\n") + b"no gzip"]
)
def test_a_body_that_breaks_off_is_an_error_of_the_connection(answer: bytes) -> None:
    with sending(lambda to: to.sendall(answer)) as address, pytest.raises(requests.ConnectionError):
        read(address)
