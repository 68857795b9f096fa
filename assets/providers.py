"""The source assets of pulls: the customers of a provider's company as they came, mapped to rows."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import dagster as dg

from assets.display.endings import ends_in_words
from assets.display.failures import stage_of
from assets.display.import_facts import links_of, record_of, tag_run
from assets.display.lineage import columns_of_records, schema
from assets.display.metadata import checked, counts, warned
from assets.runtime.partitions import imports
from assets.runtime.resources import InstallationResource
from assets.runtime.run_log import engine_log
from etl_customers.database.connect import reading
from etl_customers.database.connections import CONNECTED, OLD_SHARE, list_connections
from etl_customers.database.ledger import ImportRecord
from etl_customers.imports.installation import Installation
from etl_customers.report.accounting import count_staged_records
from schemas.provider_records import RecordShape
from schemas.quickbooks_customers import QUICKBOOKS_CUSTOMERS
from schemas.sources import FIRST_STAGES, LABELS, QUICKBOOKS, XERO
from schemas.xero_contacts import XERO_CONTACTS

if TYPE_CHECKING:
    from etl_customers.imports.fetching import Pulled

_STAGED = "every_record_is_staged"
_FRESH = "connection_is_fresh"
_COMPLETE = "all_customers_came"
_DAILY = dg.FreshnessPolicy.time_window(fail_window=timedelta(days=8), warn_window=timedelta(hours=26))
"""A day and some hours without a pull is worth a look, and a week is more than that.

Of a home that never pulled, Dagster says that it does not know.
"""


def _define(provider: str, shape: RecordShape) -> dg.AssetsDefinition:
    """Return the asset of a provider; all providers' are alike."""
    asset = FIRST_STAGES[provider]

    @dg.asset(
        name=asset,
        description=f"Customers that a pull fetched from {LABELS[provider]}, one row each in the columns of the "
        "template; those that must not be synced are included, with the reason.",
        partitions_def=imports,
        group_name="customers",
        kinds={provider, "duckdb"},
        owners=["team:data"],
        tags={"stage": "read"},
        metadata=schema(columns_of_records(shape)),
        freshness_policy=_DAILY,
        check_specs=[
            dg.AssetCheckSpec(
                _STAGED,
                asset=asset,
                blocking=True,
                description="Customers fetched = records in staging = rows made from them.",
            ),
            dg.AssetCheckSpec(
                _FRESH,
                asset=asset,
                description="The connection works, less than half of its life has passed since it was renewed, and "
                "it does not expire for good within 60 days.",
            ),
            dg.AssetCheckSpec(
                _COMPLETE,
                asset=asset,
                description="As many customers came as the provider counts, and none can have been missed.",
            ),
        ],
    )
    @ends_in_words
    def pulled(
        context: dg.AssetExecutionContext, installation: dg.ResourceParam[InstallationResource]
    ) -> dg.MaterializeResult:  # type: ignore[type-arg]
        # What speaks to providers takes long to import, and the import of a file needs none of it.
        from etl_customers.imports.fetching import run_provider_customers

        with stage_of(context, installation, source=provider) as (opened, import_id), engine_log(context):
            done = run_provider_customers(opened, import_id, context.run_id)
            staged = count_staged_records(opened.staging_path(import_id), opened.settings.staging)
            record = record_of(opened, import_id)
            tags, links = tag_run(context, opened, record), links_of(opened, record)
            is_fresh, age = _connection_of(opened, record)
            limit = opened.settings.provider(provider).requests_per_minute
        records, rows = (done.fetched, done.fetched) if staged is None else (staged.records, staged.rows)
        is_staged = done.fetched == records == rows
        numbers = {"fetched": done.fetched, "records": records, "rows": rows}
        return dg.MaterializeResult(
            metadata=counts(
                done.fetched,
                {} if staged is None else staged.by_code,
                is_pull=True,
                fetched=done.fetched,
                left_out_on_purpose=done.left_out,
                invalid=done.invalid,
                pages=done.pages,
                requests_per_minute_at_most=limit,
            )
            | {
                "is_full": bool(record.is_full),
                "is_complete": done.is_complete,
                "changed_since": f"{done.since:%Y-%m-%d %H:%M:%S} UTC" if done.since else "all customers",
                "deleted_there": len(done.deletions.ids),
            }
            | _deletions(done)
            | links,
            tags=tags,
            check_results=[
                checked(_STAGED, asset, is_staged, import_id, **numbers),
                warned(_FRESH, asset, is_fresh, import_id, age_share=round(age, 4)),
                warned(_COMPLETE, asset, done.is_complete, import_id, fetched=done.fetched, **_told(done)),
            ],
        )

    return pulled


def _told(done: "Pulled") -> dict[str, str]:
    return {"why": done.why_incomplete} if done.why_incomplete else {}


def _deletions(done: "Pulled") -> dict[str, str]:
    why = done.deletions.why_unknown
    return {"why_deletions_unknown": why} if why else {}


def _connection_of(installation: Installation, record: ImportRecord) -> tuple[bool, float]:
    """Tell whether a pull's connection will last, and return the share of its life that has passed."""
    with reading(installation.target) as connection:
        found = {one.tenant_id: one for one in list_connections(connection, record.source)}
    one, now = found.get(record.tenant_id or ""), datetime.now(UTC)
    if one is None:
        return False, 1.0
    age = one.age_share(now)
    return one.state == CONNECTED and age <= OLD_SHARE and not one.ends_soon(now), age


quickbooks_customers = _define(QUICKBOOKS, QUICKBOOKS_CUSTOMERS)
xero_customers = _define(XERO, XERO_CONTACTS)
