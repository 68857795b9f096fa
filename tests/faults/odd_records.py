"""Records of a fake that are not as the vendors describe them, and merges; used by ``pull_mishaps``."""

from collections.abc import Callable
from typing import Any

from tests.fakes.books import Record
from tests.fakes.xero import FakeXero
from tests.faults.pulling import Fake


def first_id(fake: Fake) -> str:
    return next(iter(fake.records))


def ids_in_order(fake: FakeXero) -> list[str]:
    return sorted(fake.records)


def made_older(answer: Record) -> None:
    """The provider's page shows a customer as it was long ago."""
    customer = answer["QueryResponse"]["Customer"][0]
    customer.update(
        GivenName="Former", MetaData=customer["MetaData"] | {"LastUpdatedTime": "2024-02-01T00:00:00-08:00"}
    )


def _without_values(fake: Fake) -> None:
    """A record of nulls, and one whose every part is null."""
    key = first_id(fake)
    record = fake.records[key]
    if fake.provider == "quickbooks":
        kept = {"Id": key, "Active": True, "MetaData": {"CreateTime": None, "LastUpdatedTime": None}}
        fake.put(dict.fromkeys(record) | kept)
        parts = {"PrimaryEmailAddr": {"Address": None}, "PrimaryPhone": {}, "BillAddr": {"Id": "1"}, "ParentRef": None}
        fake.put({"Id": "900", "DisplayName": "Nothing else", "Active": True, **parts})
    else:
        fake.put(dict.fromkeys(record) | {"ContactID": key, "UpdatedDateUTC": None})
        parts = {"Addresses": [{}, None], "Phones": [None, {"PhoneType": None}], "ContactPersons": [{}, None]}
        fake.put({"Name": "Nothing else", "ContactStatus": "ACTIVE", "EmailAddress": None, "ContactGroups": None})
        fake.put({"Name": "Broken parts", "ContactStatus": "ACTIVE", **parts, "Is": None})


def use_unknown_words(fake: FakeXero) -> None:
    key = ids_in_order(fake)[0]
    record = fake.records[key]
    address = record["Addresses"][0] | {"AddressType": "DELIVERY"}
    fake.change(key, Addresses=[address], Phones=[{"PhoneType": "PIGEON", "PhoneNumber": "1"}], NewField={"a": [1]})
    fake.change(ids_in_order(fake)[1], ContactStatus="PENDING")


def set_odd_times_of_xero(fake: FakeXero) -> None:
    written = (
        "/Date(-62135596800000)/",
        "/Date(0)/",
        "/Date(1592988434017)/",
        "/Date(1592988434017+1300)/",
        "soon",
        "",
    )
    for text, key in zip(written, ids_in_order(fake), strict=False):
        fake.put(fake.records[key] | {"UpdatedDateUTC": text})


def set_odd_times_of_quickbooks(fake: Fake) -> None:
    written = ("2024-02-30T00:00:00Z", "0001-01-01T00:00:00+14:00", "2024-07-01T00:00:00Z", "2024-07-01", "", None)
    for text, key in zip(written, list(fake.records), strict=False):
        record = fake.records[key]
        fake.put(record | {"MetaData": record["MetaData"] | {"LastUpdatedTime": text}})


def make_odd(fake: Fake, set_times: Callable[[Any], None]) -> None:
    """Odd times for some customers; of two the names are none, and these are not synced while all others are."""
    set_times(fake)
    _without_values(fake)
    with_half, with_number, *_ = list(fake.records)[12:]
    fake.put(fake.records[with_half] | {"GivenName": "Half\ud83d", "FirstName": "Half\ud83d"})
    wrong: Record = {"GivenName": 5, "FirstName": 5, "BillAddr": "a text", "Addresses": "a text"}
    fake.put(fake.records[with_number] | wrong)


def merge_in_a_chain(fake: FakeXero) -> None:
    first, second, third, *_ = list(fake.records)[10:]
    fake.merge(first, second)
    fake.merge(second, third)


def merge_in_a_circle(fake: FakeXero) -> None:
    first, second, *_ = list(fake.records)[13:]
    fake.merge(first, second)
    fake.merge(second, first)
