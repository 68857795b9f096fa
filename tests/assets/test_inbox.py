"""The inbox through Dagster: what a tick starts and says, and a file that a person names in the launchpad."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from assets.definitions import define
from assets.inbox import inbox_files, inbox_results
from assets.inbox_job import import_inbox_file
from assets.instance import open_instance
from assets.launch import RunOutcome, execute_import
from assets.resources import WorkshopResource
from etl_customers.imports import run_import
from etl_customers.target.connect import reading
from etl_customers.target.ledger import ImportRecord, list_imports
from etl_customers.workshop import Workshop

FILE = "first_name,last_name,city,email,password\nAda,Canaryname,Sydney,ada{n}@canary.example,Canary-secret-1\n"


@pytest.fixture(autouse=True)
def _without_settling(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ETL_CUSTOMERS_INBOX__SETTLE_SECONDS", "0")


@pytest.fixture
def instance(workshop: Workshop) -> Iterator[dg.DagsterInstance]:
    """Dagster's storage on the home."""
    with open_instance(workshop.home) as opened:
        yield opened


class Sensor:
    """A sensor with the cursor that Dagster would keep for it."""

    def __init__(self, definition: dg.SensorDefinition, workshop: Workshop, instance: dg.DagsterInstance) -> None:
        self.definition, self.instance, self.cursor = definition, instance, ""
        self.home = str(workshop.home.path)
        self.repository = define(self.home).get_repository_def()

    def tick(self) -> tuple[list[dg.RunRequest], str]:
        """Evaluate it once; return what it requests and what it says."""
        with dg.build_sensor_context(
            instance=self.instance,
            instance_ref=self.instance.get_ref(),
            cursor=self.cursor or None,
            repository_def=self.repository,
            resources={"workshop": WorkshopResource(home=self.home)},
        ) as context:
            data = self.definition.evaluate_tick(context)
        self.cursor = data.cursor or self.cursor
        for request in data.dynamic_partitions_requests or ():
            self.instance.add_dynamic_partitions("imports", list(request.partition_keys))
        return list(data.run_requests or []), data.skip_message or ""


@pytest.fixture
def files(workshop: Workshop, instance: dg.DagsterInstance) -> Sensor:
    return Sensor(inbox_files, workshop, instance)


@pytest.fixture
def results(workshop: Workshop, instance: dg.DagsterInstance) -> Sensor:
    return Sensor(inbox_results, workshop, instance)


def drop(workshop: Workshop, name: str = "Canaryfile.csv", text: str = FILE) -> Path:
    """Put a file into the inbox."""
    path = workshop.home.inbox / name
    path.write_text(text, encoding="utf-8")
    return path


def records(workshop: Workshop) -> list[ImportRecord]:
    with reading(workshop.target) as connection:
        return list(list_imports(connection, 1_000))


def launch(files: Sensor, workshop: Workshop, request: dg.RunRequest) -> RunOutcome:
    """Do with a request what the daemon and a run worker do."""
    assert request.partition_key is not None
    return execute_import(files.instance, workshop.home, request.partition_key, request.tags)


def test_a_dropped_file_is_imported_and_put_away_and_the_ticks_say_so(
    workshop: Workshop, files: Sensor, results: Sensor
) -> None:
    drop(workshop)
    assert files.tick() == ([], "1 not complete yet or unchanged for too short a time")
    (request,), _ = files.tick()
    (record,) = records(workshop)
    assert request.partition_key == record.import_id
    assert (request.tags["source"], request.tags["file"]) == ("csv", (record.sha256 or "")[:8])
    assert record.accepted_by == "inbox"
    assert results.tick() == ([], "1 being imported")
    assert launch(files, workshop, request).success
    assert results.tick() == ([], f"1 imported (as {record.import_id})")
    assert files.tick() == ([], "nothing is in the inbox")
    (done,) = workshop.home.inbox_done.iterdir()
    assert done.name == f"{record.import_id}--Canaryfile.csv"
    assert b"Canary-secret" not in done.read_bytes()
