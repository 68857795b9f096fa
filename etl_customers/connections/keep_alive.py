"""Renewing connections that nobody used, so that their refresh tokens do not die."""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine

from etl_customers.base.errors import EtlCustomersError, ProviderUnavailable, PullRefused, UsageError
from etl_customers.connections.sending import PATIENCE, Patience
from etl_customers.connections.tokens import open_tokens
from etl_customers.database.connect import reading
from etl_customers.database.connections import CONNECTED, list_connections
from etl_customers.settings.home import Home
from etl_customers.settings.sections import Settings

UNUSED = timedelta(days=7)
"""A connection whose token was not renewed for so long is renewed."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class KeptAlive:
    """A connection that was not renewed for a week, and what became of it."""

    provider: str
    tenant_id: str
    problem: EtlCustomersError | None
    """Why it could not be renewed; None: it was."""


def keep_alive(
    home: Home, settings: Settings, target: Engine, now: datetime, patience: Patience = PATIENCE
) -> list[KeptAlive]:
    """Renew each connection that was not renewed for seven days; one that fails does not stop the others.

    Args:
        home: Holds ``secret.key`` unless the environment has the key.
        settings: In force; name the providers' addresses.
        target: Holds the connections.
        now: In UTC.
        patience: How long a provider is waited for.

    Returns:
        The connections that were to be renewed. Those in state ``reconnect`` are not asked for.

    Raises:
        DatabaseUnavailable: The target did not answer.
    """
    with reading(target) as connection:
        found = list_connections(connection)
    before = now - UNUSED
    unused = [one for one in found if one.state == CONNECTED and (one.refreshed_at or one.connected_at) < before]
    kept = []
    for one in unused:
        problem: EtlCustomersError | None = None
        try:
            open_tokens(home, settings, target, one.provider, one.tenant_id, patience).renew_older_than(before)
        except (PullRefused, ProviderUnavailable, UsageError) as error:
            problem = error
            _log.warning("%s", error)
        kept.append(KeptAlive(one.provider, one.tenant_id, problem))
    return kept
