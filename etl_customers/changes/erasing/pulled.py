"""Looking for a person in what a provider sent: by the provider's id, and by the texts of records that became no row."""

import json
import re
from collections.abc import Iterator

from etl_customers.changes.erasing.person import Person
from etl_customers.database.ledger import ImportRecord
from etl_customers.staging import Staging
from schemas.columns import PROVIDER_KIND

_RECORDS_AT_A_TIME = 2_000
# Rows are numbered in the order of the provider's ids, as the mapping does.
_RECORDS = """
    select "row", record from (
        select row_number() over (order by coalesce(provider_id, ''), "position") + 1 as "row", provider_id, record
        from provider_records)
    where provider_id in (select unnest(?::varchar[]))
        or "row" not in (select "row" from validated_customers)
    order by "row"
"""
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
"""A text of JSON as it is written, names of fields among them."""
_IDS = """select "row" from pulled_rows where provider_id in (select unnest(?::varchar[]))"""


def find_pulled_rows(staging: Staging, record: ImportRecord | None, person: Person) -> set[int]:
    """Return the rows of a pull that are the person's; of one that is still fetched, the numbers that they would have.

    Args:
        staging: Of an import, whatever its source.
        record: The import's ledger entry, if there is one.
        person: Known by the keys that a provider's ids are, or by what identifies others too.
    """
    ids = ids_at_provider(record, person)
    found = {row for (row,) in staging.rows(_IDS, [ids])}
    # On a cursor of its own, a block at a time: a provider may have many that are no customers.
    with staging.cursor() as cursor:
        cursor.execute(_RECORDS, [ids])
        while block := cursor.fetchmany(_RECORDS_AT_A_TIME):
            found |= {row for row, text in block if person.is_in(_texts(text))}
    return found


def ids_at_provider(record: ImportRecord | None, person: Person) -> list[str]:
    """Return how the provider of a pull's connection calls the person; nothing for an import that is no pull."""
    own = f"{record.source}:{record.tenant_id}:" if record is not None else None
    return [
        value.removeprefix(own)
        for kind, value in person.keys
        if own and kind == PROVIDER_KIND and value.startswith(own)
    ]


def _texts(record: str) -> Iterator[str]:
    """Yield every text of a record, however deep it stands."""
    # Found in the text itself: a provider may nest values deeper than a function may call itself.
    return (json.loads(text) for text in _STRING.findall(record))
