"""Loads a pull in one transaction: customers, keys, links, changes, failed rows, the cursor, the ledger."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import polars as pl
from sqlalchemy import Connection, Engine

from etl_customers.base.errors import PullRefused
from etl_customers.database.bulk import append_frame
from etl_customers.database.connect import writing
from etl_customers.database.first_load import keys_indexed_last
from etl_customers.database.ledger import FINISHED, ImportRecord, finish_import
from etl_customers.database.pulls import find_cursor
from etl_customers.database.tables import sync_cursors
from etl_customers.deduplicate.reconcile import reconcile_pulled
from etl_customers.load.attempts import begin_load, load_whole
from etl_customers.load.matches import write_matches
from etl_customers.load.pulled_customers import claim_keys, create_customers, release_keys, update_customers
from etl_customers.load.pulled_endings import end_erased, end_merged, end_vanished, find_vanished
from etl_customers.load.pulled_links import link_customers, write_links
from etl_customers.load.staged_rows import StagedRows
from etl_customers.pull.deletions import Deletions, find_deletions
from etl_customers.settings.sections import Settings
from etl_customers.staging import Staging
from etl_customers.validate.source_rules import rules_of
from schemas.codes import DELETIONS_UNKNOWN, INCOMPLETE, RECORD_KINDS
from schemas.record_kinds import PULL_KINDS
from schemas.refusals import PullReason

_TOLD_ALWAYS = 20
"""Customers that may always vanish at once where the provider itself says that it deleted them: nothing is inferred."""


@dataclass(frozen=True)
class PullCounts:
    """Records of a finished pull; fetched = created + updated + unchanged + not synced."""

    fetched: int
    created: int
    updated: int
    unchanged: int
    not_synced: int
    vanished: int
    """Customers that no longer exist at the provider, not among those fetched: missing in a full pull, deleted in another."""


def load_pulled(staging: Staging, target: Engine, import_id: str, run_id: str | None, settings: Settings) -> PullCounts:
    """Load a pull, whole or not at all; of a finished one, return the counts and write nothing.

    Args:
        staging: Fetched, mapped and validated; the merge is computed anew in the load's transaction.
        target: Where to.
        import_id: An accepted pull.
        run_id: Dagster's run, if any.
        settings: Identity keys, and the provider's section.

    Returns:
        The counts that are in the ledger now.

    Raises:
        NotFound: The ledger has no such import.
        UsageError: The import was refused or undone.
        RowsBroken: A row in staging breaks a rule; nothing was loaded.
        PullRefused: More vanished than the setting allows. Nothing was written; the caller enters the refusal in the ledger.
        DatabaseUnavailable: Nothing was loaded, and loading again is safe.
    """

    def load(*, is_alone: bool) -> PullCounts:
        return _load(staging, target, import_id, run_id, settings, is_alone=is_alone)

    return load_whole(load, target, import_id, _counts)


def _load(
    staging: Staging, target: Engine, import_id: str, run_id: str | None, settings: Settings, *, is_alone: bool
) -> PullCounts:
    with writing(target) as connection:
        record = begin_load(connection, import_id, is_alone=is_alone, remedy="pull again")
        if record.status == FINISHED:
            return _counts(record)
        return _write(staging, connection, record, run_id, settings)


def _write(
    staging: Staging, connection: Connection, record: ImportRecord, run_id: str | None, settings: Settings
) -> PullCounts:
    rows = StagedRows(staging, {}, {}, contract=rules_of(settings, record.source).after)
    now = datetime.now(UTC)
    is_complete = bool(rows.fact("pull_is_complete"))
    deletions = find_deletions(staging) or Deletions()
    vanished = 0
    if (record.is_full and is_complete) or deletions.ids:
        vanished = _count_vanished(staging, connection, record, settings, deletions.ids)
    tenant_id = record.tenant_id or ""
    merged = reconcile_pulled(
        staging, connection, provider=record.source, tenant_id=tenant_id, settings=settings, is_locking=True
    )
    rows.require_sound_pulled()
    release_keys(staging, connection)
    with keys_indexed_last(connection, merged.created):
        for created in create_customers(staging, connection, record, now):
            link_customers(connection, created, record, now)
    update_customers(staging, connection, record, now)
    claim_keys(staging, connection)
    write_links(staging, connection, record, now)
    end_erased(staging, connection, record, now)
    end_merged(staging, connection, record, now)
    if vanished:
        end_vanished(staging, connection, record, now)
    failed = _write_failed_rows(rows, connection, record.import_id)
    counts = PullCounts(rows.fact("rows_read"), merged.created, merged.updated, merged.unchanged, failed, vanished)
    if counts.fetched != merged.created + merged.updated + merged.unchanged + failed:
        raise RuntimeError(f"pull {record.import_id} fetched {counts.fetched} records, but {counts} came to the load")
    if deletions.is_next_full:
        _drop_cursor(connection, record)
    elif is_complete and deletions.why_unknown is None:
        _keep_cursor(staging, connection, record, now)
    warnings = _warnings(staging, deletions, is_full=bool(record.is_full))
    _finish(connection, record, counts, run_id, now, is_complete=is_complete, warnings=warnings)
    return counts


def _count_vanished(
    staging: Staging, connection: Connection, record: ImportRecord, settings: Settings, deleted: Sequence[str]
) -> int:
    vanished, links = find_vanished(staging, connection, record, None if record.is_full else deleted)
    always = 1 if record.is_full else _TOLD_ALWAYS
    allowed = max(always, settings.provider(record.source).vanished_share * links)
    if vanished > allowed and not record.accepts_vanished:
        raise PullRefused(
            PullReason.TOO_MANY_VANISHED,
            provider=record.source,
            tenant=record.tenant_id or "",
            vanished=vanished,
            links=links,
        )
    return vanished


def _write_failed_rows(rows: StagedRows, connection: Connection, import_id: str) -> int:
    failed = 0
    for frame in rows.failed_rows():
        append_frame(connection, "failed_rows", frame.with_columns(import_id=pl.lit(import_id)))
        failed += frame.height
    write_matches(rows, connection, import_id)
    return failed


def _keep_cursor(staging: Staging, connection: Connection, record: ImportRecord, now: datetime) -> None:
    """Note since when the next pull has to ask; only where nothing can be missing that was changed before.

    A pull that is not full builds upon the cursor that it began with. Where an undo took that away
    meanwhile, there is none afterwards, so that the next pull is a full one.
    """
    tenant_id = record.tenant_id or ""
    texts = dict(staging.rows("select name, text from facts where name in ('pull_since', 'pull_cursor')"))
    if not record.is_full:
        before = find_cursor(connection, record.source, tenant_id)
        if before is None or before.isoformat() != texts.get("pull_since"):
            return
    _drop_cursor(connection, record)
    entry = {"provider": record.source, "tenant_id": tenant_id, "cursor": texts["pull_cursor"]}
    connection.execute(sync_cursors.insert().values(**entry, import_id=record.import_id, updated_at=now))


def _drop_cursor(connection: Connection, record: ImportRecord) -> None:
    """Without a cursor the next pull is a full one."""
    cursor = sync_cursors.c
    mine = (cursor.provider == record.source, cursor.tenant_id == (record.tenant_id or ""))
    connection.execute(sync_cursors.delete().where(*mine))


def _finish(
    connection: Connection,
    record: ImportRecord,
    counts: PullCounts,
    run_id: str | None,
    now: datetime,
    *,
    is_complete: bool,
    warnings: Sequence[Mapping[str, str | None]],
) -> None:
    finish_import(
        connection,
        record.import_id,
        counts={
            "rows_read": counts.fetched,
            "rows_loaded": counts.created,
            "rows_updated": counts.updated,
            "rows_unchanged": counts.unchanged,
            "rows_failed": counts.not_synced,
            "rows_unread": 0,
            "rows_vanished": counts.vanished,
        },
        parent_import_id=None,
        run_id=run_id,
        finished_at=now,
        is_complete=is_complete,
        warnings=warnings,
    )


def _warnings(staging: Staging, deletions: Deletions, *, is_full: bool) -> list[dict[str, str | None]]:
    """Return the warnings of the pull as a whole, and the note of its kinds of records."""
    names = {INCOMPLETE: "pull_why_incomplete", RECORD_KINDS: PULL_KINDS}
    facts = dict(staging.rows("select name, text from facts where name in (?, ?)", list(names.values())))
    # Of a complete pull staging has no fact of the first name.
    told = {code: facts.get(name) for code, name in names.items() if is_full or code != RECORD_KINDS}
    told[DELETIONS_UNKNOWN] = deletions.why_unknown
    return [{"column": None, "code": code, "reference": why} for code, why in told.items() if why]


def _counts(record: ImportRecord) -> PullCounts:
    return PullCounts(
        fetched=record.rows_read or 0,
        created=record.rows_loaded or 0,
        updated=record.rows_updated or 0,
        unchanged=record.rows_unchanged or 0,
        not_synced=record.rows_failed or 0,
        vanished=record.rows_vanished or 0,
    )
