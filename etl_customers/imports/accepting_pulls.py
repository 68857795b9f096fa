"""Accepting a pull of a connection, and whether the next one by the clock is to be a full one."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from etl_customers.columns.account_fields import load_fields
from etl_customers.connections.tokens import open_tokens
from etl_customers.database.connect import reading, writing
from etl_customers.database.connections import (
    CONNECTED,
    DISCONNECTED,
    list_connections,
    require_connection,
)
from etl_customers.database.ledger import ImportRecord
from etl_customers.database.pulls import (
    accept_pull,
    find_last_full,
    was_accepted_in_full,
)
from etl_customers.imports.installation import Installation
from etl_customers.mappings.document import plan_of
from etl_customers.mappings.kept import mapping_in_force

_SAME_DAY = timedelta(hours=20)
"""How long a full pull that came to no good end is not tried again by the clock."""


@dataclass(frozen=True)
class AcceptedPull:
    """A connection's pull; not ``is_new`` where one was under way already, which is to be carried on."""

    record: ImportRecord
    is_new: bool


def accept(
    installation: Installation,
    provider: str,
    tenant_id: str | None,
    *,
    is_full: bool = False,
    accepts_vanished: bool = False,
    accepted_by: str | None,
) -> AcceptedPull:
    """Enter a pull in the ledger, or find the one of the same connection that has not ended.

    One that is found is to be carried on as it is, also where it is not ``is_full`` and
    that was asked for: whoever wants a full one accepts again when it has ended.

    Args:
        installation: Home, settings and target.
        provider: ``quickbooks`` or ``xero``.
        tenant_id: The provider's id of the company; None: the only one that is connected.
        is_full: Pull all customers, not only those that changed since the last pull.
        accepts_vanished: Make all customers inactive that are gone at the provider, however many.
        accepted_by: Who or what asked for it.

    Raises:
        NotFound: No company of this id was ever connected.
        UsageError: None is connected, or several and none is named; the client's id or secret, or the
            key of the tokens, is missing.
        MappingInvalid: The mapping in force names a custom field that the account no longer has.
        ReconnectNeeded: The provider no longer accepts the connection.
        DatabaseUnavailable: The target does not answer.
    """
    with writing(installation.target) as connection:
        chosen = require_connection(connection, provider, tenant_id)
        # What the environment lacks is said now: an accepted pull would wait for it until it is abandoned.
        open_tokens(installation.home, installation.settings, installation.target, provider, chosen.tenant_id)
        mapping = mapping_in_force(connection, provider)
        # The same holds of a mapping that cannot be used.
        plan_of(mapping, load_fields(connection))
        record, is_new = accept_pull(
            connection,
            provider=provider,
            tenant_id=chosen.tenant_id,
            mapping_digest=mapping.digest,
            is_full=is_full,
            accepts_vanished=accepts_vanished,
            accepted_by=accepted_by,
        )
    return AcceptedPull(record, is_new)


def list_connected(installation: Installation, provider: str) -> list[str]:
    """Return the companies of a provider that may be pulled from.

    Raises:
        DatabaseUnavailable: The target does not answer.
    """
    with reading(installation.target) as connection:
        return [one.tenant_id for one in list_connections(connection, provider) if one.state == CONNECTED]


def list_pullable(installation: Installation, provider: str) -> list[str]:
    """Return the companies of a provider that were not disconnected; of one to be connected again a pull says so.

    Raises:
        DatabaseUnavailable: The target does not answer.
    """
    with reading(installation.target) as connection:
        return [one.tenant_id for one in list_connections(connection, provider) if one.state != DISCONNECTED]


def is_full_due(installation: Installation, provider: str, tenant_id: str, now: datetime) -> bool:
    """Tell whether the next pull of a company by the clock is to be a full one.

    It is where ``full_every_days`` have passed since the last full pull that was complete. One that was
    refused or incomplete is tried again on another day: pulls of what has changed go on meanwhile.

    Raises:
        DatabaseUnavailable: The target does not answer.
    """
    days = timedelta(days=installation.settings.provider(provider).full_every_days)
    with reading(installation.target) as connection:
        last = find_last_full(connection, provider, tenant_id)
        is_old = last is None or now - last >= days
        return is_old and not was_accepted_in_full(connection, provider, tenant_id, now - _SAME_DAY)
