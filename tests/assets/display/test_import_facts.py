"""What the UI tells of one import: its columns and where they come from, links, tags; and nothing of a customer."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from assets.automation.launch import run_import_job
from assets.runtime.instance import open_instance
from etl_customers.imports.accepting import accept_upload
from etl_customers.imports.installation import Installation

UPLOAD = (
    "First name,surname,E-mail,state,country,Sales Region,Password\n"
    "Canaryada,Lovelace,canary@example.com,NSW,AU,canarycell,canarysecret\n"
    "Canarybob,,canarybob@example.com,NSW,AU,,\n"
)


@pytest.fixture
def instance(installation: Installation) -> Iterator[dg.DagsterInstance]:
    """Dagster's storage after an upload with a failed row, and the upload that corrects it."""
    installation.home.settings_file.write_text("[csv]\nignore_unknown_columns = true\n", encoding="utf-8")
    with open_instance(installation.home) as opened:
        yield opened


def run(installation: Installation, file: Path) -> str:
    import_id = accept_upload(installation, file).record.import_id
    assert run_import_job(installation.home, import_id).success
    return import_id


def events(instance: dg.DagsterInstance, asset: str, import_id: str, kind: Any) -> list[Any]:
    """Return what happened to a partition of an asset, newest first."""
    fetch = (
        instance.fetch_materializations
        if kind is dg.DagsterEventType.ASSET_MATERIALIZATION
        else instance.fetch_observations
    )
    records_filter = dg.AssetRecordsFilter(asset_key=dg.AssetKey(asset), asset_partitions=[import_id])
    found = fetch(records_filter, limit=10).records
    return [record.asset_materialization or record.asset_observation for record in found]


def test_an_import_and_its_correction_are_told_and_linked(
    installation: Installation, tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    upload, corrected = tmp_path / "Canaryfile.csv", tmp_path / "corrected.csv"
    upload.write_text(UPLOAD, encoding="utf-8")
    first = run(installation, upload)
    with installation.failed_rows_path(first).open(encoding="utf-8-sig", newline="") as file:
        header, row = csv.reader(file)
    row[header.index("surname")] = "Canaryfixed"
    with corrected.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, row])
    second = run(installation, corrected)

    made = dg.DagsterEventType.ASSET_MATERIALIZATION
    [loaded] = events(instance, "loaded_customers", second, made)
    assert loaded.metadata["corrects"].value == f"/assets/loaded_customers?view=partitions&partition={first}"
    for asset in ("loaded_customers", "failed_rows"):
        [noted] = events(instance, asset, first, dg.DagsterEventType.ASSET_OBSERVATION)
        assert noted.metadata["corrected_by"].value.endswith(f"partition={second}")

    [failed] = events(instance, "failed_rows", first, made)
    assert failed.metadata["failed_rows_file"].value == str(installation.failed_rows_path(first))
    assert failed.metadata["failed_share"].value == 0.5
    assert failed.tags["source"] == "csv"
    assert failed.tags["file"] == first[-8:]
    assert failed.tags["status"] == "finished"

    [raw] = events(instance, "raw_csv", first, made)
    names = [column.name for column in raw.metadata["dagster/column_schema"].schema.columns]
    assert names[4:] == ["First name", "surname", "E-mail", "state", "country", "column 6"]
    assert sources(events(instance, "validated_customers", first, made)[0], "city") == [
        ("raw_csv", "country"),
        ("raw_csv", "state"),
    ]
    [deduplicated] = events(instance, "deduplicated_customers", first, made)
    assert sources(deduplicated, "email") == [("validated_customers", "email")]
    assert sources(events(instance, "loaded_customers", first, made)[0], "import_row") == [
        ("deduplicated_customers", "row")
    ]
    [loaded] = events(instance, "loaded_customers", first, made)
    ways = {
        record.data["column"]: record.data["comes_from"] for record in loaded.metadata["columns_from_upload"].records
    }
    assert (ways["last_name"], ways["password_hash"]) == ("surname", "Password")
    assert sources(failed, "E-mail") == [("raw_csv", "E-mail")]

    storage = b"".join(path.read_bytes() for path in installation.home.dagster.rglob("*") if path.is_file())
    assert b"canary" not in storage.lower()


def sources(event: Any, column: str) -> list[tuple[str, str]]:
    """Return the columns that a column of a materialization comes from."""
    deps = event.metadata["dagster/column_lineage"].column_lineage.deps_by_column[column]
    return [(dep.asset_key.to_user_string(), dep.column_name) for dep in deps]


def test_a_file_without_a_good_row_warns_that_nothing_was_loaded(
    installation: Installation, tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    upload = tmp_path / "bad.csv"
    upload.write_text("first_name,last_name,city\n,Canary,Canary\n", encoding="utf-8")
    import_id = accept_upload(installation, upload).record.import_id
    outcome = run_import_job(installation.home, import_id)
    assert outcome.success
    checks = instance.get_records_for_run(outcome.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    results = [record.event_log_entry.get_dagster_event().asset_check_evaluation_data for record in checks.records]
    failed = {result.check_name: result.severity for result in results if not result.passed}
    warn = dg.AssetCheckSeverity.WARN
    assert failed == {"something_was_loaded": warn, "failed_share_is_low": warn}
    assert all(result.metadata["import"].value == import_id for result in results)
