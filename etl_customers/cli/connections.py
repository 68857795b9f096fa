"""Commands for connections to QuickBooks Online and Xero: made, listed, ended."""

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from etl_customers.cli.options import HomeOption, JsonOption, target_at, user_name
from schemas.record_kinds import KINDS
from schemas.sources import LABELS, QUICKBOOKS, XERO

if TYPE_CHECKING:
    from etl_customers.connections.companies import Company
    from etl_customers.connections.connecting import GetConsent


class ProviderName(StrEnum):
    """The providers, as commands name them."""

    QUICKBOOKS = QUICKBOOKS
    XERO = XERO


ProviderArgument = Annotated[ProviderName, typer.Argument(help="quickbooks or xero.", show_default=False)]
TenantOption = Annotated[
    str | None,
    typer.Option("--tenant", help="Id of the company at the provider, to choose one of several.", show_default=False),
]


def add_to(app: typer.Typer) -> None:
    """Add these commands to the program."""
    app.command()(connect)
    app.command()(connections)
    app.command()(disconnect)


def connect(
    provider: ProviderArgument,
    manual: Annotated[
        bool,
        typer.Option(
            "--manual",
            help="For a machine without a browser: open an address elsewhere and paste the one that it leads to.",
        ),
    ] = False,
    tenant: TenantOption = None,
    home: HomeOption = None,
) -> int:
    """Connect a company of QuickBooks Online or Xero, or renew the connection to it; asks for access in a browser.

    Exit codes:

    0: it is connected and answers

    1: it is connected, but does not answer everything that a pull asks

    2: it is not connected

    3: the provider cannot be used now; run it again
    """
    from etl_customers.cli.kinds_screen import print_kinds
    from etl_customers.cli.screen import console, pairs, say
    from etl_customers.connections.connecting import connect_company
    from etl_customers.connections.looking import look_at_company
    from etl_customers.settings.home import find_home
    from etl_customers.settings.in_force import load_settings
    from etl_customers.validate.places import load_places

    found = find_home(home)
    settings = load_settings(found)
    with target_at(home) as target:
        record = connect_company(
            found,
            settings,
            target,
            provider.value,
            get_consent=_way(manual),
            tenant_id=tenant,
            choose=_choose,
            connected_by=user_name(),
        )
        look = look_at_company(found, settings, target, record, load_places(settings.reference).read_state)
    company = look.company
    known_name = (company.name if company else None) or record.name
    name = f" ({known_name})" if known_name else ""
    say(f"{LABELS[provider.value]} company {record.tenant_id}{name} is connected")
    facts = {
        "environment": look.environment,
        "country": (company.country if company else None) or "not known",
        "region": (company.region if company else None) or "not known",
        "customers": "not known" if look.customers is None else f"{look.customers:,}, including inactive ones",
    }
    console().print(pairs(facts.items()))
    if look.kinds is not None:
        taken = {kind.name: kind.is_taken_by(settings.provider(provider.value)) for kind in KINDS[provider.value]}
        print_kinds(provider.value, [(name, number, taken[name]) for name, number in look.kinds.items()])
    elif look.why_no_kinds is not None:
        say(f"{look.why_no_kinds}; a full pull counts them")
    for problem in look.problems:
        say(
            f"error: {problem}; check that the app, and the person who gave access, may read it at the provider",
            error=True,
        )
    say(f"to pull its customers, run: etl-customers pull {provider.value} --tenant {record.tenant_id}")
    return 1 if look.problems else 0


def connections(json: JsonOption = False, home: HomeOption = None) -> None:
    """List the connections: the company, the state, when it expires if not used, and when it expires in any case."""
    from etl_customers.cli.screen import console, print_json, say, table
    from etl_customers.database.connect import reading
    from etl_customers.database.connections import list_connections
    from etl_customers.imports.company_place import place_of
    from etl_customers.settings.home import find_home
    from etl_customers.settings.in_force import load_settings

    settings = load_settings(find_home(home))
    with target_at(home) as target, reading(target) as connection:
        records = list_connections(connection)
    places = [place_of(settings, one) for one in records]
    rows = [
        {
            "provider": one.provider,
            "tenant_id": one.tenant_id,
            "name": one.name,
            "country": place.country,
            "region": place.region,
            "state": one.state,
            "connected_at": one.connected_at,
            "refreshed_at": one.refreshed_at,
            "refresh_expires_at": one.refresh_expires_at,
            "hard_expires_at": one.hard_expires_at,
        }
        for one, place in zip(records, places, strict=True)
    ]
    if json:
        print_json({"connections": rows})
    elif not rows:
        say("no connections; to make one, run: etl-customers connect quickbooks, or: etl-customers connect xero")
    else:
        headers = ("provider", "tenant", "name", "state", "renewed", "dies on", "ends on")
        lines = [
            (
                one.provider,
                one.tenant_id,
                _name_and_place(one.name, place.region, place.country),
                one.state,
                f"{one.refreshed_at:%Y-%m-%d}" if one.refreshed_at else None,
                f"{one.refresh_expires_at:%Y-%m-%d}" if one.refresh_expires_at else None,
                f"{one.hard_expires_at:%Y-%m-%d}" if one.hard_expires_at else None,
            )
            for one, place in zip(records, places, strict=True)
        ]
        # The name gives way where the line is too long: Xero's tenants alone have 36 characters.
        console().print(table(headers, lines, whole=tuple(name for name in headers if name != "name")))


def disconnect(
    provider: ProviderArgument,
    tenant: TenantOption = None,
    force: Annotated[
        bool, typer.Option("--force", help="Delete the token here even if the provider cannot be reached.")
    ] = False,
    home: HomeOption = None,
) -> None:
    """End a connection at the provider and delete its token; the customers stay."""
    from etl_customers.cli.screen import say
    from etl_customers.connections.disconnecting import disconnect_company
    from etl_customers.settings.home import find_home
    from etl_customers.settings.in_force import load_settings

    found = find_home(home)
    with target_at(home) as target:
        record, problem = disconnect_company(found, load_settings(found), target, provider.value, tenant, force=force)
    say(f"{LABELS[provider.value]} company {record.tenant_id} is disconnected; its customers are unchanged")
    if problem is not None:
        say(
            f"it could not be ended at {LABELS[provider.value]} ({problem}); "
            "end it there yourself, in the list of connected apps",
            error=True,
        )


def _name_and_place(name: str | None, region: str | None, country: str | None) -> str:
    place = ", ".join(text for text in (region, country) if text)
    return " ".join(text for text in (name, place and f"({place})") if text)


def _way(manual: bool) -> "GetConsent":
    from etl_customers.cli.screen import say
    from etl_customers.connections.connecting import ByHand, InBrowser

    return ByHand(say, _read_line) if manual else InBrowser(say)


def _read_line() -> str:
    import sys

    line = sys.stdin.readline()
    if not line:
        raise typer.Abort
    return line


def _choose(companies: "Sequence[Company]") -> str | None:
    """Ask on a terminal which company is meant; nobody can be asked elsewhere."""
    import sys

    from etl_customers.cli.screen import say

    if not sys.stdin.isatty():
        return None
    say("access was given to several companies:")
    for number, company in enumerate(companies, 1):
        say(f"  {number}  {company.tenant_id}  {company.name or ''}")
    chosen = 0
    while not 1 <= chosen <= len(companies):
        chosen = typer.prompt(f"which one do you want to connect, 1 to {len(companies)}", type=int)
    return companies[chosen - 1].tenant_id
