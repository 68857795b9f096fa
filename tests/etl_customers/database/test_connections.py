"""Which connection is meant, and whether it can be used."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from etl_customers.base.errors import NotFound, ReconnectNeeded, UsageError
from etl_customers.database.connect import reading, writing
from etl_customers.database.connections import (
    CONNECTED,
    DISCONNECTED,
    RECONNECT,
    ConnectionRecord,
    list_connections,
    read_token,
    require_connection,
    set_state,
    store_connection,
)
from schemas.sources import QUICKBOOKS, XERO

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


def store(connection: sa.Connection, provider: str, tenant_id: str, name: str | None = "Example") -> None:
    """Enter a connection that dies in 30 days."""
    store_connection(
        connection,
        provider=provider,
        tenant_id=tenant_id,
        name=name,
        vendor_connection_id=None,
        token=f"token of {tenant_id}",
        connected_at=NOW,
        connected_by="eva",
        refresh_expires_at=NOW + timedelta(days=30),
    )


def test_the_only_connection_need_not_be_named(target: Engine) -> None:
    with writing(target) as connection:
        store(connection, QUICKBOOKS, "1")
        store(connection, XERO, "a")
        assert require_connection(connection, XERO, None).tenant_id == "a"
        store(connection, XERO, "b")
        with pytest.raises(
            UsageError, match="2 connections to Xero, name one of them: --tenant ID, where ID is one of a, b"
        ):
            require_connection(connection, XERO, None)
        assert require_connection(connection, XERO, "b").tenant_id == "b"
        set_state(connection, XERO, "a", DISCONNECTED)
        assert require_connection(connection, XERO, None).tenant_id == "b"
        assert [one.tenant_id for one in list_connections(connection)] == ["1", "a", "b"]


def test_what_cannot_be_used_says_what_to_do(target: Engine) -> None:
    with writing(target) as connection:
        with pytest.raises(UsageError, match="etl-customers connect xero"):
            require_connection(connection, XERO, None)
        with pytest.raises(NotFound, match="no connection to Xero with the tenant a; see: etl-customers connections"):
            require_connection(connection, XERO, "a")
        store(connection, XERO, "a")
        set_state(connection, XERO, "a", RECONNECT)
        with pytest.raises(ReconnectNeeded):
            require_connection(connection, XERO, None)
        set_state(connection, XERO, "a", DISCONNECTED)
        with pytest.raises(UsageError, match="was disconnected"):
            require_connection(connection, XERO, "a")


def test_connecting_again_renews_the_connection_and_keeps_a_name_that_is_not_told(target: Engine) -> None:
    with writing(target) as connection:
        store(connection, XERO, "a")
        set_state(connection, XERO, "a", DISCONNECTED)
        assert read_token(connection, XERO, "a") is None
        store(connection, XERO, "a", name=None)
    with reading(target) as connection:
        expected = ConnectionRecord(XERO, "a", "Example", CONNECTED, NOW, NOW, NOW + timedelta(days=30), None)
        assert list_connections(connection, XERO) == [expected]
        assert read_token(connection, XERO, "a") == "token of a"


@pytest.mark.parametrize(("days_left", "share"), [(61, 0), (60, 0), (45, 0.25), (30, 0.5), (0, 1), (-6, 1.1)], ids=str)
def test_the_age_of_a_connection_is_the_share_of_its_life_that_has_passed(days_left: int, share: float) -> None:
    record = ConnectionRecord(XERO, "a", None, CONNECTED, NOW, NOW, NOW + timedelta(days=days_left), None)
    assert record.age_share(NOW) == pytest.approx(share)
