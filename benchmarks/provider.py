"""A stand-in of QuickBooks Online or Xero in a process of its own, with the customers of the generator in its books.

Run by ``benchmarks.pull``: prints the environment that reaches it, serves until its standard input ends.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from benchmarks.generate import HEADER, Mix, generate_rows
from schemas.sources import QUICKBOOKS
from tests.fakes.provider_server import Limits, running
from tests.fakes.quickbooks import INTUIT_LIMITS, FakeQuickBooks
from tests.fakes.xero import XERO_LIMITS, FakeXero

CREATED = "2026-01-05T09:00:00-08:00"


@contextmanager
def provider(name: str, customers: int, mix: Mix, *, has_limits: bool) -> Iterator[dict[str, str]]:
    """Serve the generator's customers; yield the environment for whoever pulls them."""
    command = [sys.executable, "-m", "benchmarks.provider", name, str(customers), str(mix.seed), str(int(has_limits))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        try:
            yield json.loads(server.stdout.readline())
        finally:
            server.stdin.close()


def main() -> None:
    """Serve customers of the provider given first, as many as given second."""
    name, customers, seed, has_limits = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4] == "1"
    fake: FakeQuickBooks | FakeXero
    if name == QUICKBOOKS:
        fake, make = FakeQuickBooks(), _quickbooks_customer
        limits = Limits(INTUIT_LIMITS["per_minute"], per_second=INTUIT_LIMITS["per_second"])
    else:
        fake, make = FakeXero(), _xero_contact
        limits = Limits(XERO_LIMITS["per_minute"], at_once=XERO_LIMITS["at_once"])
    if has_limits:
        fake.limits = limits
    mix = Mix(seed=seed, bad=0, duplicates=0)
    for number, cells in enumerate(generate_rows(customers, mix), 1):
        fake.put(make(number, dict(zip(HEADER, cells, strict=True))))
    with running(fake):
        print(json.dumps(fake.environment()), flush=True)
        sys.stdin.read()
        os._exit(0)  # threads that a killed client left behind are no concern


def _quickbooks_customer(number: int, row: dict[str, str]) -> dict[str, Any]:
    name = f"{row['first_name']} {row['last_name']}"
    return {
        "Id": str(number),
        "SyncToken": "0",
        "DisplayName": f"{name} {number}",
        "Title": row["customer_title"],
        "GivenName": row["first_name"],
        "FamilyName": row["last_name"],
        "CompanyName": row["business_name"],
        "PrimaryEmailAddr": {"Address": ", ".join(filter(None, (row["email"], row["email2"])))},
        "Mobile": {"FreeFormNumber": row["mobile"]},
        "PrimaryPhone": {"FreeFormNumber": row["phone"]},
        "BillAddr": {
            "Id": str(number),
            "Line1": " ".join(filter(None, (row["unit"], row["street_address"]))),
            "City": row["city"],
            "CountrySubDivisionCode": row["state"],
            "PostalCode": row["postcode"],
            "Country": row["country"],
        },
        "Active": True,
        "Balance": 0,
        "MetaData": {"CreateTime": CREATED, "LastUpdatedTime": CREATED},
    }


def _xero_contact(number: int, row: dict[str, str]) -> dict[str, Any]:
    return {
        "ContactID": f"00000000-0000-4000-8000-{number:012d}",
        "ContactStatus": "ACTIVE",
        "Name": row["business_name"] or f"{row['first_name']} {row['last_name']}",
        "FirstName": row["first_name"],
        "LastName": row["last_name"],
        "EmailAddress": row["email"],
        "ContactPersons": [],
        "Addresses": [
            {
                "AddressType": "STREET",
                "AddressLine1": " ".join(filter(None, (row["unit"], row["street_address"]))),
                "City": row["city"],
                "Region": row["state"],
                "PostalCode": row["postcode"],
                "Country": row["country"],
            }
        ],
        "Phones": [
            {"PhoneType": "MOBILE", "PhoneNumber": row["mobile"], "PhoneAreaCode": "", "PhoneCountryCode": ""},
            {"PhoneType": "DEFAULT", "PhoneNumber": row["phone"], "PhoneAreaCode": "", "PhoneCountryCode": ""},
        ],
        "IsCustomer": True,
        "IsSupplier": False,
        "UpdatedDateUTC": "/Date(1767600000000+0000)/",
    }


if __name__ == "__main__":
    main()
