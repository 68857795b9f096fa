"""The contacts of a Xero organisation in the fake: what a record looks like, and what happens to it.

Source: Xero's OpenAPI file and Contacts page, and captures of the demo company.
"""

import re
import uuid
from datetime import UTC, datetime

from tests.fakes.books import Books, Facts, Record
from tests.fakes.made_up import party

ACTIVE = "ACTIVE"
_NAMESPACE = uuid.UUID("6f6a7c1e-0000-4000-8000-000000000000")
_PHONES = ("DDI", "DEFAULT", "FAX", "MOBILE")


class XeroBooks(Books):
    """The contacts of one Xero organisation."""

    id_field = "ContactID"
    status_fields = frozenset({"IsCustomer", "IsSupplier", "Balances"})

    def stamped(self, record: Record) -> Record:
        if "ContactID" not in record:
            record = {"ContactID": self.id_of(len(self._texts) + 1_000_000)} | record
        if "UpdatedDateUTC" not in record:
            record = record | {"UpdatedDateUTC": ticks(self.clock.now())}
        return record

    def touch(self, record: Record) -> None:
        record["UpdatedDateUTC"] = ticks(self.clock.now())

    def facts_of(self, record: Record) -> Facts:
        name = str(record.get("Name") or "").lower()
        flags = frozenset(flag.lower() for flag in ("IsCustomer", "IsSupplier") if record.get(flag) is True)
        return Facts(record.get("ContactStatus") == ACTIVE, moment(record.get("UpdatedDateUTC")), name, flags)

    def deactivate(self, key: str) -> None:
        self.change(key, ContactStatus="ARCHIVED")

    def merge(self, loser: str, winner: str) -> None:
        """The loser stays, archived (Xero does not say so; it is what people see), and names the winner."""
        self.change(loser, MergedToContactID=winner, ContactStatus="ARCHIVED")

    def id_of(self, index: int) -> str:
        """Return the id of the n-th made-up contact."""
        return str(uuid.uuid5(_NAMESPACE, f"{self.tenant}/{index}"))

    def made_up(self, index: int, is_plain: bool) -> Record:
        who, kind = party(index, is_other=True), 0 if is_plain else index % 20
        record: Record = {
            "ContactID": self.id_of(index),
            "ContactStatus": ACTIVE,
            # Names of active contacts are unique: people get their number as part of the last name.
            "Name": f"{who.first_name} {who.last_name} {index}",
            "FirstName": who.first_name,
            "LastName": f"{who.last_name} {index}",
            "EmailAddress": who.email,
            "BankAccountDetails": "",
            "Addresses": [
                {
                    "AddressType": "STREET",
                    "AddressLine1": who.street,
                    "City": who.city,
                    "Region": who.state,
                    "PostalCode": who.postcode,
                    "Country": "USA",
                    "AttentionTo": "",
                },
                {"AddressType": "POBOX", "City": "", "Region": "", "PostalCode": "", "Country": "", "AttentionTo": ""},
            ],
            "Phones": [
                {"PhoneType": phone, "PhoneNumber": "", "PhoneAreaCode": "", "PhoneCountryCode": ""}
                for phone in _PHONES
            ],
            "UpdatedDateUTC": ticks(self.clock.now()),
            "ContactGroups": [],
            "IsSupplier": False,
            "IsCustomer": True,
            "ContactPersons": [],
            "HasAttachments": False,
            "HasValidationErrors": False,
        }
        if who.number is not None:
            area, _, number = who.number[1:].partition(") ")
            record["Phones"][1].update(PhoneNumber=number, PhoneAreaCode=area, PhoneCountryCode="1")
        change = _SPECIAL.get(kind)
        if change is not None:
            change(record, index)
        return record


def ticks(time: datetime, offset: str = "+0000") -> str:
    """Write a time as Xero's JSON has it; the offset is for show, the number is UTC."""
    return f"/Date({int(time.timestamp() * 1000)}{offset})/"


def moment(text: object) -> datetime | None:
    """Read a time as Xero's JSON has it; None where it is none."""
    match = re.fullmatch(r"/Date\((-?\d+)(?:[+-]\d{4})?\)/", text) if isinstance(text, str) else None
    return datetime.fromtimestamp(int(match[1]) / 1000, UTC) if match else None


def _as_business(record: Record, index: int) -> None:
    record["Name"] = party(index, is_other=True).business
    record["ContactPersons"] = [
        {
            "FirstName": "Second",
            "LastName": party(index, is_other=True).last_name,
            "EmailAddress": f"second.{index}@example.info",
            "IncludeInEmails": True,
        }
    ]


def _name_only(record: Record, index: int) -> None:
    record.update(Name=party(index, is_other=True).business, FirstName="", LastName="")


def _supplier(record: Record, index: int) -> None:
    record.update(IsSupplier=True, IsCustomer=False)


def _unused(record: Record, index: int) -> None:
    record.update(IsSupplier=False, IsCustomer=False)


def _archived(record: Record, index: int) -> None:
    record["ContactStatus"] = "ARCHIVED"


def _post_box(record: Record, index: int) -> None:
    street = record["Addresses"][0]
    record["Addresses"] = [
        {"AddressType": "STREET"},
        street | {"AddressType": "POBOX", "AddressLine1": f"PO Box {index}"},
    ]


def _abroad(record: Record, index: int) -> None:
    """A number of New Zealand, with the trunk zero that its country code does without, in two slots."""
    number = {"PhoneNumber": "5550 199", "PhoneAreaCode": "04", "PhoneCountryCode": "64"}
    record["Phones"] = [{"PhoneType": phone, **number} for phone in ("DDI", "DEFAULT")]
    record["UpdatedDateUTC"] = record["UpdatedDateUTC"].replace("+0000", "+1300")


def _messy(record: Record, index: int) -> None:
    record["Phones"][1].update(PhoneNumber="ask for Jo", PhoneAreaCode="", PhoneCountryCode="")
    record["Addresses"][0]["AddressLine2"] = "Building\n 7"
    record["FirstName"] = f" {record['FirstName']}  "


def _several_emails(record: Record, index: int) -> None:
    record["EmailAddress"] = f"{party(index, is_other=True).email}; office.{index}@EXAMPLE.info"


def _mobile(record: Record, index: int) -> None:
    by_type = {phone["PhoneType"]: phone for phone in record["Phones"]}
    by_type["DEFAULT"]["PhoneType"], by_type["MOBILE"]["PhoneType"] = "MOBILE", "DEFAULT"


_SPECIAL = {
    1: _as_business,
    2: _name_only,
    3: _supplier,
    4: _unused,
    5: _several_emails,
    6: _archived,
    7: _post_box,
    8: _abroad,
    9: _messy,
    11: _mobile,
    15: _as_business,
}
