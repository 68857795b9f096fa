"""The image, the compose file and the manifests: what they copy, mount and name is there, and no secret is in them."""

import fnmatch
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from assets.runtime.instance import LOCATION

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
PARTS = ("postgres", "upgrade", "code", "daemon", "webserver")


@pytest.fixture(scope="module")
def services() -> dict[str, dict[str, Any]]:
    """The services of compose.yaml."""
    found: dict[str, dict[str, Any]] = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))["services"]
    return found


@pytest.fixture(scope="module")
def manifests() -> list[dict[str, Any]]:
    """The objects for Kubernetes."""
    return list(yaml.safe_load_all((DEPLOY / "kubernetes/etl-customers.yaml").read_text("utf-8")))


def copied() -> list[str]:
    text = (DEPLOY / "Dockerfile").read_text("utf-8")
    lines = re.findall(r"^COPY (?!--from)(.+)$", text, re.MULTILINE)
    return [source for line in lines for source in line.split()[:-1]]


def test_everything_that_the_image_copies_exists_and_is_let_through() -> None:
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    let_through = {line[1:] for line in ignored if line.startswith("!")}
    assert copied()
    for source in copied():
        assert (ROOT / source).exists(), source
        assert source in let_through, f"{source} is ignored"
    assert "*" in ignored


def test_nothing_is_let_through_that_may_hold_customers_or_secrets() -> None:
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    let_through = [line[1:] for line in ignored if line.startswith("!")]
    for private in (".etl-customers", "deploy/.env", ".git", ".venv"):
        assert not any(fnmatch.fnmatch(private, pattern) for pattern in let_through)
    assert "deploy/.env" in (ROOT / ".gitignore").read_text("utf-8").splitlines()


def test_the_image_runs_without_rights_and_from_the_lock() -> None:
    text = (DEPLOY / "Dockerfile").read_text("utf-8")
    stage = text.rpartition("\nFROM ")[2]
    assert re.search(r"^USER 10001:10001$", stage, re.MULTILINE)
    assert "--require-hashes --requirement requirements-deploy.lock" in text
    assert "HEALTHCHECK" in stage
    assert not re.search(r"^(ARG|ENV) .*(PASSWORD|SECRET|TOKEN)", text, re.MULTILINE)


def test_the_lock_of_the_image_has_what_the_instances_name() -> None:
    locked = set(
        re.findall(r"^([a-z0-9-]+)[\[=]", (ROOT / "requirements-deploy.lock").read_text("utf-8"), re.MULTILINE)
    )
    assert {"dagster-postgres", "dagster-celery", "dagster-k8s", "redis", "hatchling"} <= locked
    assert not {"pytest", "playwright", "ruff"} & locked


def test_compose_has_each_part_once_and_each_waits_for_what_it_needs(services: dict[str, dict[str, Any]]) -> None:
    assert tuple(services) == PARTS
    for name, service in services.items():
        assert set(service.get("depends_on", {})) < set(PARTS), name
        assert "healthcheck" in service or "etl-customers:" in service["image"], name


def test_compose_mounts_files_that_exist(services: dict[str, dict[str, Any]]) -> None:
    mounted = {volume.partition(":")[0] for service in services.values() for volume in service["volumes"]}
    volumes = set(yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))["volumes"])
    for source in mounted - volumes:
        assert (DEPLOY / source).is_file(), source


def test_compose_listens_to_this_machine_only_and_has_no_rights(services: dict[str, dict[str, Any]]) -> None:
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert ports == ["127.0.0.1:3000:3000"]
    for name in ("code", "daemon", "webserver"):
        assert services[name]["cap_drop"] == ["ALL"]
        assert services[name]["read_only"] is True
    assert "ETL_CUSTOMERS_UI__PASSWORD" in services["webserver"]["environment"]


def test_every_variable_of_compose_is_in_the_example_and_no_secret_is_anywhere() -> None:
    example = dict(
        line.split("=", 1)
        for line in (DEPLOY / "example.env").read_text("utf-8").splitlines()
        if line and not line.startswith("#")
    )
    text = (DEPLOY / "compose.yaml").read_text("utf-8")
    assert set(re.findall(r"\$\{(\w+)", text)) == set(example)
    assert not any(value for name, value in example.items() if "PASSWORD" in name)
    # A password in a URL is always a variable.
    for path in DEPLOY.rglob("*"):
        if path.is_file() and path.suffix != ".md":
            assert not re.search(r"://\w+:(?!\$\{|password@)[^@\s/]+@", path.read_text("utf-8")), path


def test_what_asks_the_code_server_knows_its_name_port_and_location(services: dict[str, dict[str, Any]]) -> None:
    (server,) = (
        entry["grpc_server"] for entry in yaml.safe_load((DEPLOY / "workspace.yaml").read_text("utf-8"))["load_from"]
    )
    assert server["host"] in services
    assert str(server["port"]) in services[server["host"]]["command"]
    assert server["location_name"] == LOCATION
    assert LOCATION in services[server["host"]]["command"]


def test_the_manifests_give_the_ui_what_import_jobs_get(manifests: list[dict[str, Any]]) -> None:
    launcher = yaml.safe_load((DEPLOY / "kubernetes/dagster.yaml").read_text("utf-8"))["run_launcher"]["config"]
    (deployment,) = (one for one in manifests if one["kind"] == "Deployment")
    pod = deployment["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    names = {(one["kind"], one["metadata"]["name"]) for one in manifests}
    assert ("ServiceAccount", launcher["service_account_name"]) in names
    assert ("PersistentVolumeClaim", launcher["volumes"][0]["persistent_volume_claim"]["claim_name"]) in names
    assert [mount["mountPath"] for mount in container["volumeMounts"]] == [
        mount["mount_path"] for mount in launcher["volume_mounts"]
    ]
    given = {entry["name"] for entry in container["env"]}
    assert {entry["env"] for entry in (launcher["job_namespace"], launcher["job_image"])} <= given
    assert [source["secretRef"]["name"] for source in container["envFrom"]] == launcher["env_secrets"]
    assert deployment["spec"]["replicas"] == 1
    assert pod["securityContext"]["runAsNonRoot"]


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed; it would render the manifests")
def test_kustomize_fills_in_the_image_and_the_instance() -> None:
    done = subprocess.run(["kubectl", "kustomize", DEPLOY / "kubernetes"], capture_output=True, text=True, check=True)
    objects = list(yaml.safe_load_all(done.stdout))
    (deployment,) = (one for one in objects if one["kind"] == "Deployment")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    image = {entry["name"]: entry.get("value") for entry in container["env"]}["ETL_CUSTOMERS_IMAGE"]
    assert image == container["image"] != "etl-customers"
    (config,) = (one for one in objects if one["kind"] == "ConfigMap")
    assert config["data"]["dagster.yaml"] == (DEPLOY / "kubernetes/dagster.yaml").read_text("utf-8")
