"""Connections for tests that begin where a person has given access: stored as ``connect`` stores them."""

from datetime import UTC, datetime, timedelta

from sqlalchemy.engine import Engine

from etl_customers.connections.vault import TokenSet, open_vault
from etl_customers.database.connect import reading, writing
from etl_customers.database.connections import ConnectionRecord, choose_connection, read_token, store_connection
from etl_customers.settings.home import Home
from tests.fakes.quickbooks import FakeQuickBooks
from tests.fakes.xero import FakeXero


def connect_fake(
    fake: FakeQuickBooks | FakeXero,
    home: Home,
    target: Engine,
    *,
    tenant: str | None = None,
    ago: timedelta = timedelta(0),
) -> str:
    """Connect a company of a fake, as if that was done some time ago, and return its tenant id.

    The client's id and secret are for the caller to set: ``fake.environment()``.
    """
    tenant_id = tenant or fake.tenant
    given = fake.sign_in(tenant_id)
    at = datetime.now(UTC) - ago
    life = timedelta(seconds=int(given.get("x_refresh_token_expires_in", 60 * 24 * 3600)))
    tokens = TokenSet(
        str(given["access_token"]),
        str(given["refresh_token"]),
        received_at=at,
        expires_at=at + timedelta(seconds=int(given["expires_in"])),
        refresh_expires_at=at + life,
    )
    connections = getattr(fake, "connections", [])
    known = {one["tenantId"]: one["id"] for one in connections}
    with writing(target) as connection:
        store_connection(
            connection,
            provider=fake.provider,
            tenant_id=tenant_id,
            name="Example",
            vendor_connection_id=known.get(tenant_id),
            token=open_vault(home, create=True).encrypt(tokens),
            connected_at=at,
            connected_by="test",
            refresh_expires_at=tokens.refresh_expires_at,
        )
    return tenant_id


def connection_of(target: Engine, provider: str) -> ConnectionRecord:
    """Return the only connection to a provider."""
    with reading(target) as connection:
        return choose_connection(connection, provider, None)


def stored_tokens(home: Home, target: Engine, provider: str) -> TokenSet:
    """Return the token set of the only connection to a provider, decrypted."""
    with reading(target) as connection:
        record = choose_connection(connection, provider, None)
        text = read_token(connection, provider, record.tenant_id)
    assert text is not None
    return open_vault(home).decrypt(text, "")
