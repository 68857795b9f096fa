"""Fetching into staging: all customers of the provider, once each, however often it is interrupted."""

import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from math import ceil, inf
from typing import Any

import duckdb
import pytest

from etl_customers.base.errors import ProviderUnavailable
from etl_customers.pull.fetch import fetch_records
from etl_customers.pull.pacing import Clock
from etl_customers.pull.progress import FetchCounts
from etl_customers.staging import Staging, open_staging
from tests.etl_customers.pull.connected import NOON, Fake, HastyClock, SignedIn, settings_of
from tests.fakes.loopback import as_text
from tests.fakes.provider_server import Fault, Limits, running
from tests.fakes.quickbooks import FakeQuickBooks
from tests.fakes.xero import FakeXero
from tests.refused import refused_as

SIZE = 10


@pytest.fixture(scope="module")
def staging_file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Staging]:
    """One staging file for all tests: making it takes longer than most of them."""
    with open_staging(tmp_path_factory.mktemp("staging") / "pull.duckdb", memory_limit_mb=128) as opened:
        yield opened


@pytest.fixture
def staging(staging_file: Staging) -> Staging:
    """Staging without any row."""
    empty(staging_file)
    return staging_file


def fetch(staging: Staging, fake: Fake, since: datetime | None = None, **options: Any) -> FetchCounts:
    """Fetch from a fake's first company in pages of ten."""
    asked: dict[str, Any] = {"clock": HastyClock(), "page_size": SIZE} | options
    tokens, settings = SignedIn(fake), settings_of(fake)
    return fetch_records(staging, fake.provider, fake.tenant, since, tokens, settings, **asked)


def fetched(staging: Staging) -> list[str]:
    """Return the ids in staging, in their order there."""
    return [key for (key,) in staging.rows('select provider_id from provider_records order by "position"')]


def empty(staging: Staging) -> None:
    """Forget all that was fetched."""
    staging.execute("delete from provider_records")
    staging.execute("delete from facts")


def facts(staging: Staging) -> dict[str, Any]:
    """Return what a fetch left for the stages after it."""
    rows = staging.rows("select name, coalesce(text, number::varchar) from facts order by name")
    return {name: value for name, value in rows if name != "pull_progress"}


def test_all_customers_are_fetched_once_and_counted(staging: Staging, fake: Fake) -> None:
    fake.add(25)
    counts = fetch(staging, fake)
    assert (counts.fetched, counts.is_complete, counts.counted) == (25, True, 25)
    assert sorted(fetched(staging)) == sorted(fake.records)
    assert facts(staging) == {
        "pull_fetched": "25",
        "pull_counted": "25",
        "pull_seen": "25",
        "pull_passes": "1",
        "pull_is_complete": "1",
        "pull_pages": str(counts.pages),
        "pull_started_at": facts(staging)["pull_started_at"],
        "pull_cursor": facts(staging)["pull_cursor"],
    }


def test_the_cursor_lies_five_minutes_before_the_providers_time_of_the_first_page(staging: Staging, fake: Fake) -> None:
    fake.add(25)
    fake.clock.advance(days=400)
    before = fake.clock.now() - timedelta(seconds=1)
    fake.fail(Fault(nth=2, before=lambda: fake.clock.advance(minutes=3)))
    clock = HastyClock()
    clock.wait(timedelta(days=500).total_seconds(), threading.Event())
    fetch(staging, fake, clock=clock)
    started_at = datetime.fromisoformat(facts(staging)["pull_started_at"])
    assert before <= started_at <= before + timedelta(minutes=1)
    assert datetime.fromisoformat(facts(staging)["pull_cursor"]) == started_at - timedelta(minutes=5)


@pytest.mark.parametrize(
    ("answered", "cursor"), [(253402300799, NOON), (-62135596800, datetime(2000, 1, 1, tzinfo=UTC))]
)
def test_a_time_that_cannot_be_makes_no_cursor_that_skips_changes(
    staging: Staging, xero: FakeXero, answered: int, cursor: datetime
) -> None:
    xero.add(25)
    xero.fail(Fault(times=inf, edit=lambda page: page.update(DateTimeUTC=f"/Date({answered}000)/")))
    fetch(staging, xero)
    assert datetime.fromisoformat(facts(staging)["pull_cursor"]) - cursor + timedelta(minutes=5) < timedelta(minutes=1)


def test_a_count_beyond_all_numbers_is_none(staging: Staging, xero: FakeXero) -> None:
    xero.add(25)
    xero.fail(Fault(times=inf, edit=lambda page: page["pagination"].update(itemCount=10**30, pageCount=10**30)))
    counts = fetch(staging, xero)
    assert (counts.fetched, counts.is_complete, counts.counted) == (25, False, None)
    assert counts.why_incomplete == "it did not say how many there are; 25 came"


def test_only_changes_are_fetched_since_a_time(staging: Staging, fake: Fake) -> None:
    ids = fake.add(25)
    fake.clock.advance(hours=1)
    since = fake.clock.now()
    fake.deactivate(ids[7])
    assert fetch(staging, fake, since).is_complete
    assert fetched(staging) == [ids[7]]


def test_nothing_at_all_is_a_complete_fetch(staging: Staging, fake: Fake) -> None:
    counts = fetch(staging, fake)
    assert (counts.fetched, counts.pages, counts.is_complete, counts.counted) == (0, 1, True, 0)


def test_a_fetch_that_is_done_asks_nothing_more(staging: Staging, fake: Fake) -> None:
    fake.add(25)
    counts = fetch(staging, fake)
    asked = len(fake.requests)
    fake.add(5)
    assert fetch(staging, fake) == counts
    assert len(fake.requests) == asked


def test_whichever_request_fails_the_next_try_goes_on_after_the_last_page_kept(staging: Staging, fake: Fake) -> None:
    ids = fake.add(35)
    # Pages of QuickBooks overlap by one, and the last one brings nothing new.
    kept_before = [0, 10, 19, 28, 35] if isinstance(fake, FakeQuickBooks) else [0, 10, 20, 30]
    for failing, kept in enumerate(kept_before, 1):
        fake.mend()
        fake.requests.clear()
        fake.fail(Fault(nth=failing, answer=as_text("", 501)))
        with pytest.raises(ProviderUnavailable):
            fetch(staging, fake)
        assert len(fetched(staging)) == kept
        assert fetch(staging, fake).is_complete
        assert sorted(fetched(staging)) == sorted(ids)
        assert fake.count("page") == len(kept_before) + 1, "no page that was kept is asked for again"
        empty(staging)


def test_whichever_statement_fails_the_next_try_ends_with_the_same(staging: Staging, fake: Fake) -> None:
    ids = fake.add(11)

    class Failing(Staging):
        left = 0

        def execute(self, sql: str, values: list[Any] | None = None) -> None:
            self.left -= 1
            if self.left == 0:
                raise duckdb.InterruptException("interrupted")
            super().execute(sql, values)

    failing = Failing(staging.connection)
    for statement in range(1, 100):
        failing.left = statement
        with suppress(duckdb.InterruptException):
            fetch(failing, fake)
        if failing.left > 0:
            break
        assert fetch(staging, fake).is_complete
        assert sorted(fetched(staging)) == sorted(ids)
        empty(staging)
    assert statement > 8


def test_a_limit_of_the_day_keeps_what_came_and_the_next_day_goes_on(staging: Staging) -> None:
    with running(FakeXero(Limits(per_minute=10_000, per_day=2))) as fake:
        ids = fake.add(35)
        for _ in range(2):
            with pytest.raises(ProviderUnavailable, match="daily limit of calls is used up"):
                fetch(staging, fake)
            assert len(fetched(staging)) == 20
        assert fake.limits is not None
        fake.limits.taken_today = 0
        assert fetch(staging, fake).is_complete
        assert sorted(fetched(staging)) == sorted(ids)


def test_a_customer_that_comes_again_takes_the_place_of_the_earlier_one(staging: Staging, xero: FakeXero) -> None:
    ids = sorted(xero.add(15))
    moved = ids[9]

    def change() -> None:
        xero.change(moved, Name="Renamed")
        xero.put({"ContactID": "00000000-0000-0000-0000-000000000000", "Name": "First of all"})

    xero.fail(Fault(nth=2, before=change))
    fetch(staging, xero)
    assert len(fetched(staging)) == len(set(fetched(staging)))
    ((text,),) = staging.rows("select record from provider_records where provider_id = ?", [moved])
    assert json.loads(text)["Name"] == "Renamed"


@pytest.mark.parametrize("gone", [0, 5, 9])
def test_customers_that_are_taken_away_meanwhile_hide_no_others(staging: Staging, fake: Fake, gone: int) -> None:
    ids = sorted(fake.add(35), key=lambda key: int(key) if key.isdigit() else key)
    fake.fail(Fault(nth=2, before=lambda: fake.remove(ids[gone])))
    assert fetch(staging, fake).is_complete
    assert sorted(fetched(staging)) == sorted(fake.records)


@pytest.mark.parametrize("page", [1, 2, 3])
def test_customers_that_join_meanwhile_are_fetched_too(staging: Staging, fake: Fake, page: int) -> None:
    fake.add(35)
    fake.fail(Fault(nth=page, after=lambda: fake.add(3)))
    assert fetch(staging, fake).is_complete
    assert sorted(fetched(staging)) == sorted(fake.records)


def test_customers_that_are_taken_away_before_the_count_are_not_kept(
    staging: Staging, quickbooks: FakeQuickBooks
) -> None:
    ids = quickbooks.add(25)
    quickbooks.fail(Fault("count", before=lambda: quickbooks.remove(ids[3])))
    counts = fetch(staging, quickbooks)
    assert (counts.fetched, counts.is_complete) == (24, True)
    assert ids[3] not in fetched(staging)


@pytest.mark.parametrize("wrong_by", [-1, 1])
def test_a_count_that_never_matches_is_fetched_twice_and_not_complete(
    staging: Staging, fake: Fake, wrong_by: int
) -> None:
    fake.add(25)

    def miscount(document: Any) -> None:
        counts, name = (
            (document["QueryResponse"], "totalCount")
            if isinstance(fake, FakeQuickBooks)
            else (document["pagination"], "itemCount")
        )
        counts[name] += wrong_by

    fake.fail(Fault("count" if isinstance(fake, FakeQuickBooks) else "page", edit=miscount, times=100))
    counts = fetch(staging, fake)
    assert (counts.fetched, counts.is_complete, counts.counted) == (25, False, 25 + wrong_by)
    assert counts.pages == 2 * (4 if isinstance(fake, FakeQuickBooks) else 3)
    assert counts.why_incomplete == f"it counts {25 + wrong_by}, but 25 came when all pages were read, twice"
    assert facts(staging)["pull_is_complete"] == "0"


def test_a_page_that_comes_twice_is_made_good_by_reading_again(staging: Staging, fake: Fake) -> None:
    fake.add(35)
    fake.fail(Fault(nth=3, replay=True))
    assert fetch(staging, fake).is_complete
    assert sorted(fetched(staging)) == sorted(fake.records)


def test_a_provider_whose_customers_never_hold_still_is_read_to_the_end_but_not_complete(
    staging: Staging, fake: Fake
) -> None:
    ids = iter(sorted(fake.add(80)))
    fake.fail(Fault(nth=2, times=1000, before=lambda: fake.remove(next(ids))))
    counts = fetch(staging, fake)
    assert not counts.is_complete
    assert counts.fetched > 30
    assert counts.why_incomplete is not None
    assert re.search("read, [45] times", counts.why_incomplete)
    assert facts(staging)["pull_is_complete"] == "0"


def test_customers_without_an_id_that_can_be_used_are_counted_once(staging: Staging, fake: Fake) -> None:
    fake.add(25)

    def spoil(document: Any) -> None:
        customers = document.get("Contacts") or document["QueryResponse"].get("Customer") or []
        for customer in customers[2:4]:
            customer["Id"] = customer["ContactID"] = "not an id"

    fake.fail(Fault(edit=spoil, times=1000))
    fake.fail(Fault(nth=2, before=lambda: fake.remove(min(fake.records))))
    counts = fetch(staging, fake)
    assert counts.counted == len(fake.records)
    assert counts.is_complete == (counts.fetched == len(fake.records))
    assert fetched(staging).count("") in (4, 5, 6)


def test_a_provider_that_never_ends_is_refused(staging: Staging, fake: Fake) -> None:
    fake.add(95)
    with refused_as("too_many_pages", match="5 pages"):
        fetch(staging, fake, most_pages=5)


def test_an_error_while_a_page_is_written_ends_the_wait_for_the_next(staging: Staging, fake: Fake) -> None:
    fake.add(25)
    fake.fail(Fault(nth=2, answer=as_text("", 503, Retry_After="80")))
    staging.execute("alter table provider_records rename to elsewhere")
    begun = time.monotonic()
    try:
        with pytest.raises(duckdb.CatalogException):
            fetch(staging, fake, clock=Clock())
    finally:
        staging.execute("alter table elsewhere rename to provider_records")
    assert time.monotonic() - begun < 20
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("read-ahead")]


@pytest.mark.parametrize(("provider", "allowed", "ours"), [(FakeQuickBooks, 500, 480), (FakeXero, 60, 58)])
def test_nine_tenths_of_the_pages_that_the_limit_allows_are_read_and_none_beyond(
    staging: Staging, provider: type[Fake], allowed: int, ours: int
) -> None:
    # The vendor's minute is three seconds here, of which it allows 30 requests.
    per_minute = 30 * 20
    with running(provider(Limits(per_minute=30, window_seconds=3))) as fake:
        fake.add(35 * 4, is_plain=True)
        settings = settings_of(fake, requests_per_minute=round(ours / allowed * per_minute))
        # On a busy machine the first measurement may be that of the others' work.
        for _ in range(3):
            fetch_records(staging, fake.provider, fake.tenant, None, SignedIn(fake), settings, page_size=5)
            times = [request.at for request in fake.requests]
            if (len(times) - 1) / ((times[-1] - times[0]) / timedelta(minutes=1)) >= 0.9 * per_minute:
                break
            time.sleep(3)
            fake.requests.clear()
            empty(staging)
        else:
            pytest.fail("too slow three times")
        assert {request.status for request in fake.requests} == {200}


@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 25, 91])
def test_a_pull_costs_as_many_calls_as_its_page_says(
    staging: Staging, quickbooks: FakeQuickBooks, xero: FakeXero, count: int
) -> None:
    since = quickbooks.clock.now() - timedelta(days=1)
    pages = {
        "quickbooks": 1 + ceil((max(count, 1) - 1) / (SIZE - 1)) + (count == 1),
        "xero": max(1, ceil(count / SIZE)),
    }
    for fake in (quickbooks, xero):
        fake.add(count, is_plain=True)
        for changed_since in (None, since):
            empty(staging)
            fake.requests.clear()
            fetch(staging, fake, changed_since)
            others = 1 + (changed_since is not None) if fake is quickbooks else 0
            assert len(fake.requests) == pages[fake.provider] + others, (fake.provider, changed_since)
