"""What the texts of settings may be: lines that end in customers and on screens, paths, names of hosts.

Which setting is of which type is said in ``etl_customers.settings.sections``.
"""

import ipaddress
import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator

from etl_customers.texts.invisible import visible

_LONGEST = 255
"""As long as a column takes it."""
_STEERING = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)", re.ASCII)
_LONGEST_HOST = 253


def one_line(text: str) -> str:
    """Return a text without the characters that nobody sees; those in a row or a customer are read alike.

    Raises:
        ValueError: It has several lines, a tab or another control character, or is too long.
    """
    seen = visible(text).strip()
    if _STEERING.search(seen):
        raise ValueError("must be one line of text, without tabs and control characters")
    if len(seen) > _LONGEST:
        raise ValueError(f"must have at most {_LONGEST} characters")
    return seen


def _filled_line(text: str) -> str:
    if not (seen := one_line(text)):
        raise ValueError("must not be empty")
    return seen


def _line_or_none(text: str | None) -> str | None:
    return (one_line(text) or None) if text is not None else None


def _path(path: Path) -> Path:
    if _STEERING.search(str(path)):
        raise ValueError("must be a path without control characters")
    return path


def _host(text: str) -> str:
    """Return a name as browsers send it: in lower case, an address of IPv6 in brackets."""
    name = visible(text).strip().lower()
    try:
        address = ipaddress.ip_address(name.removeprefix("[").removesuffix("]"))
    except ValueError:
        if len(name) <= _LONGEST_HOST and all(map(_LABEL.fullmatch, name.split("."))):
            return name
        raise ValueError(
            "must have names of hosts such as etl.example.com, or addresses such as 192.0.2.7; without http://, port, "
            "* and blanks (letters beyond a to z as the browser sends them: xn--…)"
        ) from None
    return f"[{address}]" if address.version == 6 else str(address)


Line = Annotated[str, AfterValidator(_filled_line)]
OptionalLine = Annotated[str | None, AfterValidator(_line_or_none)]
"""A text of nothing that anybody sees is none."""
FilePath = Annotated[Path, AfterValidator(_path)]
HostName = Annotated[str, AfterValidator(_host)]
