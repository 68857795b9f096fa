"""The first stage of a pull: customers of a provider into staging, mapped; what follows it shares with files (``stages``).

What a provider is asked is ``etl_customers.pull``'s business, what becomes of its
customers that of ``deduplicate`` and ``load``.
"""

import logging
from dataclasses import dataclass
from datetime import datetime

from etl_customers.base.errors import ProviderUnavailable
from etl_customers.columns.account_fields import AccountFields, load_fields
from etl_customers.connections.looking import ask_company, keep_company
from etl_customers.connections.tokens import Tokens, open_tokens
from etl_customers.database.connect import reading, writing
from etl_customers.database.connections import (
    choose_connection,
)
from etl_customers.database.ledger import FINISHED, ImportRecord, require_import
from etl_customers.database.pulls import (
    find_cursor,
    read_by_another,
)
from etl_customers.imports.installation import Installation
from etl_customers.imports.stage_gate import open_stage, refused_in_ledger
from etl_customers.mappings.document import Mapping, MappingInvalid, plan_of
from etl_customers.mappings.kept import mapping_in_force, mapping_of_digest
from etl_customers.pull.deletions import Deletions, find_deletions
from etl_customers.pull.fetch import PAGE_SIZE, fetch_records
from etl_customers.pull.mapped_rows import map_records
from etl_customers.pull.pacing import Clock
from etl_customers.staging import Staging, StagingDamaged, remove_staging
from etl_customers.validate.places import load_places
from schemas.codes import INVALID_RECORD
from schemas.sources import LABELS

_log = logging.getLogger("etl_customers.pull")
_SINCE = "pull_since"
"""Fact in staging: the cursor that the pull's first try had, empty for all customers."""


@dataclass(frozen=True)
class Pulled:
    """What a provider's customers came to in staging."""

    fetched: int
    left_out: int
    """Of these, the ones that are no customers to be synced."""
    invalid: int
    """Of these, the ones that are not in the form that the provider describes."""
    pages: int
    """Pages read, over all tries; 0 where staging was deleted since."""
    is_complete: bool
    """As many came as the provider counts."""
    why_incomplete: str | None
    """What disagrees where it is not complete."""
    deletions: Deletions
    """Whom the provider says it has deleted, here or not; of a full pull nobody."""
    since: datetime | None
    """Only customers that changed since then were asked for; None: all."""


def run_provider_customers(
    installation: Installation,
    import_id: str,
    run_id: str | None = None,
    *,
    clock: Clock | None = None,
    page_size: int = PAGE_SIZE,
) -> Pulled:
    """Fetch a pull's customers into staging and map them; called again it goes on after the last page kept.

    Args:
        installation: Home, settings and target.
        import_id: An accepted pull; of a finished one nothing is asked of the provider.
        run_id: The Dagster run, kept in the ledger where the pull is refused.
        clock: Replaces the machine's clock, for callers that cannot wait.
        page_size: Customers per page.

    Raises:
        PullRefused: It cannot go on and would end the same way again; the ledger says why.
        ReconnectNeeded: The same: a person must connect again.
        ProviderUnavailable: Not now; the pull stays accepted, and what came is kept.
        UsageError: The key of the tokens, or the client's id or secret, is missing.
        MappingInvalid: Neither the mapping that it was accepted with nor the one in force can be used any more.
    """
    try:
        return _run_provider_customers(installation, import_id, run_id, clock, page_size)
    except StagingDamaged:
        # A process was killed while it made the file, or another version made it: the provider has all of it.
        remove_staging(installation.staging_path(import_id))
        return _run_provider_customers(installation, import_id, run_id, clock, page_size)


def _run_provider_customers(
    installation: Installation, import_id: str, run_id: str | None, clock: Clock | None, page_size: int
) -> Pulled:
    with open_stage(installation, import_id) as (record, staging):
        if record.status == FINISHED:
            return _pulled_before(staging, record)
        record, mapping, fields = _find_mapping(installation, staging, record)
        provider, tenant_id, settings = record.source, record.tenant_id or "", installation.settings
        since = _keep_since(installation, staging, record)
        with refused_in_ledger(installation, import_id, run_id):
            tokens = open_tokens(installation.home, settings, installation.target, provider, tenant_id)
            _learn_place(installation, record, tokens)
            counts = fetch_records(
                staging, provider, tenant_id, since, tokens, settings, clock=clock, page_size=page_size, mapping=mapping
            )
            mapped = map_records(staging, provider, settings, mapping, fields)
        deletions = find_deletions(staging) or Deletions()
    came = (mapped.fetched, mapped.left_out, mapped.invalid, counts.pages)
    return Pulled(*came, counts.is_complete, counts.why_incomplete, deletions, since)


def _find_mapping(
    installation: Installation, staging: Staging, record: ImportRecord
) -> tuple[ImportRecord, Mapping, AccountFields]:
    """Return what a pull is read by; where its mapping cannot be used any more, it begins anew with the one in force."""
    with reading(installation.target) as connection:
        mapping, fields = mapping_of_digest(connection, record.source, record.mapping_digest), load_fields(connection)
        in_force = mapping_in_force(connection, record.source)
    try:
        plan_of(mapping, fields)
    except MappingInvalid:
        plan_of(in_force, fields)
    else:
        return record, mapping, fields
    # Staging has only the fields that the other mapping names. It is cleared before the ledger says so:
    # after a crash between the two, it is cleared once more.
    with staging.transaction():
        staging.execute("delete from provider_records")
        staging.execute("delete from facts where starts_with(name, 'pull_')")
    with writing(installation.target) as connection:
        read_by_another(connection, record.import_id, in_force.digest)
        return require_import(connection, record.import_id), in_force, fields


def _learn_place(installation: Installation, record: ImportRecord, tokens: Tokens) -> None:
    """Ask in which country and region the company is, where nobody knows; a pull goes on without an answer."""
    provider, tenant_id, settings = record.source, record.tenant_id or "", installation.settings
    with reading(installation.target) as connection:
        known = choose_connection(connection, provider, tenant_id)
    section = settings.provider(provider)
    # A region that the company does not say is kept as an empty text: it is not asked for again.
    is_known = bool(section.country or known.country) and (section.region is not None or known.region is not None)
    if is_known:
        return
    token, places = tokens.access_token(), load_places(settings.reference)
    try:
        company = ask_company(settings, provider, tenant_id, token, places.read_state)
    except ProviderUnavailable as error:
        _log.info("%s does not say where the company is: %s", LABELS[provider], error.reason)
    else:
        keep_company(installation.target, provider, tenant_id, company)


def _keep_since(installation: Installation, staging: Staging, record: ImportRecord) -> datetime | None:
    """Return since when changes are asked for: what the first try had, so that all pages belong together."""
    kept = staging.rows("select text from facts where name = ?", [_SINCE])
    if not kept:
        with reading(installation.target) as connection:
            cursor = None if record.is_full else find_cursor(connection, record.source, record.tenant_id or "")
        staging.execute("insert into facts (name, text) values (?, ?)", [_SINCE, cursor.isoformat() if cursor else ""])
        return cursor
    return datetime.fromisoformat(kept[0][0]) if kept[0][0] else None


def _pulled_before(staging: Staging, record: ImportRecord) -> Pulled:
    since = staging.rows("select text from facts where name = ? and text <> ''", [_SINCE])
    failed = 'select count(distinct "row") from row_errors where stage = ? and (code = ?) = ?'
    return Pulled(
        fetched=record.rows_read or 0,
        left_out=staging.number(failed, ["read", INVALID_RECORD, False]),
        invalid=staging.number(failed, ["read", INVALID_RECORD, True]),
        pages=staging.number("select number from facts where name = 'pull_pages'"),
        is_complete=bool(record.is_complete),
        why_incomplete=record.why_incomplete,
        deletions=find_deletions(staging) or Deletions(),
        since=datetime.fromisoformat(since[0][0]) if since else None,
    )
