"""What the target remembers of pulls besides their ledger entry: links of customers, cursors, erasures asked for.

Entering a pull in the ledger is here too, because one connection has one pull under way
at most. What a pull changes of customers and links is the load's business.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy import Connection, RowMapping

from etl_customers.base.errors import NotFound
from etl_customers.database.kept_edits import is_warned
from etl_customers.database.ledger import ACCEPTED, FINISHED, ImportRecord, require_import
from etl_customers.database.tables import (
    customer_changes,
    customers,
    imports,
    provider_connections,
    provider_customers,
    sync_cursors,
)
from etl_customers.database.values import as_utc, user_name
from schemas.codes import KEPT_EDITED
from schemas.sources import LABELS, QUICKBOOKS

_IDS_AT_A_TIME = 1_000
"""Of a query: databases limit its parameters."""
_DELETIONS_KNOWN = {QUICKBOOKS: timedelta(days=29)}
"""How long a provider knows whom it has deleted, less a day in which the pull may be carried on; Xero deletes nobody."""


@dataclass(frozen=True)
class ProviderLink:
    """A provider's customer and the customer that it is here; times are UTC."""

    provider: str
    tenant_id: str
    provider_id: str
    customer_id: int | None
    """None: the person was erased."""
    import_id: str
    """The pull that linked it."""
    provider_updated_at: datetime | None
    parent_id: str | None
    """The provider's id of the customer that this one belongs to."""
    merged_into: str | None
    """The provider's id of the customer that this one became."""
    synced_at: datetime
    vanished_at: datetime | None
    erasure_asked_at: datetime | None
    erased_at: datetime | None
    display_name: str | None
    """What the provider calls the customer."""
    qualified_name: str | None
    """The same behind the names of the customers above it, where there are any."""

    @property
    def name(self) -> str | None:
        """The longer of the names: it tells most."""
        return self.qualified_name or self.display_name


def accept_pull(
    connection: Connection,
    *,
    provider: str,
    tenant_id: str,
    is_full: bool,
    accepts_vanished: bool,
    accepted_by: str | None,
    mapping_digest: str | None = None,
) -> tuple[ImportRecord, bool]:
    """Enter a pull, or find the one of the same connection that has not ended: that one is to be gone on with.

    Without a cursor every pull is a full one, and so is one after a time that is longer than
    the provider knows of deletions. One that is found stays what it is; only that any number
    may have vanished is taken over, where it is a full one.

    Args:
        connection: In a writing transaction, which keeps others from entering a pull of this connection.
        provider: ``quickbooks`` or ``xero``.
        tenant_id: QuickBooks realm or Xero tenant.
        is_full: All of the provider's customers, not only those changed since the last pull.
        accepts_vanished: Make all customers inactive that are gone at the provider, however many.
        accepted_by: Operating system user, or what started it.
        mapping_digest: Of the mapping that it is to be read by. Unless all were read by it, this is a full one: what has not changed at the provider may become something else here.

    Returns:
        The pull, and whether it was entered just now.

    Raises:
        NotFound: There is no such connection.
    """
    _lock_connection(connection, provider, tenant_id)
    found = _find_accepted(connection, provider, tenant_id)
    if found is not None:
        if accepts_vanished and found.is_full and not found.accepts_vanished:
            change = imports.update().where(imports.c.import_id == found.import_id)
            connection.execute(change.values(accepts_vanished=True))
        return require_import(connection, found.import_id), False
    now = datetime.now(UTC)
    import_id = _new_id(connection, provider, tenant_id, now)
    connection.execute(
        imports.insert().values(
            import_id=import_id,
            source=provider,
            status=ACCEPTED,
            content_key=f"pull:{import_id}",
            accepted_at=now,
            accepted_by=user_name(accepted_by),
            tenant_id=tenant_id,
            mapping_digest=mapping_digest,
            is_full=is_full
            or _was_read_otherwise(connection, provider, tenant_id, mapping_digest)
            or _is_too_old(provider, find_cursor(connection, provider, tenant_id), now),
            accepts_vanished=accepts_vanished,
        )
    )
    return require_import(connection, import_id), True


def read_by_another(connection: Connection, import_id: str, mapping_digest: str) -> None:
    """Note that an accepted pull is read by another mapping than it was accepted with: of everybody, as after any change."""
    change = imports.update().where(imports.c.import_id == import_id, imports.c.status == ACCEPTED)
    connection.execute(change.values(mapping_digest=mapping_digest, is_full=True))


def _was_read_otherwise(connection: Connection, provider: str, tenant_id: str, digest: str | None) -> bool:
    """Tell whether somebody may have last been read by another mapping.

    Only a complete full pull reads everybody. What an incomplete one did not bring is as the mapping before made it,
    and what it brought is as its own did: so that one, and all after it, must have been read by this mapping.
    """
    mine = (imports.c.source == provider, imports.c.tenant_id == tenant_id, imports.c.status == FINISHED)
    last = sa.select(sa.func.max(imports.c.finished_at)).where(*mine, imports.c.is_full, imports.c.is_complete)
    # Where there was none, there is no cursor either, and the pull is a full one anyhow.
    since = imports.c.finished_at >= last.scalar_subquery()
    other = sa.select(sa.literal(1)).where(*mine, since, imports.c.mapping_digest.is_distinct_from(digest)).limit(1)
    return connection.scalar(other) is not None


def find_cursor(connection: Connection, provider: str, tenant_id: str) -> datetime | None:
    """Return since when the next pull of a connection has to ask for changes, in UTC; None: for all customers."""
    query = sa.select(sync_cursors.c.cursor).where(
        sync_cursors.c.provider == provider, sync_cursors.c.tenant_id == tenant_id
    )
    text: str | None = connection.scalar(query)
    return None if text is None else as_utc(datetime.fromisoformat(text))


def was_accepted_in_full(connection: Connection, provider: str, tenant_id: str, since: datetime) -> bool:
    """Tell whether a full pull of a connection was entered since a time, whatever became of it."""
    mine = (imports.c.source == provider, imports.c.tenant_id == tenant_id, imports.c.is_full)
    query = sa.select(sa.literal(1)).where(*mine, imports.c.accepted_at >= since).limit(1)
    return connection.scalar(query) is not None


def find_last_full(connection: Connection, provider: str, tenant_id: str) -> datetime | None:
    """Return when the last full pull of a connection was entered that brought all customers; None: there was none."""
    mine = (imports.c.source == provider, imports.c.tenant_id == tenant_id, imports.c.is_full)
    ended = (imports.c.status == FINISHED, imports.c.is_complete)
    found: datetime | None = connection.scalar(sa.select(sa.func.max(imports.c.accepted_at)).where(*mine, *ended))
    return None if found is None else as_utc(found)


def links_of_customer(connection: Connection, customer_id: int) -> list[ProviderLink]:
    """Return what providers call a customer, in a fixed order; nothing for one that no pull brought or linked."""
    query = sa.select(provider_customers).where(provider_customers.c.customer_id == customer_id)
    found = connection.execute(query.order_by(*provider_customers.primary_key.columns)).mappings()
    return [_link(row) for row in found]


def names_at_providers(connection: Connection, customer_ids: Sequence[int]) -> dict[int, list[str]]:
    """Return what providers call customers, each name once; nothing for those that no pull brought or linked."""
    link = provider_customers.c
    query = sa.select(link.customer_id, link.display_name, link.qualified_name)
    query = query.order_by(*provider_customers.primary_key.columns)
    names: dict[int, list[str]] = {}
    for start in range(0, len(customer_ids), _IDS_AT_A_TIME):
        some = link.customer_id.in_(customer_ids[start : start + _IDS_AT_A_TIME])
        for customer_id, display, qualified in connection.execute(query.where(some)):
            known = names.setdefault(customer_id, [])
            if (name := qualified or display) and name not in known:
                known.append(name)
    return {customer_id: known for customer_id, known in names.items() if known}


def warned_of_pull(connection: Connection, record: ImportRecord) -> Iterator[tuple[str, Sequence[Mapping[str, str]]]]:
    """Yield the customers with warnings that a pull created or changed: the provider's id, and column and code of each.

    Of one that was written, be it that only its warnings are others now, it yields all that the customer has now, whichever pull they are from. The last pull of a
    connection yields besides, of everybody, the columns that were edited here and are others at the provider: for as
    long as that is so, a person has to know it.
    """
    changed = sa.select(customer_changes.c.customer_id).where(customer_changes.c.import_id == record.import_id)
    # The load writes one time to all that belongs to a pull; what was written again since is known by what it changed.
    is_written = customers.c.updated_at == record.finished_at
    is_touched = sa.or_(customers.c.import_id == record.import_id, customers.c.id.in_(changed), is_written)
    is_told = is_touched
    if _is_last(connection, record):
        is_told = sa.or_(is_touched, is_warned())
    query = (
        sa.select(provider_customers.c.provider_id, customers.c.warnings, is_touched)
        .join(customers, customers.c.id == provider_customers.c.customer_id)
        .where(
            provider_customers.c.provider == record.source,
            provider_customers.c.tenant_id == record.tenant_id,
            provider_customers.c.merged_into.is_(None),
            provider_customers.c.vanished_at.is_(None),
            customers.c.warnings.is_not(None),
            is_told,
        )
        .order_by(provider_customers.c.provider_id)
        .execution_options(yield_per=1_000)
    )
    for provider_id, warnings, has_all in connection.execute(query):
        yield provider_id, warnings if has_all else [one for one in warnings if one["code"] == KEPT_EDITED]


def kept_edited_of_pull(connection: Connection, record: ImportRecord) -> list[tuple[str, str]]:
    """Return provider's id and column of what a person edited here and has changed there since; see ``warned_of_pull``."""
    warned = warned_of_pull(connection, record)
    return [(one, told["column"]) for one, all_told in warned for told in all_told if told["code"] == KEPT_EDITED]


def _is_last(connection: Connection, record: ImportRecord) -> bool:
    """Tell whether a pull is finished and none of its connection finished later."""
    mine = (imports.c.source == record.source, imports.c.tenant_id == record.tenant_id, imports.c.status == FINISHED)
    last = sa.select(imports.c.import_id).where(*mine)
    found = connection.scalar(last.order_by(imports.c.finished_at.desc(), imports.c.import_id.desc()).limit(1))
    return bool(found == record.import_id)


def vanished_of_pull(connection: Connection, record: ImportRecord) -> list[str]:
    """Return the provider's ids of the customers that vanished with a pull, but for those that came back since."""
    link = provider_customers.c
    mine = (link.provider == record.source, link.tenant_id == record.tenant_id)
    # The load writes one time to all that belongs to a pull.
    query = sa.select(link.provider_id).where(*mine, link.vanished_at == record.finished_at)
    return [] if record.finished_at is None else list(connection.scalars(query.order_by(link.provider_id)))


def list_asked_erasures(connection: Connection) -> list[int]:
    """Return the customers whom their provider asks to erase and who are still there, by ascending id."""
    asked = (provider_customers.c.erasure_asked_at.is_not(None), provider_customers.c.customer_id.is_not(None))
    query = sa.select(provider_customers.c.customer_id).where(*asked).distinct()
    return list(connection.scalars(query.order_by(provider_customers.c.customer_id)))


def _lock_connection(connection: Connection, provider: str, tenant_id: str) -> None:
    mine = sa.and_(provider_connections.c.provider == provider, provider_connections.c.tenant_id == tenant_id)
    if connection.scalar(sa.select(provider_connections.c.provider).where(mine).with_for_update()) is None:
        remedy = f"connect it with: etl-customers connect {provider}"
        raise NotFound(f"connection of {LABELS[provider]}", tenant_id, remedy)


def _is_too_old(provider: str, cursor: datetime | None, now: datetime) -> bool:
    return cursor is None or now - cursor > _DELETIONS_KNOWN.get(provider, timedelta.max)


def _find_accepted(connection: Connection, provider: str, tenant_id: str) -> ImportRecord | None:
    query = sa.select(imports.c.import_id).where(
        imports.c.source == provider, imports.c.tenant_id == tenant_id, imports.c.status == ACCEPTED
    )
    import_id: str | None = connection.scalar(query.order_by(imports.c.accepted_at, imports.c.import_id).limit(1))
    return None if import_id is None else require_import(connection, import_id)


def _new_id(connection: Connection, provider: str, tenant_id: str, now: datetime) -> str:
    """Return an id that the ledger does not have; nobody else enters a pull of this connection meanwhile."""
    base = f"{provider}-{now:%Y%m%dT%H%M%SZ}-{hashlib.sha256(f'{provider}:{tenant_id}'.encode()).hexdigest()[:8]}"
    own = imports.c.import_id.startswith(base, autoescape=True)
    taken = set(connection.scalars(sa.select(imports.c.import_id).where(own)))
    number = 1
    while (import_id := base if number == 1 else f"{base}-{number}") in taken:
        number += 1
    return import_id


def _link(row: RowMapping) -> ProviderLink:
    values = {field.name: row[field.name] for field in fields(ProviderLink)}
    times = {name: as_utc(value) for name, value in values.items() if isinstance(value, datetime)}
    return ProviderLink(**{**values, **times})
