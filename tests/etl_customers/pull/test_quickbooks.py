"""Pages of QuickBooks Online: whole, in the order of ids, and torn where customers were taken away meanwhile."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from etl_customers.base.errors import ProviderUnavailable
from etl_customers.mappings.kept import shipped_mapping
from etl_customers.pull.pages import Checkpoint, Page
from etl_customers.pull.quickbooks import read_pages
from schemas.quickbooks_customers import ALWAYS_READ
from tests.etl_customers.pull.connected import NOON, client_of
from tests.fakes.loopback import as_json
from tests.fakes.provider_server import Fault
from tests.fakes.quickbooks import FakeQuickBooks

FIELDS = shipped_mapping("quickbooks").read


def pages_of(
    fake: FakeQuickBooks, since: datetime | None = None, size: int = 10, checkpoint: Checkpoint | None = None
) -> list[Page]:
    """Read all pages."""
    with client_of(fake) as client:
        return list(read_pages(client, since, size, checkpoint, FIELDS))


def ids_of(pages: list[Page]) -> list[str]:
    return [record.provider_id for page in pages for record in page.records]


def test_all_customers_come_in_the_order_of_their_ids_inactive_ones_too(quickbooks: FakeQuickBooks) -> None:
    ids = quickbooks.add(25)
    quickbooks.deactivate(ids[3])
    pages = pages_of(quickbooks)
    assert ids_of(pages) == ids
    assert [page.is_torn for page in pages] == [False] * 4
    assert pages[-1].counted == 25
    assert pages[-1].following is None


def test_only_known_fields_are_kept(quickbooks: FakeQuickBooks) -> None:
    quickbooks.put({"DisplayName": "Amy Éclair \ud83d", "Balance": 12.5, "Notes": "private", "Active": True})
    record = pages_of(quickbooks)[0].records[0]
    kept = json.loads(record.text)
    assert kept["DisplayName"] == "Amy Éclair \ud83d"
    assert record.text.isascii()
    assert set(kept) <= {*ALWAYS_READ, *FIELDS}


def test_each_request_asks_for_what_the_vendor_documents(quickbooks: FakeQuickBooks) -> None:
    quickbooks.add(12)
    since = datetime(2026, 11, 22, 10, 0, 0, 999, tzinfo=timezone(timedelta(hours=2)))
    pages_of(quickbooks, since)
    where = "from Customer where Active in (true, false) and MetaData.LastUpdatedTime >= '2026-11-22T08:00:00+00:00'"
    assert [request.parameters["query"] for request in quickbooks.requests] == [
        f"select * {where} orderby Id startposition 1 maxresults 10",
        f"select * {where} orderby Id startposition 10 maxresults 10",
        f"select * {where} orderby Id startposition 12 maxresults 10",
        f"select count(*) {where}",
    ]
    assert {request.parameters["minorversion"] for request in quickbooks.requests} == {"75"}


def test_only_what_changed_since_then_comes(quickbooks: FakeQuickBooks) -> None:
    ids = quickbooks.add(5)
    quickbooks.clock.advance(hours=1)
    since = quickbooks.clock.now()
    quickbooks.change(ids[2], DisplayName="Renamed")
    pages = pages_of(quickbooks, since)
    assert ids_of(pages) == [ids[2]]
    assert pages[-1].counted == 1


def test_no_customers_are_one_empty_page(quickbooks: FakeQuickBooks) -> None:
    (page,) = pages_of(quickbooks)
    assert (page.records, page.following, page.counted) == ([], None, 0)


@pytest.mark.parametrize("count", [1, 9, 10, 11, 19, 20])
def test_no_customer_is_lost_at_the_edge_of_a_page(quickbooks: FakeQuickBooks, count: int) -> None:
    ids = quickbooks.add(count)
    assert ids_of(pages_of(quickbooks)) == ids


def test_reading_goes_on_from_a_checkpoint(quickbooks: FakeQuickBooks) -> None:
    ids = quickbooks.add(25)
    first = pages_of(quickbooks)[0]
    assert ids_of(pages_of(quickbooks, checkpoint=json.loads(json.dumps(first.following)))) == ids[10:]


@pytest.mark.parametrize("gone", [0, 5, 9], ids=["first", "middle", "last"])
def test_a_page_is_torn_where_a_customer_before_it_was_taken_away(quickbooks: FakeQuickBooks, gone: int) -> None:
    ids = quickbooks.add(25)
    quickbooks.fail(Fault(nth=2, before=lambda: quickbooks.remove(ids[gone])))
    assert [page.is_torn for page in pages_of(quickbooks)][:3] == [False, True, False]


def test_pages_are_not_torn_by_customers_that_join_before_them(quickbooks: FakeQuickBooks) -> None:
    ids = [quickbooks.put({"Id": str(number), "DisplayName": f"Customer {number}"}) for number in range(10, 30)]
    quickbooks.fail(Fault(nth=2, before=lambda: quickbooks.put({"Id": "3", "DisplayName": "Customer 3"})))
    pages = pages_of(quickbooks)
    assert not any(page.is_torn for page in pages)
    assert set(ids) <= set(ids_of(pages))


def test_a_provider_that_always_sends_the_same_page_is_asked_twice(quickbooks: FakeQuickBooks) -> None:
    quickbooks.add(25)
    quickbooks.fail(Fault(nth=2, times=100, replay=True))
    pages = pages_of(quickbooks)
    assert len(pages) == 2
    assert pages[-1].counted == 25


def test_times_are_utc_whatever_their_offset(quickbooks: FakeQuickBooks) -> None:
    times = ["2026-07-01T10:00:00-07:00", "2026-12-01T10:00:00-08:00", "2026-12-01T10:00:00", "soon", None, 5]
    for time in [*times, "0001-01-01T00:00:00+14:00"]:
        quickbooks.put({"DisplayName": "Customer", "MetaData": {"LastUpdatedTime": time}})
    quickbooks.put({"DisplayName": "Customer", "MetaData": None})
    read = [record.updated_at for page in pages_of(quickbooks) for record in page.records]
    assert read == [datetime(2026, 7, 1, 17), datetime(2026, 12, 1, 18), *[None] * 6]


def test_the_servers_time_is_that_of_the_body_else_of_the_header(quickbooks: FakeQuickBooks) -> None:
    quickbooks.clock.advance(days=3)

    def without_time(document: Any) -> None:
        del document["time"]

    ahead = pages_of(quickbooks)[0].server_time
    quickbooks.fail(Fault(edit=without_time))
    now = pages_of(quickbooks)[0].server_time
    assert ahead is not None
    assert now is not None
    assert abs(ahead - now - timedelta(days=3)) < timedelta(minutes=1)
    assert ahead.tzinfo is UTC


@pytest.mark.parametrize("bad", ["", "1 or 1", "ä", "1" * 65, 17, None, ["1"]])
def test_an_id_that_cannot_be_used_is_none_and_the_customer_is_kept(quickbooks: FakeQuickBooks, bad: object) -> None:
    quickbooks.add(1)

    def spoil(document: Any) -> None:
        document["QueryResponse"]["Customer"][0]["Id"] = bad

    quickbooks.fail(Fault(edit=spoil, times=2))
    (record,) = [record for page in pages_of(quickbooks) for record in page.records]
    assert record.provider_id == ""
    assert json.loads(record.text)["Id"] == bad


def test_what_is_no_object_counts_as_a_customer_without_fields(quickbooks: FakeQuickBooks) -> None:
    quickbooks.fail(Fault(answer=as_json({"QueryResponse": {"Customer": [None, "text"]}, "time": NOON.isoformat()})))
    first = pages_of(quickbooks)[0]
    assert [record.text for record in first.records] == ["{}", "{}"]


@pytest.mark.parametrize("answer", [{"QueryResponse": {}}, {"QueryResponse": {"totalCount": "many"}}])
def test_a_count_that_is_none_is_not_taken_for_one(quickbooks: FakeQuickBooks, answer: object) -> None:
    quickbooks.fail(Fault(kind="count", answer=as_json(answer)))
    with pytest.raises(ProviderUnavailable, match="is not as documented"):
        pages_of(quickbooks)
