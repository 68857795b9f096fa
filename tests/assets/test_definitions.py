"""What Dagster is told: exactly these assets, each described, partitioned by imports and checked."""

import re
from itertools import pairwise
from pathlib import Path

import dagster as dg
import pytest
import yaml

from assets.definitions import define, definitions
from assets.runtime.instance import LOCATION, write_workspace
from etl_customers.settings.home import Home
from schemas.sources import FIRST_STAGES

SOURCES = ("raw_csv", "quickbooks_customers", "xero_customers")
SHARED = ("validated_customers", "deduplicated_customers", "loaded_customers", "failed_rows")
WITHOUT_PARTITIONS = {"customers": "customers", "import_history": "review", "provider_connections": "connections"}


def specs() -> dict[str, dg.AssetSpec]:
    return {spec.key.to_user_string(): spec for spec in definitions.resolve_all_asset_specs()}


def check_specs() -> list[dg.AssetCheckSpec]:
    made = [asset for asset in definitions.assets or [] if isinstance(asset, dg.AssetsDefinition)]
    return [spec for asset in made for spec in asset.check_specs]


def test_these_are_all_assets() -> None:
    assert set(specs()) == {*SOURCES, *SHARED, *WITHOUT_PARTITIONS}


def test_every_asset_says_what_it_is_and_whose() -> None:
    for name, spec in specs().items():
        assert spec.description, name
        assert spec.owners == ["team:data"], name
        assert spec.group_name == WITHOUT_PARTITIONS.get(name, "customers"), name
        assert spec.kinds, name
        assert spec.tags["stage"], name
        partitions = None if name in WITHOUT_PARTITIONS else dg.DynamicPartitionsDefinition(name="imports")
        assert spec.partitions_def == partitions, name


def test_the_targets_table_stands_behind_the_load_and_is_made_by_no_job() -> None:
    table = specs()["customers"]
    assert table.metadata["dagster/table_name"] == "customers"
    assert [dep.asset_key.to_user_string() for dep in table.deps] == ["loaded_customers"]
    jobs = [job for job in definitions.resolve_all_job_defs() if table.key in job.asset_layer.executable_asset_keys]
    assert not jobs


def test_every_asset_describes_all_its_columns() -> None:
    for name, spec in specs().items():
        schema = spec.metadata["dagster/column_schema"]
        assert all(column.description for column in schema.columns), name


def test_all_sources_feed_one_chain() -> None:
    found = specs()
    deps = {name: {dep.asset_key.to_user_string() for dep in found[name].deps} for name in (*SOURCES, *SHARED)}
    assert deps == {
        **{key: set() for key in SOURCES},
        SHARED[0]: set(SOURCES),
        **{name: {before} for before, name in pairwise(SHARED)},
    }


def test_pulls_and_the_history_are_asked_whether_they_are_fresh() -> None:
    asked = {name for name, spec in specs().items() if spec.freshness_policy is not None}
    assert asked == {"quickbooks_customers", "xero_customers", "import_history"}


@pytest.mark.parametrize("source", FIRST_STAGES)
def test_the_job_of_a_source_runs_the_whole_chain_in_one_process(source: str) -> None:
    job = definitions.resolve_job_def(f"import_{source}")
    keys = {key.to_user_string() for key in job.asset_layer.executable_asset_keys}
    assert keys == {FIRST_STAGES[source], *SHARED}
    assert job.executor_def is dg.in_process_executor


def test_these_are_all_checks_and_those_that_only_warn_block_nothing() -> None:
    assert all(check.description for check in check_specs())
    found = {(check.asset_key.to_user_string(), check.name, check.blocking) for check in check_specs()}
    assert found == {
        ("raw_csv", "every_row_is_staged", True),
        ("quickbooks_customers", "every_record_is_staged", True),
        ("quickbooks_customers", "connection_is_fresh", False),
        ("quickbooks_customers", "all_customers_came", False),
        ("xero_customers", "every_record_is_staged", True),
        ("xero_customers", "connection_is_fresh", False),
        ("xero_customers", "all_customers_came", False),
        ("provider_connections", "connections_are_healthy", False),
        ("validated_customers", "every_row_is_accounted_for", True),
        ("deduplicated_customers", "every_row_is_accounted_for", True),
        ("deduplicated_customers", "identity_keys_are_unique", True),
        ("loaded_customers", "every_row_is_accounted_for", True),
        ("loaded_customers", "ledger_and_target_agree", True),
        ("loaded_customers", "identity_keys_are_unique", True),
        ("loaded_customers", "something_was_loaded", False),
        ("failed_rows", "every_failed_row_is_in_the_file", True),
        ("failed_rows", "failed_share_is_low", False),
    }


def test_the_page_on_the_ui_lists_every_asset_check_job_schedule_and_sensor() -> None:
    page = (Path(__file__).parents[2] / "docs/dagster.md").read_text(encoding="utf-8")
    listed = {tuple(re.findall(r"`(\w+)`", row)) for row in re.findall(r"^\| `.*", page, re.MULTILINE)}
    first = {names[0] for names in listed}
    parts = [*(definitions.jobs or []), *(definitions.schedules or []), *(definitions.sensors or [])]
    assert {*specs(), *(part.name for part in parts)} <= first
    checks = {(check.name, check.asset_key.to_user_string()) for check in check_specs()}
    assert checks == {names[:2] for names in listed if names[:2] in checks or names[0] in {name for name, _ in checks}}


def test_the_workspace_files_name_the_location_that_runs_are_started_under(tmp_path: Path) -> None:
    project = Path(__file__).parents[2] / "workspace.yaml"
    for path in (project, write_workspace(Home(tmp_path / "home"))):
        module = yaml.safe_load(path.read_text(encoding="utf-8"))["load_from"][0]["python_module"]
        assert (module["module_name"], module["location_name"]) == ("assets.definitions", LOCATION)


def test_whoever_launches_a_run_cannot_choose_a_folder(tmp_path: Path) -> None:
    config = {"resources": {"installation": {"config": {"home": str(tmp_path / "elsewhere")}}}}
    job = define(str(tmp_path / "home")).resolve_job_def("delete_expired")
    with dg.instance_for_test() as instance:
        assert job.execute_in_process(config, instance=instance).success
    assert [path.name for path in tmp_path.iterdir()] == ["home"]
