"""What whoever launches a run may configure: nothing that reads the environment, and nothing that is repeated in an error."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._config import ConfigType
from dagster._core.storage.tags import PARTITION_NAME_TAG

from assets.definitions import define
from assets.runtime.instance import open_instance
from etl_customers.imports.installation import open_installation
from etl_customers.settings.home import Home
from tests.canaries import described, found_in, words_in

CANARY = "canary-of-the-environment-7c1f"
NAME = "ETL_CUSTOMERS_CANARY"
FROM_ENVIRONMENT = {"env": NAME}
TYPED = "canary-that-was-typed-4d2a"
REQUIRED: dict[str, dict[str, Any]] = {
    "start_pull": {"ops": {"pull_customers": {"config": {"provider": "quickbooks"}}}},
    "import_inbox_file": {"ops": {"import_file": {"config": {"file_name": "customers.csv"}}}},
}
"""The least that a job's configuration needs."""


def jobs() -> Iterator[dg.JobDefinition]:
    """Yield every job that the UI can launch, that of all assets too."""
    yield from define().get_repository_def().get_all_jobs()


def leaves(found: ConfigType, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], ConfigType]]:
    """Yield the place and type of everything that can be filled in."""
    fields: Mapping[str, Any] | None = getattr(found, "fields", None)
    if fields is not None:
        for name, field in fields.items():
            yield from leaves(field.config_type, (*path, name))
        return
    yield path, found
    for inner in ("inner_type", "scalar_type", "non_scalar_type"):
        if getattr(found, inner, None) is not None:
            yield from leaves(getattr(found, inner), path)


def schema_of(job: dg.JobDefinition) -> list[tuple[tuple[str, ...], ConfigType]]:
    """Return everything that whoever launches the job can fill in."""
    return list(leaves(job.run_config_schema.config_type))


def filled(start: Mapping[str, Any], path: tuple[str, ...], value: object) -> dict[str, Any]:
    """Return a configuration with one more value in it."""
    if not path:
        return value  # type: ignore[return-value]
    return {**start, path[0]: filled(start.get(path[0], {}), path[1:], value)}


def launch(home: Home, job: dg.JobDefinition, config: dict[str, Any]) -> str:
    """Launch a run on the home's instance; return all that Dagster says of it."""
    tags = {PARTITION_NAME_TAG: "csv-20260101T000000Z-00000000"} if job.partitions_def else {}
    with open_instance(home) as instance:
        if job.partitions_def:
            instance.add_dynamic_partitions("imports", list(tags.values()))
        try:
            result = job.execute_in_process(config, instance=instance, raise_on_error=False, tags=tags)
        except dg.DagsterInvalidConfigError as error:
            return described(error)
        return "\n".join(str(entry) for entry in instance.all_logs(result.run_id))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """An empty home, in an environment with a secret in it."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv(NAME, CANARY)
        home = Home(tmp_path_factory.mktemp("run_config") / "home")
        open_installation(home).target.dispose()
        yield home


@pytest.mark.parametrize("job", list(jobs()), ids=lambda job: job.name)
def test_no_field_of_a_jobs_configuration_is_read_from_the_environment(job: dg.JobDefinition) -> None:
    found = schema_of(job)
    assert found
    assert [path for path, _ in found if path[-1] == "env"] == []
    assert [path for path, found in found if "Source" in (found.key or "")] == []


def test_a_run_that_is_given_a_name_of_the_environment_in_any_field_keeps_nothing_of_its_value(home: Home) -> None:
    launched = 0
    for job in define(str(home.path)).get_repository_def().get_all_jobs():
        start = REQUIRED.get(job.name, {})
        found = schema_of(job)
        if job.name != "start_pull":  # every job has the same of these
            found = [(path, kind) for path, kind in found if path[0] not in ("execution", "loggers")]
        of_anything = [path for path, kind in found if kind.key == "Any"]
        together = dict(start)
        for path in of_anything:
            together = filled(together, path, FROM_ENVIRONMENT)
        configs = [together]
        configs += [filled(start, path, FROM_ENVIRONMENT) for path, kind in found if kind.key != "Any"]
        for config in configs:
            assert words_in(launch(home, job, config), [CANARY]) == []
            launched += 1
    assert launched > 15
    assert found_in(home.path, [CANARY]) == {}


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("start_pull", ("ops", "pull_customers", "config", "tenant")),
        ("import_inbox_file", ("ops", "import_file", "config", "file_name")),
    ],
)
def test_what_a_person_typed_is_not_repeated_by_a_run(home: Home, name: str, path: tuple[str, ...]) -> None:
    job = define(str(home.path)).resolve_job_def(name)
    said = launch(home, job, filled(REQUIRED[name], path, TYPED))
    assert "Steps failed" in said
    assert words_in(said, [TYPED]) == []


def test_a_run_is_not_begun_with_a_provider_that_is_none(home: Home, tmp_path: Path) -> None:
    job = define(str(home.path)).resolve_job_def("start_pull")
    with open_instance(home) as instance:
        before = instance.get_runs_count()
        with pytest.raises(dg.DagsterInvalidConfigError, match="provider"):
            job.execute_in_process({"ops": {"pull_customers": {"config": {"provider": "sage"}}}}, instance=instance)
        assert instance.get_runs_count() == before


def test_the_configuration_that_the_launchpad_shows_first_is_valid() -> None:
    for job in jobs():
        if job.name in REQUIRED:
            dg.validate_run_config(job, job.run_config)
