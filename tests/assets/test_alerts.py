"""Runs that fail and imports with failed rows are told to a webhook that somebody set, through a real instance."""

import json
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from assets.alerts import AlertNotDelivered, failed_rows_alert, failed_run_alert
from assets.instance import open_instance
from assets.launch import run_import_job
from assets.resources import WorkshopResource
from etl_customers.imports import accept_upload
from etl_customers.workshop import Workshop

LOG = "alerts.jsonl"


def evaluate(sensor: Any, workshop: Workshop, run_id: str, tags: dict[str, str] | None = None) -> str | None:
    """Evaluate a sensor on a run that ended; return why it was skipped, if it was."""
    with open_instance(workshop.home) as instance:
        instance.add_run_tags(run_id, tags or {})
        run = instance.get_run_by_id(run_id)
        assert run is not None
        ended = (dg.DagsterEventType.RUN_SUCCESS, dg.DagsterEventType.RUN_FAILURE)
        [record] = instance.get_records_for_run(run_id, of_type=set(ended)).records
        context = dg.build_run_status_sensor_context(
            sensor_name=sensor.name,
            dagster_instance=instance,
            dagster_run=run,
            dagster_event=record.event_log_entry.get_dagster_event(),
            resources={"workshop": WorkshopResource(home=str(workshop.home.path))},
        )
        skipped = sensor(context if sensor is failed_rows_alert else context.for_run_failure())
    assert skipped is None or isinstance(skipped, dg.SkipReason)
    return skipped.skip_message if skipped else None


def configure(workshop: Workshop, alerts: str) -> None:
    workshop.home.settings_file.write_text(f"[alerts]\n{alerts}\n", encoding="utf-8")


def told(workshop: Workshop) -> list[dict[str, Any]]:
    path = workshop.home.path / LOG
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def test_an_import_with_failed_rows_is_told_once_somebody_is_named_and_who_was_not_reached_is_said(
    workshop: Workshop, import_id: str
) -> None:
    run_id = run_import_job(workshop.home, import_id).run_id
    assert evaluate(failed_rows_alert, workshop, run_id) == (
        "alerts are off; set alerts.webhook_url or alerts.log_file"
    )
    configure(workshop, f'log_file = "{LOG}"\non_failed_rows = false')
    assert evaluate(failed_rows_alert, workshop, run_id) == "alerts.on_failed_rows is off"
    configure(workshop, f'log_file = "{LOG}"')
    assert evaluate(failed_rows_alert, workshop, run_id) is None
    [alert] = told(workshop)
    assert (alert["event"], alert["import_id"], alert["run_id"]) == ("failed_rows", import_id, run_id)
    assert alert["rows"] == {"read": 3, "loaded": 1, "failed": 2, "unread": 0}
    assert alert["reasons"] == {"duplicate_in_file": 1, "required": 1, "unknown_state": 1}
    assert "canary" not in json.dumps(alert).casefold()
    assert "customers.csv" not in json.dumps(alert)
    configure(workshop, f'log_file = "{LOG}"\nwebhook_url = "http://127.0.0.1:1/T0KEN"')
    with pytest.raises(AlertNotDelivered, match=r"webhook at 127\.0\.0\.1 cannot be reached") as raised:
        evaluate(failed_rows_alert, workshop, run_id)
    assert "T0KEN" not in str(raised.value)
    assert "cannot be reached" in told(workshop)[1]["undelivered"]


def test_an_import_without_failed_rows_is_not_told(workshop: Workshop, tmp_path: Path) -> None:
    file = tmp_path / "good.csv"
    file.write_text("first_name,last_name,city\nA,B,C\n", encoding="utf-8")
    import_id = accept_upload(workshop, file).record.import_id
    configure(workshop, f'log_file = "{LOG}"')
    run_id = run_import_job(workshop.home, import_id).run_id
    assert evaluate(failed_rows_alert, workshop, run_id) == f"import {import_id} has no failed rows"
    assert told(workshop) == []


def test_a_refused_file_is_told_with_its_message_and_a_run_that_is_tried_again_is_not(
    workshop: Workshop, tmp_path: Path
) -> None:
    file = tmp_path / "bad.csv"
    file.write_text("first_name,last_name,shoe\n1,2,3\n", encoding="utf-8")
    import_id = accept_upload(workshop, file).record.import_id
    configure(workshop, f'log_file = "{LOG}"')
    run_id = run_import_job(workshop.home, import_id).run_id
    again = {"dagster/will_retry": "true"}
    assert evaluate(failed_run_alert, workshop, run_id, again) == f"run {run_id} is tried again by itself"
    assert evaluate(failed_run_alert, workshop, run_id, {"dagster/will_retry": "false"}) is None
    [alert] = told(workshop)
    assert (alert["event"], alert["status"], alert["rows"]) == ("import_refused", "refused", {})
    assert alert["text"].startswith(f"Import {import_id} was refused, nothing of it is loaded: the header has columns")


def test_a_failed_run_is_told_while_the_target_is_away(
    workshop: Workshop, import_id: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ETL_CUSTOMERS_DATABASE_URL", f"sqlite:///{tmp_path}/nowhere/at/all.db")
    configure(workshop, f'log_file = "{LOG}"')
    run_id = run_import_job(workshop.home, import_id).run_id
    assert evaluate(failed_run_alert, workshop, run_id) is None
    [alert] = told(workshop)
    assert (alert["event"], alert["import_id"], alert["job"]) == ("run_failed", None, "import_csv")
    assert "cannot be used now" in alert["message"]
