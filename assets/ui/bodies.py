"""Bodies of requests before Dagster sees them: how large and how slow they may be, and that read-only changes nothing.

Dagster reads a body of any size, and answers two of its mutations with success although it is read-only.
"""

import asyncio
import json
from collections.abc import Iterator

from starlette.types import Message, Receive

LARGEST_BODY = 1024 * 1024
"""Bytes; Dagster's own pages send some kilobytes at most, and a configuration that a person types."""
SLOWEST_BODY_SECONDS = 30.0


class BodyRefused(Exception):
    """A body is too large, or too slow; with the status to answer."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(status, text)
        self.status, self.text = status, text


async def read_body(receive: Receive, seconds: float = SLOWEST_BODY_SECONDS) -> bytes:
    """Read a body whole.

    Raises:
        BodyRefused: It is larger than ``LARGEST_BODY``, or took longer than so many seconds.
    """
    try:
        async with asyncio.timeout(seconds):
            return await _read(receive)
    except TimeoutError:
        raise BodyRefused(408, "The body of the request did not arrive in time; send it again.") from None


async def _read(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > LARGEST_BODY:
            raise too_large()
        if message["type"] != "http.request" or not message.get("more_body", False):
            return bytes(body)


def too_large() -> BodyRefused:
    """Return the refusal of a body that is too large."""
    return BodyRefused(413, f"The body of a request may have at most {LARGEST_BODY:,} bytes; send less at once.")


def again(body: bytes, receive: Receive) -> Receive:
    """Return a receiver that gives the next reader a body that was already read, and then what comes after it."""
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_again() -> Message:
        return messages.pop() if messages else await receive()

    return receive_again


def changes_something(body: bytes | str) -> bool:
    """Tell whether a GraphQL request, or a message of its web socket, may be more than a question.

    So is one that cannot be read, for nobody knows what Dagster would make of it.
    """
    from graphql import GraphQLError, OperationDefinitionNode, OperationType, parse

    try:
        for query in _queries(json.loads(body)):
            for part in parse(query, no_location=True).definitions:
                if isinstance(part, OperationDefinitionNode) and part.operation == OperationType.MUTATION:
                    return True
    except (ValueError, TypeError, RecursionError, GraphQLError):
        return True
    return False


def _queries(request: object) -> Iterator[str]:
    """Yield the documents of a request, of a batch of them, or of a message of a web socket."""
    if isinstance(request, list):
        for one in request:
            yield from _queries(one)
    elif isinstance(request, dict):
        if "query" in request:
            yield str(request["query"])
        if isinstance(request.get("payload"), dict):
            yield from _queries(request["payload"])
    else:
        raise TypeError("no request of GraphQL")
