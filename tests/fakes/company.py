"""A fake provider of which a test mostly means the first company: its customers, and what reaches it."""

from typing import Any

from tests.fakes.books import Books, Record, Records
from tests.fakes.oauth import CLIENT_ID, CLIENT_SECRET
from tests.fakes.provider_server import FakeProvider


class FakeCompany(FakeProvider):
    """Passes on to the books of the first company; QuickBooks and Xero have books of their own kinds."""

    provider = ""
    most_per_page: int | None = None
    """A page holds no more, however many are asked for; no vendor promises that it holds so many."""
    refuses_company = False
    """Whoever gave access may not read what the company is: a 403, while customers are given."""

    @property
    def company(self) -> Books:
        """The first company's books."""
        raise NotImplementedError

    @property
    def records(self) -> Records:
        """The first company's customers by id, as they were put."""
        return self.company.records

    def add(self, count: int, is_plain: bool = False) -> list[str]:
        """Add made-up customers to the first company."""
        return self.company.add(count, is_plain)

    def put(self, record: Record) -> str:
        """Add or replace a customer of the first company."""
        return self.company.put(record)

    def change(self, key: str, **fields: Any) -> None:
        """Change fields of a customer; of Xero's IsCustomer and IsSupplier alone the time of the update stays."""
        self.company.change(key, **fields)

    def remove(self, key: str) -> None:
        """Take a customer of the first company away; the real Xero only archives them."""
        self.company.remove(key)

    def deactivate(self, key: str) -> None:
        """Make a customer of the first company inactive, or archive it."""
        self.company.deactivate(key)

    def merge(self, loser: str, winner: str) -> None:
        """Merge two customers of the first company."""
        self.company.merge(loser, winner)

    def settings(self) -> dict[str, str]:
        """Return what the settings section must say to reach this fake."""
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        """Return the same as variables, with the client's id and secret."""
        prefix = f"ETL_CUSTOMERS_{self.provider.upper()}_"
        urls = {f"{prefix}_{name.upper()}": value for name, value in self.settings().items()}
        return urls | {f"{prefix}CLIENT_ID": CLIENT_ID, f"{prefix}CLIENT_SECRET": CLIENT_SECRET}
