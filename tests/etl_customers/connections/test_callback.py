"""The page to which a provider sends the browser back: one answer, to this command only, on this machine only."""

import socket
import struct
from collections.abc import Iterator

import pytest
import requests

from etl_customers.base.errors import UsageError
from etl_customers.connections.callback import AccessNotGiven, CallbackServer, read_consent
from schemas.sources import QUICKBOOKS, XERO

STATE = "state-canary"


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@pytest.fixture
def address() -> str:
    """Where this test's server is to listen."""
    return f"http://localhost:{free_port()}/callback"


@pytest.fixture
def server(address: str) -> Iterator[CallbackServer]:
    """A server that waits for QuickBooks."""
    with CallbackServer(QUICKBOOKS, address, STATE) as made:
        yield made


def get(address: str, **parameters: str) -> requests.Response:
    """Ask as a browser does."""
    return requests.get(address, params=parameters, timeout=5)


def test_the_browser_brings_the_code_and_the_company_back(server: CallbackServer, address: str) -> None:
    page = get(address, code="code-canary", state=STATE, realmId="42")
    assert page.status_code == 200
    assert "You can close this page" in page.text
    assert "canary" not in page.text
    assert page.headers["Cache-Control"] == "no-store"
    consent = server.wait(5)
    assert (consent.code, consent.realm_id) == ("code-canary", "42")
    assert "canary" not in repr(consent)


def test_strangers_are_shown_the_door_and_the_answer_is_waited_for(server: CallbackServer, address: str) -> None:
    assert get(address, code="forged", state="guessed").status_code == 400
    assert get(address, code="forged").status_code == 400
    assert get(address.replace("callback", "favicon.ico")).status_code == 404
    assert requests.post(address, timeout=5).status_code == 501
    get(address, code="right", state=STATE)
    get(address, code="late", state=STATE)
    assert server.wait(5).code == "right"


def test_what_is_no_request_of_a_browser_says_nothing_on_the_terminal(
    server: CallbackServer, address: str, capfd: pytest.CaptureFixture[str]
) -> None:
    port = int(address.split(":")[2].split("/")[0])
    hang_up = struct.pack("ii", 1, 0)
    for line in (b"GET http://[/callback?code=forged HTTP/1.1", b"HEAD /callback HTTP/1.1", b"GET /" + b"a" * 70_000):
        with socket.create_connection(("127.0.0.1", port)) as browser:
            browser.sendall(line + b"\r\n\r\n")
            browser.recv(1000)
            browser.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, hang_up)
    with socket.create_connection(("127.0.0.1", port)) as browser:
        browser.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, hang_up)
    get(address, code="right", state=STATE)
    assert server.wait(5).code == "right"
    assert capfd.readouterr() == ("", "")


def test_a_browser_that_connects_and_says_nothing_does_not_block_others(server: CallbackServer, address: str) -> None:
    port = int(address.split(":")[2].split("/")[0])
    with socket.create_connection(("127.0.0.1", port)):
        get(address, code="right", state=STATE)
    assert server.wait(5).code == "right"


def test_who_gives_no_access_is_told_that_nothing_was_changed(server: CallbackServer, address: str) -> None:
    assert "Not connected" in get(address, error="access_denied", state=STATE).text
    with pytest.raises(AccessNotGiven, match="access was not given; nothing was changed"):
        server.wait(5)


def test_nobody_is_waited_for_longer_than_agreed(server: CallbackServer) -> None:
    with pytest.raises(AccessNotGiven, match="nobody came back from QuickBooks Online"):
        server.wait(0)


def test_a_port_that_is_in_use_is_named(server: CallbackServer, address: str) -> None:
    with pytest.raises(UsageError, match=r"port \d+ of this machine.*quickbooks\.redirect_uri"):
        CallbackServer(QUICKBOOKS, address, STATE)


@pytest.mark.parametrize(
    "uri", ["https://localhost:8734/callback", "http://192.0.2.1/callback", "https://example.com/"]
)
def test_an_address_elsewhere_is_for_connecting_by_hand(uri: str) -> None:
    with pytest.raises(UsageError, match="etl-customers connect xero --manual"):
        CallbackServer(XERO, uri, STATE)


@pytest.mark.parametrize(
    ("pasted", "message"),
    [
        ("", "state is wrong or missing"),
        ("no address at all", "state is wrong or missing"),
        ("https://[", "state is wrong or missing"),
        ("https://example.com/?code=code-canary&state=ü", "state is wrong or missing"),
        (f"https://example.com/?state={STATE}", "has no code"),
        (f"https://example.com/?state={STATE}&code=canary\udcff", "has no code"),
        (f"https://example.com/?state={STATE}&code=canary{'y' * 5000}", "has no code"),
        (f"https://example.com/?state={STATE}&error=code-canary", "the sign-in was canceled"),
    ],
)
def test_what_is_pasted_and_is_no_answer_is_refused_without_repeating_it(pasted: str, message: str) -> None:
    with pytest.raises(AccessNotGiven, match=message) as refused:
        read_consent(XERO, pasted, STATE)
    assert "canary" not in str(refused.value)
