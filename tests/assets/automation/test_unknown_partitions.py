"""A partition that somebody has invented in the UI does not stand in lists for ever; no import is taken for one."""

import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill

from assets.automation.launch import run_import_job
from assets.automation.unknown_partitions import unknown_partitions
from assets.definitions import define
from assets.runtime.instance import open_instance
from assets.runtime.resources import InstallationResource
from etl_customers.imports.installation import Installation, open_installation
from etl_customers.settings.home import Home

FORGED = "csv-20991231T235959Z-0000000a"
TYPED = "Canaryname of somebody"


@pytest.fixture
def instance(installation: Installation) -> Iterator[dg.DagsterInstance]:
    """Dagster's storage on the home."""
    with open_instance(installation.home) as opened:
        yield opened


def tick(instance: dg.DagsterInstance, installation: Installation, cursor: str | None = None) -> tuple[str, str | None]:
    """Evaluate the sensor and do what it asks for; return what it says and its cursor."""
    with dg.build_sensor_context(
        instance=instance,
        cursor=cursor,
        repository_def=define(str(installation.home.path)).get_repository_def(),
        resources={"installation": InstallationResource(home=str(installation.home.path))},
    ) as context:
        data = unknown_partitions.evaluate_tick(context)
    for request in data.dynamic_partitions_requests or ():
        for key in request.partition_keys:
            instance.delete_dynamic_partition("imports", key)
    return data.skip_message or "", data.cursor


def test_invented_partitions_are_taken_out_and_imports_stay(
    installation: Installation, instance: dg.DagsterInstance, import_id: str
) -> None:
    instance.add_dynamic_partitions("imports", ["hello", import_id, FORGED, TYPED])
    words, cursor = tick(instance, installation)
    assert words.startswith("of 4 partitions: removed 3 that are not imports.")
    assert TYPED not in words
    assert instance.get_dynamic_partitions("imports") == [import_id]
    words, cursor = tick(instance, installation, cursor)
    assert (words, cursor) == ("every partition is an import", f"1 {import_id}")


def test_the_ledger_is_asked_again_where_partitions_were_added_since(
    installation: Installation, instance: dg.DagsterInstance, import_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    instance.add_dynamic_partitions("imports", [import_id])
    _, cursor = tick(instance, installation)
    with monkeypatch.context() as away:
        away.setenv("ETL_CUSTOMERS_DATABASE_URL", "postgresql://user:secret@127.0.0.1:1/nowhere")
        assert tick(instance, installation, cursor)[0] == "every partition is an import"
        instance.add_dynamic_partitions("imports", ["hello"])
        assert tick(instance, installation, cursor)[0].startswith("nothing could be done now: the target database")
    assert "removed 1" in tick(instance, installation, cursor)[0]


def test_an_invented_partition_stays_while_a_run_of_it_is_under_way(
    installation: Installation, instance: dg.DagsterInstance
) -> None:
    instance.add_dynamic_partitions("imports", ["hello"])
    job = define(str(installation.home.path)).resolve_job_def("import_csv")
    run = instance.create_run_for_job(job, tags={"dagster/partition": "hello"})
    words, cursor = tick(instance, installation)
    assert "1 that are not imports have a run or a backfill under way" in words
    assert instance.get_dynamic_partitions("imports") == ["hello"]
    instance.report_run_failed(run)
    assert "removed 1" in tick(instance, installation, cursor)[0]


def test_imports_of_another_target_that_were_carried_out_stay(
    installation: Installation,
    instance: dg.DagsterInstance,
    import_id: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert run_import_job(installation.home, import_id).success
    open_installation(Home(tmp_path / "other")).target.dispose()
    monkeypatch.setenv("ETL_CUSTOMERS_DATABASE_URL", f"sqlite:///{tmp_path / 'other' / 'customers.db'}")
    assert tick(instance, installation)[0] == "every partition is an import"
    assert instance.get_dynamic_partitions("imports") == [import_id]


def test_an_invented_partition_stays_while_a_backfill_is_under_way(
    installation: Installation, instance: dg.DagsterInstance, import_id: str
) -> None:
    instance.add_dynamic_partitions("imports", [import_id, FORGED])
    backfill = PartitionBackfill(
        "backfill",
        BulkActionStatus.REQUESTED,
        from_failure=False,
        tags={},
        backfill_timestamp=time.time(),
        asset_selection=[],
    )
    instance.add_backfill(backfill)
    words, _ = tick(instance, installation)
    assert "1 that are not imports have a run or a backfill under way" in words
    instance.update_backfill(backfill.with_status(BulkActionStatus.COMPLETED_SUCCESS))  # type: ignore[no-untyped-call]
    tick(instance, installation)
    assert instance.get_dynamic_partitions("imports") == [import_id]
