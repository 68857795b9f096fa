"""Whatever a provider sends, no record is lost and nothing crashes."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from etl_customers.columns.account_fields import AccountFields
from etl_customers.pull.mapped_rows import map_records
from etl_customers.settings.sections import Settings
from etl_customers.staging import open_staging
from etl_customers.validate.validate import validate_customers
from schemas.provider_records import RecordShape
from schemas.quickbooks_customers import QUICKBOOKS_CUSTOMERS
from schemas.sources import QUICKBOOKS, XERO
from schemas.xero_contacts import XERO_CONTACTS
from tests.etl_customers.pull.fetched import Record, fetched

NO_FIELDS = AccountFields(custom_fields=(), property_types=())

_SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=20)
_ANYTHING = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)
_TEXTS = st.text(st.characters() | st.sampled_from("\ud800\udc00\x00 \n,;@+0"), max_size=30)


def _objects(names: tuple[str, ...]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries({}, optional=dict.fromkeys(names, _TEXTS | _ANYTHING))


def _records(shape: RecordShape) -> st.SearchStrategy[Any]:
    """Records that are right for the most part, with any JSON value in any place."""
    fields: dict[str, st.SearchStrategy[Any]] = dict.fromkeys(shape.texts, _TEXTS | _ANYTHING)
    fields |= dict.fromkeys(shape.flags, st.booleans() | _ANYTHING)
    fields |= {name: _objects(names) | _ANYTHING for name, names in shape.objects.items()}
    fields |= {name: st.lists(_objects(names) | _ANYTHING, max_size=5) for name, names in shape.lists.items()}
    return st.fixed_dictionaries({}, optional=fields) | _ANYTHING


_IDS = st.none() | st.text("0aZ._:-", max_size=3)


def _lists(shape: RecordShape) -> st.SearchStrategy[list[Record]]:
    record = st.tuples(_IDS, _records(shape))
    return st.lists(record, min_size=5, max_size=15, unique_by=lambda found: found[0])


def _account_for(provider: str, records: list[Record]) -> None:
    with TemporaryDirectory() as folder, open_staging(Path(folder) / "pull.duckdb", 256) as staging:
        counts = map_records(fetched(staging, *records), provider, Settings())
        checked = validate_customers(staging, NO_FIELDS, Settings(), provider)
        assert counts.fetched == len(records)
        for table in ("raw_csv", "pulled_rows"):
            rows = staging.rows(f'select "row" from {table} order by "row"')
            assert [row for (row,) in rows] == list(range(2, len(records) + 2))
        assert counts.fetched == counts.left_out + counts.invalid + checked.validated + checked.failed


_few_examples = hypothesis_settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))


@_few_examples
@given(_lists(QUICKBOOKS_CUSTOMERS))
def test_whatever_json_quickbooks_sends_every_record_is_validated_or_listed(records: list[Record]) -> None:
    _account_for(QUICKBOOKS, records)


@_few_examples
@given(_lists(XERO_CONTACTS))
def test_whatever_json_xero_sends_every_record_is_validated_or_listed(records: list[Record]) -> None:
    _account_for(XERO, records)
