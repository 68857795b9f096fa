"""Made-up people and businesses for the fakes: the n-th is always the same; no e-mail or number can reach anyone."""

from dataclasses import dataclass

_FIRST = "Olivia Jack Ruby Liam Zoë Noah Amelia Isla José William Harper Ethan Aroha Mason Léa Priya Søren Mia".split()
_LAST = (
    "Nguyen O'Brien Whitlam Fraser Müller Taylor Chen Gordon García Kelly Lindqvist Ramirez Ngata Weiß Petit".split()
)
_TRADES = "Plumbing Bakery Nursery Cafe Joinery Motors Flooring Dental Books Cycles".split()
_STREETS = "Wattle Harbour Coral Smith Church Station High King Queen Victoria Park Mill".split()
_PLACES = (
    ("New York", "NY", "10024", 212),
    ("San Francisco", "CA", "94110", 415),
    ("Austin", "TX", "78701", 512),
    ("Seattle", "WA", "98101", 206),
    ("Chicago", "IL", "60601", 312),
    ("Boston", "MA", "02108", 617),
)
_NUMBERS = len(_PLACES) * 100
"""As many numbers are reserved for fiction in a set of area codes: 555-0100 to 555-0199."""
_OTHER_AREAS = (202, 303, 404, 503, 615, 702)


@dataclass(frozen=True)
class Party:
    """Somebody who buys or sells."""

    first_name: str
    last_name: str
    business: str
    email: str
    number: str | None
    """As people write it; None beyond the numbers that are reserved for fiction."""
    street: str
    city: str
    state: str
    postcode: str


def party(index: int, is_other: bool = False) -> Party:
    """Return the n-th; no two have the same e-mail, number, business or address.

    ``is_other`` counts other people: those who are with Xero are not those who are with QuickBooks.
    """
    first, last = _FIRST[index % len(_FIRST)], _LAST[index // 7 % len(_LAST)]
    city, state, postcode, area = _PLACES[index % len(_PLACES)]
    area = _OTHER_AREAS[index % len(_PLACES)] if is_other else area
    is_first_round = index < _NUMBERS
    return Party(
        first_name=first,
        last_name=last,
        business=f"{last} {_TRADES[index % len(_TRADES)]} {index}{' Ltd' if is_other else ''}",
        email=f"customer.{index}@example.{'net' if is_other else 'com'}",
        number=f"({area}) 555-01{index // len(_PLACES) % 100:02d}" if is_first_round else None,
        street=f"{index + 1} {_STREETS[index % len(_STREETS)]} {'Lane' if is_other else 'Street'}",
        city=city,
        state=state,
        postcode=postcode,
    )
