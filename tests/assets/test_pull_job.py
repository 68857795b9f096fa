"""The job that a person starts in the launchpad: it pulls in a run of its own, and ends as that ends."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
import pytest

from assets.definitions import define
from assets.endings import CODE
from assets.instance import open_instance
from etl_customers.pulls import accept
from etl_customers.workshop import Workshop
from tests.assets.pulling import connected
from tests.fakes.quickbooks import FakeQuickBooks
from tests.imported import record_of


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Workshop, FakeQuickBooks]]:
    """A connected home, of which each test takes what it needs."""
    with connected(tmp_path_factory.mktemp("pulling")) as found:
        yield found


@pytest.fixture
def workshop(books: tuple[Workshop, FakeQuickBooks], monkeypatch: pytest.MonkeyPatch) -> Workshop:
    """That home, in an environment that leads to the fake."""
    workshop, fake = books
    for name, value in fake.environment().items():
        monkeypatch.setenv(name, value)
    return workshop


def start(workshop: Workshop, **config: Any) -> dg.ExecuteInProcessResult:
    """Launch the job as a person does, with what was typed."""
    job = define(str(workshop.home.path)).resolve_job_def("start_pull")
    run_config = {"ops": {"pull_customers": {"config": config}}}
    with open_instance(workshop.home) as instance:
        return job.execute_in_process(run_config, instance=instance, raise_on_error=False)


def test_a_full_pull_is_begun_when_the_one_under_way_has_ended(workshop: Workshop) -> None:
    pending = accept(workshop, "quickbooks", None, accepted_by="test").record
    with workshop.target.begin() as connection:
        connection.exec_driver_sql("update imports set is_full = false")
    result = start(workshop, provider="quickbooks", full=True)
    assert result.success
    assert record_of(workshop, pending.import_id).status == "finished"
    outputs = [event for event in result.all_events if event.is_step_success or event.event_type_value == "STEP_OUTPUT"]
    shown = next(event.step_output_data.metadata for event in outputs if event.is_successful_output)
    assert (shown["fetched"].value, shown["created"].value, shown["unchanged"].value) == (4, 0, 3)
    assert shown["import"].value != pending.import_id


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"provider": "quickbooks", "tenant": "my company"}, "not an id of a company at QuickBooks Online"),
        ({"provider": "xero"}, "there is no connection to Xero"),
        ({"provider": "quickbooks", "tenant": "1"}, "etl-customers connections"),
    ],
)
def test_what_cannot_be_pulled_is_said_in_a_sentence(workshop: Workshop, config: dict[str, str], words: str) -> None:
    (failure,) = start(workshop, **config).get_step_failure_events()
    said = failure.step_failure_data.user_failure_data
    assert said is not None
    assert words in (said.description or "")
    assert CODE in said.metadata
