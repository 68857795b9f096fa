"""Runs that fail and imports with failed rows are told to a webhook that somebody set, through a real instance."""

import json
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.definitions.run_request import DagsterRunReaction
from dagster._core.definitions.sensor_definition import SensorExecutionData

from assets.automation.alerts import failed_rows_alert, failed_run_alert
from assets.automation.inbox_job import import_inbox_file
from assets.automation.jobs import import_job
from assets.automation.launch import run_import_job
from assets.runtime.instance import open_instance
from assets.runtime.partitions import IMPORTS
from assets.runtime.resources import InstallationResource
from etl_customers.imports.accepting import accept_upload
from etl_customers.imports.installation import Installation

LOG = "alerts.jsonl"


def evaluate(sensor: Any, installation: Installation, run_id: str, tags: dict[str, str] | None = None) -> str | None:
    """Evaluate a sensor on a run that ended; return why it was skipped or what could not be done, if so."""
    with open_instance(installation.home) as instance:
        instance.add_run_tags(run_id, tags or {})
        run = instance.get_run_by_id(run_id)
        assert run is not None
        ended = (dg.DagsterEventType.RUN_SUCCESS, dg.DagsterEventType.RUN_FAILURE)
        [record] = instance.get_records_for_run(run_id, of_type=set(ended)).records
        with dg.build_run_status_sensor_context(
            sensor_name=sensor.name,
            dagster_instance=instance,
            dagster_run=run,
            dagster_event=record.event_log_entry.get_dagster_event(),
            resources={"installation": InstallationResource(home=str(installation.home.path))},
        ) as context:
            found = sensor(context if sensor is failed_rows_alert else context.for_run_failure())
    if isinstance(found, DagsterRunReaction):
        assert found.error is not None
        return str(found.error)
    assert found is None or isinstance(found, dg.SkipReason)
    return found.skip_message if found else None


def tick(installation: Installation, instance: dg.DagsterInstance, cursor: str | None) -> SensorExecutionData:
    """Evaluate the sensor on failed rows as the daemon does, on what it has not seen of runs without a workspace."""
    resource = InstallationResource(home=str(installation.home.path))
    with dg.build_sensor_context(
        instance, cursor, sensor_name=failed_rows_alert.name, resources={"installation": resource}
    ) as context:
        return failed_rows_alert.evaluate_tick(context)


def run_imports(installation: Installation, instance: dg.DagsterInstance, folder: Path, last_names: list[str]) -> None:
    """Import a file of one row for each of the names; without a name the row fails."""
    for number, last_name in enumerate(last_names):
        file = folder / f"{number}.csv"
        file.write_text(f"first_name,last_name,city\nA,{last_name},C{number}\n", encoding="utf-8")
        import_id = accept_upload(installation, file).record.import_id
        instance.add_dynamic_partitions(IMPORTS, [import_id])
        job = import_job(str(installation.home.path), "csv")
        assert job.execute_in_process(instance=instance, partition_key=import_id).success


def configure(installation: Installation, alerts: str) -> None:
    installation.home.settings_file.write_text(f"[alerts]\n{alerts}\n", encoding="utf-8")


def told(installation: Installation) -> list[dict[str, Any]]:
    path = installation.home.path / LOG
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def test_an_import_with_failed_rows_is_told_once_somebody_is_named_and_who_was_not_reached_is_said(
    installation: Installation, import_id: str
) -> None:
    run_id = run_import_job(installation.home, import_id).run_id
    assert evaluate(failed_rows_alert, installation, run_id) == (
        "alerts are off; set alerts.webhook_url or alerts.log_file"
    )
    configure(installation, f'log_file = "{LOG}"\non_failed_rows = false')
    assert evaluate(failed_rows_alert, installation, run_id) == "alerts.on_failed_rows is off"
    configure(installation, f'log_file = "{LOG}"')
    assert evaluate(failed_rows_alert, installation, run_id) is None
    [alert] = told(installation)
    assert (alert["event"], alert["import_id"], alert["run_id"]) == ("failed_rows", import_id, run_id)
    assert alert["rows"] == {"read": 3, "loaded": 1, "failed": 2, "unread": 0}
    assert alert["reasons"] == {"duplicate_in_file": 1, "required": 1, "unknown_state": 1}
    assert "canary" not in json.dumps(alert).casefold()
    assert "customers.csv" not in json.dumps(alert)
    configure(installation, f'log_file = "{LOG}"\nwebhook_url = "http://127.0.0.1:1/T0KEN"')
    said = evaluate(failed_rows_alert, installation, run_id)
    assert said is not None
    assert "webhook at 127.0.0.1 cannot be reached" in said
    assert "T0KEN" not in said
    assert "cannot be reached" in told(installation)[1]["undelivered"]


def test_an_import_without_failed_rows_is_not_told(installation: Installation, tmp_path: Path) -> None:
    file = tmp_path / "good.csv"
    file.write_text("first_name,last_name,city\nA,B,C\n", encoding="utf-8")
    import_id = accept_upload(installation, file).record.import_id
    configure(installation, f'log_file = "{LOG}"')
    run_id = run_import_job(installation.home, import_id).run_id
    assert evaluate(failed_rows_alert, installation, run_id) is None
    assert told(installation) == []


def test_a_refused_file_is_told_with_its_message_and_a_run_that_is_tried_again_is_not(
    installation: Installation, tmp_path: Path
) -> None:
    file = tmp_path / "bad.csv"
    file.write_text("first_name,last_name,shoe\n1,2,3\n", encoding="utf-8")
    import_id = accept_upload(installation, file).record.import_id
    configure(installation, f'log_file = "{LOG}"')
    run_id = run_import_job(installation.home, import_id).run_id
    again = {"dagster/will_retry": "true"}
    assert evaluate(failed_run_alert, installation, run_id, again) is None
    assert told(installation) == []
    assert evaluate(failed_run_alert, installation, run_id, {"dagster/will_retry": "false"}) is None
    [alert] = told(installation)
    assert (alert["event"], alert["status"], alert["rows"]) == ("import_refused", "refused", {})
    assert alert["text"].startswith(
        f"Import {import_id} was refused, nothing of it was loaded: the header has unknown columns"
    )


def test_a_tick_over_runs_with_and_without_news_tells_each_news_once(
    installation: Installation, tmp_path: Path
) -> None:
    configure(installation, f'log_file = "{LOG}"')
    with open_instance(installation.home) as instance:
        run_imports(installation, instance, tmp_path, ["First"])
        data = tick(installation, instance, None)
        run_imports(installation, instance, tmp_path, ["", "Good"])
        for _ in range(2):
            data = tick(installation, instance, data.cursor)
    assert len(told(installation)) == 1


def test_what_could_not_be_delivered_fails_the_tick_and_is_not_sent_again(
    installation: Installation, tmp_path: Path
) -> None:
    configure(installation, f'log_file = "{LOG}"\nwebhook_url = "http://127.0.0.1:1/T0KEN"')
    with open_instance(installation.home) as instance:
        run_imports(installation, instance, tmp_path, ["First"])
        data = tick(installation, instance, None)
        run_imports(installation, instance, tmp_path, ["", "Good"])
        data = tick(installation, instance, data.cursor)
        [reaction] = data.dagster_run_reactions or []
        assert reaction.error is not None
        assert "is not sent again" in reaction.error.message
        data = tick(installation, instance, data.cursor)
        assert [reaction.error for reaction in data.dagster_run_reactions or []] == [None]
    assert len(told(installation)) == 1


def test_a_file_that_is_refused_under_the_job_of_the_launchpad_is_told_once(installation: Installation) -> None:
    configure(installation, f'log_file = "{LOG}"')
    (installation.home.inbox / "bad.csv").write_text("first_name,last_name,shoe\n1,2,3\n", encoding="utf-8")
    with open_instance(installation.home) as instance:
        for name in ("bad.csv", "nowhere.csv"):
            import_inbox_file.execute_in_process(
                instance=instance,
                raise_on_error=False,
                resources={"installation": InstallationResource(home=str(installation.home.path))},
                run_config={"ops": {"import_file": {"config": {"file_name": name}}}},
            )
        run_ids = [run.run_id for run in instance.get_runs(ascending=True)]
    for run_id in run_ids:
        evaluate(failed_run_alert, installation, run_id)
    assert sorted((alert["event"], alert["job"]) for alert in told(installation)) == [
        ("import_refused", "import_csv"),
        ("run_failed", "import_inbox_file"),
    ]


def test_failed_rows_are_told_without_their_counts_while_the_target_is_away(
    installation: Installation, import_id: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    configure(installation, f'log_file = "{LOG}"')
    run_id = run_import_job(installation.home, import_id).run_id
    monkeypatch.setenv("ETL_CUSTOMERS_DATABASE_URL", f"sqlite:///{tmp_path}/nowhere/at/all.db")
    assert evaluate(failed_rows_alert, installation, run_id) is None
    [alert] = told(installation)
    assert (alert["event"], alert["import_id"], alert["rows"]) == ("failed_rows", import_id, {})
    assert alert["text"].startswith(
        f"Import {import_id} finished with failed rows: the target database cannot be reached"
    )


def test_a_failed_run_is_told_while_the_target_is_away(
    installation: Installation, import_id: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ETL_CUSTOMERS_DATABASE_URL", f"sqlite:///{tmp_path}/nowhere/at/all.db")
    configure(installation, f'log_file = "{LOG}"')
    run_id = run_import_job(installation.home, import_id).run_id
    assert evaluate(failed_run_alert, installation, run_id) is None
    [alert] = told(installation)
    assert (alert["event"], alert["import_id"], alert["job"]) == ("run_failed", None, "import_csv")
    assert "cannot be used now" in alert["message"]
