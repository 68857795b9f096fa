"""Where generated customers live: how numbers are written there, and places that really are there."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Country:
    """Where a row lives: how its numbers are written, and places that really are there."""

    name: str
    mobile: Callable[[int], str]
    phone: Callable[[int], str]
    places: tuple[tuple[str, str, str], ...]
    """State, city and postcode."""


COUNTRIES: dict[str, Country] = {
    "AU": Country(
        "Australia",
        lambda n: f"04{n % (4 * 10**7):08d}",
        lambda n: f"(02) 9{n % 10**7:07d}",
        (
            ("NSW", "Sydney", "2000"),
            ("Victoria", "Melbourne", "3000"),
            ("Qld", "Brisbane", "4000"),
            ("WA", "Perth", "6000"),
        ),
    ),
    "GB": Country(
        "United Kingdom",
        lambda n: f"07{400_000_000 + n % 10**8:09d}",
        lambda n: f"020 7{n % 10**7:07d}",
        (("England", "London", "EC1A 1BB"), ("Scotland", "Edinburgh", "EH1 1RE"), ("WLS", "Cardiff", "CF10 1AA")),
    ),
    "US": Country(
        "United States",
        lambda n: f"(212) {200 + n // 10**4 % 800:03d}-{n % 10**4:04d}",
        lambda n: f"415-{200 + n // 10**4 % 800:03d}-{n % 10**4:04d}",
        (("NY", "New York", "10024"), ("California", "San Francisco", "94110"), ("Texas", "Austin", "78701")),
    ),
    "DE": Country(
        "Germany",
        lambda n: f"+49 151 {n % 10**8:08d}",
        lambda n: f"+49 30 {n % 10**8:08d}",
        (("Berlin", "Berlin", "10435"), ("Bayern", "München", "80802"), ("Hamburg", "Hamburg", "22767")),
    ),
}
