"""The job that a person starts in the launchpad: it pulls in a run of its own, and ends as that ends."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from assets.definitions import define
from assets.display.endings import CODE
from assets.runtime.instance import open_instance
from etl_customers.imports.accepting_pulls import accept
from etl_customers.imports.installation import Installation
from tests.assets.pulling import connected
from tests.connected import connect_fake
from tests.fakes.quickbooks import FakeQuickBooks
from tests.imported import record_of


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Installation, FakeQuickBooks]]:
    """A connected home, of which each test takes what it needs."""
    with connected(tmp_path_factory.mktemp("pulling")) as found:
        yield found


@pytest.fixture
def installation(books: tuple[Installation, FakeQuickBooks], monkeypatch: pytest.MonkeyPatch) -> Installation:
    """That home, in an environment that leads to the fake."""
    installation, fake = books
    for name, value in fake.environment().items():
        monkeypatch.setenv(name, value)
    return installation


def start(installation: Installation, **config: Any) -> dg.ExecuteInProcessResult:
    """Launch the job as a person does, with what was typed."""
    job = define(str(installation.home.path)).resolve_job_def("start_pull")
    run_config = {"ops": {"pull_customers": {"config": config}}}
    with open_instance(installation.home) as instance:
        return job.execute_in_process(run_config, instance=instance, raise_on_error=False)


def test_a_full_pull_is_begun_when_the_one_under_way_has_ended(installation: Installation) -> None:
    pending = accept(installation, "quickbooks", None, accepted_by="test").record
    with installation.target.begin() as connection:
        connection.exec_driver_sql("update imports set is_full = false")
    result = start(installation, provider="quickbooks", full=True)
    assert result.success
    assert record_of(installation, pending.import_id).status == "finished"
    outputs = [event for event in result.all_events if event.is_step_success or event.event_type_value == "STEP_OUTPUT"]
    shown = next(event.step_output_data.metadata for event in outputs if event.is_successful_output)
    assert (shown["fetched"].value, shown["created"].value, shown["unchanged"].value) == (4, 0, 3)
    assert shown["import"].value != pending.import_id


def test_without_a_tenant_all_companies_are_pulled_each_by_an_import_and_a_run_of_its_own(
    tmp_path: Path,
) -> None:
    with connected(tmp_path) as (installation, fake):
        fake.open_books("Other").put({"DisplayName": "Only Shop", "CompanyName": "Only Shop"})
        other = connect_fake(fake, installation.home, installation.target, tenant=fake.chosen)
        shown = lines_of(start(installation, provider="quickbooks"))
        assert [(line["connection"], line["ended"], line["created"]) for line in shown] == [
            (fake.tenant, "finished", 3),
            (other, "finished", 1),
        ]
        records = [record_of(installation, str(line["import"])) for line in shown]
        assert [record.tenant_id for record in records] == [fake.tenant, other]
        assert len({record.run_id for record in records}) == 2

        fake.clock.advance(days=2)
        fake.oauth.forget_grants()
        connect_fake(fake, installation.home, installation.target, tenant=other)
        failed = start(installation, provider="quickbooks")
        assert not failed.success
        (failure,) = failed.get_step_failure_events()
        said = failure.step_failure_data.user_failure_data
        assert said is not None
        assert (said.description or "").startswith("1 of 2 companies were not pulled; the log names each; ")
        assert f"no longer accepts the connection {fake.tenant}" in (said.description or "")
        assert said.metadata[CODE].value == "reconnect"
        assert [(line["connection"], line["ended"]) for line in lines_in(said.metadata)] == [
            (fake.tenant, "reconnect"),
            (other, "finished"),
        ]
        config = {"provider": "quickbooks", "full": True, "accept_vanished": True}
        (failure,) = start(installation, **config).get_step_failure_events()
        said = failure.step_failure_data.user_failure_data
        assert said is not None
        assert f"where ID is one of {fake.tenant}, {other}" in (said.description or "")


def lines_of(result: dg.ExecuteInProcessResult) -> list[dict[str, Any]]:
    """Return the table of a job that went well."""
    assert result.success
    outputs = [event.step_output_data for event in result.all_events if event.is_successful_output]
    return lines_in(outputs[0].metadata)


def lines_in(metadata: Mapping[str, Any]) -> list[dict[str, Any]]:
    table = metadata["pulls"]
    assert isinstance(table, dg.TableMetadataValue)
    return [dict(record.data) for record in table.records]


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"provider": "quickbooks", "tenant": "my company"}, "not an id of a company at QuickBooks Online"),
        ({"provider": "xero"}, "there is no connection to Xero"),
        ({"provider": "quickbooks", "tenant": "1"}, "etl-customers connections"),
    ],
)
def test_what_cannot_be_pulled_is_said_in_a_sentence(
    installation: Installation, config: dict[str, str], words: str
) -> None:
    (failure,) = start(installation, **config).get_step_failure_events()
    said = failure.step_failure_data.user_failure_data
    assert said is not None
    assert words in (said.description or "")
    assert CODE in said.metadata
