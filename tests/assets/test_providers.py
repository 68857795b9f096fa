"""A pull in Dagster: its run is seen, checked, accounted for, and holds nothing of a customer."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from assets.automation.launch import RunOutcome, run_import_job
from assets.display.tags import import_tags
from assets.runtime.instance import open_instance
from etl_customers.database.ledger import ImportRecord
from etl_customers.imports.accepting_pulls import accept
from etl_customers.imports.installation import Installation
from etl_customers.settings.home import Home
from tests.assets.pulling import CANARIES, connected
from tests.fakes.quickbooks import FakeQuickBooks
from tests.imported import record_of


@pytest.fixture(scope="module")
def pulled(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Installation, FakeQuickBooks, ImportRecord, str]]:
    """A home with a pull, and the id of its run; tests only look at them."""
    with connected(tmp_path_factory.mktemp("pulled")) as (installation, fake):
        record = accept(installation, "quickbooks", None, accepted_by="test").record
        tags = import_tags(record, installation.settings)
        outcome = run_import_job(installation.home, record.import_id, None, tags, "quickbooks")
        assert outcome.failure is None
        yield installation, fake, record_of(installation, record.import_id), outcome.run_id


def metadata(home: Home, asset: str) -> dict[str, Any]:
    with open_instance(home) as instance:
        event = instance.get_latest_materialization_event(dg.AssetKey(asset))
    assert event is not None
    assert event.asset_materialization is not None
    found = event.asset_materialization.metadata
    return {name: value.value for name, value in found.items() if not isinstance(value, dg.TableMetadataValue)}


def test_a_pulls_run_has_its_connection_its_counts_and_all_its_checks(
    pulled: tuple[Installation, FakeQuickBooks, ImportRecord, str],
) -> None:
    installation, fake, record, run_id = pulled
    with open_instance(installation.home) as instance:
        run = instance.get_run_by_id(run_id)
        assert run is not None
        assert run.job_name == "import_quickbooks"
        assert run.status == dg.DagsterRunStatus.SUCCESS
        assert run.tags["connection"] == fake.tenant
        assert (run.tags["source"], run.tags["status"], run.tags["failed_rows"]) == ("quickbooks", "finished", "no")
        entries = instance.all_logs(run_id)
    results = [
        entry.dagster_event.asset_check_evaluation_data
        for entry in entries
        if entry.dagster_event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION and entry.dagster_event
    ]
    assert len(results) == 12
    assert [result.check_name for result in results if not result.passed] == []
    source, loaded = (
        metadata(installation.home, "quickbooks_customers"),
        metadata(installation.home, "loaded_customers"),
    )
    assert (source["fetched"], source["left_out_on_purpose"], source["is_full"]) == (4, 1, True)
    numbers = ("fetched", "created", "updated", "unchanged", "not_synced")
    assert [loaded[name] for name in numbers] == [4, 3, 0, 0, 1]
    assert loaded["left out on purpose: project"] == 1
    assert (loaded["kind: customers"], loaded["kind: projects"]) == (3, 1)
    assert metadata(installation.home, "failed_rows")["kept_edited"] == 0
    assert not [name for name in loaded if name.startswith("failed")]
    assert (run.tags["accepted_by"], loaded["accepted_by"]) == ("test", "test")
    assert (record.run_id, record.rows_loaded) == (run_id, 3)


def test_the_log_of_a_pulls_run_has_a_line_for_each_answer(
    pulled: tuple[Installation, FakeQuickBooks, ImportRecord, str],
) -> None:
    installation, fake, _, run_id = pulled
    with open_instance(installation.home) as instance:
        lines = [entry.user_message for entry in instance.all_logs(run_id) if entry.dagster_event is None]
    assert len(lines) >= fake.count("page") + fake.count("count")


def test_nothing_of_a_customer_or_a_token_is_in_dagsters_storage(
    pulled: tuple[Installation, FakeQuickBooks, ImportRecord, str],
) -> None:
    installation, fake, _, _ = pulled
    storage = b"".join(path.read_bytes() for path in installation.home.dagster.rglob("*") if path.is_file())
    secrets = (*CANARIES, *fake.oauth.issued)
    assert not [secret for secret in secrets if secret.encode() in storage]


def test_a_pull_under_the_job_of_another_source_has_nothing_to_read_there_and_changes_nothing(
    pulled: tuple[Installation, FakeQuickBooks, ImportRecord, str],
) -> None:
    installation, _, record, _ = pulled
    outcome: RunOutcome = run_import_job(installation.home, record.import_id, source="xero")
    assert outcome.success
    assert record_of(installation, record.import_id) == record
    with open_instance(installation.home) as instance:
        [made] = instance.fetch_materializations(
            dg.AssetRecordsFilter(asset_key=dg.AssetKey("xero_customers"), asset_partitions=[record.import_id]), limit=5
        ).records
    assert made.asset_materialization is not None
    said = made.asset_materialization.metadata["nothing_to_do"].value
    assert said == (
        f"nothing to read: import {record.import_id} is from QuickBooks Online, and this asset reads only Xero"
    )


def test_a_refused_pull_is_a_failed_run_with_its_message(tmp_path: Path) -> None:
    with connected(tmp_path) as (installation, fake):
        record = accept(installation, "quickbooks", None, accepted_by="test").record
        fake.oauth.forget_grants()
        outcome = run_import_job(installation.home, record.import_id, source="quickbooks")
        assert outcome.failure is not None
        assert (outcome.failure.code, outcome.failure.exit_code) == ("reconnect", 2)
        assert record_of(installation, record.import_id).status == "refused"
