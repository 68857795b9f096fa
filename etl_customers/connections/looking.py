"""A small look at a connected company: what it is, where, and how many customers it has. Nothing is pulled."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlsplit

from sqlalchemy import Engine

from etl_customers.base.errors import ProviderUnavailable, ReconnectNeeded
from etl_customers.connections.companies import ask, name_of
from etl_customers.connections.counting import Counter, content_of
from etl_customers.connections.sending import MINOR_VERSION, PATIENCE, Patience
from etl_customers.connections.tokens import open_tokens
from etl_customers.database.connect import writing
from etl_customers.database.connections import ConnectionRecord, store_company
from etl_customers.settings.home import Home
from etl_customers.settings.sections import Settings
from schemas.sources import QUICKBOOKS

_ENVIRONMENTS = {
    "quickbooks.api.intuit.com": "production",
    "sandbox-quickbooks.api.intuit.com": "sandbox",
    "api.xero.com": "production",
}
_COMPANY = {QUICKBOOKS: "CompanyInfo"}
_XERO_ADDRESSES = {"STREET": 0, "POBOX": 1, "DELIVERY": 2}
"""Which address is looked at first."""
_Found = TypeVar("_Found")

ReadState = Callable[[str, str], str | None]
"""Reads a text as a state of a country (alpha-2); returns its name in our list, none where it is none."""


@dataclass(frozen=True)
class CompanyFacts:
    """What a provider says of a company itself."""

    name: str | None
    country: str | None
    """ISO 3166-1 alpha-2; None: it does not say, or nothing that can be read."""
    region: str | None = None
    """A state of that country by its name in our list; None: it does not say, or nothing that can be read."""
    is_demo: bool = False
    """Xero's company for trying things out."""


@dataclass(frozen=True)
class Look:
    """What was seen of a connection that was just made."""

    environment: str
    company: CompanyFacts | None
    customers: int | None
    """All that a full pull would fetch, inactive ones too."""
    kinds: Mapping[str, int] | None
    """How many of these there are of each kind, by its name; None: the provider does not tell, ``why_no_kinds``."""
    why_no_kinds: str | None
    problems: tuple[str, ...]
    """What did not answer, one sentence each."""


def look_at_company(
    home: Home,
    settings: Settings,
    target: Engine,
    record: ConnectionRecord,
    read_state: ReadState,
    patience: Patience = PATIENCE,
) -> Look:
    """Ask what a company is and how many customers it has; keep its name, country and region with the connection.

    Args:
        home: Holds the key of the tokens, unless the environment does.
        settings: In force; name the provider's address.
        target: Holds the connection.
        record: The connection.
        read_state: Knows the states of the list in force.
        patience: How long the provider is waited for.

    Raises:
        UsageError: The client's id or secret is not accepted.
        DatabaseUnavailable: The target does not answer.
    """
    provider, tenant_id = record.provider, record.tenant_id
    problems: list[str] = []

    def tried(what: str, look: Callable[[str], _Found]) -> _Found | None:
        try:
            token = open_tokens(home, settings, target, provider, tenant_id, patience).access_token()
            return look(token)
        except ProviderUnavailable as error:
            request = f", request {error.request_id}" if error.request_id else ""
            problems.append(f"{what} cannot be read ({error.reason}{request})")
        except ReconnectNeeded as error:
            problems.append(f"{what} cannot be read: {error}")
        return None

    company = tried(
        _COMPANY.get(provider, "Organisation"),
        lambda token: ask_company(settings, provider, tenant_id, token, read_state, patience),
    )
    customers = tried(
        "the number of customers",
        lambda token: Counter(settings, provider, tenant_id, token, patience).count_all(),
    )
    kinds, why_no_kinds = None, None
    if customers is not None:
        found = len(problems)
        kinds = tried(
            "the kinds of customers",
            lambda token: Counter(settings, provider, tenant_id, token, patience).count_kinds(customers),
        )
        # A pull asks for none of it: that it is not told is no problem of the connection.
        why_no_kinds, problems[found:] = next(iter(problems[found:]), None), []
    if company is not None:
        keep_company(target, provider, tenant_id, company)
    host = urlsplit(str(settings.provider(provider).api_url)).hostname or ""
    is_demo = company is not None and company.is_demo
    environment = "demo company" if is_demo else _ENVIRONMENTS.get(host, host)
    return Look(environment, company, customers, kinds, why_no_kinds, tuple(problems))


def keep_company(target: Engine, provider: str, tenant_id: str, company: CompanyFacts) -> None:
    """Keep with a connection what its company says of itself.

    Raises:
        DatabaseUnavailable: The target does not answer.
    """
    with writing(target) as connection:
        facts = {"name": company.name, "country": company.country, "region": company.region}
        store_company(connection, provider, tenant_id, **facts)


def ask_company(
    settings: Settings,
    provider: str,
    tenant_id: str,
    access_token: str,
    read_state: ReadState,
    patience: Patience = PATIENCE,
) -> CompanyFacts:
    """Return what a company says of itself: QuickBooks' CompanyInfo, Xero's Organisation.

    Raises:
        ProviderUnavailable: It did not answer as it should; Xero, where the scope ``accounting.settings.read`` lacks.

    Source:
        Intuit, "CompanyInfo"; XeroAPI/Xero-OpenAPI 16.1.0, Organisation and AddressForOrganisation (read in November
        and December 2026).
    """
    if provider == QUICKBOOKS:
        path = f"v3/company/{tenant_id}/companyinfo/{tenant_id}"
        answer = ask(settings, provider, "GET", path, access_token, patience, minorversion=MINOR_VERSION)
        found = content_of(provider, answer).get("CompanyInfo")
        if not isinstance(found, dict):
            raise ProviderUnavailable(provider, "its answer names no company", answer.request_id)
        addresses = _objects(found.get(name) for name in ("CompanyAddr", "LegalAddr", "CustomerCommunicationAddr"))
        country = _first_country([found.get("Country"), *(one.get("Country") for one in addresses)])
        region = _first_region(addresses, "CountrySubDivisionCode", country, read_state)
        return CompanyFacts(name_of(found.get("CompanyName")), country, region)
    answer = ask(settings, provider, "GET", "api.xro/2.0/Organisation", access_token, patience, tenant_id)
    organisations = content_of(provider, answer).get("Organisations")
    found = organisations[0] if isinstance(organisations, list) and organisations else None
    if not isinstance(found, dict):
        raise ProviderUnavailable(provider, "its answer names no company", answer.request_id)
    is_demo, country = found.get("IsDemoCompany") is True, _first_country([found.get("CountryCode")])
    given = found.get("Addresses")
    addresses = _objects(given if isinstance(given, list) else ())
    addresses.sort(key=lambda one: _XERO_ADDRESSES.get(str(one.get("AddressType")), len(_XERO_ADDRESSES)))
    region = _first_region(addresses, "Region", country, read_state)
    return CompanyFacts(name_of(found.get("Name")), country, region, is_demo)


def _objects(values: Iterable[object]) -> list[dict[str, object]]:
    return [value for value in values if isinstance(value, dict)]


def _first_region(
    addresses: Iterable[Mapping[str, object]], field: str, country: str | None, read_state: ReadState
) -> str | None:
    """Return the first state that the addresses name, of those that are in the country or do not say theirs."""
    for address in addresses:
        text, named = address.get(field), address.get("Country")
        is_abroad = isinstance(named, str) and bool(named.strip()) and _first_country([named]) != country
        if country is None or is_abroad or not isinstance(text, str):
            continue
        if region := read_state(text.strip(), country):
            return region
    return None


def _first_country(texts: Iterable[object]) -> str | None:
    """Return the first of the texts that is a code or an English name of a country, as alpha-2."""
    import pycountry  # slow to import, and pulls seldom need it

    for text in texts:
        if isinstance(text, str) and text.strip():
            try:
                code: str = pycountry.countries.lookup(text.strip()).alpha_2
            except LookupError:
                continue
            return code
    return None
