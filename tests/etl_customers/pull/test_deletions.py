"""Who was deleted at QuickBooks: asked after the pages, kept with them, and said where it is not known."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from math import inf
from typing import Any

import pytest

from etl_customers.pull.deletions import Deletions, find_deletions
from etl_customers.pull.fetch import fetch_records
from etl_customers.staging import Staging, open_staging
from tests.etl_customers.pull.connected import Fake, HastyClock, SignedIn, settings_of
from tests.fakes.loopback import Answer, as_json, as_text
from tests.fakes.provider_server import Fault
from tests.fakes.quickbooks import FakeQuickBooks, fault
from tests.fakes.xero import FakeXero


@pytest.fixture(scope="module")
def staging_file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Staging]:
    """One staging file for all tests: making it takes longer than most of them."""
    with open_staging(tmp_path_factory.mktemp("staging") / "pull.duckdb", memory_limit_mb=128) as opened:
        yield opened


@pytest.fixture
def staging(staging_file: Staging) -> Staging:
    """Staging without any row."""
    staging_file.execute("delete from provider_records")
    staging_file.execute("delete from facts")
    return staging_file


class ServersClock(HastyClock):
    """Nobody waits, and the time is the fake's."""

    def __init__(self, fake: Fake) -> None:
        super().__init__()
        self.fake = fake

    def utc_now(self) -> datetime:
        return self.fake.clock.now()


def fetch(staging: Staging, fake: Fake, since: datetime | None, **section: Any) -> Deletions | None:
    """Fetch what has changed since a time, and return who was deleted."""
    tokens, settings = SignedIn(fake), settings_of(fake, **section)
    fetch_records(staging, fake.provider, fake.tenant, since, tokens, settings, clock=ServersClock(fake))
    return find_deletions(staging)


@pytest.fixture
def since(quickbooks: FakeQuickBooks) -> datetime:
    """A time before which the company has five customers, and after which one was merged into another."""
    quickbooks.add(5, is_plain=True)
    quickbooks.clock.advance(hours=1)
    since = quickbooks.clock.now()
    quickbooks.clock.advance(hours=1)
    quickbooks.merge("3", "4")
    return since


def test_who_was_merged_away_is_known_after_the_pages(
    staging: Staging, quickbooks: FakeQuickBooks, since: datetime
) -> None:
    assert fetch(staging, quickbooks, since) == Deletions(("3",))
    kinds = [request.kind for request in quickbooks.requests]
    assert (kinds[-1], kinds.count("changes")) == ("changes", 1)
    asked = quickbooks.requests[-1]
    assert asked.path == f"/v3/company/{quickbooks.tenant}/cdc"
    assert asked.parameters == {
        "entities": "Customer",
        "changedSince": since.isoformat(timespec="seconds"),
        "minorversion": "75",
    }
    assert fetch(staging, quickbooks, since) == Deletions(("3",))
    assert quickbooks.count("changes") == 1


def test_a_fetch_that_was_killed_before_the_question_asks_it_and_reads_no_page_again(
    staging: Staging, quickbooks: FakeQuickBooks, since: datetime
) -> None:
    fetch(staging, quickbooks, since)
    staging.execute("delete from facts where name = 'pull_deletions'")
    quickbooks.requests.clear()
    assert fetch(staging, quickbooks, since) == Deletions(("3",))
    assert [request.kind for request in quickbooks.requests] == ["changes"]


def test_nobody_is_asked_for_by_a_full_pull_and_at_xero(
    staging: Staging, quickbooks: FakeQuickBooks, since: datetime, xero: FakeXero
) -> None:
    assert fetch(staging, quickbooks, None) is None
    staging.execute("delete from facts")
    xero.add(2)
    assert fetch(staging, xero, since) is None
    assert (quickbooks.count("changes"), xero.count("other")) == (0, 0)


def test_nothing_changed_is_an_answer_too(staging: Staging, quickbooks: FakeQuickBooks, since: datetime) -> None:
    quickbooks.clock.advance(hours=1)
    assert fetch(staging, quickbooks, since + timedelta(hours=1, minutes=1)) == Deletions()


def test_of_a_full_answer_the_deleted_ones_are_taken_and_the_next_pull_is_a_full_one(
    staging: Staging, quickbooks: FakeQuickBooks, since: datetime
) -> None:
    def crowd(answer: Any) -> None:
        told = answer["CDCResponse"][0]["QueryResponse"][0]["Customer"]
        told.extend([told[0]] * (1_000 - len(told)))

    quickbooks.fail(Fault("changes", edit=crowd))
    found = fetch(staging, quickbooks, since)
    assert found is not None
    assert (found.ids, found.is_next_full) == (("3",), True)
    assert found.why_unknown == (
        "more customers changed than the 1,000 that it reports at once; the next pull is a full pull"
    )


def test_a_number_that_says_that_the_answer_is_full_is_believed(
    staging: Staging, quickbooks: FakeQuickBooks, since: datetime
) -> None:
    def count(answer: Any) -> None:
        answer["CDCResponse"][0]["QueryResponse"][0]["totalCount"] = 1_200

    quickbooks.fail(Fault("changes", edit=count))
    found = fetch(staging, quickbooks, since)
    assert found is not None
    assert found.is_next_full


def test_what_is_more_than_thirty_days_back_is_not_asked(
    staging: Staging, quickbooks: FakeQuickBooks, since: datetime
) -> None:
    quickbooks.clock.advance(days=30)
    found = fetch(staging, quickbooks, since)
    assert found is not None
    assert (found.ids, found.is_next_full, quickbooks.count("changes")) == ((), True, 0)
    assert found.why_unknown == (
        "it reports only the last thirty days, and the last pull was earlier; the next pull is a full pull"
    )


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (as_text("oops", 500), r"it gave no answer to use \(status 500, request [-0-9a-f]+\)"),
        (as_text("no", 403), r"it gave no answer to use \(status 403, request [-0-9a-f]+\)"),
        (
            fault(4002, "Error processing query", "jane@example.com", status=400),
            r"it gave no answer to use \(error 4002, .*\)",
        ),
        (as_json({"CDCResponse": []}), "its answer is not as documented"),
        (as_json({"CDCResponse": [{"QueryResponse": None}]}), "its answer is not as documented"),
        (as_json({"CDCResponse": [{"QueryResponse": [None]}]}), "its answer is not as documented"),
        (as_json({"CDCResponse": [{"QueryResponse": [{"Customer": {}}]}]}), "its answer is not as documented.*"),
        (as_json({"QueryResponse": {}}), "its answer is not as documented"),
    ],
)
def test_without_an_answer_nobody_counts_as_deleted_and_the_same_is_asked_again(
    staging: Staging, quickbooks: FakeQuickBooks, since: datetime, answer: Answer, why: str
) -> None:
    quickbooks.fail(Fault("changes", times=inf, answer=answer))
    found = fetch(staging, quickbooks, since)
    assert found is not None
    assert (found.ids, found.is_next_full) == ((), False)
    assert re.fullmatch(f"{why}; the next pull asks for the same again", found.why_unknown or "")


def test_what_is_no_id_or_not_said_to_be_deleted_is_passed_over(
    staging: Staging, quickbooks: FakeQuickBooks, since: datetime
) -> None:
    def spoil(answer: Any) -> None:
        told = answer["CDCResponse"][0]["QueryResponse"][0]["Customer"]
        told[:] = [
            None,
            "3",
            {"status": "Deleted"},
            {"status": "Deleted", "Id": 3},
            {"Id": "1"},
            {"Id": "2", "status": 1},
        ]
        told += [{"Id": "5", "status": "Deleted"}] * 2

    quickbooks.fail(Fault("changes", edit=spoil))
    assert fetch(staging, quickbooks, since) == Deletions(("5",))


def test_the_question_waits_for_its_place_as_all_others(
    staging: Staging, quickbooks: FakeQuickBooks, since: datetime
) -> None:
    tokens, settings, clock = (
        SignedIn(quickbooks),
        settings_of(quickbooks, requests_per_minute=60),
        ServersClock(quickbooks),
    )
    fetch_records(staging, "quickbooks", quickbooks.tenant, since, tokens, settings, clock=clock)
    assert len(quickbooks.requests) > 2
    assert sum(clock.waits) == pytest.approx(len(quickbooks.requests) - 2, abs=1.1)
