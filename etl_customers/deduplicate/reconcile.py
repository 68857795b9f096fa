"""Decides what a pull does with each valid row: create a customer, change one, link one, or nothing.

A pulled customer is known by its provider, connection and the provider's id; identity keys
only say whether the target has the person from elsewhere. Nothing of the target is written
here: ``etl_customers.load.pulled`` does that.
"""

from dataclasses import dataclass
from importlib.resources import files

import polars as pl
from sqlalchemy import Connection

from etl_customers.deduplicate.differences import as_customers, find_changes
from etl_customers.deduplicate.known_customers import (
    find_edited,
    find_links,
    find_owned,
    find_owners,
    find_present,
    find_properties,
)
from etl_customers.deduplicate.property_changes import find_property_changes
from etl_customers.settings.sections import Settings
from etl_customers.staging import Staging
from etl_customers.validate.keys import find_keys, renew_keys
from schemas.columns import CUSTOMER_COLUMNS

_ROWS_AT_A_TIME = 25_000
_KEYS_AT_A_TIME = 200_000

_OWN_TABLES = (
    "existing_keys",
    "deduplicated_rows",
    "merged_rows",
    "changed_values",
    "updated_customers",
    "updated_custom_fields",
    "changed_properties",
    "claimed_keys",
    "released_keys",
)
_WORKING_TABLES = """
create or replace temp table known_links (
    provider_id varchar, customer_id bigint, content_hash varchar, provider_updated_at timestamp, is_gone boolean);
create or replace temp table own_customers (customer_id bigint);
create or replace temp table unowned_keys (kind varchar, value varchar);
create or replace temp table linked_rows ("row" bigint, customer_id bigint);
create or replace temp table blocked_rows ("row" bigint, customer_id bigint);
create or replace temp table held_keys ("row" bigint, kind varchar, value varchar);
"""
_HASHED = ", ".join(
    f"coalesce({name}::varchar, '')"
    for name in (*CUSTOMER_COLUMNS, "custom_fields", "warnings", "parent_id", "display_name", "qualified_name")
)
# No value has the character that parts them: the rules refuse it. Without properties nothing is added, as before them.
_HASHED_ROWS = f"""
create or replace temp table hashed_rows as
select "row", provider_id, provider_updated_at, coalesce(is_active, true) as is_active,
    sha256(concat_ws(chr(0), coalesce(is_active, true)::varchar, {_HASHED}, all_properties)) as content_hash
from validated_customers join pulled_rows using ("row") left join pulled_names using ("row")
left join (
    select "row", string_agg(concat_ws(chr(0), property_type, number::varchar, field_values), chr(0)
        order by property_type, number) as all_properties
    from properties group by "row") using ("row")
"""  # noqa: S608 - our own column names
_FREE_KEYS = """
create or replace temp table free_keys as
select kind, value from sought_keys anti join existing_keys using (kind, value) where is_needed
union all
select kind, value from unowned_keys
"""
_COMPARED = f"""
select "row", customer_id, {", ".join(CUSTOMER_COLUMNS)}, is_active, warnings, custom_fields
from validated_customers
join compared_rows using ("row")
join (select "row", is_active from hashed_rows) using ("row")
where "row" between ? and ?
order by "row"
"""  # noqa: S608 - our own column names
_PROPERTIES = """
select "row", customer_id, property_type, number, field_values
from properties join compared_rows using ("row")
where "row" between ? and ? order by "row", property_type, number
"""
_CLAIMING = 'select "row", customer_id from claiming_rows where "row" between ? and ? order by "row"'
_NEW_ROWS = """
insert into deduplicated_rows
select "row" from row_states
where row_state = 'new'
    and "row" not in (select "row" from linked_rows)
    and "row" not in (select "row" from blocked_rows)
order by "row"
"""


@dataclass(frozen=True)
class ReconcileCounts:
    """Valid rows of a pull by what is done with them."""

    created: int
    updated: int
    """Changed, or linked for the first time."""
    unchanged: int
    failed: int


def reconcile_pulled(
    staging: Staging,
    target: Connection,
    *,
    provider: str,
    tenant_id: str,
    settings: Settings,
    is_locking: bool = False,
) -> ReconcileCounts:
    """Fill this stage's tables: ``merged_rows``, what belongs to it, ``deduplicated_rows`` and ``row_errors``.

    May be run again at any time; it forgets its own earlier answer first.

    Args:
        staging: Validated.
        target: A connection in a transaction; only temporary tables are written.
        provider: ``quickbooks`` or ``xero``.
        tenant_id: QuickBooks realm or Xero tenant.
        settings: Which columns are identity keys, and whether customers from elsewhere are linked.
        is_locking: Keep others from changing the customers that are compared until the transaction ends.

    Returns:
        Together all validated rows.

    Source:
        docs/rules.md, R17, R18, R25.
    """
    with staging.transaction():
        staging.forget("deduplicate", *_OWN_TABLES)
        renew_keys(staging)
        staging.execute(_WORKING_TABLES)
        _find_row_states(staging, target, provider, tenant_id)
        _find_owners(staging, target, provider, tenant_id)
        _decide_new_rows(staging, settings.provider(provider).link_existing)
        staging.execute(_sql("compared_rows"))
        _compare(staging, target, provider, tenant_id, settings, is_locking=is_locking)
        staging.execute(_sql("claiming_rows"))
        _find_held_keys(staging, target, settings, is_locking=is_locking)
        staging.execute(_sql("claimed_keys"))
        staging.execute(_sql("merged_rows"))
    return _count(staging)


def _find_row_states(staging: Staging, target: Connection, provider: str, tenant_id: str) -> None:
    staging.execute(_HASHED_ROWS)
    ids = staging.batches("select provider_id from hashed_rows order by provider_id", _KEYS_AT_A_TIME)
    for links in find_links(target, provider, tenant_id, ids):
        staging.append("known_links", links)
    staging.execute(_sql("row_states"))


def _find_owners(staging: Staging, target: Connection, provider: str, tenant_id: str) -> None:
    staging.execute(_sql("sought_pulled_keys"))
    keys = staging.batches("select kind, value, is_needed from sought_keys order by kind, value", _KEYS_AT_A_TIME)
    for found in find_owners(target, provider, tenant_id, keys):
        owned = found.drop_nulls("customer_id")
        staging.append("existing_keys", owned.drop("is_own"))
        staging.append("own_customers", owned.filter("is_own").select("customer_id"))
        staging.append("unowned_keys", found.filter(pl.col("customer_id").is_null()).select("kind", "value"))
    staging.execute(_FREE_KEYS)


def _decide_new_rows(staging: Staging, link_existing: bool) -> None:
    """Link or fail the new rows whose person the target has from elsewhere, one by one in the order of the rows.

    A customer that a row was linked to belongs to the connection from then on, and blocks no later row.
    """
    linked: dict[int, int] = {}
    blocked: list[tuple[int, int]] = []
    for batch in staging.batches(_sql("foreign_owners"), _ROWS_AT_A_TIME):
        for row, owners in batch.iter_rows():
            left = [owner for owner in owners if owner not in linked]
            if link_existing and len(left) == 1:
                linked[left[0]] = row
            else:
                blocked += [(row, owner) for owner in left]
    staging.append("linked_rows", pl.DataFrame({"row": list(linked.values()), "customer_id": list(linked)}, _ROW_IDS))
    staging.append("blocked_rows", pl.DataFrame(blocked, _ROW_IDS, orient="row"))
    staging.execute(_sql("failed_pulled_rows"))
    staging.execute(_NEW_ROWS)


_ROW_IDS = {"row": pl.Int64, "customer_id": pl.Int64}


def _compare(
    staging: Staging, target: Connection, provider: str, tenant_id: str, settings: Settings, *, is_locking: bool
) -> None:
    fields = [column.key for column in staging.upload_columns() if column.role == "custom_field"]
    for bounds in staging.bounds('select "row" from compared_rows', _ROWS_AT_A_TIME):
        pulled = as_customers(staging.frame(_COMPARED, bounds))
        ids = pulled["customer_id"].to_list()
        present = find_present(target, ids, is_locking=is_locking)
        # Only after they are locked: what somebody was about to change has been changed by then.
        edited = find_edited(target, provider, tenant_id, ids)
        rows = pulled.select("row", "customer_id").join(present, on="customer_id", how="semi", maintain_order="left")
        here = find_properties(target, provider, tenant_id, ids)
        properties = find_property_changes(rows, staging.frame(_PROPERTIES, bounds), here)
        changes = find_changes(pulled, present, edited, settings.duplicates.keys, fields, properties["row"].unique())
        staging.append("changed_properties", properties)
        staging.append("updated_customers", changes.updated.drop("custom_fields"))
        staging.append("updated_custom_fields", changes.updated.select("row", "custom_fields"))
        staging.append("changed_values", changes.values)
        staging.append("held_keys", changes.held)
        # Of customers with the same address one alone has its key.
        staging.append("released_keys", find_owned(target, changes.released))


def _find_held_keys(staging: Staging, target: Connection, settings: Settings, *, is_locking: bool) -> None:
    """Note which keys the customers of unchanged rows have by what they are now, whoever changed them."""
    for bounds in staging.bounds('select "row" from claiming_rows', _ROWS_AT_A_TIME):
        claiming = staging.frame(_CLAIMING, bounds)
        present = find_present(target, claiming["customer_id"].to_list(), is_locking=is_locking)
        held = find_keys(claiming.join(present, on="customer_id", maintain_order="left"), settings.duplicates.keys)
        staging.append("held_keys", held.drop("column"))


def _count(staging: Staging) -> ReconcileCounts:
    counts = dict(staging.rows("select action, count(*) from merged_rows group by action"))
    failed = staging.number("select count(distinct \"row\") from row_errors where stage = 'deduplicate'")
    return ReconcileCounts(
        created=counts.get("create", 0),
        updated=counts.get("update", 0) + counts.get("link", 0),
        unchanged=counts.get("unchanged", 0),
        failed=failed,
    )


def _sql(name: str) -> str:
    return files(__package__).joinpath(f"{name}.sql").read_text(encoding="utf-8")
