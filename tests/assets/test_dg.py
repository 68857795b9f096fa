"""Dagster's own command ``dg`` knows the house by ``[tool.dg]`` in pyproject.toml, and finds what is defined."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from assets.definitions import definitions

ROOT = Path(__file__).parents[2]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """An environment in which Dagster keeps what it writes in a folder of the test, and sends no telemetry."""
    (tmp_path / "dagster").mkdir()
    (tmp_path / "dagster/dagster.yaml").write_text("telemetry: {enabled: false}\n", encoding="utf-8")
    return {
        **os.environ,
        "HOME": str(tmp_path),
        "DAGSTER_HOME": str(tmp_path / "dagster"),
        "ETL_CUSTOMERS_HOME": str(tmp_path / "home"),
        "COLUMNS": "200",
        "PYTHONWARNINGS": "ignore",  # as for any other program that a test starts
    }


def dg(environment: dict[str, str], *words: str) -> str:
    """Run ``dg`` in the house, and return what it prints."""
    program = Path(sys.executable).with_name("dg")
    ended = subprocess.run([program, *words], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "warning" not in ended.stderr.lower()
    return ended.stdout


def test_dg_checks_the_table_and_loads_the_definitions(environment: dict[str, str], tmp_path: Path) -> None:
    assert "valid" in dg(environment, "check", "toml")
    assert "All definitions loaded successfully." in dg(environment, "check", "defs")
    assert not (tmp_path / "home").exists()


def test_dg_lists_what_is_defined_and_nothing_else(environment: dict[str, str]) -> None:
    listed = json.loads(dg(environment, "list", "defs", "--json"))
    repository = definitions.get_repository_def()
    assert {asset["asset_key"] for asset in listed["assets"]} == {
        key.to_user_string() for key in repository.asset_graph.get_all_asset_keys()
    }
    assert {job["name"] for job in listed["jobs"]} == {
        job.name for job in repository.get_all_jobs() if not job.name.startswith("__")
    }
    assert {schedule["name"] for schedule in listed["schedules"]} == {one.name for one in repository.schedule_defs}
    assert {sensor["name"] for sensor in listed["sensors"]} == {one.name for one in repository.sensor_defs}
