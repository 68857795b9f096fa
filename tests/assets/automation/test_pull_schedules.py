"""What the clock starts: pulls of connected companies, care for connections; and what it says where it starts nothing."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from assets.automation.jobs import assets_of
from assets.automation.pull_schedules import hourly_pulls
from assets.connections import daily_connection_care, keep_connections_alive
from assets.definitions import define
from assets.runtime.instance import open_instance
from assets.runtime.resources import InstallationResource
from etl_customers.database.connect import writing
from etl_customers.database.connections import RECONNECT, set_state
from etl_customers.database.tables import imports
from etl_customers.imports.installation import Installation
from etl_customers.imports.whole import run_pull
from etl_customers.settings.home import Home
from tests.assets.pulling import connected
from tests.connected import connect_fake
from tests.fakes.provider_server import running
from tests.fakes.quickbooks import FakeQuickBooks
from tests.fakes.xero import FakeXero
from tests.imported import record_of


@pytest.fixture
def scheduled(tmp_path: Path) -> Iterator[tuple[Installation, FakeQuickBooks]]:
    """A connected home whose settings let the clock pull."""
    with connected(tmp_path, scheduled=True) as found:
        yield found


def tick(
    schedule: dg.ScheduleDefinition, home: Home, instance: dg.DagsterInstance
) -> tuple[list[dg.RunRequest], str | None]:
    """Evaluate a schedule; return the runs that it asks for, and what it says where there are none."""
    with dg.build_schedule_context(
        instance=instance,
        resources={"installation": InstallationResource(str(home.path))},
        repository_def=define(str(home.path)).get_repository_def(),
    ) as context:
        data = schedule.evaluate_tick(context)
    return list(data.run_requests or []), data.skip_message


def test_the_clock_asks_for_a_pull_of_each_company_once(scheduled: tuple[Installation, FakeQuickBooks]) -> None:
    installation, fake = scheduled
    with open_instance(installation.home) as instance:
        (request,), _ = tick(hourly_pulls, installation.home, instance)
        assert request.partition_key is not None
        assert request.tags["connection"] == fake.tenant
        assert request.asset_selection == assets_of("quickbooks")
        record = record_of(installation, request.partition_key)
        assert (record.status, record.accepted_by, record.is_full) == ("accepted", "schedule", True)
        again, _ = tick(hourly_pulls, installation.home, instance)
        assert [one.run_key for one in again] == [request.run_key]
        instance.create_run_for_job(keep_job(installation.home), tags={"dagster/partition": request.partition_key})
        requests, said = tick(hourly_pulls, installation.home, instance)
    assert requests == []
    assert said is not None
    assert said.startswith("all connections to QuickBooks Online are being pulled (1); pulls from Xero are off")


def test_one_schedule_pulls_all_companies_of_all_providers_each_in_a_run_of_its_own(
    scheduled: tuple[Installation, FakeQuickBooks], monkeypatch: pytest.MonkeyPatch
) -> None:
    installation, fake = scheduled
    fake.open_books("Other").add(2, is_plain=True)
    second = connect_fake(fake, installation.home, installation.target, tenant=fake.chosen)
    with running(FakeXero()) as xero, open_instance(installation.home) as instance:
        for name, value in (xero.environment() | {"ETL_CUSTOMERS_XERO__SCHEDULED": "true"}).items():
            monkeypatch.setenv(name, value)
        xero.add(2, is_plain=True)
        connect_fake(xero, installation.home, installation.target)
        requests, _ = tick(hourly_pulls, installation.home, instance)
        assert [request.tags["connection"] for request in requests] == [fake.tenant, second, xero.tenant]
        job = define(str(installation.home.path)).resolve_job_def("import_pull")
        for request in requests:
            done = job.execute_in_process(
                instance=instance,
                partition_key=request.partition_key,
                asset_selection=request.asset_selection,
                tags=request.tags,
            )
            assert done.success
            record = record_of(installation, request.partition_key or "")
            made = {event.asset_key.path[-1] for event in done.get_asset_materialization_events() if event.asset_key}
            assert (record.status, record.run_id) == ("finished", done.run_id)
            assert {key.path[-1] for key in assets_of(record.source)} <= made
        monkeypatch.delenv("ETL_CUSTOMERS_QUICKBOOKS_CLIENT_ID")
        requests, _ = tick(hourly_pulls, installation.home, instance)
        assert [request.tags["connection"] for request in requests] == [xero.tenant]
        monkeypatch.setenv("ETL_CUSTOMERS_XERO__SCHEDULED", "false")
        with pytest.raises(dg.DagsterError) as failed:
            tick(hourly_pulls, installation.home, instance)
    assert "CLIENT_ID" in str(failed.value.__cause__)


def test_the_pull_of_the_hour_is_a_full_one_when_full_every_days_have_passed(
    scheduled: tuple[Installation, FakeQuickBooks], monkeypatch: pytest.MonkeyPatch
) -> None:
    installation, _ = scheduled
    tables = imports.c
    with open_instance(installation.home) as instance:

        def asked(days_ago: float) -> bool | None:
            """Tell whether a full pull is asked for so many days after the last one; that stays the last one."""
            with writing(installation.target) as connection:
                at = datetime.now(UTC) - timedelta(days=days_ago)
                connection.execute(imports.delete().where(tables.status == "accepted"))
                connection.execute(imports.update().values(accepted_at=at))
            (request,), _ = tick(hourly_pulls, installation.home, instance)
            return record_of(installation, request.partition_key or "").is_full

        (first,), _ = tick(hourly_pulls, installation.home, instance)
        run_pull(installation, first.partition_key or "")
        assert [asked(days) for days in (0.1, 6.9, 7.1)] == [False, False, True]
        monkeypatch.setenv("ETL_CUSTOMERS_QUICKBOOKS__FULL_EVERY_DAYS", "30")
        assert [asked(days) for days in (7.1, 29.9, 30.1)] == [False, False, True]
        with writing(installation.target) as connection:
            refused = {"status": "refused", "refusal_code": "too_many_vanished"}
            connection.execute(imports.update().where(tables.status == "accepted").values(refused))
        (request,), _ = tick(hourly_pulls, installation.home, instance)
        assert record_of(installation, request.partition_key or "").is_full is False


def keep_job(home: Home) -> dg.JobDefinition:
    return define(str(home.path)).resolve_job_def(keep_connections_alive.name)


def test_a_connection_that_a_person_has_to_renew_is_not_pulled(scheduled: tuple[Installation, FakeQuickBooks]) -> None:
    installation, fake = scheduled
    with writing(installation.target) as connection:
        set_state(connection, "quickbooks", fake.tenant, RECONNECT)
    with open_instance(installation.home) as instance:
        said = tick(hourly_pulls, installation.home, instance)[1]
    assert (said or "").startswith("there is no connection to QuickBooks Online; ")


def test_the_clock_pulls_nothing_unless_the_settings_say_so(
    scheduled: tuple[Installation, FakeQuickBooks], monkeypatch: pytest.MonkeyPatch
) -> None:
    installation, _ = scheduled
    monkeypatch.setenv("ETL_CUSTOMERS_QUICKBOOKS__SCHEDULED", "false")
    with open_instance(installation.home) as instance:
        requests, said = tick(hourly_pulls, installation.home, instance)
    off = "pulls from {} are off; to turn them on, run: etl-customers settings set {}.scheduled true"
    both = (("QuickBooks Online", "quickbooks"), ("Xero", "xero"))
    assert (requests, said) == ([], "; ".join(off.format(*one) for one in both))


def test_connections_are_looked_after_every_day_where_there_are_any(
    scheduled: tuple[Installation, FakeQuickBooks], tmp_path: Path
) -> None:
    installation, _ = scheduled
    with open_instance(installation.home) as instance:
        assert len(tick(daily_connection_care, installation.home, instance)[0]) == 1
        other = tick(daily_connection_care, Home(tmp_path / "other"), instance)
    assert other == ([], "there is no connection to a provider")


def test_connections_are_shown_with_their_company_and_age(scheduled: tuple[Installation, FakeQuickBooks]) -> None:
    installation, fake = scheduled
    with open_instance(installation.home) as instance:
        result = keep_job(installation.home).execute_in_process(instance=instance)
        event = instance.get_latest_materialization_event(dg.AssetKey("provider_connections"))
    assert event is not None
    assert event.asset_materialization is not None
    table = event.asset_materialization.metadata["connections"]
    assert isinstance(table, dg.TableMetadataValue)
    [row] = [record.data for record in table.records]
    assert (row["connection"], row["state"]) == (fake.tenant, "connected")
    assert (row["company"], row["provider"]) == ("Example", "quickbooks")
    assert [check.passed for check in result.get_asset_check_evaluations()] == [True]
