"""Looking for erased people in what a pull staged of others: a provider names a customer behind those above it.

Only QuickBooks does. By their texts nobody would find them: a name there need not be that of the person.
"""

from collections.abc import Collection, Mapping

from sqlalchemy import Connection

from etl_customers.database.erased_names import erased_ids, parents_of
from etl_customers.database.ledger import ImportRecord
from etl_customers.pull.flat_records import read_record
from etl_customers.staging import Staging
from schemas.quickbooks_customers import QUICKBOOKS_CUSTOMERS
from schemas.sources import QUICKBOOKS

_RECORDS_AT_A_TIME = 2_000
_NAMED_BELOW = r"""
    select provider_id, record from provider_records
    where regexp_matches(record, '"FullyQualifiedName": "([^"\\]|\\.)*:')
"""
_STAGED = "select provider_id from provider_records where provider_id in (select unnest(?::varchar[]))"

_Below = tuple[str, int]
"""A customer's parent, and how many names stand before its own."""


def holds_names_of_erased(
    connection: Connection, staging: Staging, record: ImportRecord, also: Collection[str] = ()
) -> bool:
    """Tell whether a staged name goes, or may go, back to an erased customer of the pull's connection.

    It may where a customer between is neither staged nor linked, and the name has more before it than that one's.

    Args:
        connection: Of the target, which knows the links.
        staging: Of a pull, however far it came.
        record: The pull.
        also: The provider's ids of customers that are about to be erased.
    """
    tenant_id = record.tenant_id or ""
    if record.source != QUICKBOOKS:
        return False
    erased = erased_ids(connection, record.source, tenant_id) | set(also)
    staged = _staged_below(staging) if erased else {}
    if staged is None:
        return True
    level: Mapping[str, _Below] = staged
    while level:
        parents = {parent for parent, _ in level.values()}
        if parents & erased:
            return True
        above = parents_of(connection, record.source, tenant_id, parents)
        above |= {key: staged[key][0] if key in staged else None for (key,) in staging.rows(_STAGED, [sorted(parents)])}
        if any(names > 1 and parent not in above for parent, names in level.values()):
            return True
        # Each round takes one name off: however ids lead in a circle, it ends.
        level = {
            key: (further, names - 1)
            for key, (parent, names) in level.items()
            if names > 1 and (further := above[parent]) is not None
        }
    return False


def _staged_below(staging: Staging) -> dict[str, _Below] | None:
    """Return the staged customers that have names before their own, by id; None: one of them cannot be read."""
    found: dict[str, _Below] = {}
    # On a cursor of its own, a block at a time.
    with staging.cursor() as cursor:
        cursor.execute(_NAMED_BELOW)
        while block := cursor.fetchmany(_RECORDS_AT_A_TIME):
            for key, text in block:
                texts = read_record(text, QUICKBOOKS_CUSTOMERS).texts
                name, parent = texts.get("FullyQualifiedName"), texts.get("ParentRef.value")
                if name is None:
                    return None
                if parent is not None:
                    found[key] = (parent, name.count(":"))
    return found
