"""What the target remembers of connections to providers: which company, in which state, until when.

The token is kept here as the encrypted text that ``etl_customers.connections`` makes and
reads; a ``ConnectionRecord`` never holds it. Nothing here speaks to a provider.
"""

from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection, RowMapping

from etl_customers.base.errors import NotFound, ReconnectNeeded, UsageError
from etl_customers.database.tables import provider_connections
from etl_customers.database.values import as_utc
from schemas.sources import LABELS, QUICKBOOKS, XERO

CONNECTED, RECONNECT, DISCONNECTED = "connected", "reconnect", "disconnected"
OLD_SHARE = 0.5
"""A connection whose ``age_share`` is above this was not looked after: it should be renewed every week."""
END_WARNED = timedelta(days=60)
"""How long before its end for good a connection is said to end."""
REFRESH_LIFE: dict[str, timedelta] = {QUICKBOOKS: timedelta(days=100), XERO: timedelta(days=60)}
"""How long a refresh token lives that nobody uses.

Source:
    Intuit, "Authentication and authorization FAQ"; Xero, "OAuth 2.0 FAQ" (read in November 2026).
"""


@dataclass(frozen=True)
class ConnectionRecord:
    """One connection to one company at a provider, without its token. Times are UTC."""

    provider: str
    tenant_id: str
    name: str | None
    state: str
    connected_at: datetime
    refreshed_at: datetime | None
    refresh_expires_at: datetime | None
    vendor_connection_id: str | None
    rejections: int = 0
    """Tries in a row that ended with a new token rejected, the first of them at ``rejected_since``."""
    rejected_since: datetime | None = None
    country: str | None = None
    """Where the company is, as alpha-2; None: the provider has not said it."""
    hard_expires_at: datetime | None = None
    """When the connection ends whatever is done; None: the provider does not say."""
    region: str | None = None
    """In which state of that country; empty: it says none that the list has; None: it was not asked."""

    def ends_soon(self, now: datetime) -> bool:
        """Tell whether it ends so soon that a person should connect again, however often it is used."""
        return self.hard_expires_at is not None and self.hard_expires_at - now < END_WARNED

    def age_share(self, now: datetime) -> float:
        """Return which share of the refresh token's life has passed: 0 just renewed, 1 and more dead."""
        if self.refresh_expires_at is None:
            return 0.0
        return max(0.0, 1 - (self.refresh_expires_at - now) / REFRESH_LIFE[self.provider])


def list_connections(connection: Connection, provider: str | None = None) -> list[ConnectionRecord]:
    """Return all connections, or those to one provider, also those that were disconnected."""
    query = sa.select(*_COLUMNS).order_by(provider_connections.c.provider, provider_connections.c.tenant_id)
    if provider is not None:
        query = query.where(provider_connections.c.provider == provider)
    return [_record(row) for row in connection.execute(query).mappings()]


def choose_connection(connection: Connection, provider: str, tenant_id: str | None) -> ConnectionRecord:
    """Return the connection that is meant, whatever its state.

    Args:
        connection: Of the target.
        provider: ``quickbooks`` or ``xero``.
        tenant_id: The company's id at the provider; None: the only company that is not disconnected.

    Raises:
        NotFound: No company of this id was ever connected.
        UsageError: None is named and there is none, or several.
    """
    found = list_connections(connection, provider)
    if tenant_id is not None:
        named = next((one for one in found if one.tenant_id == tenant_id), None)
        if named is None:
            raise _unknown(provider, tenant_id)
        return named
    live = [one for one in found if one.state != DISCONNECTED]
    if not live:
        raise UsageError(f"there is no connection to {LABELS[provider]}; run: etl-customers connect {provider}")
    if len(live) > 1:
        ids = ", ".join(one.tenant_id for one in live)
        raise UsageError(
            f"there are {len(live)} connections to {LABELS[provider]}, name one of them: --tenant ID, where ID "
            f"is one of {ids}; see: etl-customers connections"
        )
    return live[0]


def require_connection(connection: Connection, provider: str, tenant_id: str | None) -> ConnectionRecord:
    """Return the connection that is meant (see ``choose_connection``) if it can be used.

    Raises:
        NotFound: No company of this id was ever connected.
        UsageError: None is named and there is none, or several; or it was disconnected.
        ReconnectNeeded: The provider no longer accepts its token.
    """
    record = choose_connection(connection, provider, tenant_id)
    if record.state == RECONNECT:
        raise ReconnectNeeded(provider, record.tenant_id)
    if record.state == DISCONNECTED:
        raise UsageError(
            f"the connection {record.tenant_id} to {LABELS[provider]} was disconnected; "
            f"run: etl-customers connect {provider}"
        )
    return record


def lock_connection(connection: Connection, provider: str, tenant_id: str) -> ConnectionRecord:
    """Return a connection and keep others from changing it until the writing transaction ends.

    Raises:
        NotFound: No company of this id was ever connected.
    """
    query = sa.select(*_COLUMNS).where(_is(provider, tenant_id)).with_for_update()
    row = connection.execute(query).mappings().first()
    if row is None:
        raise _unknown(provider, tenant_id)
    return _record(row)


def read_token(connection: Connection, provider: str, tenant_id: str) -> str | None:
    """Return a connection's token as it is stored, encrypted; none where it has none."""
    token: str | None = connection.scalar(sa.select(provider_connections.c.token).where(_is(provider, tenant_id)))
    return token


def store_connection(
    connection: Connection,
    *,
    provider: str,
    tenant_id: str,
    name: str | None,
    vendor_connection_id: str | None,
    token: str,
    connected_at: datetime,
    connected_by: str | None,
    refresh_expires_at: datetime,
    hard_expires_at: datetime | None = None,
) -> None:
    """Enter a connection that a person has just made, or renew the one to the same company.

    Args:
        connection: In a writing transaction.
        provider: ``quickbooks`` or ``xero``.
        tenant_id: The company's id there.
        name: The company's name there; none keeps the one that is known.
        vendor_connection_id: Xero's id of the connection itself.
        token: Encrypted.
        connected_at: Now.
        connected_by: Operating system user.
        refresh_expires_at: When the refresh token dies unless it is used.
        hard_expires_at: When the connection ends whatever is done; None: the provider does not say.
    """
    values: dict[str, Any] = {
        "state": CONNECTED,
        "token": token,
        "vendor_connection_id": vendor_connection_id,
        "connected_at": connected_at,
        "connected_by": connected_by,
        "refreshed_at": connected_at,
        "refresh_expires_at": refresh_expires_at,
        "hard_expires_at": hard_expires_at,
        "rejections": 0,
        "rejected_since": None,
    }
    if name is not None:
        values["name"] = name
    changed = connection.execute(provider_connections.update().where(_is(provider, tenant_id)).values(values))
    if changed.rowcount == 0:
        connection.execute(provider_connections.insert().values(provider=provider, tenant_id=tenant_id, **values))


def store_token(
    connection: Connection,
    provider: str,
    tenant_id: str,
    *,
    token: str,
    refreshed_at: datetime,
    refresh_expires_at: datetime,
    hard_expires_at: datetime | None,
) -> None:
    """Replace a connection's token, encrypted, by the one that the provider has just given for it.

    When it ends for good is kept where the provider does not say it this time.
    """
    values = {"token": token, "refreshed_at": refreshed_at, "refresh_expires_at": refresh_expires_at}
    if hard_expires_at is not None:
        values["hard_expires_at"] = hard_expires_at
    connection.execute(provider_connections.update().where(_is(provider, tenant_id)).values(values))


def set_state(connection: Connection, provider: str, tenant_id: str, state: str) -> None:
    """Note that a connection is to be made again, or that it was ended; what was ended keeps no token."""
    values: dict[str, Any] = {"state": state}
    if state == DISCONNECTED:
        values |= dict.fromkeys(("token", "vendor_connection_id", "refresh_expires_at", "hard_expires_at"))
    connection.execute(provider_connections.update().where(_is(provider, tenant_id)).values(values))


def store_company(
    connection: Connection, provider: str, tenant_id: str, *, name: str | None, country: str | None, region: str | None
) -> None:
    """Keep what a company says of itself; what it does not say stays as it is known, but for a region of elsewhere."""
    said = {key: value for key, value in (("name", name), ("country", country)) if value is not None}
    if country is not None:
        said["region"] = region or ""
    if said:
        connection.execute(provider_connections.update().where(_is(provider, tenant_id)).values(said))


def note_rejections(
    connection: Connection, provider: str, tenant_id: str, rejections: int, since: datetime | None
) -> None:
    """Keep how many tries in a row ended with a new token rejected, and since when."""
    values = {"rejections": rejections, "rejected_since": since}
    connection.execute(provider_connections.update().where(_is(provider, tenant_id)).values(values))


def _is(provider: str, tenant_id: str) -> ColumnElement[bool]:
    return sa.and_(provider_connections.c.provider == provider, provider_connections.c.tenant_id == tenant_id)


def _unknown(provider: str, tenant_id: str) -> NotFound:
    return NotFound(f"connection to {LABELS[provider]} with the tenant", tenant_id, "see: etl-customers connections")


_COLUMNS = [provider_connections.c[field.name] for field in fields(ConnectionRecord)]
_TIMES = ("connected_at", "refreshed_at", "refresh_expires_at", "rejected_since", "hard_expires_at")


def _record(row: RowMapping) -> ConnectionRecord:
    values: dict[str, Any] = dict(row)
    return ConnectionRecord(**values | {name: as_utc(values[name]) for name in _TIMES if values[name] is not None})
