"""What the mappings of providers share: putting texts into columns, and saying what a record is besides.

Nothing here judges a text (that is ``validate``), and nothing guesses what it may have meant.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from etl_customers.mappings.document import Plan
from etl_customers.texts.invisible import visible
from schemas.codes import LEFT_OUT, NO_PLACE, OTHER_ADDRESS
from schemas.columns import UNPRINTABLE

Address = Mapping[str, str | None]
"""Texts by column: street, city, state, postcode, country."""

_MEMBER = re.compile(r'(?:"[^"]*"|<[^<>]*>|[^,;])+')
"""Of a list: commas and semicolons part, but not between quotation marks or angle brackets."""
_PARTING = re.compile('[,;"<>]')
_NAMED = re.compile(r"[^<>]*<\s*([^<>]*?)\s*>")
"""``Name <address>``, as mail programs write it."""
_SHAPE = re.compile(r'[^\s@<>"]+@[^\s@<>"]+\.[^\s@<>"]+')
_LEAST_DIGITS = 7
"""Of a part that is a number of its own; fewer are an extension, or a part of the number before."""
_DAY = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:T|$)")
_SLOTS = 3
_WORD = re.compile(r"[^\W_]+")
_UNPRINTABLE = re.compile(UNPRINTABLE)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Why a record is no customer to be synced: an error code, the field that says so, and what it refers to."""

    code: str
    field: str
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class Names:
    """What the provider itself calls a customer, which tells customers apart that share all else."""

    display: str | None = None
    qualified: str | None = None
    """With those of the customers above it, where it has any."""


@dataclass(frozen=True, slots=True)
class MappedRecord:
    """A record as a row: texts by customer column, and what the provider says of it besides."""

    cells: Mapping[str, str] = field(default_factory=dict)
    """Texts by customer column, by the ids of custom fields, and by the headers of properties' fields."""
    is_active: bool = True
    parent_id: str | None = None
    names: Names = field(default_factory=Names)
    left_out: LeftOut | None = None
    warnings: Sequence[tuple[str, str]] = ()
    """Column and code."""


class Cells:
    """Collects the texts of a row, and a warning for each that finds no place."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.warnings: list[tuple[str, str]] = []

    def put(self, column: str, text: str | None) -> None:
        """Fill a column, where there is a text."""
        if text:
            self.texts[column] = text

    def put_own(self, plan: Plan, text_of: Callable[[str], str | None]) -> None:
        """Fill the account's own columns that a mapping names; of several fields, the texts follow each other.

        A constant is put only where its property has the text of a field.
        """
        for field_id, names in plan.custom.items():
            self.put(field_id, join_texts(*map(text_of, names)))
        filled = set()
        for one in plan.properties:
            if text := join_texts(*map(text_of, one.names)):
                filled.add(one.column.of_property)
            elif one.column.of_property in filled:
                text = one.constant
            self.put(one.column.key, text)

    def put_all(self, family: str, texts: Sequence[str]) -> None:
        """Fill the three columns of a family, such as ``email``, ``email2``, ``email3``."""
        for slot, text in enumerate(texts[:_SLOTS], 1):
            self.texts[family if slot == 1 else f"{family}{slot}"] = text
        if len(texts) > _SLOTS:
            self.no_place(family)

    def put_day(self, column: str, moment: str | None) -> None:
        """Fill a column with the day of an ISO 8601 moment, as it was where it was written."""
        if not moment:
            return
        written = _DAY.match(moment)
        try:
            day = date.fromisoformat(written[1] if written else "")
        except ValueError:
            self.leave_out(column)
        else:
            self.texts[column] = day.isoformat().replace("-", "/")

    def names(self, display: str | None, qualified: str | None = None) -> Names:
        """Return the provider's names of the customer, as far as they can be stored."""
        own = self._usable(display)
        # Of most customers both are the same.
        whole = own if qualified == display else self._usable(qualified)
        return Names(own, None if whole == own else whole)

    def _usable(self, name: str | None) -> str | None:
        if not name:
            return None
        if _UNPRINTABLE.search(name):
            self.leave_out("display_name")
            return None
        return " ".join(visible(name).split()) or None

    def leave_out(self, column: str) -> None:
        """Warn of a text that could not be read."""
        self.warnings.append((column, LEFT_OUT))

    def warn(self, column: str, code: str) -> None:
        """Warn of something else that is not taken over."""
        self.warnings.append((column, code))

    def no_place(self, family: str) -> None:
        """Warn that there are more of a family than columns for it."""
        self.warnings.append((family, NO_PLACE))


def join_texts(*texts: str | None) -> str:
    """Return the texts that are there with a space between them."""
    return " ".join(filter(None, texts))


def split_emails(*texts: str | None) -> list[str]:
    """Return the members of lists of addresses, each once; what has not the shape of an address comes last.

    Commas and semicolons part them. White space does not: of ``jane doe@example.com`` the
    last word would be somebody else's address. What is no address goes to the rules whole.
    """
    found: dict[str, str] = {}
    for text in filter(None, texts):
        # Most texts are one address, which the expressions would find as it is.
        for member in _MEMBER.findall(text) if _PARTING.search(text) else (text,):
            named = _NAMED.fullmatch(member.strip()) if "<" in member else None
            address = (named and named[1]) or member.strip()
            if seen := visible(address).strip():
                found.setdefault(seen.lower(), address)
    if len(found) < 2:
        return [*found.values()]
    return [found[seen] for seen in sorted(found, key=lambda seen: _SHAPE.fullmatch(seen) is None)]


def split_numbers(text: str | None) -> list[str]:
    """Return the numbers of a text that commas or semicolons part, the text itself where a part is no number alone."""
    if not text or ("," not in text and ";" not in text):
        return [text] if text else []
    parts = [part.strip() for part in re.split("[,;]", text) if part.strip()]
    are_numbers = all(sum(sign.isdigit() for sign in part) >= _LEAST_DIGITS for part in parts)
    return parts if are_numbers else [text]


def put_address(cells: Cells, addresses: Iterable[Address]) -> None:
    """Take the first address that has something in it, and warn of another that differs from it."""
    filled = [address for address in addresses if any(address.values())]
    for column, text in filled[0].items() if filled else ():
        cells.put(column, text)
    if any(not _repeats(address, filled[0]) for address in filled[1:]):
        cells.warn("street_address", OTHER_ADDRESS)


def address_text(address: Address) -> str:
    """Return an address as one text."""
    return ", ".join(text for text in address.values() if text)


def _repeats(address: Address, first: Address) -> bool:
    """Tell whether an address says nothing that the first one does not, whatever the lines."""
    whole = _words(*first.values())
    if _words(*address.values()).replace(" ", "") == whole.replace(" ", ""):
        return True
    for column, text in address.items():
        part, same = _words(text), _words(first.get(column))
        # Lines of a street may hold all the rest; a city is that of the other address, or another one.
        is_within = part in whole if column == "street_address" or not same.strip() else part == same
        if part.strip() and not is_within:
            return False
    return True


def _words(*texts: str | None) -> str:
    """Return the words of texts as they are compared, with a space around each: 1 is not in 11."""
    return f" {' '.join(_WORD.findall(join_texts(*texts).casefold()))} "


def join_lines(texts: Mapping[str, str], *names: str) -> str:
    """Return the lines of an address as one."""
    return ", ".join([texts[name] for name in names if name in texts])
