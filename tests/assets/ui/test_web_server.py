"""The guard before Dagster's web application: what passes, what is refused, and that Dagster itself would not."""

import base64
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect as open_web_socket
from websockets.typing import Origin, Subprotocol

from assets.runtime.instance import open_instance, write_workspace
from assets.ui.guard import LOOPBACK_NAMES, Access, Unguarded, check_guarded, is_loopback, refusal
from assets.ui.web_server import access_of
from etl_customers.settings.home import HOME_VARIABLE, Home
from etl_customers.settings.sections import Settings, Ui

PASSWORD = "correct horse battery"
QUESTION = {"query": "{ version }"}
ADD_PARTITION = {
    "query": """mutation { addDynamicPartition(partitionsDefName: "imports", partitionKey: "added",
    repositorySelector: {repositoryName: "__repository__", repositoryLocationName: "etl_customers"}) { __typename } }"""
}
GRAPHQL = [Subprotocol("graphql-ws")]
TIMEOUT_SECONDS = 60


@dataclass
class Server:
    """A web server on a free port, and the home that it shows."""

    port: int
    home: Home
    process: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(
        self, method: str, path: str, headers: Mapping[str, str | None] | None = None, **more: Any
    ) -> requests.Response:
        """Send a request, with these headers besides or instead of the usual ones."""
        return requests.request(
            method, self.url + path, headers=headers, timeout=TIMEOUT_SECONDS, allow_redirects=False, **more
        )

    def partitions(self) -> set[str]:
        """Return the keys that mutations have added."""
        with open_instance(self.home) as instance:
            return set(instance.get_dynamic_partitions("imports"))


@contextmanager
def served(home: Home, *options: str, **settings: str) -> Iterator[Server]:
    """Start the web server in a process of its own, on a free loopback port."""
    workspace = write_workspace(home)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "assets.ui.web_server",
        "--port",
        str(port),
        "--workspace",
        str(workspace),
        *options,
    ]
    environment = {**os.environ, HOME_VARIABLE: str(home.path), **settings}
    process = subprocess.Popen(command, env=environment, start_new_session=True)
    try:
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while not answers(port):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.1)
        yield Server(port, home, process.pid)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def answers(port: int) -> bool:
    """Tell whether somebody listens on a port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def open_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Without a password."""
    home = Home(tmp_path_factory.mktemp("open"))
    with served(home, ETL_CUSTOMERS_UI__ALLOWED_HOSTS='["etl.example.com"]') as server:
        yield server


@pytest.fixture(scope="module")
def read_only_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """With a password, for auditors."""
    home = Home(tmp_path_factory.mktemp("read-only"))
    with served(home, "--read-only", ETL_CUSTOMERS_UI__PASSWORD=PASSWORD) as server:
        yield server


def test_a_person_and_a_script_are_served(open_server: Server) -> None:
    page = open_server.ask("GET", "/")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    answer = open_server.ask("POST", "/graphql", json=QUESTION)
    assert answer.json()["data"]["version"]
    assert answer.headers["cache-control"] == "no-store"
    assert open_server.ask("POST", "/graphql", json=ADD_PARTITION).json()["data"]["addDynamicPartition"] == {
        "__typename": "AddDynamicPartitionSuccess"
    }
    assert open_server.partitions() == {"added"}


def test_no_other_site_may_frame_a_page_or_learn_its_address(open_server: Server) -> None:
    headers = open_server.ask("GET", "/").headers
    assert headers["x-frame-options"] == "DENY"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "script-src 'nonce-" in headers["content-security-policy"], "Dagster's own policy is gone"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:3000", "127.0.0.1.evil.example", "localhost.evil.example"]
)
def test_a_foreign_host_is_refused_by_name(open_server: Server, host: str) -> None:
    answer = open_server.ask("GET", "/", {"host": host})
    assert answer.status_code == 421
    assert "ui.allowed_hosts" in answer.text


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:3000", "[::1]:3000", "etl.example.com", "etl.example.com:443"]
)
def test_our_own_names_are_answered_with_any_port(open_server: Server, host: str) -> None:
    assert open_server.ask("GET", "/server_info", {"host": host}).status_code == 200


def test_a_request_without_a_host_is_refused(open_server: Server) -> None:
    with socket.create_connection(("127.0.0.1", open_server.port)) as connection:
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert connection.makefile("rb").readline().split()[1] == b"400"


@pytest.mark.parametrize("accept", ["*/*", "text/html"])
def test_a_mutation_in_a_get_is_refused_which_dagster_would_execute(open_server: Server, accept: str) -> None:
    answer = open_server.ask("GET", "/graphql", {"accept": accept}, params=ADD_PARTITION)
    assert answer.status_code == 405
    assert "POST" in answer.text


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "text/plain",
        "text/plain; application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=application/json",
        "application/graphql",
    ],
)
def test_a_post_that_needs_no_leave_from_the_browser_is_refused(open_server: Server, content_type: str | None) -> None:
    headers = {} if content_type is None else {"content-type": content_type}
    answer = open_server.ask("POST", "/graphql", headers, params=ADD_PARTITION, data=b"{}")
    assert answer.status_code == 415


@pytest.mark.parametrize("asset_event", ["materialization", "check", "observation"])
def test_events_of_assets_are_not_reported_in_a_plain_post(open_server: Server, asset_event: str) -> None:
    assert open_server.ask("POST", f"/report_asset_{asset_event}/raw_csv?partition=x").status_code == 404


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://localhost:1", "https://127.0.0.1", "file://", ""]
)
def test_a_request_of_another_origin_is_refused(open_server: Server, origin: str) -> None:
    answer = open_server.ask("POST", "/graphql", {"origin": origin}, json=QUESTION)
    assert answer.status_code == 403
    assert "other sites" in answer.text


def test_the_servers_own_pages_may_ask_directly_and_through_a_proxy(open_server: Server) -> None:
    own = {"origin": open_server.url, "sec-fetch-site": "same-origin"}
    assert open_server.ask("POST", "/graphql", own, json=QUESTION).status_code == 200
    proxied = {"origin": "https://etl.example.com", "host": "etl.example.com", "sec-fetch-site": "same-origin"}
    assert open_server.ask("POST", "/graphql", proxied, json=QUESTION).status_code == 200


LINK = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}


def test_a_link_elsewhere_leads_to_a_page(open_server: Server) -> None:
    assert open_server.ask("GET", "/runs/some-run", LINK).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("GET", "/graphql", LINK),
        ("GET", "/download_debug/some-run", LINK),
        ("GET", "/logs/some-run/compute_logs/step.err", LINK),
        ("GET", "/server_info", LINK),
        ("POST", "/", LINK),
        ("GET", "/", {**LINK, "sec-fetch-dest": "iframe"}),
        ("GET", "/", {**LINK, "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"}),
        ("GET", "/", {"sec-fetch-site": "same-site", "sec-fetch-mode": "cors", "sec-fetch-dest": "empty"}),
        ("OPTIONS", "/graphql", {"sec-fetch-site": "cross-site", "sec-fetch-mode": "cors"}),
    ],
)
def test_nothing_else_is_answered_to_another_site(
    open_server: Server, method: str, path: str, headers: dict[str, str]
) -> None:
    assert open_server.ask(method, path, headers).status_code == 403


def test_a_web_socket_is_opened_by_our_own_pages_and_scripts_only(open_server: Server) -> None:
    url = f"ws://127.0.0.1:{open_server.port}/graphql"
    with open_web_socket(url, origin=Origin(open_server.url), subprotocols=GRAPHQL) as web_socket:
        web_socket.send('{"type": "connection_init"}')
        assert "connection_ack" in str(web_socket.recv(TIMEOUT_SECONDS))
    with pytest.raises(InvalidStatus, match="403"), open_web_socket(url, origin=Origin("http://evil.example")):
        pass


def test_code_whose_process_was_killed_is_loaded_again_without_a_click(open_server: Server) -> None:
    (killed,) = code_servers_of(open_server.process)
    os.kill(killed, signal.SIGKILL)
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while not code_servers_of(open_server.process) - {killed}:
        assert time.monotonic() < deadline
        time.sleep(0.2)


def code_servers_of(parent: int) -> set[int]:
    """Return the processes that a web server has started to load our code, zombies left out."""
    children = Path(f"/proc/{parent}/task").glob("*/children")
    found = {int(child) for path in children for child in path.read_text(encoding="utf-8").split()}
    return {child for child in found if b"grpc" in Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")}


def test_without_the_password_nothing_is_answered(read_only_server: Server) -> None:
    wrong = base64.b64encode(b"me:correct horse").decode()
    for path in ("/", "/graphql", "/server_info", "/robots.txt", "/report_asset_check/raw_csv"):
        for authorization in (
            None,
            "Basic",
            "Basic !",
            f"Basic {wrong}",
            "Bearer",
            "Bearer x",
            f"Digest {PASSWORD}",
            PASSWORD,
        ):
            answer = read_only_server.ask("GET", path, {"authorization": authorization})
            assert answer.status_code == 401, (path, authorization)
            assert answer.headers["www-authenticate"].startswith("Basic ")
            assert PASSWORD not in answer.text
    url = f"ws://127.0.0.1:{read_only_server.port}/graphql"
    with pytest.raises(InvalidStatus, match="401"), open_web_socket(url):
        pass


def test_the_password_opens_with_any_user_name_and_as_a_bearer_token(read_only_server: Server) -> None:
    assert read_only_server.ask("GET", "/", auth=("anybody", PASSWORD)).status_code == 200
    bearer = {"authorization": f"Bearer {PASSWORD}"}
    assert read_only_server.ask("POST", "/graphql", bearer, json=QUESTION).status_code == 200
    url = f"ws://127.0.0.1:{read_only_server.port}/graphql"
    with open_web_socket(url, additional_headers=bearer, subprotocols=GRAPHQL):
        pass


def test_the_password_does_not_excuse_a_foreign_origin(read_only_server: Server) -> None:
    # A browser adds what it was told once to every request, whoever's page makes it.
    headers = {"origin": "http://evil.example"}
    assert read_only_server.ask("POST", "/graphql", headers, json=QUESTION, auth=("me", PASSWORD)).status_code == 403


def test_mutations_of_an_auditor_do_not_reach_dagster(read_only_server: Server) -> None:
    answer = read_only_server.ask("POST", "/graphql", json=ADD_PARTITION, auth=("auditor", PASSWORD))
    assert (answer.status_code, "read-only" in answer.text) == (403, True)
    assert read_only_server.partitions() == set()


def test_an_auditor_reports_no_events_of_assets(read_only_server: Server) -> None:
    path = "/report_asset_materialization/raw_csv"
    answer = read_only_server.ask("POST", path, json={"partition": "x"}, auth=("auditor", PASSWORD))
    assert answer.status_code == 404


def test_the_settings_say_who_may_come() -> None:
    settings = Settings(ui=Ui(password=SecretStr(PASSWORD), allowed_hosts=("etl.example.com",)))
    assert access_of(settings, read_only=True) == Access(("etl.example.com",), PASSWORD, read_only=True)
    assert access_of(Settings(), read_only=False) == Access()


@pytest.mark.parametrize(
    ("host", "is_ours_alone"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),  # noqa: S104 - nothing is bound
        ("::", False),
        ("192.0.2.1", False),
        ("", False),
        ("localhost.example.com", False),
    ],
)
def test_only_loopback_needs_no_password(host: str, is_ours_alone: bool) -> None:
    assert is_loopback(host) is is_ours_alone
    check_guarded(host, has_password=True)
    if not is_ours_alone:
        with pytest.raises(Unguarded, match="ETL_CUSTOMERS_UI__PASSWORD"):
            check_guarded(host, has_password=False)


HEADERS = st.lists(
    st.tuples(
        st.sampled_from([b"host", b"origin", b"sec-fetch-site", b"authorization", b"content-type"]),
        st.binary(max_size=40),
    ),
    max_size=6,
)


@given(HEADERS, st.sampled_from(["http", "websocket"]), st.sampled_from(["GET", "POST", "DELETE"]))
def test_no_header_makes_the_guard_fail_or_lets_a_stranger_in(
    headers: list[tuple[bytes, bytes]], kind: str, method: str
) -> None:
    scope = {"type": kind, "method": method, "path": "/graphql", "query_string": b"", "headers": headers}
    refused = refusal(scope, Access(password=PASSWORD))
    assert refused is not None
    assert refused.status in (400, 401, 403, 421)
    if refused.status not in (400, 421):
        names = [value.decode("latin-1").lower().partition(":")[0] for name, value in headers if name == b"host"]
        assert names[0] in (*LOOPBACK_NAMES, "[")


def test_a_settings_file_may_not_have_a_short_password(tmp_path: Path) -> None:
    from etl_customers.base.errors import SettingsInvalid
    from etl_customers.settings.in_force import load_settings

    (tmp_path / "settings.toml").write_text('[ui]\npassword = "short"\n', encoding="utf-8")
    with pytest.raises(SettingsInvalid, match=r"ui\.password") as raised:
        load_settings(Home(tmp_path))
    assert "short" not in str(raised.value).replace("shorter", "")
