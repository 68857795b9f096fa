"""What the clock starts: pulls of connected companies, care for connections; and what it says where it starts nothing."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from assets.connections import daily_connection_care, keep_connections_alive
from assets.definitions import define
from assets.instance import open_instance
from assets.pull_schedules import hourly_quickbooks_pull, hourly_xero_pull, weekly_quickbooks_full_pull
from assets.resources import WorkshopResource
from etl_customers.settings import Home
from etl_customers.target.connect import writing
from etl_customers.target.connections import RECONNECT, set_state
from etl_customers.workshop import Workshop
from tests.assets.pulling import connected
from tests.fakes.quickbooks import FakeQuickBooks
from tests.imported import record_of


@pytest.fixture
def scheduled(tmp_path: Path) -> Iterator[tuple[Workshop, FakeQuickBooks]]:
    """A connected home whose settings let the clock pull."""
    with connected(tmp_path, scheduled=True) as found:
        yield found


def tick(
    schedule: dg.ScheduleDefinition, home: Home, instance: dg.DagsterInstance
) -> tuple[list[dg.RunRequest], str | None]:
    """Evaluate a schedule; return the runs that it asks for, and what it says where there are none."""
    context = dg.build_schedule_context(
        instance=instance,
        resources={"workshop": WorkshopResource(str(home.path))},
        repository_def=define(str(home.path)).get_repository_def(),
    )
    data = schedule.evaluate_tick(context)
    return list(data.run_requests or []), data.skip_message


def test_the_clock_asks_for_a_pull_of_each_company_once(scheduled: tuple[Workshop, FakeQuickBooks]) -> None:
    workshop, fake = scheduled
    with open_instance(workshop.home) as instance:
        (request,), _ = tick(hourly_quickbooks_pull, workshop.home, instance)
        assert request.partition_key is not None
        assert request.tags["connection"] == fake.tenant
        record = record_of(workshop, request.partition_key)
        assert (record.status, record.accepted_by, record.is_full) == ("accepted", "schedule", True)
        again, _ = tick(hourly_quickbooks_pull, workshop.home, instance)
        assert [one.run_key for one in again] == [request.run_key]
        instance.create_run_for_job(keep_job(workshop.home), tags={"dagster/partition": request.partition_key})
        assert tick(hourly_quickbooks_pull, workshop.home, instance) == ([], "of 1 connections: 1 being pulled")
        assert tick(weekly_quickbooks_full_pull, workshop.home, instance) == (
            [],
            "of 1 connections: 1 pulled in full already",
        )


def keep_job(home: Home) -> dg.JobDefinition:
    return define(str(home.path)).resolve_job_def(keep_connections_alive.name)


def test_a_connection_that_a_person_has_to_renew_is_not_pulled(scheduled: tuple[Workshop, FakeQuickBooks]) -> None:
    workshop, fake = scheduled
    with writing(workshop.target) as connection:
        set_state(connection, "quickbooks", fake.tenant, RECONNECT)
    with open_instance(workshop.home) as instance:
        said = tick(hourly_quickbooks_pull, workshop.home, instance)[1]
    assert said == "there is no connection to QuickBooks Online"


def test_the_clock_pulls_nothing_unless_the_settings_say_so(scheduled: tuple[Workshop, FakeQuickBooks]) -> None:
    workshop, _ = scheduled
    with open_instance(workshop.home) as instance:
        requests, said = tick(hourly_xero_pull, workshop.home, instance)
    assert (requests, said) == (
        [],
        "pulls from Xero are off; to turn them on: etl-customers settings set xero.scheduled true",
    )


def test_connections_are_looked_after_every_day_where_there_are_any(
    scheduled: tuple[Workshop, FakeQuickBooks], tmp_path: Path
) -> None:
    workshop, _ = scheduled
    with open_instance(workshop.home) as instance:
        assert len(tick(daily_connection_care, workshop.home, instance)[0]) == 1
        other = tick(daily_connection_care, Home(tmp_path / "other"), instance)
    assert other == ([], "there is no connection to a provider")


def test_connections_are_shown_with_their_company_and_age(scheduled: tuple[Workshop, FakeQuickBooks]) -> None:
    workshop, fake = scheduled
    with open_instance(workshop.home) as instance:
        result = keep_job(workshop.home).execute_in_process(instance=instance)
        event = instance.get_latest_materialization_event(dg.AssetKey("provider_connections"))
    assert event is not None
    assert event.asset_materialization is not None
    table = event.asset_materialization.metadata["connections"]
    assert isinstance(table, dg.TableMetadataValue)
    [row] = [record.data for record in table.records]
    assert (row["connection"], row["state"]) == (fake.tenant, "connected")
    assert (row["company"], row["provider"]) == ("Example", "quickbooks")
    assert [check.passed for check in result.get_asset_check_evaluations()] == [True]
