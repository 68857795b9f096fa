"""Where a connected company is, and what its customers are given of the home's company (R12, R25)."""

from datetime import UTC, datetime
from typing import Any

import pytest

from etl_customers.database.connections import ConnectionRecord
from etl_customers.imports.company_place import CompanyPlace, company_of_pull, place_of
from etl_customers.settings.in_force import settings_of_file

NSW, CALIFORNIA = "New South Wales", "California"


def connected(country: str | None, region: str | None = None) -> ConnectionRecord:
    """Return a connection to a company in some place."""
    now = datetime(2026, 12, 1, tzinfo=UTC)
    return ConnectionRecord("quickbooks", "1", None, "connected", now, None, None, None, country=country, region=region)


@pytest.mark.parametrize(
    ("told", "as_set", "place"),
    [
        ((None, None), {}, (None, None)),
        (("AU", NSW), {}, ("AU", NSW)),
        (("AU", ""), {}, ("AU", None)),
        (("AU", None), {"region": "qld"}, ("AU", "Queensland")),
        (("AU", NSW), {"region": "Queensland"}, ("AU", "Queensland")),
        (("US", CALIFORNIA), {"country": "CA"}, ("CA", None)),
        (("US", CALIFORNIA), {"country": "US"}, ("US", CALIFORNIA)),
        ((None, None), {"country": "CA", "region": "BC"}, ("CA", "British Columbia")),
        # Of two companies in two countries, a region is set for the one that has it.
        (("NZ", "Auckland"), {"region": "Queensland"}, ("NZ", "Auckland")),
    ],
)
def test_a_company_is_where_the_settings_say_else_where_it_says_itself(
    told: tuple[str | None, str | None], as_set: dict[str, str], place: tuple[str | None, str | None]
) -> None:
    settings = settings_of_file({"quickbooks": as_set})
    assert place_of(settings, connected(*told)) == CompanyPlace(*place)


@pytest.mark.parametrize(
    ("home", "place", "city"),
    [
        ({"country": "AU", "city": "Sydney"}, (None, None), "Sydney"),
        ({"country": "AU", "city": "Sydney"}, ("AU", None), "Sydney"),
        ({"country": "AU", "city": "Sydney"}, ("AU", NSW), "Sydney"),
        ({"country": "AU", "city": "Newcastle"}, ("AU", NSW), "Newcastle"),
        ({"country": "AU", "city": "Newcastle"}, ("AU", "Queensland"), "Newcastle"),
        ({"country": "AU", "city": "sydney"}, ("AU", "Queensland"), None),
        ({"country": "AU", "city": "Sydney"}, ("CA", None), None),
        ({"country": "AU", "city": "Sydney"}, ("CA", "British Columbia"), None),
        ({"country": "US", "city": "Portland"}, ("US", "Maine"), "Portland"),
        ({"country": "US", "city": "Portland"}, ("US", CALIFORNIA), None),
        ({"country": "IT", "city": "Milano"}, ("IT", "Bergamo"), "Milano"),
        ({"country": "AU"}, ("AU", NSW), None),
        # That its country is US was nobody's wish.
        ({"city": "Sydney"}, ("US", None), None),
    ],
)
def test_the_homes_city_is_not_taken_for_a_company_of_another_country_or_region(
    home: dict[str, Any], place: tuple[str | None, str | None], city: str | None
) -> None:
    settings = settings_of_file({"company": home})
    assert company_of_pull(settings, CompanyPlace(*place)).city == city
