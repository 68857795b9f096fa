"""The ``dagster.yaml`` files for more than one machine: real classes, real PostgreSQL, and no secret in a file."""

import json
import shutil
import socket
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
import pytest
import sqlalchemy as sa
import yaml

from assets.runtime.instance import DAGSTER_YAML, open_instance
from etl_customers.base.errors import DiskUnavailable, SettingsInvalid
from etl_customers.settings.home import Home

if TYPE_CHECKING:
    from dagster_celery.launcher import CeleryRunLauncher
    from dagster_k8s.launcher import K8sRunLauncher

DEPLOY = Path(__file__).parents[2] / "deploy"
FILES = sorted(DEPLOY.glob("*/dagster.yaml"))
KUBECONFIG = {
    "apiVersion": "v1",
    "kind": "Config",
    "current-context": "none",
    "clusters": [{"name": "none", "cluster": {"server": "http://127.0.0.1:1"}}],
    "users": [{"name": "none", "user": {}}],
    "contexts": [{"name": "none", "context": {"cluster": "none", "user": "none"}}],
}


@pytest.fixture
def dagster_url(empty_postgresql_url: str) -> str:
    """A new PostgreSQL database, named as Dagster wants it."""
    return sa.make_url(empty_postgresql_url).set(drivername="postgresql+psycopg2").render_as_string(hide_password=False)


@pytest.fixture
def environment(dagster_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the files take from the environment; the broker and the backend are folders."""
    (tmp_path / "results").mkdir()
    monkeypatch.setenv("DAGSTER_POSTGRES_URL", dagster_url)
    monkeypatch.setenv("DAGSTER_CELERY_BROKER_URL", "filesystem://")
    monkeypatch.setenv("DAGSTER_CELERY_BACKEND_URL", f"file://{tmp_path / 'results'}")
    monkeypatch.setenv("ETL_CUSTOMERS_NAMESPACE", "customers")
    monkeypatch.setenv("ETL_CUSTOMERS_IMAGE", "etl-customers:test")


@dg.job
def a_job() -> None:
    """Stands for the import: what a launcher makes of a job does not depend on what it does."""


@contextmanager
def instance_of(settings: dict[str, Any], folder: Path) -> Iterator[dg.DagsterInstance]:
    """Open an instance as Dagster's processes do: from a ``dagster.yaml`` in its home."""
    folder.mkdir()
    (folder / "dagster.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Dagster's notices about itself
        with dg.DagsterInstance.from_config(str(folder)) as instance:
            yield instance


def settings_in(path: Path) -> dict[str, Any]:
    settings: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    return settings


def test_there_is_a_file_for_each_way_to_scale_out() -> None:
    assert [path.parent.name for path in FILES] == ["celery", "kubernetes", "postgresql"]


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.parent.name)
def test_a_file_is_an_instance_that_keeps_runs_in_postgresql_and_phones_nowhere(path: Path, tmp_path: Path) -> None:
    with instance_of(settings_in(path), tmp_path / "dagster") as instance:
        instance.add_dynamic_partitions("imports", ["csv-20261122T081443Z-3fa9c1d2"])
        assert instance.get_dynamic_partitions("imports") == ["csv-20261122T081443Z-3fa9c1d2"]
        assert type(instance.run_storage).__name__ == "PostgresRunStorage"
        assert type(instance.run_coordinator).__name__ == "QueuedRunCoordinator"
        assert type(instance.compute_log_manager).__name__ == "NoOpComputeLogManager"
        assert (instance.telemetry_enabled, instance.nux_enabled) == (False, False)
        assert instance.run_monitoring_enabled
        assert instance.run_retries_enabled
        assert not instance.run_retries_retry_on_asset_or_op_failure
        assert instance.get_concurrency_config().run_queue_config is not None


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.parent.name)
def test_a_file_differs_from_the_homes_own_only_where_scaling_out_does(path: Path) -> None:
    own, here = yaml.safe_load(DAGSTER_YAML), settings_in(path)
    for settings in (own, here):
        settings.pop("storage", None)
        settings.pop("run_launcher", None)
        del settings["concurrency"]["runs"]["max_concurrent_runs"]
        del settings["run_monitoring"]["max_runtime_seconds"]
    assert here == own


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.parent.name)
def test_what_travels_to_a_run_worker_holds_no_secret(path: Path, dagster_url: str, tmp_path: Path) -> None:
    # Celery's messages and the arguments of Kubernetes jobs carry the instance; others can read them.
    with instance_of(settings_in(path), tmp_path / "dagster") as instance:
        packed = repr(instance.get_ref().to_dict())
    assert "DAGSTER_POSTGRES_URL" in packed
    assert dagster_url not in packed


def test_a_variable_that_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DAGSTER_POSTGRES_URL", raising=False)
    home = Home(tmp_path / "home").make()
    shutil.copy(DEPLOY / "postgresql/dagster.yaml", home.dagster)
    with (
        pytest.raises(SettingsInvalid, match="without the environment variable DAGSTER_POSTGRES_URL"),
        open_instance(home),
    ):
        pass


def test_a_storage_that_does_not_answer_can_be_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # taken, and nobody listens
        port = nobody.getsockname()[1]
        monkeypatch.setenv("DAGSTER_POSTGRES_URL", f"postgresql+psycopg2://canary:canary@127.0.0.1:{port}/dagster")
        home = Home(tmp_path / "home").make()
        shutil.copy(DEPLOY / "postgresql/dagster.yaml", home.dagster)
        with pytest.raises(DiskUnavailable, match=r"dagster\.yaml names does not answer") as told, open_instance(home):
            pass
    assert "canary" not in str(told.value)


@pytest.mark.usefixtures("environment")
def test_celery_launches_runs_on_one_queue_and_asks_a_backend_that_answers(tmp_path: Path) -> None:
    settings = settings_in(DEPLOY / "celery/dagster.yaml")
    with instance_of(settings, tmp_path / "dagster") as instance:
        launcher: CeleryRunLauncher = instance.run_launcher  # type: ignore[assignment]
        assert launcher.supports_check_run_worker_health
        assert launcher.default_queue == "dagster"
        assert launcher.celery.conf.broker_url == "filesystem://"
        assert launcher.celery.AsyncResult("never-sent").state == "PENDING"


def test_celery_workers_read_the_variables_that_the_launcher_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    text = (DEPLOY / "celery/dagster_celery_config.py").read_text("utf-8")
    config = settings_in(DEPLOY / "celery/dagster.yaml")["run_launcher"]["config"]
    values = {config[name]["env"]: f"{name}://there" for name in ("broker", "backend")}
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    read: dict[str, Any] = {}
    exec(compile(text, "dagster_celery_config.py", "exec"), read)  # noqa: S102 - our own file, as Celery loads it
    assert (read["broker_url"], read["result_backend"]) == ("broker://there", "backend://there")


@pytest.mark.usefixtures("environment")
def test_a_kubernetes_job_has_the_home_the_secrets_and_no_rights(tmp_path: Path) -> None:
    from dagster_k8s.container_context import K8sContainerContext
    from dagster_k8s.job import construct_dagster_k8s_job

    settings = settings_in(DEPLOY / "kubernetes/dagster.yaml")
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(KUBECONFIG), encoding="utf-8")
    outside = {"load_incluster_config": False, "kubeconfig_file": str(tmp_path / "kubeconfig")}
    settings["run_launcher"]["config"] |= outside
    with instance_of(settings, tmp_path / "dagster") as instance:
        launcher: K8sRunLauncher = instance.run_launcher  # type: ignore[assignment]
        run = instance.create_run_for_job(a_job)
        context = K8sContainerContext.create_for_run(run, launcher, include_run_tags=True)
        job = construct_dagster_k8s_job(
            context.get_k8s_job_config(None, launcher), ["true"], "name", context.run_k8s_config
        )
    pod = job.spec.template.spec
    container = pod.containers[0]
    assert container.image == "etl-customers:test"
    assert {mount.mount_path for mount in container.volume_mounts} == {"/data", "/data/dagster/dagster.yaml"}
    assert [source.secret_ref.name for source in container.env_from] == ["etl-customers"]
    assert {entry.name: entry.value for entry in container.env}["ETL_CUSTOMERS_HOME"] == "/data"
    assert pod.security_context.run_as_non_root
    assert container.security_context.allow_privilege_escalation is False
    assert job.spec.backoff_limit == 0


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize(
    "reshaped",
    [
        {"container_config": {"image": "elsewhere:1"}},
        {"container_config": {"env": [{"name": "ETL_CUSTOMERS_DATABASE_URL", "value": "elsewhere"}]}},
        {"pod_spec_config": {"host_network": True}},
    ],
)
def test_no_tag_of_a_run_reshapes_its_pod(tmp_path: Path, reshaped: dict[str, object]) -> None:
    from dagster_k8s.container_context import K8sContainerContext

    settings = settings_in(DEPLOY / "kubernetes/dagster.yaml")
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(KUBECONFIG), encoding="utf-8")
    outside = {"load_incluster_config": False, "kubeconfig_file": str(tmp_path / "kubeconfig")}
    settings["run_launcher"]["config"] |= outside
    with instance_of(settings, tmp_path / "dagster") as instance:
        launcher: K8sRunLauncher = instance.run_launcher  # type: ignore[assignment]
        run = instance.create_run_for_job(a_job, tags={"dagster-k8s/config": json.dumps(reshaped)})
        with pytest.raises(Exception, match="violated the allowed list"):
            K8sContainerContext.create_for_run(run, launcher, include_run_tags=True)
