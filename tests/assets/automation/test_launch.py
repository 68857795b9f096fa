"""Runs that the command line starts: seen by Dagster, accounted for, quiet, and their failures as messages."""

from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from assets.automation.launch import run_import_job
from assets.runtime.instance import make_dagster_home, open_instance
from assets.runtime.progress import Progress
from etl_customers.base.errors import SettingsInvalid
from etl_customers.database.connect import reading
from etl_customers.database.ledger import find_import
from etl_customers.imports.accepting import accept_upload
from etl_customers.imports.installation import Installation, open_installation
from etl_customers.imports.stages import run_raw_csv
from etl_customers.settings.home import Home

CANARIES = ("canary", "Canary", "customers.csv", "ADA", "Ada")


def test_a_run_is_in_the_instance_with_its_partition_and_all_that_the_ui_shows(
    installation: Installation, import_id: str, capfd: pytest.CaptureFixture[str]
) -> None:
    stages: list[str] = []
    progress = Progress(stage=stages.append, hashed=lambda *_: None)
    outcome = run_import_job(installation.home, import_id, progress, {"file": import_id[-8:]})
    assert outcome.success
    assert capfd.readouterr() == ("", "")
    assert stages == [
        "raw_csv",
        "validated_customers",
        "deduplicated_customers",
        "loaded_customers",
        "failed_rows",
    ]
    with open_instance(installation.home) as instance:
        run = instance.get_run_by_id(outcome.run_id)
        assert run is not None
        assert run.status == dg.DagsterRunStatus.SUCCESS
        assert run.tags["dagster/partition"] == import_id
        assert (run.tags["source"], run.tags["file"]) == ("csv", import_id[-8:])
        assert (run.tags["status"], run.tags["failed_rows"]) == ("finished", "yes")
        assert instance.get_dynamic_partitions("imports") == [import_id]
        failed = metadata(instance, "failed_rows")
        assert metadata(instance, "raw_csv")["read"] == 3
        assert reasons(instance, "validated_customers") == {"required": 1, "unknown_state": 1}
        assert reasons(instance, "deduplicated_customers") == {"duplicate_in_file": 1}
        assert metadata(instance, "loaded_customers")["dagster/row_count"] == 1
        assert [(cell.data["row"], cell.data["code"]) for cell in failed["failed_rows"]] == [
            (3, "required"),
            (3, "unknown_state"),
            (4, "duplicate_in_file"),
        ]
        checks = instance.get_records_for_run(outcome.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
        results = [record.event_log_entry.get_dagster_event().asset_check_evaluation_data for record in checks.records]
        assert len(results) == 10
        assert [result.check_name for result in results if not result.passed] == ["failed_share_is_low"]
    with reading(installation.target) as connection:
        record = find_import(connection, import_id)
        assert record is not None
        assert record.run_id == outcome.run_id
    storage = b"".join(path.read_bytes() for path in installation.home.dagster.rglob("*") if path.is_file())
    assert not [canary for canary in CANARIES if canary.encode() in storage]


def metadata(instance: dg.DagsterInstance, asset: str) -> dict[str, Any]:
    """Return the values of an asset's latest metadata; a table's are its records."""
    event = instance.get_latest_materialization_event(dg.AssetKey(asset))
    assert event is not None
    assert event.asset_materialization is not None
    return {
        name: value.records if isinstance(value, dg.TableMetadataValue) else value.value
        for name, value in event.asset_materialization.metadata.items()
    }


def reasons(instance: dg.DagsterInstance, asset: str) -> dict[str, int]:
    """Return the failed rows of an asset's latest materialization by code, as its numbers and its table have them."""
    shown = metadata(instance, asset)
    in_table = {record.data["code"]: record.data["rows"] for record in shown["failed_by_reason"]}
    prefix = "failed: "
    assert in_table == {name.removeprefix(prefix): shown[name] for name in shown if name.startswith(prefix)}
    assert all(record.data["meaning"] for record in shown["failed_by_reason"])
    return in_table


def test_a_refused_file_is_a_failed_run_with_its_message(installation: Installation, tmp_path: Path) -> None:
    file = tmp_path / "bad.csv"
    file.write_text("first_name,last_name,shoe\n1,2,3\n", encoding="utf-8")
    outcome = run_import_job(installation.home, accept_upload(installation, file).record.import_id)
    assert not outcome.success
    assert outcome.failure is not None
    assert (outcome.failure.code, outcome.failure.exit_code) == ("unknown_columns", 2)
    assert "shoe" in outcome.failure.message
    with open_instance(installation.home) as instance:
        run = instance.get_run_by_id(outcome.run_id)
        assert run is not None
        assert (run.tags["status"], "failed_rows" in run.tags) == ("refused", False)


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("xero-20260101T000000Z-00000000", "has no import xero-20260101T000000Z-00000000"),
        ("hello-20260101T000000Z-00000000", "is not the id of an import"),
        ("csv-20260101T000000Z-00000000", "has no import csv-20260101T000000Z-00000000"),
        ("../../secret", "is not the id of an import"),
    ],
)
def test_a_partition_that_is_no_csv_import_fails_with_a_message(
    installation: Installation, key: str, words: str
) -> None:
    outcome = run_import_job(installation.home, key)
    assert outcome.failure is not None
    assert words in outcome.failure.message
    assert outcome.failure.exit_code == 2


def test_a_finished_import_run_again_changes_nothing(installation: Installation, import_id: str) -> None:
    assert run_import_job(installation.home, import_id).success
    with reading(installation.target) as connection:
        before = find_import(connection, import_id)
    assert run_import_job(installation.home, import_id).success
    with reading(installation.target) as connection:
        assert find_import(connection, import_id) == before


def test_dagster_neither_reports_home_nor_keeps_output(tmp_path: Path) -> None:
    with open_instance(Home(tmp_path / "home")) as instance:
        assert not instance.telemetry_enabled
        assert not instance.nux_enabled
        assert instance.run_monitoring_enabled
        assert type(instance.compute_log_manager).__name__ == "NoOpComputeLogManager"


@pytest.mark.parametrize("text", ["telemetry: [", "bogus: 1"], ids=["no YAML", "unknown setting"])
def test_a_dagster_yaml_that_cannot_be_used_is_named(installation: Installation, import_id: str, text: str) -> None:
    make_dagster_home(installation.home)
    (installation.home.dagster / "dagster.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(SettingsInvalid, match=r"dagster\.yaml"):
        run_import_job(installation.home, import_id)


def test_an_import_that_another_home_finishes_meanwhile_ends_well_here_too(
    installation: Installation, import_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ETL_CUSTOMERS_DATABASE_URL", f"sqlite:///{installation.home.embedded_database}")
    other = open_installation(Home(tmp_path / "other"))
    assert accept_upload(other, tmp_path / "customers.csv").record.import_id == import_id
    run_raw_csv(other, import_id)
    assert run_import_job(installation.home, import_id).success
    assert run_import_job(other.home, import_id).failure is None
    assert other.failed_rows_path(import_id).exists()
    other.target.dispose()
