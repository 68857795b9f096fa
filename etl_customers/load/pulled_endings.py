"""Writes what became of customers whom the provider has no more as such: merged, asked to be erased, vanished.

Such a customer becomes inactive and keeps its data; a merged one hands its identity keys to
the customer that it became, as soon as that one is here.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import polars as pl
import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Connection, MetaData, String, Table
from sqlalchemy.schema import CreateTable, DropTable

from etl_customers.base.chains import ends_of_chains
from etl_customers.database.bulk import append_frame
from etl_customers.database.edits import ACTIVE
from etl_customers.database.ledger import ImportRecord
from etl_customers.database.tables import customer_changes, customers, identity_keys, provider_customers
from etl_customers.load.pulled_links import of_connection
from etl_customers.staging import Staging
from schemas.codes import ERASED, MERGED
from schemas.columns import PROVIDER_KIND

_ROWS_AT_A_TIME = 50_000
_ACTIVE_LINKS = "create or replace temp table active_links (provider_id varchar)"
_VANISHED_LINKS = """
    create or replace temp table vanished_links as
    select provider_id from active_links anti join pulled_rows using (provider_id)
    where ? or provider_id in (select unnest(?::varchar[]))
"""
_VANISHED = "select provider_id, null::varchar as merged_into from vanished_links order by provider_id"
_LEFT_OUT = """
    select distinct pulled.provider_id, pulled.merged_into
    from pulled_rows as pulled
    semi join (select "row" from row_errors where stage = 'read' and code = ?) using ("row")
    where pulled.provider_id <> '' order by pulled.provider_id
"""
_ENDED = {"provider_id": pl.String, "merged_into": pl.String}

_ended_links = Table(
    "ended_links",
    MetaData(),
    Column("provider_id", String, primary_key=True),
    Column("merged_into", String),
    prefixes=["TEMPORARY"],
)
_MOVED = {"loser_id": pl.Int64, "winner_id": pl.Int64}
_moved_keys = Table(
    "moved_keys",
    MetaData(),
    Column("loser_id", BigInteger, primary_key=True, autoincrement=False),
    Column("winner_id", BigInteger),
    prefixes=["TEMPORARY"],
)
_link = provider_customers.c


def find_vanished(
    staging: Staging, connection: Connection, record: ImportRecord, deleted: Sequence[str] | None = None
) -> tuple[int, int]:
    """Note in staging which linked customers a pull did not bring; return their number, and that of links.

    Those that were merged, vanished or erased before are not counted.

    Args:
        staging: The pull's, mapped.
        connection: To the target.
        record: The pull.
        deleted: Of a pull that is not full, whom the provider says it has deleted: nobody else has vanished.
            One that came all the same has not; if it was deleted after its page was read, the next pull is told so.
    """
    staging.execute(_ACTIVE_LINKS)
    ended = (_link.merged_into, _link.vanished_at, _link.erasure_asked_at, _link.erased_at)
    query = sa.select(_link.provider_id).where(
        of_connection(record), _link.customer_id.is_not(None), *(column.is_(None) for column in ended)
    )
    with connection.execute(query.execution_options(yield_per=_ROWS_AT_A_TIME)) as found:
        for ids in found.scalars().partitions():
            staging.append("active_links", pl.DataFrame({"provider_id": ids}, {"provider_id": pl.String}))
    staging.execute(_VANISHED_LINKS, [deleted is None, list(deleted or ())])
    return (
        staging.number("select count(*) from vanished_links"),
        staging.number("select count(*) from active_links"),
    )


def end_vanished(staging: Staging, connection: Connection, record: ImportRecord, now: datetime) -> None:
    """Make the customers inactive that ``find_vanished`` found."""
    with _ended(connection, staging.frame(_VANISHED)) as count:
        if count:
            _make_inactive(connection, record, now, {"vanished_at": now})


def end_merged(staging: Staging, connection: Connection, record: ImportRecord, now: datetime) -> None:
    """Let the customers that were merged into others at the provider follow those, however many merges on."""
    query = sa.select(_link.provider_id, _link.merged_into).where(of_connection(record), _link.merged_into.is_not(None))
    before: dict[str, str] = dict(connection.execute(query).all())
    fresh = {loser: winner for loser, winner in staging.rows(_LEFT_OUT, [MERGED]) if winner}
    merged = before | fresh
    # In a circle a customer follows the one that it became first.
    finals = {loser: end or merged[loser] for loser, end in ends_of_chains(merged).items()}
    with_winner = {"merged_into": _ended_links.c.merged_into}
    with _ended(connection, _frame({one: finals[one] for one in fresh if one not in before})) as count:
        if count:
            _make_inactive(connection, record, now, with_winner)
    with _ended(connection, _frame({one: finals[one] for one in before if finals[one] != before[one]})) as count:
        if count:
            _write(connection, record, now, with_winner)
    if merged:
        _move_keys(connection, record, finals)


def end_erased(staging: Staging, connection: Connection, record: ImportRecord, now: datetime) -> None:
    """Note whom the provider asks to erase; one who is not here is known by the id alone from then on."""
    with _ended(connection, pl.DataFrame(staging.rows(_LEFT_OUT, [ERASED]), _ENDED, orient="row")) as count:
        if not count:
            return
        _make_inactive(connection, record, now, {"erasure_asked_at": now}, _link.erasure_asked_at.is_(None))
        is_known = sa.exists().where(of_connection(record), _link.provider_id == _ended_links.c.provider_id)
        entry = {
            "provider": record.source,
            "tenant_id": record.tenant_id,
            "import_id": record.import_id,
            "synced_at": now,
            "erased_at": now,
        }
        fixed = [sa.literal(value, _link[name].type) for name, value in entry.items()]
        unknown = sa.select(_ended_links.c.provider_id, *fixed).where(~is_known)
        connection.execute(provider_customers.insert().from_select(["provider_id", *entry], unknown))


def _make_inactive(
    connection: Connection,
    record: ImportRecord,
    now: datetime,
    values: Mapping[str, Any],
    *conditions: sa.ColumnElement[bool],
) -> None:
    """Write ``values`` to the links of ``ended_links`` that have a customer, and make those customers inactive."""
    ids = sa.select(_link.customer_id).where(_is_ended(record), _link.customer_id.is_not(None), *conditions)
    mine = customers.c.id.in_(ids)
    locked = sa.select(customers.c.id).where(mine).order_by(customers.c.id).with_for_update().subquery()
    connection.execute(sa.select(sa.func.count()).select_from(locked))
    change = {"column": ACTIVE, "old_value": True, "new_value": False, "import_id": record.import_id, "changed_at": now}
    fixed = [sa.literal(value, customer_changes.c[name].type) for name, value in change.items()]
    active = sa.select(customers.c.id, *fixed).where(mine, customers.c.is_active)
    entries = active.order_by(customers.c.id)
    connection.execute(customer_changes.insert().from_select(["customer_id", *change], entries))
    connection.execute(customers.update().where(mine, customers.c.is_active).values(is_active=False, updated_at=now))
    _write(connection, record, now, values, *conditions)


def _write(
    connection: Connection,
    record: ImportRecord,
    now: datetime,
    values: Mapping[str, Any],
    *conditions: sa.ColumnElement[bool],
) -> None:
    change = provider_customers.update().where(
        of_connection(record),
        _link.provider_id == _ended_links.c.provider_id,
        _link.customer_id.is_not(None),
        *conditions,
    )
    # Without its hash the customer is looked at again, should the provider have it again.
    connection.execute(change.values(content_hash=None, synced_at=now, **values))


def _move_keys(connection: Connection, record: ImportRecord, finals: Mapping[str, str]) -> None:
    """Give the identity keys of merged customers to those that they became, where these are here."""
    columns = (_link.provider_id, _link.customer_id)
    linked = sa.select(*columns).where(of_connection(record), _link.customer_id.is_not(None))
    losers: dict[str, int] = dict(connection.execute(linked.where(_link.merged_into.is_not(None))).all())
    # In two steps by keys: without statistics PostgreSQL would compare each loser with all links.
    with _ended(connection, _frame({one: one for one in finals.values()})):
        same = _link.provider_id == _ended_links.c.provider_id
        winners: dict[str, int] = dict(connection.execute(linked.where(same, _link.merged_into.is_(None))).all())
    pairs = [(losers[one], winners[into]) for one, into in finals.items() if one in losers and into in winners]
    moved = pl.DataFrame([pair for pair in pairs if pair[0] != pair[1]], _MOVED, orient="row")
    if moved.height:
        connection.execute(CreateTable(_moved_keys))
        append_frame(connection, _moved_keys.name, moved)
        key = identity_keys.c
        change = identity_keys.update().where(key.customer_id == _moved_keys.c.loser_id, key.kind != PROVIDER_KIND)
        connection.execute(change.values(customer_id=_moved_keys.c.winner_id))
        connection.execute(DropTable(_moved_keys))


def _is_ended(record: ImportRecord) -> sa.ColumnElement[bool]:
    return sa.and_(of_connection(record), _link.provider_id.in_(sa.select(_ended_links.c.provider_id)))


def _frame(finals: Mapping[str, str]) -> pl.DataFrame:
    return pl.DataFrame({"provider_id": list(finals), "merged_into": list(finals.values())}, _ENDED)


@contextmanager
def _ended(connection: Connection, frame: pl.DataFrame) -> Iterator[int]:
    """Fill the temporary table ``ended_links`` for a while; yield the number of its rows, and make none where that is 0."""
    if not frame.height:
        yield 0
        return
    connection.execute(CreateTable(_ended_links))
    append_frame(connection, _ended_links.name, frame)
    yield frame.height
    connection.execute(DropTable(_ended_links))
