"""Pages of Xero: whole, in the order of ids, archived contacts among them, and its dates."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl_customers.mappings.kept import shipped_mapping
from etl_customers.pull.pages import Checkpoint, Page
from etl_customers.pull.xero import read_date, read_pages
from schemas.xero_contacts import ALWAYS_READ
from tests.etl_customers.pull.connected import client_of
from tests.fakes.loopback import Answer
from tests.fakes.provider_server import Fault
from tests.fakes.xero import FakeXero

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

FIELDS = shipped_mapping("xero").read


def pages_of(
    fake: FakeXero, since: datetime | None = None, size: int = 10, checkpoint: Checkpoint | None = None
) -> list[Page]:
    """Read all pages."""
    with client_of(fake) as client:
        return list(read_pages(client, since, size, checkpoint, FIELDS))


def ids_of(pages: list[Page]) -> list[str]:
    return [record.provider_id for page in pages for record in page.records]


def without_pagination(document: Any) -> None:
    """Take Xero's own numbers of pages and contacts from an answer."""
    del document["pagination"]


@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 20, 25])
def test_all_contacts_come_once_in_the_order_of_their_ids_archived_ones_too(xero: FakeXero, count: int) -> None:
    ids = xero.add(count)
    for contact in ids[:1]:
        xero.deactivate(contact)
    pages = pages_of(xero)
    assert ids_of(pages) == sorted(ids)
    assert len(xero.requests) == max(1, -(-count // 10))
    assert pages[-1].counted == count
    assert not any(page.is_torn for page in pages)


def test_each_request_asks_for_what_the_vendor_documents(xero: FakeXero) -> None:
    xero.add(12)
    since = datetime(2026, 1, 22, 8, 14, 43, 999, tzinfo=UTC)
    pages_of(xero, since)
    expected = {"pageSize": "10", "order": "ContactID", "includeArchived": "true"}
    assert [request.parameters for request in xero.requests] == [expected | {"page": "1"}, expected | {"page": "2"}]
    for request in xero.requests:
        assert request.headers["if-modified-since"] == "2026-01-22T08:14:43Z"
        assert request.headers["xero-tenant-id"] == xero.tenant
        assert request.headers["accept"] == "application/json"


def test_a_full_pull_has_no_condition(xero: FakeXero) -> None:
    pages_of(xero)
    assert "if-modified-since" not in xero.requests[0].headers


def test_only_what_changed_since_then_comes(xero: FakeXero) -> None:
    ids = xero.add(5)
    xero.clock.advance(hours=1)
    since = xero.clock.now()
    xero.change(ids[2], Name="Renamed")
    pages = pages_of(xero, since)
    assert ids_of(pages) == [ids[2]]
    assert pages[-1].counted == 1


def test_not_modified_is_an_empty_page_of_an_incremental_pull_only(xero: FakeXero) -> None:
    xero.fail(Fault(answer=Answer(304)))
    (page,) = pages_of(xero, EPOCH)
    assert (page.records, page.counted) == ([], 0)
    assert page.server_time is not None


def test_only_known_fields_are_kept(xero: FakeXero) -> None:
    xero.add(1)
    xero.change(xero.add(1)[0], AccountNumber="A-1", TaxNumber="T-1", FirstName="\udc00É")
    records = [record for page in pages_of(xero) for record in page.records]
    assert all(record.text.isascii() and set(json.loads(record.text)) <= {*ALWAYS_READ, *FIELDS} for record in records)
    assert any(json.loads(record.text).get("FirstName") == "\udc00É" for record in records)


def test_of_a_contact_that_is_to_be_forgotten_only_that_is_kept(xero: FakeXero) -> None:
    key = xero.add(1)[0]
    xero.change(key, ContactStatus="GDPRREQUEST")
    assert json.loads(pages_of(xero)[0].records[0].text) == {"ContactID": key, "ContactStatus": "GDPRREQUEST"}


def test_reading_goes_on_from_a_checkpoint(xero: FakeXero) -> None:
    ids = sorted(xero.add(25))
    first = pages_of(xero)[0]
    assert ids_of(pages_of(xero, checkpoint=json.loads(json.dumps(first.following)))) == ids[10:]


def test_a_page_is_torn_where_there_are_fewer_contacts_than_before(xero: FakeXero) -> None:
    ids = xero.add(25)
    xero.fail(Fault(nth=2, before=lambda: xero.remove(ids[0])))
    assert [page.is_torn for page in pages_of(xero)] == [False, True, False]


def test_contacts_that_join_do_not_tear_pages(xero: FakeXero) -> None:
    ids = xero.add(25)
    xero.fail(Fault(nth=2, before=lambda: xero.add(3)))
    pages = pages_of(xero)
    assert not any(page.is_torn for page in pages)
    assert set(ids) <= set(ids_of(pages))


def test_without_numbers_of_pages_a_short_page_is_the_last_and_nobody_has_counted(xero: FakeXero) -> None:
    ids = xero.add(25)
    xero.fail(Fault(edit=without_pagination, times=100))
    pages = pages_of(xero)
    assert ids_of(pages) == sorted(ids)
    assert len(xero.requests) == 3
    assert pages[-1].counted is None


def test_a_short_page_is_not_the_last_where_xero_says_that_there_are_more(xero: FakeXero) -> None:
    ids = sorted(xero.add(25))

    def shorten(document: Any) -> None:
        document["Contacts"].pop()

    xero.fail(Fault(edit=shorten))
    assert ids_of(pages_of(xero)) == [*ids[:9], *ids[10:]]


def test_a_provider_that_always_sends_the_same_page_is_asked_twice(xero: FakeXero) -> None:
    xero.add(25)
    xero.fail(Fault(nth=2, times=100, replay=True))
    pages = pages_of(xero)
    assert len(pages) == 2
    assert pages[-1].counted == 25


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/Date(1439434356790)/", EPOCH + timedelta(milliseconds=1439434356790)),
        ("/Date(1439434356790+0000)/", EPOCH + timedelta(milliseconds=1439434356790)),
        ("/Date(1439434356790+1300)/", EPOCH + timedelta(milliseconds=1439434356790)),
        ("/Date(1439434356790-0800)/", EPOCH + timedelta(milliseconds=1439434356790)),
        ("/Date(0)/", EPOCH),
        ("/Date(0+0000)/", EPOCH),
        ("/Date(-62135596800000)/", datetime(1, 1, 1, tzinfo=UTC)),
        ("/Date(-1)/", EPOCH - timedelta(milliseconds=1)),
        ("/Date(999999999999999)/", None),
        ("/Date(-62135596800001)/", None),
        ("/Date(٢٠١٨)/", None),
        ("/Date()/", None),
        ("/Date(5)", None),
        ("2026-11-22T08:14:43", None),
        ("", None),
        (None, None),
        (1439434356790, None),
        (["/Date(0)/"], None),
    ],
)
def test_a_date_is_milliseconds_of_utc_whatever_its_offset(text: object, expected: datetime | None) -> None:
    assert read_date(text) == expected


@given(st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31)), st.sampled_from(["", "+0000", "+1300", "-0930"]))
def test_every_date_of_the_calendar_is_read(time: datetime, offset: str) -> None:
    time = time.replace(microsecond=time.microsecond // 1000 * 1000, tzinfo=UTC)
    assert read_date(f"/Date({(time - EPOCH) // timedelta(milliseconds=1)}{offset})/") == time


def test_the_servers_time_is_that_of_the_body(xero: FakeXero) -> None:
    xero.clock.advance(days=3)
    time = pages_of(xero)[0].server_time
    assert time is not None
    assert abs(time - xero.clock.now()) < timedelta(minutes=1)
