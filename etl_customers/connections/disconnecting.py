"""Ending a connection: at the provider first, then here. Customers and links stay as they are."""

from sqlalchemy import Connection, Engine

from etl_customers.base.errors import EtlCustomersError, ProviderUnavailable, ReconnectNeeded, UsageError
from etl_customers.connections.companies import end_connection
from etl_customers.connections.oauth import Application
from etl_customers.connections.sending import PATIENCE, Patience
from etl_customers.connections.tokens import open_tokens
from etl_customers.connections.vault import open_vault
from etl_customers.database.connect import reading, writing
from etl_customers.database.connections import (
    DISCONNECTED,
    ConnectionRecord,
    choose_connection,
    list_connections,
    lock_connection,
    read_token,
    set_state,
)
from etl_customers.settings.environment import client_credentials
from etl_customers.settings.home import Home
from etl_customers.settings.sections import Settings
from schemas.sources import LABELS, XERO


def disconnect_company(
    home: Home,
    settings: Settings,
    target: Engine,
    provider: str,
    tenant_id: str | None,
    *,
    force: bool,
    patience: Patience = PATIENCE,
) -> tuple[ConnectionRecord, EtlCustomersError | None]:
    """End a connection at the provider and delete its token; doing it again changes nothing.

    Args:
        home: Holds ``secret.key`` unless the environment has the key.
        settings: In force; name the provider's addresses.
        target: Holds the connection.
        provider: ``quickbooks`` or ``xero``.
        tenant_id: The company's id there; None: the only one.
        force: Delete the token here even where the connection cannot be ended at the provider.
        patience: How long the provider is waited for.

    Returns:
        The connection as it was, and why it could not be ended at the provider (with ``force`` only).

    Raises:
        UsageError: There is no such connection; the client's id or secret or the key of the tokens is wrong.
        ProviderUnavailable: The provider did not answer as it should; the token is kept.
    """
    with reading(target) as connection:
        record = choose_connection(connection, provider, tenant_id)
    problem: EtlCustomersError | None = None
    if record.state != DISCONNECTED:
        try:
            _end(home, settings, target, record, patience)
        except (ProviderUnavailable, UsageError) as error:
            if not force:
                raise _explained(error) from None
            problem = error
    with writing(target) as connection:
        lock_connection(connection, provider, record.tenant_id)
        set_state(connection, provider, record.tenant_id, DISCONNECTED)
    return record, problem


def _end(home: Home, settings: Settings, target: Engine, record: ConnectionRecord, patience: Patience) -> None:
    """End a connection at the provider while nobody else can renew its token."""
    provider, tenant_id = record.provider, record.tenant_id
    application = Application.of(provider, client_credentials(provider), settings)
    vault = open_vault(home)
    if provider == XERO:
        tokens_of = open_tokens(home, settings, target, provider, tenant_id, patience)
        try:
            # A token that is renewed is valid, and one that cannot be was ended by somebody in Xero.
            tokens_of.refresh(tokens_of.access_token())
        except ReconnectNeeded:
            return
    with writing(target) as connection:
        locked = lock_connection(connection, provider, tenant_id)
        encrypted = read_token(connection, provider, tenant_id)
        if encrypted is not None:
            tokens = vault.decrypt(encrypted, f"{LABELS[provider]} {tenant_id}")
            end_connection(settings, application, locked, tokens, _is_last(connection, locked), patience)


def _is_last(connection: Connection, record: ConnectionRecord) -> bool:
    others = list_connections(connection, record.provider)
    return all(one.state == DISCONNECTED or one.tenant_id == record.tenant_id for one in others)


def _explained(error: ProviderUnavailable | UsageError) -> EtlCustomersError:
    """Return an error whose remedy is this command."""
    if isinstance(error, ProviderUnavailable):
        return ProviderUnavailable(error.provider, error.reason, error.request_id, command="disconnect")
    return error
