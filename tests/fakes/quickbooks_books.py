"""The customers of a QuickBooks company in the fake: what a record looks like, and what happens to it.

Source: Intuit's Customer page, and captures of a sandbox company.
"""

from datetime import datetime, timedelta, timezone
from typing import Any

from tests.fakes.books import Books, Facts, Record
from tests.fakes.made_up import party

_CREATED = datetime(2024, 1, 15, 9, 30, tzinfo=timezone(timedelta(hours=-8)))


class QuickBooksBooks(Books):
    """The customers of one QuickBooks company."""

    id_field = "Id"
    _last = 0
    """The highest id there was; ids are never used again."""

    def __init__(self, *about: Any) -> None:
        super().__init__(*about)
        self.deleted: dict[str, datetime] = {}
        """Ids that were deleted, and when: all that change data capture says of them."""

    def stamped(self, record: Record) -> Record:
        record = {"Id": str(self._last + 1)} | record
        self._last = max(self._last, int(record["Id"]))
        if "MetaData" not in record:
            now = local(self.clock.now())
            record = record | {"MetaData": {"CreateTime": now, "LastUpdatedTime": now}}
        return record

    def touch(self, record: Record) -> None:
        record["MetaData"] = {**record.get("MetaData", {}), "LastUpdatedTime": local(self.clock.now())}
        record["SyncToken"] = str(int(record.get("SyncToken", "0")) + 1)

    def as_served(self, record: Record) -> Record:
        """An inactive customer's names get a suffix, its company name does not."""
        if record.get("Active", True) is not False:
            return record
        names = {name: f"{record[name]} (deleted)" for name in ("DisplayName", "FullyQualifiedName") if name in record}
        return record | names

    def facts_of(self, record: Record) -> Facts:
        updated = (record.get("MetaData") or {}).get("LastUpdatedTime")
        name = str(record.get("FullyQualifiedName") or record.get("DisplayName") or "").lower()
        flags = frozenset({"isproject"} if record.get("IsProject") is True else ())
        return Facts(record.get("Active", True) is not False, _moment(updated), name, flags)

    def deactivate(self, key: str) -> None:
        self.change(key, Active=False)

    def merge(self, loser: str, winner: str) -> None:
        """The loser is deleted, and only a webhook would tell the winner; the winner is touched."""
        self.delete(loser)
        self.change(winner)

    def delete(self, key: str) -> None:
        """Take a customer away; change data capture has its id for thirty days, and no query."""
        with self.lock:
            self.remove(key)
            self.deleted[key] = self.clock.now()

    def tombstone(self, key: str) -> Record:
        """Return what is left of a deleted customer."""
        return {
            "domain": "QBO",
            "status": "Deleted",
            "Id": key,
            "MetaData": {"LastUpdatedTime": local(self.deleted[key])},
        }

    def made_up(self, index: int, is_plain: bool) -> Record:
        who, kind = party(index), 0 if is_plain else index % 20
        key = self._last + 1
        display = f"{who.first_name} {who.last_name} ({index})"
        record: Record = {
            "Taxable": False,
            "BillAddr": {
                "Id": str(key + 5000),
                "Line1": who.street,
                "City": who.city,
                "Country": "USA",
                "CountrySubDivisionCode": who.state,
                "PostalCode": who.postcode,
                "Lat": "INVALID",
                "Long": "INVALID",
            },
            "Job": False,
            "BillWithParent": False,
            "Balance": 0,
            "BalanceWithJobs": 0,
            "CurrencyRef": {"value": "USD", "name": "United States Dollar"},
            "PreferredDeliveryMethod": "None",
            "IsProject": False,
            "domain": "QBO",
            "sparse": False,
            "Id": str(key),
            "SyncToken": "0",
            "MetaData": {
                "CreateTime": (_CREATED + timedelta(hours=index % 5000)).isoformat(),
                "LastUpdatedTime": local(self.clock.now()),
            },
            "GivenName": who.first_name,
            "FamilyName": who.last_name,
            "FullyQualifiedName": display,
            "DisplayName": display,
            "PrintOnCheckName": display,
            "Active": True,
            "PrimaryEmailAddr": {"Address": who.email},
        }
        if who.number is not None:
            record["PrimaryPhone"] = {"FreeFormNumber": who.number}
        change = _SPECIAL.get(kind)
        if change is not None:
            change(record, index, key)
        return record


def local(time: datetime, precision: str = "seconds") -> str:
    """Write a time as Intuit does, in California's: the offset flips with the season (here: by month)."""
    hours = -8 if time.month in (1, 2, 11, 12) else -7
    return time.astimezone(timezone(timedelta(hours=hours))).isoformat(timespec=precision)


def _moment(text: object) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _as_business(record: Record, index: int, key: int) -> None:
    record["CompanyName"] = record["DisplayName"] = record["FullyQualifiedName"] = party(index).business


def _display_name_only(record: Record, index: int, key: int) -> None:
    del record["GivenName"], record["FamilyName"]
    record["DisplayName"] = record["FullyQualifiedName"] = party(index).business


def _with_all_names(record: Record, index: int, key: int) -> None:
    record.update(Title="Dr.", MiddleName="Ann", Suffix="Jr.")


def _shipped_elsewhere(record: Record, index: int, key: int) -> None:
    record["ShipAddr"] = record["BillAddr"]
    record["BillAddr"] = {"Id": record["ShipAddr"]["Id"]}


def _two_emails(record: Record, index: int, key: int) -> None:
    record["PrimaryEmailAddr"] = {"Address": f"{party(index).email}, office.{index}@EXAMPLE.org"}


def _inactive(record: Record, index: int, key: int) -> None:
    record["Active"] = False


def _sub_customer(record: Record, index: int, key: int) -> None:
    """Below the business six before it, whose company and e-mail it repeats."""
    parent = party(index - 6)
    record.update(Job=True, BillWithParent=True, ParentRef={"value": str(key - 6)}, Level=1)
    record.update(CompanyName=parent.business, PrimaryEmailAddr={"Address": parent.email})
    record["FullyQualifiedName"] = f"{parent.business}:{record['DisplayName']}"


def _project(record: Record, index: int, key: int) -> None:
    record.update(Job=True, IsProject=True, ParentRef={"value": str(key - 7)}, Level=1)
    for name in ("GivenName", "FamilyName", "PrimaryEmailAddr", "PrimaryPhone"):
        record.pop(name, None)


def _messy(record: Record, index: int, key: int) -> None:
    record["PrimaryPhone"] = {"FreeFormNumber": "ask for Jo"}
    record.update(Title="Big boss", GivenName=f"  {record['GivenName']} ", Notes="pays late\n\nring twice")
    record["BillAddr"]["Line2"] = "Building\n 7"


def _many_numbers(record: Record, index: int, key: int) -> None:
    record["Fax"] = {"FreeFormNumber": "(212) 555-0100"}
    if "PrimaryPhone" in record:
        record["Mobile"] = record.pop("PrimaryPhone")


_SPECIAL = {
    1: _as_business,
    2: _display_name_only,
    3: _with_all_names,
    4: _shipped_elsewhere,
    5: _two_emails,
    6: _inactive,
    7: _sub_customer,
    8: _project,
    9: _messy,
    11: _many_numbers,
    15: _as_business,
}
