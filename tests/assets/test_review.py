"""The review of all imports: materialized by hand or by its schedule, of an empty ledger too."""

import base64
from pathlib import Path

import dagster as dg

from assets.automation.launch import run_import_job
from assets.definitions import define
from assets.review import daily_import_history
from assets.runtime.instance import open_instance
from etl_customers.imports.accepting import accept_upload
from etl_customers.imports.installation import Installation
from etl_customers.imports.whole import run_import


def materialize(installation: Installation) -> dict[str, dg.MetadataValue]:
    """Run the job on the home's own instance and return the asset's metadata."""
    job = define(str(installation.home.path)).resolve_job_def("write_import_history")
    with open_instance(installation.home) as instance:
        assert job.execute_in_process(instance=instance).success
        event = instance.get_latest_materialization_event(dg.AssetKey("import_history"))
    assert event is not None
    assert event.asset_materialization is not None
    return dict(event.asset_materialization.metadata)


def test_the_history_shows_every_import_with_its_numbers_and_a_picture(
    installation: Installation, import_id: str
) -> None:
    before = materialize(installation)
    assert (before["imports"].value, before["under way"].value, before["failed share"].value) == (1, 1, 0)
    run_import(installation, import_id)
    after = materialize(installation)
    assert (after["finished"].value, after["rows loaded"].value, after["rows failed"].value) == (1, 1, 2)
    header, _, row = str(after["last_imports"].value).splitlines()
    cells = dict(zip(header.split(" | "), row.split(" | "), strict=True))
    assert header.startswith("| when (UTC) | status | file | read | loaded | failed | ")
    assert (cells["status"], cells["read"], cells["loaded"], cells["failed"]) == ("finished", "3", "1", "2")
    assert cells["file"] == f"`{import_id[-8:]}`"
    assert f"[{import_id[-8:]}](/assets/loaded_customers?view=partitions&partition={import_id})" in row
    assert not {"updated", "removed", "connection", "corrects"} & set(cells)
    picture = str(after["rows_per_day"].value).partition("base64,")[2].rstrip(")")
    assert base64.b64decode(picture).startswith(b"<svg")
    storage = b"".join(path.read_bytes() for path in installation.home.dagster.rglob("*") if path.is_file())
    assert b"customers.csv" not in storage


def test_an_import_notes_the_history_by_itself_also_one_that_is_refused(
    installation: Installation, tmp_path: Path
) -> None:
    for text in ("first_name,last_name,city,country\nAda,Example,Sydney,AU\n", "shoe\n1\n"):
        file = tmp_path / "customers.csv"
        file.write_text(text, encoding="utf-8")
        run_import_job(installation.home, accept_upload(installation, file).record.import_id)
    with open_instance(installation.home) as instance:
        found = instance.fetch_materializations(dg.AssetKey("import_history"), limit=5).records
    shown = [record.asset_materialization.metadata for record in found if record.asset_materialization]
    assert [(one["finished"].value, one["refused"].value) for one in shown] == [(1, 1), (1, 0)]


def test_the_review_is_written_every_day_unless_somebody_stops_it() -> None:
    assert daily_import_history.default_status == dg.DefaultScheduleStatus.RUNNING
    assert daily_import_history.cron_schedule == "0 5 * * *"
    assert daily_import_history.job_name == "write_import_history"
