"""Fetching a connection's customers page by page into staging, and going on where an earlier try ended.

A *pass* reads all pages from the first to the last. Another pass begins where customers slipped
by unseen: a torn page, or a count that does not match. What only an earlier pass has seen was
taken away at the provider meanwhile. What records mean is left to the mapping.
"""

import logging
from collections.abc import Callable, Collection, Iterator
from datetime import datetime

import polars as pl

from etl_customers.base.errors import ProviderUnavailable, PullRefused
from etl_customers.base.read_ahead import read_ahead
from etl_customers.mappings.document import Mapping
from etl_customers.mappings.kept import shipped_mapping
from etl_customers.pull import quickbooks, xero
from etl_customers.pull.answers import UNEXPECTED
from etl_customers.pull.client import AccessTokens, Client
from etl_customers.pull.deletions import keep_deletions
from etl_customers.pull.pacing import Clock
from etl_customers.pull.pages import Checkpoint, Page, Record
from etl_customers.pull.progress import FetchCounts, Progress, find_counts, write_counts
from etl_customers.settings.sections import Settings
from etl_customers.staging import Staging
from schemas.refusals import PullReason
from schemas.sources import LABELS, QUICKBOOKS, XERO

PAGE_SIZE = 1_000
"""The most that either vendor gives."""
MOST_PAGES = 10_000
"""Ten million customers; who sends more pages does not count them as we do."""
_FRAME: dict[str, pl.DataType | type[pl.DataType]] = {
    "position": pl.Int64,
    "provider_id": pl.String,
    "updated_at": pl.Datetime("us"),
    "record": pl.String,
}

_ReadPages = Callable[[Client, datetime | None, int, Checkpoint | None, Collection[str]], Iterator[Page]]
_READERS: dict[str, _ReadPages] = {QUICKBOOKS: quickbooks.read_pages, XERO: xero.read_pages}
_log = logging.getLogger("etl_customers.pull")


def fetch_records(
    staging: Staging,
    provider: str,
    tenant_id: str,
    since: datetime | None,
    tokens: AccessTokens,
    settings: Settings,
    *,
    clock: Clock | None = None,
    page_size: int = PAGE_SIZE,
    most_pages: int = MOST_PAGES,
    mapping: Mapping | None = None,
) -> FetchCounts:
    """Fetch customers into ``provider_records``; called again it goes on after the last page kept.

    A page and the checkpoint after it (``facts`` named ``pull_…``) are kept in one
    transaction. A record that comes again takes the place of the earlier one. Who was deleted
    is asked last.

    Args:
        staging: The pull's staging file.
        provider: ``quickbooks`` or ``xero``.
        tenant_id: The provider's id of the company.
        since: Only customers that changed since then (aware); None: all of them. The same in each try.
        tokens: The connection's.
        settings: Addresses, limit of calls and longest time.
        clock: Replaces the machine's clock, for callers that cannot wait.
        page_size: Records per page.
        most_pages: How many pages may come before something must be wrong.
        mapping: Says which fields are kept; None: the one that is shipped.

    Returns:
        Of a fetch that was done already, what it had brought; then nothing is asked.

    Raises:
        ProviderUnavailable: The provider did not answer as it should; what came is kept.
        PullRefused: It refuses, or never ends.
        ReconnectNeeded: It no longer accepts the connection.
    """
    with Client(provider, tenant_id, tokens, settings, clock) as client:
        while (counts := find_counts(staging)) is None:
            checkpoint, fields = Progress.read(staging).checkpoint, (mapping or shipped_mapping(provider)).read
            pages = _READERS[provider](client, since, page_size, checkpoint, fields)
            with read_ahead(pages, client.stop) as ahead:
                _keep_pages(staging, client, ahead, most_pages)
        # After the pages: whoever is deleted while they are read is among these, or among those of the next pull.
        keep_deletions(staging, client, since)
    return counts


def _keep_pages(staging: Staging, client: Client, pages: Iterator[Page], most_pages: int) -> None:
    """Keep pages until the fetch is done or another pass is to begin."""
    progress = Progress.read(staging)
    for page in pages:
        if progress.pages >= most_pages:
            raise PullRefused(
                PullReason.TOO_MANY_PAGES, provider=client.provider, tenant=client.tenant_id, pages=progress.pages
            )
        if progress.started_at is None and page.server_time is None:
            raise ProviderUnavailable(client.provider, UNEXPECTED)
        with staging.transaction():
            position = _keep_records(staging, page.records, progress.position)
            progress, is_over = _settle(
                staging, client.provider, page, progress.after(page, position, client.utc_now())
            )
            progress.write(staging)
        if is_over:
            return


def _keep_records(staging: Staging, records: list[Record], position: int) -> int:
    """Append a page's records, in the place of those that have come before; return the last position."""
    # Of records with one id on the same page, too, the later one is kept.
    kept = {record.provider_id or number: record for number, record in enumerate(records)}.values()
    ids = [record.provider_id for record in kept if record.provider_id]
    staging.execute("delete from provider_records where provider_id in (select unnest(?))", [ids])
    rows = [(n, record.provider_id, record.updated_at, record.text) for n, record in enumerate(kept, position + 1)]
    staging.append("provider_records", pl.DataFrame(rows, schema=_FRAME, orient="row"))
    return position + len(rows)


def _settle(staging: Staging, provider: str, page: Page, progress: Progress) -> tuple[Progress, bool]:
    """Decide after a page whether to go on, to begin another pass, or to be done; true: no more of this pass."""
    if page.is_torn and progress.may_begin_again_torn():
        return _begin_again(staging, provider, "customers were taken away", progress.begun_again(torn=1)), True
    if page.following is not None:
        return progress, False
    seen = staging.number('select count(*) from provider_records where "position" > ?', [progress.pass_start])
    if page.counted not in (None, seen) and progress.may_begin_again_miscounted():
        reason = f"{seen} fetched, {page.counted} counted"
        return _begin_again(staging, provider, reason, progress.begun_again(miscounted=1)), True
    is_complete = page.counted == seen and not progress.is_torn
    if is_complete:
        staging.execute('delete from provider_records where "position" <= ?', [progress.pass_start])
    fetched = staging.number("select count(*) from provider_records")
    counts = FetchCounts(fetched, progress.pages, is_complete, page.counted, seen, progress.passes)
    write_counts(staging, counts, progress)
    _log.info("%s: fetched %d in %d pages, %s counted", LABELS[provider], fetched, progress.pages, page.counted)
    return progress, True


def _begin_again(staging: Staging, provider: str, reason: str, progress: Progress) -> Progress:
    # Without an id it would stand there twice: nothing takes its place.
    staging.execute("delete from provider_records where provider_id = ''")
    _log.info("%s: %s; all pages are read again", LABELS[provider], reason)
    return progress
