"""What one visitor can cost the web server: bodies, guesses of passwords, connections; and that read-only is read-only."""

import asyncio
import json
from typing import Any

import pytest
import uvicorn
from starlette.responses import PlainTextResponse

from assets.ui.bodies import LARGEST_BODY, BodyRefused, changes_something, read_body
from assets.ui.guard import Access, Guard
from assets.ui.patience import ImpatientProtocol, WrongPasswords

MUTATION = "mutation { deleteRun(runId: 1) { __typename } }"
QUESTION = "query Runs { version }"
HEADERS = [(b"host", b"localhost"), (b"content-type", b"application/json")]


def request(path: str = "/graphql", headers: list[tuple[bytes, bytes]] | None = None) -> dict[str, Any]:
    """Return the scope of a POST."""
    return {
        "type": "http", "method": "POST", "path": path, "query_string": b"", "headers": headers or HEADERS,
        "client": ("10.0.0.1", 5),
    }  # fmt: skip


def answered(access: Access, scope: dict[str, Any], *pieces: bytes) -> tuple[int, list[bytes]]:
    """Send a body in pieces through the guard; return the status and what reached the application."""
    reached: list[bytes] = []
    sent: list[dict[str, Any]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        reached.append((await receive())["body"])
        await PlainTextResponse("done")(scope, receive, send)

    messages = [{"type": "http.request", "body": p, "more_body": i < len(pieces)} for i, p in enumerate(pieces, 1)]

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    asyncio.run(Guard(app, access)(scope, receive, send))  # type: ignore[arg-type]
    return sent[0]["status"], reached


def test_a_body_reaches_the_application_as_it_was() -> None:
    body = json.dumps({"query": QUESTION}).encode()
    assert answered(Access(), request(), body[:5], body[5:]) == (200, [body])


def test_a_body_that_is_too_large_is_refused_while_it_comes_also_without_a_password() -> None:
    assert answered(Access(), request(), *[b" " * (LARGEST_BODY // 4)] * 5) == (413, [])
    told = [*HEADERS, (b"content-length", str(LARGEST_BODY + 1).encode())]
    assert answered(Access(), request(headers=told), b"{}") == (413, [])


def test_a_body_that_does_not_come_is_not_waited_for() -> None:
    async def never() -> dict[str, Any]:
        await asyncio.sleep(60)
        raise AssertionError

    with pytest.raises(BodyRefused) as refused:
        asyncio.run(read_body(never, seconds=0.01))
    assert refused.value.status == 408


@pytest.mark.parametrize(
    "body",
    [
        {"query": MUTATION},
        {"query": f"{QUESTION} {MUTATION}", "operationName": "Runs"},
        {"query": "fragment f on Query { version } mutation M { x }"},
        [{"query": QUESTION}, {"query": MUTATION}],
        {"type": "start", "payload": {"query": MUTATION}},
        {"query": "mutation {"},
        {"query": None},
        "mutation",
        3,
    ],
)  # fmt: skip
def test_whatever_may_change_something_is_refused_by_a_read_only_guard(body: object) -> None:
    assert answered(Access(read_only=True), request(), json.dumps(body).encode()) == (403, [])
    assert changes_something(json.dumps(body))


@pytest.mark.parametrize(
    "body",
    [
        {"query": QUESTION},
        {"query": "subscription { x }"},
        [{"query": "{ a }"}],
        {"type": "connection_init", "payload": {}},
    ],
)
def test_questions_pass_a_read_only_guard(body: object) -> None:
    assert answered(Access(read_only=True), request(), json.dumps(body).encode())[0] == 200


def test_a_mutation_over_a_web_socket_ends_it_where_the_ui_is_read_only() -> None:
    got: list[dict[str, Any]] = []
    messages = [
        {"type": "websocket.receive", "text": json.dumps({"type": "start", "payload": {"query": text}})}
        for text in (QUESTION, MUTATION)
    ]

    async def app(_scope: Any, receive: Any, _send: Any) -> None:
        got.extend([await receive(), await receive()])

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    async def nowhere(_message: dict[str, Any]) -> None:
        return None

    scope = request() | {"type": "websocket"}
    asyncio.run(Guard(app, Access(read_only=True))(scope, receive, nowhere))  # type: ignore[arg-type]
    assert [message["type"] for message in got] == ["websocket.receive", "websocket.disconnect"]


@pytest.mark.parametrize("name", ["materialization", "check", "observation"])
def test_nobody_reports_events_of_assets_from_outside(name: str) -> None:
    assert answered(Access(), request(f"/report_asset_{name}/raw_csv"), b"{}") == (404, [])


def test_each_wrong_password_of_an_address_waits_longer_and_the_right_one_never() -> None:
    wrong = WrongPasswords()
    delays = [wrong.delay("10.0.0.1") for _ in range(8)]
    assert delays == [0.25, 0.5, 1, 2, 4, 8, 8, 8]
    assert wrong.delay("10.0.0.2") == 0.25
    wrong.forget("10.0.0.1")
    assert wrong.delay("10.0.0.1") == 0.25


def test_wrong_passwords_are_remembered_of_so_many_addresses_only() -> None:
    wrong = WrongPasswords()
    for number in range(5_000):
        wrong.delay(str(number))
    assert len(wrong._failures) == 1_000


async def _talk(pieces: list[bytes], seconds: float) -> bytes:
    """Serve with a short patience, send pieces, and return what comes until the server ends the connection."""

    class Hasty(ImpatientProtocol):
        slowest_header_seconds = 0.2

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(0.5)  # a slow answer is not a slow header
        await PlainTextResponse("done")(scope, receive, send)

    server = uvicorn.Server(uvicorn.Config(app, http=Hasty, port=0, log_level="critical", lifespan="off"))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for piece in pieces:
            writer.write(piece)
            await asyncio.sleep(0.02)
        return await asyncio.wait_for(reader.read(), seconds)
    finally:
        writer.close()
        server.should_exit = True
        await serving


@pytest.mark.parametrize("pieces", [[], [b"G"], [b"GET / HTTP/1.1\r\n", b"Host: x\r\n"]])
def test_a_connection_that_never_sends_its_whole_header_is_closed(pieces: list[bytes]) -> None:
    assert b"200 OK" not in asyncio.run(_talk(pieces, 10))


def test_a_whole_header_is_answered_however_long_the_answer_takes() -> None:
    whole = [b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"]
    assert b"200 OK" in asyncio.run(_talk(whole, 10))
