"""Where a customer comes from: its import's source, or the provider that it is linked to."""

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from etl_customers.database.origins import find_source
from etl_customers.database.tables import customers, imports, provider_customers

NOW = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    ("imported_from", "linked_to", "source"),
    [
        ("csv", [], "csv"),
        ("csv", ["xero"], "xero"),
        ("xero", [], "xero"),
        ("quickbooks", ["xero", "quickbooks"], "quickbooks"),
    ],
)
def test_a_link_says_more_than_the_import(
    target: Engine, imported_from: str, linked_to: list[str], source: str
) -> None:
    with target.begin() as connection:
        ledger = {"import_id": "i", "source": imported_from, "status": "finished", "content_key": "k"}
        connection.execute(sa.insert(imports).values(ledger | {"accepted_at": NOW}))
        customer = {"id": 7, "is_active": True, "import_id": "i", "import_row": 2, "created_at": NOW, "updated_at": NOW}
        connection.execute(sa.insert(customers).values(customer))
        for provider in linked_to:
            link = {"provider": provider, "tenant_id": "t", "provider_id": "1", "customer_id": 7, "import_id": "i"}
            connection.execute(sa.insert(provider_customers).values(link | {"synced_at": NOW}))
        assert find_source(connection, 7) == source


def test_a_customer_who_is_not_there_has_no_source(target: Engine) -> None:
    with target.connect() as connection:
        assert find_source(connection, 7) is None
