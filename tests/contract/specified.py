"""Xero as its OpenAPI file has it: signing in is the stand-in's, whatever else is asked goes on to Prism."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import requests

from tests.fakes.loopback import Answer, Request, as_text
from tests.fakes.xero import FakeXero

_BASE = "/api.xro/2.0"
_PASSED_ON = ("accept", "authorization", "xero-tenant-id", "if-modified-since")
_VIOLATIONS = "sl-violations"
"""Prism's header of what is not as the file says, in requests and in its own answers."""


@dataclass(frozen=True)
class Asked:
    """A request that was passed on, and what Prism says of it."""

    what: str
    status: int
    violations: tuple[str, ...]
    """What the file does not allow of the request."""

    @property
    def is_allowed(self) -> bool:
        """Whether the file allows it."""
        return self.status < 400 and not self.violations


class SpecifiedXero(FakeXero):
    """The stand-in, with Prism in the place of its books."""

    def __init__(self, prism: str, declared: Mapping[str, Collection[str]]) -> None:
        """Take Prism's address, and which parameters of the query the file has of each path."""
        super().__init__()
        self._declared = declared
        self.asked: list[Asked] = []
        self._prism = prism

    def respond(self, kind: str, request: Request) -> Answer:
        if not request.path.startswith(_BASE):
            return super().respond(kind, request)
        headers = {name: request.headers[name] for name in _PASSED_ON if name in request.headers}
        address = self._prism + request.path.removeprefix(_BASE)
        given = requests.get(address, params=request.parameters, headers=headers, timeout=60, allow_redirects=False)
        since = " since" if "if-modified-since" in request.headers else ""
        named = " ".join(f"{name}={value}" for name, value in request.parameters.items())
        what = f"GET {request.path}{since} {named}".rstrip()
        path = request.path.removeprefix(_BASE)
        unknown = [name for name in request.parameters if name not in self._declared.get(path, ())]
        violations = [*(f"query.{name}: the file has no such parameter" for name in unknown), *_violations(given)]
        self.asked.append(Asked(what, given.status_code, tuple(violations)))
        if given.status_code >= 400:
            return as_text("", given.status_code)
        return Answer(given.status_code, _example(given), given.headers.get("Content-Type", ""))


def _example(given: requests.Response) -> bytes:
    """Return an answer's body with what its example lacks.

    Xero's file has its examples as texts of JSON, which Prism sends as such, and their counts are others', or none.
    """
    value = _parsed(given.text)
    value = _parsed(value) if isinstance(value, str) else value
    if isinstance(value, dict) and isinstance(contacts := value.get("Contacts"), list):
        counts = {"page": 1, "pageSize": len(contacts), "pageCount": 1, "itemCount": len(contacts)}
        value = {**value, "pagination": counts}
    return json.dumps(value).encode()


def _violations(given: requests.Response) -> list[str]:
    found = _as_list(given.headers.get(_VIOLATIONS, "[]"))
    if given.status_code >= 400:
        problem = _as_object(given.text)
        found += problem.get("validation") or [{"location": ["request"], "message": problem.get("title", "refused")}]
    return [_told(one) for one in found if one.get("location", [""])[0] != "response"]


def _told(violation: dict[str, Any]) -> str:
    return f"{'.'.join(map(str, violation['location']))}: {violation.get('message', '')}"


def _as_list(text: str) -> list[dict[str, Any]]:
    value = _parsed(text)
    return value if isinstance(value, list) else []


def _as_object(text: str) -> dict[str, Any]:
    value = _parsed(text)
    return value if isinstance(value, dict) else {}


def _parsed(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return None
