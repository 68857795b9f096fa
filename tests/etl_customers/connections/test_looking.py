"""What a company says of itself: its country and region, by real HTTP against the fakes."""

from typing import Any

import pytest

from etl_customers.connections.looking import CompanyFacts, ask_company
from etl_customers.settings.sections import Reference, Settings
from etl_customers.validate.places import load_places
from tests.fakes.loopback import as_json
from tests.fakes.provider_server import Fault, running
from tests.fakes.quickbooks import FakeQuickBooks
from tests.fakes.xero import FakeXero

CANADA = {"Country": "Canada", "CountrySubDivisionCode": "BC"}
NOWHERE = {"Id": "1", "Line1": "1 High Street"}


def ask(fake: FakeQuickBooks | FakeXero, answer: dict[str, Any]) -> CompanyFacts:
    """Let a fake answer so, and return what is read of it."""
    with running(fake):
        fake.fail(Fault("company", answer=as_json(answer)))
        settings = Settings.model_validate({fake.provider: fake.settings()})
        token = str(fake.sign_in()["access_token"])
        return ask_company(settings, fake.provider, fake.tenant, token, load_places(Reference()).read_state)


@pytest.mark.parametrize(
    ("info", "place"),
    [
        ({"Country": "US", "CompanyAddr": {"CountrySubDivisionCode": "CA"}}, ("US", "California")),
        ({"CompanyAddr": CANADA}, ("CA", "British Columbia")),
        ({"Country": "AU", "CompanyAddr": NOWHERE, "LegalAddr": {"CountrySubDivisionCode": " nsw "}},
         ("AU", "New South Wales")),
        # An address abroad says nothing of where in its country the company is: BC is a state of Mexico, too.
        ({"Country": "MX", "CompanyAddr": CANADA}, ("MX", None)),
        ({"Country": "MX", "CompanyAddr": {**CANADA, "Country": "Somewhere"}}, ("MX", None)),
        ({"Country": "US", "CompanyAddr": {"CountrySubDivisionCode": "Springfield"}}, ("US", None)),
        ({"Country": "US", "CompanyAddr": {"CountrySubDivisionCode": 5}, "LegalAddr": "CA"}, ("US", None)),
        ({"CompanyAddr": {"CountrySubDivisionCode": "CA"}}, (None, None)),
        ({"Country": "US"}, ("US", None)),
    ],
)  # fmt: skip
def test_a_company_of_quickbooks_is_where_its_addresses_say(
    info: dict[str, Any], place: tuple[str | None, str | None]
) -> None:
    facts = ask(FakeQuickBooks(), {"CompanyInfo": info})
    assert (facts.country, facts.region) == place


@pytest.mark.parametrize(
    ("addresses", "region"),
    [
        ([{"AddressType": "POBOX", "Region": "QLD"}, {"AddressType": "STREET", "Region": "NSW"}], "New South Wales"),
        ([{"AddressType": "STREET", "Region": ""}, {"AddressType": "POBOX", "Region": "Victoria"}], "Victoria"),
        ([{"AddressType": "STREET", "Region": "NSW", "Country": "New Zealand"}, {"Region": "Vic."}], "Victoria"),
        ([{"AddressType": None, "Region": "Central"}, "NSW"], None),
        (None, None),
    ],
)
def test_an_organisation_of_xero_is_where_its_street_is_else_its_post_box(addresses: Any, region: str | None) -> None:
    facts = ask(FakeXero(), {"Organisations": [{"Name": "A", "CountryCode": "AU", "Addresses": addresses}]})
    assert (facts.country, facts.region) == ("AU", region)
