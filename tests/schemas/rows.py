"""What a fault is: how a sound row is spoilt, and what the contract has to say of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Fault:
    """A sentence of the rules, a row that breaks it, and where and as what that is told."""

    rule: str
    changes: Mapping[str, Any]
    """The cells that differ from those of the sound row."""
    column: str
    code: str
    beside: tuple[tuple[str, str], ...] = ()
    """Further (column, code) that the same row cannot but break."""
    times: int = 1
    """How often the row is there."""

    @property
    def is_alone(self) -> bool:
        """Whether the row cannot stand among others: its number is what is wrong, or a value that they cannot have."""
        is_odd = any(isinstance(value, int) for name, value in self.changes.items() if name == "date_joined")
        return "row" in self.changes or self.times > 1 or is_odd

    @property
    def found(self) -> set[tuple[str, str]]:
        """All that is found in the row."""
        return {(self.column, self.code), *self.beside}
