"""Connections to providers in Dagster: renewed where nobody used them, shown with their age, checked."""

from datetime import UTC, datetime

import dagster as dg

from assets.display.failures import failures_as_messages
from assets.display.metadata import text_columns
from assets.runtime.resources import InstallationResource
from etl_customers.base.errors import NotNow
from etl_customers.connections.keep_alive import KeptAlive, keep_alive
from etl_customers.database.connect import reading
from etl_customers.database.connections import (
    CONNECTED,
    DISCONNECTED,
    OLD_SHARE,
    RECONNECT,
    ConnectionRecord,
    list_connections,
)
from etl_customers.imports.company_place import CompanyPlace, place_of
from etl_customers.imports.installation import Installation

_HEALTHY = "connections_are_healthy"
_SCHEMA = text_columns(
    (
        ("provider", "string", "quickbooks or xero."),
        ("connection", "string", "The provider's id of the company: QuickBooks realm or Xero tenant."),
        ("company", "string", "The company's name at the provider."),
        (
            "country",
            "string",
            "The company's country, ISO 3166-1 alpha-2, from the settings or else from the provider.",
        ),
        ("region", "string", "The state of that country."),
        ("state", "string", "connected, reconnect (a person must connect again) or disconnected."),
        ("connected", "string", "When a person last connected it, UTC."),
        ("renewed", "string", "When its token was last renewed, UTC."),
        ("dies", "string", "When it expires if it is not used, UTC."),
        ("ends", "string", "When it expires in any case, UTC."),
        ("age_share", "float", "The part of its life that has passed since it was renewed, 0 to 1."),
        ("problem", "string", "Why it could not be renewed this time."),
    )
)


@dg.asset(
    group_name="connections",
    kinds={"sql"},
    owners=["team:data"],
    tags={"stage": "connect"},
    metadata={"dagster/column_schema": _SCHEMA},
    check_specs=[
        dg.AssetCheckSpec(
            _HEALTHY,
            asset="provider_connections",
            description="Every connection that nobody ended is connected, less than half of its life has "
            "passed, and it does not expire for good within 60 days.",
        )
    ],
)
def provider_connections(installation: dg.ResourceParam[InstallationResource]) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """Connections to QuickBooks Online and Xero; those that nobody used for a week are renewed first."""
    now = datetime.now(UTC)
    with failures_as_messages(), installation.opened() as opened:
        kept = keep_alive(opened.home, opened.settings, opened.target, now)
        found = _list(opened)
    states = {state: sum(one.state == state for one in found) for state in (CONNECTED, RECONNECT, DISCONNECTED)}
    failed = sum(one.problem is not None for one in kept)
    live = [one for one in found if one.state != DISCONNECTED]
    oldest = max((one.age_share(now) for one in live), default=0.0)
    ending = sum(one.ends_soon(now) for one in live)
    is_healthy = not failed + ending and all(one.state == CONNECTED for one in live) and oldest <= OLD_SHARE
    numbers = {
        **states,
        "renewed": len(kept) - failed,
        "not_renewed": failed,
        "ending": ending,
        "oldest_age_share": round(oldest, 4),
    }
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": len(found),
            **numbers,
            "connections": dg.MetadataValue.table(
                [_row(one, place_of(opened.settings, one), kept, now) for one in found], _SCHEMA
            ),
        },
        check_results=[
            dg.AssetCheckResult(
                check_name=_HEALTHY,
                asset_key="provider_connections",
                passed=is_healthy,
                severity=dg.AssetCheckSeverity.WARN,
                metadata=numbers,
            )
        ],
    )


keep_connections_alive = dg.define_asset_job(
    "keep_connections_alive",
    selection=[provider_connections],
    description="Renews connections that nobody used for a week, and shows all with their age.",
)


@dg.schedule(
    job=keep_connections_alive,
    cron_schedule="30 4 * * *",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Every day at 4:30 UTC; does nothing if there is no connection.",
)
def daily_connection_care(installation: dg.ResourceParam[InstallationResource]) -> dg.RunRequest | dg.SkipReason:
    """Look after the connections, where there are any."""
    with failures_as_messages():
        try:
            with installation.opened() as opened:
                live = [one for one in _list(opened) if one.state != DISCONNECTED]
        except NotNow as error:
            return dg.SkipReason(f"nothing could be done now: {error}")
    return dg.RunRequest() if live else dg.SkipReason("there is no connection to a provider")


def _list(installation: Installation) -> list[ConnectionRecord]:
    with reading(installation.target) as connection:
        return list_connections(connection)


def _row(one: ConnectionRecord, place: CompanyPlace, kept: list[KeptAlive], now: datetime) -> dg.TableRecord:
    problems = {(tried.provider, tried.tenant_id): tried.problem for tried in kept}
    problem = problems.get((one.provider, one.tenant_id))
    return dg.TableRecord(
        {
            "provider": one.provider,
            "connection": one.tenant_id,
            "company": one.name,
            "country": place.country,
            "region": place.region,
            "state": one.state,
            "connected": _time(one.connected_at),
            "renewed": _time(one.refreshed_at),
            "dies": _time(one.refresh_expires_at),
            "ends": _time(one.hard_expires_at),
            "age_share": round(one.age_share(now), 4),
            "problem": str(problem) if problem else None,
        }
    )


def _time(time: datetime | None) -> str | None:
    return f"{time:%Y-%m-%d %H:%M}" if time else None
