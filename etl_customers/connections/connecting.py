"""Making a connection: a person gives access in a browser, and the token set of one company is stored."""

import secrets
import threading
import webbrowser
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from sqlalchemy import Engine

from etl_customers.base.errors import ProviderUnavailable, UsageError
from etl_customers.connections.callback import CallbackServer, Consent, read_consent
from etl_customers.connections.companies import Company, list_companies
from etl_customers.connections.oauth import Application, GrantRefused, authorize_address, redeem_code
from etl_customers.connections.sending import PATIENCE, Patience
from etl_customers.connections.vault import TokenSet, Vault, open_vault
from etl_customers.database.connect import writing
from etl_customers.database.connections import ConnectionRecord, lock_connection, store_connection
from etl_customers.settings.environment import client_credentials
from etl_customers.settings.home import Home
from etl_customers.settings.sections import Settings
from schemas.sources import LABELS

ANSWER_SECONDS = 300.0
"""How long a person may take to sign in."""


class GetConsent(Protocol):
    """Shows a person the address at which access is given, and returns what came back."""

    def __call__(self, provider: str, address: str, redirect_uri: str, state: str) -> Consent:
        """Return the consent.

        Raises:
            UsageError: Access was not given, or nobody came back.
        """
        ...


ChooseCompany = Callable[[Sequence[Company]], str | None]
"""Asks a person which of several companies is meant; returns its id, none where nobody can be asked."""


@dataclass(frozen=True)
class InBrowser:
    """Opens a browser, and waits for it to come back to this machine."""

    say: Callable[[str], None]
    seconds: float = ANSWER_SECONDS

    def __call__(self, provider: str, address: str, redirect_uri: str, state: str) -> Consent:
        """Return the consent."""
        with CallbackServer(provider, redirect_uri, state) as server:
            self.say(
                f"Give access to {LABELS[provider]} in the browser; if none opens, open this address on this machine "
                f"(it has none? stop with Ctrl-C, and add --manual):\n{address}"
            )
            # Some browsers end only with their window.
            threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
            return server.wait(self.seconds)


@dataclass(frozen=True)
class ByHand:
    """Lets a person open the address anywhere, and paste the one to which the browser was sent back."""

    say: Callable[[str], None]
    read_line: Callable[[], str]

    def __call__(self, provider: str, address: str, redirect_uri: str, state: str) -> Consent:
        """Return the consent."""
        self.say(
            f"Open this address in any browser and give access to {LABELS[provider]}:\n{address}\n"
            f"The browser then shows an address that begins with {redirect_uri}, perhaps with an error page.\n"
            "Copy that whole address and paste it here:"
        )
        return read_consent(provider, self.read_line(), state)


def connect_company(
    home: Home,
    settings: Settings,
    target: Engine,
    provider: str,
    *,
    get_consent: GetConsent,
    tenant_id: str | None,
    choose: ChooseCompany,
    connected_by: str | None,
    patience: Patience = PATIENCE,
) -> ConnectionRecord:
    """Connect a company, or renew the connection to it; customers and links stay as they are.

    Args:
        home: Gets ``secret.key`` unless the environment has the key.
        settings: In force; name the provider's addresses and where the browser comes back.
        target: Takes the connection.
        provider: ``quickbooks`` or ``xero``.
        get_consent: ``InBrowser`` or ``ByHand``.
        tenant_id: The company that is meant; None: the one that access is given to, or ``choose``.
        choose: Asked where access is given to several.
        connected_by: Operating system user.
        patience: How long the provider is waited for.

    Raises:
        UsageError: Client id or secret missing or wrong, access not given, no such company.
        ProviderUnavailable: The provider did not answer as it should; nothing was changed.
    """
    application = Application.of(provider, client_credentials(provider), settings)
    vault = open_vault(home, create=True)
    state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(64)
    address = authorize_address(application, state, verifier)
    consent = get_consent(provider, address, application.redirect_uri, state)
    try:
        tokens = redeem_code(application, consent.code, verifier, patience)
        companies = list_companies(settings, provider, tokens, consent.realm_id, patience)
    except GrantRefused:
        raise UsageError(
            f"{LABELS[provider]} does not accept the code that the browser brought back: it was used before, is too "
            f"old, or {provider}.redirect_uri differs from the one there; run again: etl-customers connect {provider}"
        ) from None
    except ProviderUnavailable as error:
        raise ProviderUnavailable(provider, error.reason, error.request_id, command="connect") from None
    company = _choose(provider, companies, tenant_id, choose)
    return _store(target, vault, provider, company, tokens, connected_by)


def _choose(provider: str, companies: Sequence[Company], tenant_id: str | None, choose: ChooseCompany) -> Company:
    ids = ", ".join(company.tenant_id for company in companies)
    if not companies:
        raise UsageError(f"access was given to no company; run again and choose one: etl-customers connect {provider}")
    if tenant_id is None:
        tenant_id = companies[0].tenant_id if len(companies) == 1 else choose(companies)
    if tenant_id is None:
        raise UsageError(
            f"access was given to {len(companies)} companies; name the one to connect: etl-customers connect {provider} "
            f"--tenant ID, where ID is one of {ids}"
        )
    found = next((company for company in companies if company.tenant_id == tenant_id), None)
    if found is None:
        raise UsageError(f"access was given to {ids}, not to {tenant_id}; nothing was changed")
    return found


def _store(
    target: Engine, vault: Vault, provider: str, company: Company, tokens: TokenSet, connected_by: str | None
) -> ConnectionRecord:
    with writing(target) as connection:
        store_connection(
            connection,
            provider=provider,
            tenant_id=company.tenant_id,
            name=company.name,
            vendor_connection_id=company.vendor_connection_id,
            token=vault.encrypt(tokens),
            connected_at=datetime.now(UTC),
            connected_by=connected_by,
            refresh_expires_at=tokens.refresh_expires_at,
            hard_expires_at=tokens.hard_expires_at,
        )
        return lock_connection(connection, provider, company.tenant_id)
