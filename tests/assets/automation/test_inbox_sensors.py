"""The inbox through Dagster: what a tick starts and says, and a file that a person names in the launchpad."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from assets.automation.inbox_job import import_inbox_file
from assets.automation.inbox_sensors import inbox_files, inbox_results
from assets.automation.jobs import import_job
from assets.automation.launch import RunOutcome, execute_import
from assets.definitions import define
from assets.runtime.instance import open_instance
from assets.runtime.resources import InstallationResource
from etl_customers.database.connect import reading, writing
from etl_customers.database.ledger import ImportRecord, finish_import, list_imports
from etl_customers.imports.installation import Installation

FILE = "first_name,last_name,city,email,password\nAda,Canaryname,Sydney,ada{n}@canary.example,Canary-secret-1\n"


@pytest.fixture(autouse=True)
def _without_settling(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ETL_CUSTOMERS_INBOX__SETTLE_SECONDS", "0")


@pytest.fixture
def instance(installation: Installation) -> Iterator[dg.DagsterInstance]:
    """Dagster's storage on the home."""
    with open_instance(installation.home) as opened:
        yield opened


class Sensor:
    """A sensor with the cursor that Dagster would keep for it."""

    def __init__(
        self, definition: dg.SensorDefinition, installation: Installation, instance: dg.DagsterInstance
    ) -> None:
        self.definition, self.instance, self.cursor = definition, instance, ""
        self.home = str(installation.home.path)
        self.repository = define(self.home).get_repository_def()

    def tick(self) -> tuple[list[dg.RunRequest], str]:
        """Evaluate it once; return what it requests and what it says."""
        with dg.build_sensor_context(
            instance=self.instance,
            instance_ref=self.instance.get_ref(),
            cursor=self.cursor or None,
            repository_def=self.repository,
            resources={"installation": InstallationResource(home=self.home)},
        ) as context:
            data = self.definition.evaluate_tick(context)
        self.cursor = data.cursor or self.cursor
        for request in data.dynamic_partitions_requests or ():
            self.instance.add_dynamic_partitions("imports", list(request.partition_keys))
        return list(data.run_requests or []), data.skip_message or ""


@pytest.fixture
def files(installation: Installation, instance: dg.DagsterInstance) -> Sensor:
    return Sensor(inbox_files, installation, instance)


@pytest.fixture
def results(installation: Installation, instance: dg.DagsterInstance) -> Sensor:
    return Sensor(inbox_results, installation, instance)


def drop(installation: Installation, name: str = "Canaryfile.csv", text: str = FILE) -> Path:
    """Put a file into the inbox."""
    path = installation.home.inbox / name
    path.write_text(text, encoding="utf-8")
    return path


def records(installation: Installation) -> list[ImportRecord]:
    with reading(installation.target) as connection:
        return list(list_imports(connection, 1_000))


def launch(files: Sensor, installation: Installation, request: dg.RunRequest) -> RunOutcome:
    """Do with a request what the daemon and a run worker do."""
    assert request.partition_key is not None
    return execute_import(files.instance, installation.home, request.partition_key, request.tags)


def test_a_dropped_file_is_imported_and_put_away_and_the_ticks_say_so(
    installation: Installation, files: Sensor, results: Sensor
) -> None:
    drop(installation)
    assert files.tick() == ([], "1 not complete yet, or changed too recently")
    (request,), _ = files.tick()
    (record,) = records(installation)
    assert request.partition_key == record.import_id
    assert (request.tags["source"], request.tags["file"]) == ("csv", (record.sha256 or "")[:8])
    assert record.accepted_by == "inbox"
    assert results.tick() == ([], "1 being imported")
    assert launch(files, installation, request).success
    assert results.tick() == ([], f"1 imported (as {record.import_id})")
    assert files.tick() == ([], "the inbox is empty")
    (done,) = installation.home.inbox_done.iterdir()
    assert done.name == f"{record.import_id}--Canaryfile.csv"
    assert b"Canary-secret" not in done.read_bytes()


def test_five_hundred_files_at_once_end_imported_each_content_once_within_bounded_ticks(
    installation: Installation, files: Sensor, results: Sensor
) -> None:
    for number in range(500):  # every fifth is a copy of another under a name of its own
        drop(installation, f"{number}.csv", FILE.format(n=number if number % 5 else number + 1))
    launched: set[str | None] = set()
    files.tick()
    for _ in range(5):
        requests, _ = files.tick()
        assert len(requests) <= 100
        keys = {request.run_key for request in requests}
        assert len(keys) == len(requests)
        assert not keys & launched
        launched |= keys
        finish(installation, requests)
    while results.tick()[1] != "nothing to put away":
        pass
    assert len(launched) == len(records(installation)) == 400
    assert len(list(installation.home.inbox_done.iterdir())) == 500
    assert files.tick() == ([], "the inbox is empty")


def finish(installation: Installation, requests: list[dg.RunRequest]) -> None:
    """End imports in the ledger as the load does, in less time than the load takes."""
    with writing(installation.target) as connection:
        for request in requests:
            counts = dict.fromkeys(("rows_read", "rows_loaded", "rows_failed", "rows_unread"), 0)
            assert finish_import(
                connection,
                str(request.partition_key),
                counts=counts,
                parent_import_id=None,
                run_id=None,
                finished_at=datetime.now(UTC),
            )


def test_an_import_whose_run_broke_off_is_started_again_after_a_pause_under_another_key(
    installation: Installation, files: Sensor, instance: dg.DagsterInstance
) -> None:
    drop(installation)
    files.tick()
    ((first,), _) = files.tick()
    ((same,), _) = files.tick()  # the daemon died before it launched: the same key, which is launched once
    assert first.run_key == same.run_key
    run = make_run(instance, str(first.partition_key))
    assert files.tick() == ([], "1 being imported, or waiting to start again")
    instance.report_run_failed(run)
    assert files.tick() == ([], "1 being imported, or waiting to start again")
    # The clock cannot be moved; the run can be taken for one that ended before.
    (path,) = installation.home.inbox_accepted.iterdir()
    path.touch()  # also how a person asks for another try
    ((again,), _) = files.tick()
    assert again.partition_key == first.partition_key
    assert again.run_key != first.run_key


def test_an_import_that_a_person_canceled_is_left_to_that_person(
    installation: Installation, files: Sensor, instance: dg.DagsterInstance
) -> None:
    drop(installation)
    files.tick()
    ((request,), _) = files.tick()
    instance.report_run_canceled(make_run(instance, str(request.partition_key)))
    requests, words = files.tick()
    assert requests == []
    assert f"1 no longer started ({request.partition_key}), because they were canceled" in words


def make_run(instance: dg.DagsterInstance, import_id: str) -> dg.DagsterRun:
    """Leave a run of an import in Dagster's storage that goes on."""
    job = import_job("", "csv")
    return instance.create_run_for_job(job, tags={"dagster/partition": import_id}, status=dg.DagsterRunStatus.STARTED)


def test_ticks_say_what_was_refused_repeated_set_aside_and_waits(
    installation: Installation, files: Sensor, results: Sensor
) -> None:
    drop(installation, "good.csv")
    drop(installation, "Canarycopy.csv")
    drop(installation, "Canarybad.csv", "shoe\n")
    drop(installation, "Canary.part")
    (installation.home.inbox / "Canarylink").symlink_to("/etc/passwd")
    files.tick()
    assert results.tick()[1] == "5 not complete yet, or changed too recently"
    requests, _ = files.tick()
    assert len(requests) == 2
    for request in requests:
        launch(files, installation, request)
    _, words = results.tick()
    assert "1 imported (as csv-" in words
    assert "1 imported already (as csv-" in words
    assert "1 refused (as csv-" in words
    assert "1 set aside (1 not_a_regular_file), see the notes in inbox/rejected/" in words
    assert "1 not complete yet" in words
    assert "Canary" not in words + files.cursor + results.cursor
    storage = b"".join(path.read_bytes() for path in installation.home.dagster.rglob("*") if path.is_file())
    assert b"Canary" not in storage
    assert b"canary" not in storage


def test_names_are_said_where_the_user_allows_that(
    installation: Installation, files: Sensor, results: Sensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ETL_CUSTOMERS_UI__SHOW_FILE_NAMES", "true")
    drop(installation, "Our customers.csv")
    files.tick()
    ((request,), _) = files.tick()
    assert request.tags["file"] == "Our-customers.csv"
    finish(installation, [request])
    assert results.tick()[1] == f"1 imported (Our-customers.csv as {request.partition_key})"


def test_an_inbox_that_is_off_leaves_files_alone(
    installation: Installation, files: Sensor, results: Sensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ETL_CUSTOMERS_INBOX__ENABLED", "false")
    path = drop(installation)
    for sensor in (files, results, files, results):
        assert sensor.tick() == (
            [],
            "the inbox is off; to turn it on, run: etl-customers settings set inbox.enabled true",
        )
    assert path.exists()


def test_a_target_that_is_down_is_said_and_files_stay(
    installation: Installation, files: Sensor, results: Sensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = drop(installation)
    files.tick()
    monkeypatch.setenv("ETL_CUSTOMERS_DATABASE_URL", "postgresql://user:secret@127.0.0.1:1/nowhere")
    for sensor in (files, results):
        requests, words = sensor.tick()
        assert requests == []
        assert words.startswith("nothing could be done now: the target database")
        assert "secret" not in words
    assert path.exists()
    monkeypatch.delenv("ETL_CUSTOMERS_DATABASE_URL")
    assert len(files.tick()[0]) == 1


def test_a_cursor_that_a_person_has_edited_counts_as_none(installation: Installation, files: Sensor) -> None:
    drop(installation)
    for cursor in ("no JSON", "[1]", '{"a": null}'):
        files.cursor = cursor
        assert files.tick() == ([], "1 not complete yet, or changed too recently")


def test_settings_that_cannot_be_used_fail_the_tick_with_their_message(
    installation: Installation, files: Sensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ETL_CUSTOMERS_INBOX__SETTLE_SECONDS", "soon")
    with pytest.raises(Exception, match="inbox") as error:
        files.tick()
    assert "settle_seconds" in f"{error.value} {error.value.__cause__}"


def import_by_name(installation: Installation, instance: dg.DagsterInstance, name: str) -> dg.ExecuteInProcessResult:
    """Launch the job as the launchpad does."""
    return import_inbox_file.execute_in_process(
        instance=instance,
        run_config={"ops": {"import_file": {"config": {"file_name": name}}}},
        resources={"installation": InstallationResource(home=str(installation.home.path))},
        raise_on_error=False,
    )


def test_a_person_imports_a_file_by_its_name_while_the_sensors_are_off(
    installation: Installation, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ETL_CUSTOMERS_INBOX__ENABLED", "false")
    drop(installation, "Our customers.csv")
    assert import_by_name(installation, instance, "Our customers.csv").success
    (record,) = records(installation)
    assert (record.status, record.rows_loaded) == ("finished", 1)
    run = instance.get_run_by_id(str(record.run_id))
    assert run is not None
    assert (run.job_name, run.status) == ("import_csv", dg.DagsterRunStatus.SUCCESS)
    assert instance.get_dynamic_partitions("imports") == [record.import_id]
    assert [path.name for path in installation.home.inbox_done.iterdir()] == [f"{record.import_id}--Our-customers.csv"]


def test_a_named_file_that_is_refused_fails_the_run_with_the_reason(
    installation: Installation, instance: dg.DagsterInstance
) -> None:
    drop(installation, "bad.csv", "first_name,last_name,shoe\n")
    result = import_by_name(installation, instance, "bad.csv")
    assert not result.success
    assert "'shoe'" in message_of(result)
    assert len(list(installation.home.inbox_rejected.iterdir())) == 2


@pytest.mark.parametrize("name", ["../settings.toml", "/etc/passwd", "missing.csv", ""])
def test_a_name_that_is_no_file_of_the_inbox_fails_the_run_with_what_to_type(
    installation: Installation, instance: dg.DagsterInstance, name: str
) -> None:
    result = import_by_name(installation, instance, name)
    assert "type the name of a file there" in message_of(result)
    assert records(installation) == []


def message_of(result: dg.ExecuteInProcessResult) -> str:
    """Return what the run's failure says."""
    (failed,) = [event for event in result.all_events if event.is_step_failure]
    failure = failed.step_failure_data.user_failure_data
    assert failure is not None
    return failure.description or ""


def test_the_sensors_are_on_by_default_and_say_what_they_start() -> None:
    repository = define().get_repository_def()
    sensor = repository.get_sensor_def("inbox_files")
    assert [target.job_name for target in sensor.targets] == ["import_csv"]
    for name in ("inbox_files", "inbox_results"):
        sensor = repository.get_sensor_def(name)
        assert sensor.default_status == dg.DefaultSensorStatus.RUNNING
        assert sensor.description
        assert sensor.minimum_interval_seconds == 10
