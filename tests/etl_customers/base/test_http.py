"""No more of an answer is read than was agreed, and nothing of a request goes elsewhere, whatever the other side sends."""

import gzip
import json
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from etl_customers.base.http import Http, Limits, Loss, NoReply, Reply, Request
from tests.fakes.loopback import Answer, Server
from tests.fakes.loopback import Request as Asked

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n%b\r\n"
SECRET = "T0KEN"


@contextmanager
def sending(send: Callable[[socket.socket], object], context: ssl.SSLContext | None = None) -> Iterator[str]:
    """Yield the address of a server that answers one request as ``send`` does."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def wrap(plain: socket.socket) -> socket.socket:
            return plain if context is None else context.wrap_socket(plain, server_side=True)

        def answer() -> None:
            with suppress(OSError), server.accept()[0] as plain, wrap(plain) as connection:
                connection.recv(65536)
                send(connection)

        thread = threading.Thread(target=answer)
        thread.start()
        yield f"http{'' if context is None else 's'}://127.0.0.1:{server.getsockname()[1]}/"
        thread.join(10)


@contextmanager
def answering(answer: Answer | None = None) -> Iterator[tuple[str, list[Asked]]]:
    """Yield the address of a server that gives one answer to all, and what it was asked."""
    asked: list[Asked] = []

    def note(request: Asked) -> tuple[Answer, None]:
        asked.append(request)
        return answer or Answer(), None

    server = Server(note)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/", asked
    server.shutdown()
    server.close_connections()
    server.server_close()


def ask(address: str, most_bytes: int | None = 1000, seconds: float = 5, silent: float = 2) -> Reply:
    """Ask, within limits."""
    with Http(Limits(5, silent, most_bytes, seconds)) as http:
        return http.send(Request("GET", address))


def loss_of(address: str, **limits: Any) -> Loss:
    """Return why no answer came."""
    with pytest.raises(NoReply) as lost:
        ask(address, **limits)
    assert address.partition("//")[2] not in f"{lost.value} {lost.value!r} {lost.value.library_error}"
    assert lost.value.__cause__ is None
    return lost.value.loss


def test_a_body_is_read_to_its_end_and_unpacked() -> None:
    packed = gzip.compress(b"a" * 1000)
    with sending(lambda to: to.sendall(HEAD % (len(packed), b"Content-Encoding: gzip\r\n") + packed)) as address:
        assert ask(address).body == b"a" * 1000
    chunks = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"
    with sending(lambda to: to.sendall(chunks)) as address:
        assert ask(address).body == b"abc"


def test_a_request_arrives_as_it_was_written_and_its_answer_has_status_and_headers() -> None:
    headers = {"Authorization": f"Bearer {SECRET}", "Content-Type": "application/json"}
    with (
        answering(Answer(201, b"{}", headers={"X-Number": "7"})) as (address, asked),
        Http(Limits(5, 2, 1000, 5)) as http,
    ):
        request = Request("POST", f"{address}a/b", headers, {"query": "a = 'b c'"}, json.dumps([1]))
        reply = http.send(request)
    assert (reply.status, reply.headers["x-number"], reply.body) == (201, "7", b"{}")
    assert asked[0].path == "/a/b"
    assert asked[0].parameters == {"query": "a = 'b c'"}
    assert asked[0].headers["authorization"] == f"Bearer {SECRET}"
    assert (asked[0].headers["content-type"], asked[0].body) == ("application/json", b"[1]")
    assert SECRET not in f"{request!r} {reply!r}"


def test_a_small_body_that_unpacks_to_a_large_one_is_endless() -> None:
    packed = gzip.compress(b"a" * 50_000_000)
    with sending(lambda to: to.sendall(HEAD % (len(packed), b"Content-Encoding: gzip\r\n") + packed)) as address:
        assert loss_of(address) is Loss.ENDLESS


def drip(to: socket.socket) -> None:
    """Send a body drop by drop."""
    to.sendall(HEAD % (1000, b""))
    for _ in range(100):
        to.sendall(b" ")
        time.sleep(0.02)


def test_a_body_that_comes_drop_by_drop_is_endless() -> None:
    begun = time.monotonic()
    with sending(drip) as address:
        assert loss_of(address, seconds=0.1) is Loss.ENDLESS
    assert time.monotonic() - begun < 1.5


def test_a_body_that_is_of_no_interest_is_not_waited_for() -> None:
    begun = time.monotonic()
    with sending(drip) as address:
        assert ask(address, most_bytes=None).body == b""
    assert time.monotonic() - begun < 1.5


def test_an_answer_that_falls_silent_is_out_of_time() -> None:
    for said in (b"", HEAD % (1000, b"") + b"half"):
        gone = threading.Event()

        def fall_silent(to: socket.socket, said: bytes = said, gone: threading.Event = gone) -> None:
            to.sendall(said)
            gone.wait(5)

        with sending(fall_silent) as address:
            assert loss_of(address, silent=0.1) is Loss.TIMED_OUT
            gone.set()


def test_a_redirect_is_an_answer_like_others_wherever_it_leads() -> None:
    def redirect(to: socket.socket) -> None:
        to.sendall(b"HTTP/1.1 302 Found\r\nLocation: http://[\r\nContent-Length: 90000000\r\n\r\n" + b" " * 2000)

    with sending(redirect) as address:
        assert loss_of(address) is Loss.ENDLESS
    with sending(redirect) as address:
        assert ask(address, most_bytes=None).status == 302
    with answering() as (elsewhere, asked), answering(Answer(307, headers={"Location": elsewhere})) as (address, _):
        assert ask(address).status == 307
        assert asked == []


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"no HTTP at all\r\n\r\n",
        HEAD % (1000, b"") + b"half",
        HEAD % (7, b"Content-Encoding: gzip\r\n") + b"no gzip",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 70_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: a\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nno number\r\n",
    ],
    ids="nothing no-http half no-gzip long-header many-headers no-chunk".split(),
)
def test_an_answer_that_breaks_off_or_is_no_http_is_an_error_of_the_connection(answer: bytes) -> None:
    with sending(lambda to: to.sendall(answer)) as address:
        assert loss_of(address) is Loss.BROKEN_OFF


def test_nobody_who_listens_is_an_error_of_the_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}/"
    assert loss_of(address) is Loss.BROKEN_OFF


def test_headers_and_addresses_that_cannot_be_read_are_told_apart_from_broken_connections() -> None:
    assert loss_of("http://a..example/") is Loss.UNREADABLE
    with Http(Limits(1, 1, 1, 1)) as http, pytest.raises(NoReply) as lost:
        http.send(Request("GET", "http://127.0.0.1/", {"X": f"{SECRET}\r\nY: 1"}))
    assert (lost.value.loss, lost.value.library_error) == (Loss.UNREADABLE, "InvalidHeader")
    assert SECRET not in str(lost.value)


def test_a_file_of_passwords_is_not_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "netrc"
    file.write_text("machine 127.0.0.1 login someone password else\n", encoding="utf-8")
    file.chmod(0o600)
    monkeypatch.setenv("NETRC", str(file))
    with answering() as (address, asked):
        ask(address)
    assert "authorization" not in asked[0].headers


def test_the_user_and_password_of_an_address_go_along_unless_something_else_does() -> None:
    with answering() as (address, asked), Http(Limits(5, 2, 1000, 5)) as http:
        own = address.replace("//", "//someone:pass%20word@")
        http.send(Request("GET", own))
        http.send(Request("GET", own, {"Authorization": "Bearer a"}))
    assert [one.headers["authorization"] for one in asked] == ["Basic c29tZW9uZTpwYXNzIHdvcmQ=", "Bearer a"]


@pytest.fixture
def untrusted(tmp_path: Path) -> ssl.SSLContext:
    """A server's side of TLS with a certificate that nobody has signed."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem, secret = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    file = tmp_path / "server.pem"
    file.write_bytes(certificate.public_bytes(pem) + key.private_bytes(pem, secret, serialization.NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


def test_a_certificate_that_nobody_vouches_for_makes_no_connection(untrusted: ssl.SSLContext) -> None:
    heard: list[bytes] = []
    with sending(lambda to: heard.append(to.recv(1)), untrusted) as address:
        assert loss_of(address) is Loss.NOT_SECURE
    assert heard == []


def test_the_library_is_imported_with_the_first_session_only() -> None:
    code = (
        "import sys, etl_customers.pull.client, etl_customers.report.alerts\n"
        "from etl_customers.base.http import Http, Limits\n"
        "before = 'requests' in sys.modules; Http(Limits(1, 1, 1, 1)); print(before, 'requests' in sys.modules)"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "False True\n"
