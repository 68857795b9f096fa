"""The part of QuickBooks' query language that customers are asked with: parsing it and nothing else.

``select * | count(*) from Customer [where a and b] [orderby x] [startposition n] [maxresults n]``;
operators = < > <= >= and IN, no OR. Source: Intuit, Data queries.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

_STATEMENT = re.compile(
    r"select\s+(?P<what>\*|count\s*\(\s*\*\s*\))\s+from\s+(?P<entity>\w+)"
    r"(?:\s+where\s+(?P<where>.+?))??"
    r"(?:\s+order\s?by\s+(?P<order>[\w.]+)(?:\s+(?P<direction>asc|desc))?)?"
    r"(?:\s+startposition\s+(?P<start>-?\d+))?"
    r"(?:\s+maxresults\s+(?P<most>\d+))?\s*;?\s*",
    re.IGNORECASE | re.DOTALL,
)
_VALUE = r"'(?:[^'\\]|\\.)*'|true|false|\d+"
_CONDITION = re.compile(
    rf"\s*(?P<field>[\w.]+)\s*(?:(?P<operator>=|<=|>=|<|>)\s*(?P<value>{_VALUE})"
    rf"|in\s*\(\s*(?P<values>(?:{_VALUE})(?:\s*,\s*(?:{_VALUE}))*)\s*\))\s*",
    re.IGNORECASE,
)
_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda left, right: bool(left == right),
    "<": lambda left, right: bool(left < right),
    ">": lambda left, right: bool(left > right),
    "<=": lambda left, right: bool(left <= right),
    ">=": lambda left, right: bool(left >= right),
}


class QueryInvalid(Exception):
    """The statement cannot be answered; ``code`` is QuickBooks' own."""

    def __init__(self, code: int, detail: str) -> None:
        super().__init__(code, detail)
        self.code, self.detail = code, detail


@dataclass(frozen=True)
class Condition:
    """One condition; a field of time is compared as a time, whatever offsets it is written with."""

    field: str
    operator: str
    values: tuple[object, ...]

    def holds(self, value: object) -> bool:
        """Whether a field's value meets it; a record without the field never does."""
        if value is None:
            return False
        if self.operator == "in":
            return value in self.values
        return _OPERATORS[self.operator](value, self.values[0])


@dataclass(frozen=True)
class Statement:
    """A statement that can be answered."""

    is_count: bool
    entity: str
    conditions: tuple[Condition, ...]
    order: str | None
    is_descending: bool
    start: int
    most: int


def parse(text: str) -> Statement:
    """Read a statement.

    Raises:
        QueryInvalid: It does not follow the grammar (4000), or a number or time cannot be taken (4001).
    """
    match = _STATEMENT.fullmatch(text.strip())
    if match is None:
        raise QueryInvalid(4000, "Error parsing query")
    start, most = int(match["start"] or 1), int(match["most"] or 100)
    if start < 1:
        raise QueryInvalid(4001, f"Error processing query: value {start} is too small. Min allowed value is 1")
    if not 1 <= most <= 1000:
        raise QueryInvalid(4001, f"Error processing query: value {most} is out of bounds. Max allowed value is 1000")
    return Statement(
        is_count=match["what"] != "*",
        entity=match["entity"].lower(),
        conditions=tuple(_conditions(match["where"])) if match["where"] else (),
        order=match["order"],
        is_descending=(match["direction"] or "").lower() == "desc",
        start=start,
        most=most,
    )


def _conditions(text: str) -> list[Condition]:
    found, at = [], 0
    while True:
        match = _CONDITION.match(text, at)
        if match is None:
            raise QueryInvalid(4000, "Error parsing query")
        values = re.findall(_VALUE, match["values"] or match["value"], re.IGNORECASE)
        is_time = match["field"].lower().startswith("metadata.")
        found.append(
            Condition(
                match["field"].lower(),
                match["operator"] or "in",
                tuple(_time(value) if is_time else _plain(value) for value in values),
            )
        )
        at = match.end()
        if at == len(text):
            return found
        joint = re.compile(r"and\b", re.IGNORECASE).match(text, at)
        if joint is None:
            raise QueryInvalid(4000, "Error parsing query")
        at = joint.end()


def _plain(value: str) -> object:
    if value.lower() in ("true", "false"):
        return value.lower() == "true"
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith("'") else value


def _time(value: str) -> datetime:
    try:
        time = datetime.fromisoformat(value.strip("'"))
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise QueryInvalid(4001, "Error processing query: the time cannot be read")
    return time
