"""What tells a person's rows from others: keys, addresses, numbers, names, and the rows that are known to be theirs.

A row that may be the person's counts as theirs: two people of one name are taken for one
here, because a row too many in a failed-rows file is lost, and a row too few is kept.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import sqlalchemy as sa
from sqlalchemy import Connection

from etl_customers.database.customers import find_customer
from etl_customers.database.ledger import failed_rows_of, find_import
from etl_customers.database.removals import find_removed, list_matches
from etl_customers.database.tables import customer_changes, identity_keys
from etl_customers.texts.invisible import visible
from schemas.codes import DUPLICATE_IN_FILE, message
from schemas.columns import IDENTITY_COLUMNS

FEWEST_DIGITS = 8
"""Digits at the end of a number that must agree; a country's code and a trunk zero need not."""

_LONGEST_NUMBER = 40
_FIRST_NAMES = ("first_name", "first_name2", "first_name3")
_LAST_NAMES = ("last_name", "last_name2", "last_name3")
_BUSINESS = "business_name"
_EMAILS = IDENTITY_COLUMNS["email"]
_PHONES = (*IDENTITY_COLUMNS["mobile"], *IDENTITY_COLUMNS["phone"])
IDENTIFYING = (*_FIRST_NAMES, *_LAST_NAMES, _BUSINESS, *_EMAILS, *_PHONES)
"""Columns whose values are looked for."""


@dataclass
class Person:
    """Who is to be erased, as far as it is still known; it learns more while files are looked through."""

    customer_id: int
    keys: set[tuple[str, str]] = field(default_factory=set)
    """Kind and value of identity keys."""
    values: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Identifying column to the values that it has or had."""
    rows: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    """Import to the rows that are known to be the person's."""
    origin: tuple[str, int] | None = None
    """Import and row that the customer was made of."""
    is_forgotten: bool = False
    """It was removed from the target, which knows the origin only."""

    @cached_property
    def emails(self) -> list[str]:
        """Addresses, folded."""
        return sorted({fold(text) for name in _EMAILS for text in self.values.get(name, ())} - {""})

    @cached_property
    def numbers(self) -> list[str]:
        """Phone numbers as digits, with the country's code."""
        found = {digits(text) for name in _PHONES for text in self.values.get(name, ())}
        return sorted(number for number in found if len(number) >= FEWEST_DIGITS)

    @cached_property
    def names(self) -> list[tuple[str, ...]]:
        """What must stand together in a row: first and last name, or a business's name where there is no person's."""
        first, last = (
            sorted({fold(text) for name in columns for text in self.values.get(name, ())} - {""})
            for columns in (_FIRST_NAMES, _LAST_NAMES)
        )
        pairs: list[tuple[str, ...]] = [(one, other) for one in first for other in last]
        return pairs or [(fold(text),) for text in self.values.get(_BUSINESS, ()) if fold(text)]

    @cached_property
    def _email_pattern(self) -> re.Pattern[str] | None:
        if not self.emails:
            return None
        # Whole addresses only: canada@example.com is not ada@example.com.
        any_of = "|".join(map(re.escape, self.emails))
        return re.compile(rf"(?<![\w.+-])(?:{any_of})(?![\w-]|\.\w)")

    def is_in(self, cells: Iterable[str]) -> bool:
        """Return whether the cells of a row have an address, a number or a full name of the person."""
        folded = {fold(cell) for cell in cells} - {""}
        if self._email_pattern is not None and any(map(self._email_pattern.search, folded)):
            return True
        if self.numbers and any(map(self._is_number, folded)):
            return True
        return any(folded.issuperset(name) for name in self.names)

    def learn(self, values: Mapping[str, object]) -> None:
        """Add values of a row or a change that are the person's."""
        for name, value in values.items():
            if name in IDENTIFYING and isinstance(value, str) and value:
                self.values[name].add(value)
        for derived in ("emails", "numbers", "names", "_email_pattern"):
            self.__dict__.pop(derived, None)

    def _is_number(self, text: str) -> bool:
        found = digits(text).lstrip("0")
        if len(found) < FEWEST_DIGITS or len(text) > _LONGEST_NUMBER:
            return False
        return any(number.endswith(found) or found.endswith(number[-FEWEST_DIGITS - 1 :]) for number in self.numbers)


def find_person(connection: Connection, customer_id: int) -> Person:
    """Gather what the target knows of a customer, values that were changed since included.

    Of one that was removed, that is only the row it came from.

    Raises:
        NotFound: There never was such a customer.
    """
    person = Person(customer_id)
    removed = find_removed(connection, customer_id)
    if removed is not None:
        person.is_forgotten, person.origin = True, (removed.import_id, removed.import_row)
        person.rows[removed.import_id].add(removed.import_row)
        return person
    customer = find_customer(connection, customer_id)
    person.learn(customer.values)
    changes = sa.select(customer_changes.c.column, customer_changes.c.old_value, customer_changes.c.new_value)
    for column, *values in connection.execute(changes.where(customer_changes.c.customer_id == customer_id)):
        for value in values:
            person.learn({column: value})
    keys = sa.select(identity_keys.c.kind, identity_keys.c.value).where(identity_keys.c.customer_id == customer_id)
    person.keys |= {(kind, value) for kind, value in connection.execute(keys)}
    person.origin = (customer.import_id, customer.import_row)
    person.rows[customer.import_id].add(customer.import_row)
    record = find_import(connection, customer.import_id)
    if record is not None and record.parent_import_id is not None and customer.parent_row is not None:
        person.rows[record.parent_import_id].add(customer.parent_row)
    for import_id, row in list_matches(connection, customer_id):
        person.rows[import_id].add(row)
    return person


def find_duplicates(connection: Connection, import_id: str, rows: Collection[int]) -> set[int]:
    """Return the rows that failed because they repeat one of ``rows``, as the ledger's messages tell."""
    messages: dict[str, set[str]] = {}
    found = set()
    for failed in failed_rows_of(connection, import_id):
        for error in failed.errors:
            if error["code"] == DUPLICATE_IN_FILE:
                column = error["column"]
                if column not in messages:
                    messages[column] = {message(DUPLICATE_IN_FILE, column, str(row)) for row in rows}
                if error["message"] in messages[column]:
                    found.add(failed.row)
    return found


def fold(text: str) -> str:
    """Return text as it is compared: case, spacing, what nobody sees and our escape of formulas do not count."""
    return " ".join(unicodedata.normalize("NFKC", visible(text)).casefold().split()).lstrip("'")


def digits(text: str) -> str:
    """Return the digits of a number, in ASCII."""
    return "".join(re.findall("[0-9]", unicodedata.normalize("NFKC", text)))
