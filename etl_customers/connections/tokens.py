"""The access token of a connection: valid when it is handed out, renewed by one process at a time.

A renewal holds the connection's row, so that nobody else renews meanwhile; what the provider
gives is committed before anybody sees it. Exchanges themselves are in ``oauth``.
"""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import NoReturn

from sqlalchemy import Connection, Engine

from etl_customers.base.errors import DatabaseUnavailable, ProviderUnavailable, ReconnectNeeded
from etl_customers.base.tries import Tries
from etl_customers.connections import oauth
from etl_customers.connections.oauth import Application, GrantRefused
from etl_customers.connections.sending import PATIENCE, Patience
from etl_customers.connections.vault import TokenSet, Vault, open_vault
from etl_customers.database.connect import reading, writing
from etl_customers.database.connections import (
    RECONNECT,
    ConnectionRecord,
    choose_connection,
    lock_connection,
    note_rejections,
    read_token,
    require_connection,
    set_state,
    store_token,
)
from etl_customers.settings.environment import client_credentials
from etl_customers.settings.home import Home
from etl_customers.settings.sections import Settings
from schemas.sources import LABELS

MOST_REJECTIONS, REJECTED_LONG = 3, timedelta(hours=3)
"""After so many tries in a row, over so long a time, that all ended with a new token rejected, a person must connect again."""
LEAST_LEFT = timedelta(seconds=60)
"""How long a token that is handed out is valid at least: longer than a request takes to be read."""


_IsGood = Callable[[ConnectionRecord, TokenSet, datetime], bool]


class Tokens:
    """Hands out access tokens of one connection; may be used by several threads."""

    def __init__(
        self,
        vault: Vault,
        application: Application,
        target: Engine,
        tenant_id: str,
        patience: Patience = PATIENCE,
    ) -> None:
        self.provider, self.tenant_id = application.provider, tenant_id
        self._vault, self._application, self._target, self._patience = vault, application, target, patience
        self._known: TokenSet | None = None
        self._one_thread = threading.Lock()

    def access_token(self) -> str:
        """Return an access token that is valid for 60 seconds more, renewing it where it is not.

        Raises:
            ReconnectNeeded: The provider no longer accepts the connection.
            ProviderUnavailable: It was to be renewed and the provider did not answer as it should.
            UsageError: It was disconnected, or the client's id or secret is wrong.
        """
        with self._one_thread:
            if self._known is None or not _is_valid(self._known, datetime.now(UTC)):
                self._known = self._stored()
            if not _is_valid(self._known, datetime.now(UTC)):
                self._known = self._renew(lambda _record, tokens, now: _is_valid(tokens, now))
            return self._known.access_token

    def refresh(self, rejected: str) -> str:
        """Return another access token than the one that the provider has just rejected.

        Args:
            rejected: The token that was answered with 401. Where another process or thread
                has replaced it already, nothing is renewed.

        Raises:
            ReconnectNeeded: The provider no longer accepts the connection.
            ProviderUnavailable: The provider did not answer as it should.
            UsageError: It was disconnected, or the client's id or secret is wrong.
        """
        with self._one_thread:
            if self._known is None or self._known.access_token == rejected:
                self._known = self._renew(
                    lambda _record, tokens, now: tokens.access_token != rejected and _is_valid(tokens, now)
                )
            return self._known.access_token

    def note_accepted(self) -> None:
        """Note that the provider accepts the connection; what was rejected before was a passing trouble of its own.

        Raises:
            DatabaseUnavailable: The target does not answer.
        """
        with reading(self._target) as connection:
            record = choose_connection(connection, self.provider, self.tenant_id)
        if record.rejected_since is not None:
            with writing(self._target) as connection:
                lock_connection(connection, self.provider, self.tenant_id)
                note_rejections(connection, self.provider, self.tenant_id, 0, None)

    def note_rejected(self, reason: str, request_id: str | None) -> NoReturn:
        """Note that a token was rejected although the provider has just given it.

        That passes at both providers, so that a person is called only where it goes on:
        in several tries, over hours.

        Raises:
            ProviderUnavailable: It may pass.
            ReconnectNeeded: It did not pass; a person must connect again.
        """
        now = datetime.now(UTC)
        with writing(self._target) as connection:
            record = lock_connection(connection, self.provider, self.tenant_id)
            since, number = record.rejected_since or now, record.rejections + 1
            note_rejections(connection, self.provider, self.tenant_id, number, since)
            is_lasting = number >= MOST_REJECTIONS and now - since >= REJECTED_LONG
            if is_lasting:
                set_state(connection, self.provider, self.tenant_id, RECONNECT)
        if is_lasting:
            raise ReconnectNeeded(self.provider, self.tenant_id)
        raise ProviderUnavailable(self.provider, f"it rejects a token that it has just given, {reason}", request_id)

    def renew_older_than(self, before: datetime) -> None:
        """Renew a connection that was not renewed since a time, so that it does not die of disuse.

        Raises:
            ReconnectNeeded: The provider no longer accepts the connection.
            ProviderUnavailable: The provider did not answer as it should.
            UsageError: It was disconnected, or the client's id or secret is wrong.
        """
        with self._one_thread:
            self._known = self._renew(
                lambda record, _tokens, _now: record.refreshed_at is not None and record.refreshed_at >= before
            )

    def _stored(self) -> TokenSet:
        with reading(self._target) as connection:
            require_connection(connection, self.provider, self.tenant_id)
            return self._open(read_token(connection, self.provider, self.tenant_id))

    def _renew(self, is_good: _IsGood) -> TokenSet:
        """Renew under the row's lock unless what is stored by then is good; return it once it is committed."""
        before: str | None = None
        renewed: TokenSet | None = None
        try:
            with writing(self._target) as connection:
                record = lock_connection(connection, self.provider, self.tenant_id)
                require_connection(connection, self.provider, self.tenant_id)
                before = read_token(connection, self.provider, self.tenant_id)
                tokens = self._open(before)
                if is_good(record, tokens, datetime.now(UTC)):
                    return tokens
                renewed = self._exchange(tokens)
                if renewed is None:
                    set_state(connection, self.provider, self.tenant_id, RECONNECT)
                else:
                    self._store(connection, renewed)
        except DatabaseUnavailable:
            if renewed is None:
                raise
            self._store_again(renewed, before)
        if renewed is None:
            raise ReconnectNeeded(self.provider, self.tenant_id)
        return renewed

    def _exchange(self, tokens: TokenSet) -> TokenSet | None:
        """Give the refresh token for a new token set; none where the provider no longer accepts it."""
        try:
            return oauth.renew(self._application, tokens.refresh_token, self._patience)
        except GrantRefused:
            return None

    def _store_again(self, renewed: TokenSet, before: str | None) -> None:
        """Store what was given where the commit broke off: a refresh token that was replaced is worth nothing."""

        def store() -> None:
            with writing(self._target) as connection:
                lock_connection(connection, self.provider, self.tenant_id)
                if read_token(connection, self.provider, self.tenant_id) == before:
                    self._store(connection, renewed)

        Tries(self._patience.pauses).repeat(store, DatabaseUnavailable)

    def _store(self, connection: Connection, renewed: TokenSet) -> None:
        store_token(
            connection,
            self.provider,
            self.tenant_id,
            token=self._vault.encrypt(renewed),
            refreshed_at=renewed.received_at,
            refresh_expires_at=renewed.refresh_expires_at,
            hard_expires_at=renewed.hard_expires_at,
        )

    def _open(self, encrypted: str | None) -> TokenSet:
        if encrypted is None:
            raise ReconnectNeeded(self.provider, self.tenant_id)
        return self._vault.decrypt(encrypted, f"{LABELS[self.provider]} {self.tenant_id}")


def open_tokens(
    home: Home, settings: Settings, target: Engine, provider: str, tenant_id: str, patience: Patience = PATIENCE
) -> Tokens:
    """Return what hands out the access tokens of a connection; nothing is asked of the provider yet.

    Args:
        home: Holds ``secret.key`` unless the environment has the key.
        settings: In force; name the provider's addresses.
        target: Holds the connection.
        provider: ``quickbooks`` or ``xero``.
        tenant_id: The company's id there.
        patience: How long the provider is waited for.

    Raises:
        UsageError: The client's id or secret, or the key of the tokens, is missing.
    """
    application = Application.of(provider, client_credentials(provider), settings)
    return Tokens(open_vault(home), application, target, tenant_id, patience)


def _is_valid(tokens: TokenSet, now: datetime) -> bool:
    return tokens.expires_at - now >= LEAST_LEFT
