"""Decides what a pull does with each valid row: create a customer, change one, link one, or nothing.

A pulled customer is known by its provider, connection and the provider's id; identity keys
only say whether the target has the person from elsewhere. Nothing of the target is written
here: ``etl_customers.load.pulled`` does that.
"""

from dataclasses import dataclass

from sqlalchemy import Connection

from etl_customers.settings import Settings
from etl_customers.staging import Staging


@dataclass(frozen=True)
class MergeCounts:
    """Valid rows of a pull by what is done with them."""

    created: int
    updated: int
    """Changed, or linked for the first time."""
    unchanged: int
    failed: int


def merge_pulled(
    staging: Staging,
    target: Connection,
    *,
    provider: str,
    tenant_id: str,
    settings: Settings,
    is_locking: bool = False,
) -> MergeCounts:
    """Fill ``merged_rows``, ``changed_values``, ``deduplicated_rows`` and this stage's ``row_errors``.

    May be run again at any time; it forgets its own earlier answer first.

    Args:
        staging: Validated.
        target: A connection in a transaction; only temporary tables are written.
        provider: ``quickbooks`` or ``xero``.
        tenant_id: QuickBooks realm or Xero tenant.
        settings: Which columns are identity keys, and whether customers from elsewhere are linked.
        is_locking: Keep others from changing the customers that may be changed until the transaction ends.

    Returns:
        Together all validated rows.

    Source:
        docs/rules.md, R17, R18, R25.
    """
    raise NotImplementedError
