"""What an error of a provider says, in JSON or XML: its number, and the one word that matters. Nothing of it is shown.

What that means is decided in ``answers``.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element, ParseError

from etl_customers.base.http import Reply

THROTTLED = 3001
"""QuickBooks' number of too many calls; older gateways say it in words only."""
_MOST_BYTES = 64 * 1024
"""Of XML that is read: no fault is longer."""
_XML = re.compile(rb"\s*(?:\xef\xbb\xbf)?<(?:\?xml|IntuitResponse|ApiException)")
_NUMBER = re.compile(r"[0-9]{1,9}")
_NUMBER_IN_WORDS = re.compile(r"errorCode=([0-9]{1,9})", re.IGNORECASE)


@dataclass(frozen=True)
class Fault:
    """An error in one of the envelopes that the providers document."""

    number: int | None = None
    detail: str = field(default="", repr=False)
    """For comparing, never for showing: it echoes tokens and customers' values."""


def says_json(reply: Reply) -> bool:
    """Tell whether an answer says of itself that it is JSON."""
    return "json" in _content_type(reply)


def read_json(reply: Reply) -> object:
    """Return the body's value, None where it has none; a body that does not say that it is JSON is not read."""
    if not says_json(reply):
        return None
    try:
        value: object = json.loads(reply.body)
    except (ValueError, RecursionError):
        return None
    return value


def read_fault(reply: Reply, document: object) -> Fault | None:
    """Return the error that an answer holds, none where it holds none.

    Args:
        reply: Says what its body is; without a word, XML that begins like a fault is taken for one.
        document: What ``read_json`` has read of it.

    Source:
        Intuit, "Error codes": with a capital by the accounting service, without by the gateway; both come as XML,
        whatever was asked for. XeroAPI/Xero-OpenAPI 16.1.0, Error and problem details (read November 2026).
    """
    if isinstance(document, dict):
        return _fault_in_json(document)
    if (
        document is None
        and len(reply.body) <= _MOST_BYTES
        and ("xml" in _content_type(reply) or _XML.match(reply.body))
    ):
        return _fault_in_xml(reply.body)
    return None


def _fault_in_json(document: Mapping[str, object]) -> Fault | None:
    envelope = document.get("Fault")
    envelope = document.get("fault") if envelope is None else envelope
    if envelope is not None:
        errors = envelope.get("Error", envelope.get("error")) if isinstance(envelope, dict) else None
        found = [one for one in errors if isinstance(one, dict)] if isinstance(errors, list) else []
        texts = [str(one.get(name, "")) for one in found for name in ("Message", "message", "Detail", "detail")]
        return _fault((one.get("code") for one in found), texts)
    detail = document.get("Detail", document.get("detail"))
    if "ErrorNumber" in document or isinstance(detail, str):
        return Fault(_as_number(document.get("ErrorNumber")), str(detail or ""))
    return None


def _fault_in_xml(body: bytes) -> Fault | None:
    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    try:
        root = fromstring(body)
    except (ParseError, DefusedXmlException, ValueError, RecursionError):
        return None
    elements = list(root.iter())
    errors = [one for one in elements if _name(one) == "error"]
    if errors or any(_name(one) == "fault" for one in elements):
        codes = [one.get("code") or _text_below(one, "code", "errorcode") for one in errors]
        return _fault(codes, [text for one in errors for text in one.itertext()])
    number, detail = _text_below(root, "errornumber"), _text_below(root, "detail")
    return Fault(_as_number(number), detail) if number or detail else None


def _fault(codes: Iterable[object], texts: Iterable[str]) -> Fault:
    """Return a fault of QuickBooks: where no error has a number, the text may have it."""
    words = " ".join(texts)
    in_words = _NUMBER_IN_WORDS.search(words)
    numbers = [number for number in map(_as_number, codes) if number is not None]
    if numbers or in_words:
        return Fault(numbers[0] if numbers else _as_number(in_words[1] if in_words else None), words)
    return Fault(THROTTLED if "throttle" in words.lower() else None, words)


def _text_below(element: Element, *names: str) -> str:
    found = (one.text or "" for one in element.iter() if _name(one) in names)
    return next((text.strip() for text in found if text.strip()), "")


def _name(element: Element) -> str:
    """Return an element's name without its namespace, in lower case."""
    return element.tag.rpartition("}")[2].lower()


def _as_number(value: object) -> int | None:
    """Read a number that may be a text with zeros before it, as in ``003200``."""
    text = str(value)
    return int(text) if isinstance(value, int | str) and _NUMBER.fullmatch(text) else None


def _content_type(reply: Reply) -> str:
    return reply.headers.get("Content-Type", "").lower()
