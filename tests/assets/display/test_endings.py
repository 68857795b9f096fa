"""Whoever materializes everything did nothing wrong: what has nothing to do ends well, and says why on its partition."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.storage.partition_status_cache import AssetPartitionStatus

from assets.automation.launch import run_import_job
from assets.definitions import define
from assets.runtime.instance import open_instance
from assets.runtime.partitions import CHAIN, imports
from etl_customers.changes.undoing import undo
from etl_customers.imports.accepting import accept_upload
from etl_customers.imports.installation import Installation
from tests.assets.pulling import connected
from tests.imported import record_of

FIRST = ("raw_csv", "quickbooks_customers", "xero_customers")
Home = tuple[Installation, dict[str, str]]
GOOD = "first_name,last_name,email,city,country\n{0},Example,{0}@example.com,Sydney,AU\n"


def imported(installation: Installation, folder: Path, name: str, text: str) -> str:
    """Import a file in a run of its own and return the import."""
    file = folder / name
    file.write_text(text, encoding="utf-8")
    import_id = accept_upload(installation, file).record.import_id
    run_import_job(installation.home, import_id)
    return import_id


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Installation, dict[str, str], dict[str, str]]]:
    """A home with a finished, a refused and an undone file, and a pull that was accepted and not yet run."""
    from etl_customers.imports.accepting_pulls import accept

    folder = tmp_path_factory.mktemp("endings")
    with connected(folder) as (installation, fake):
        made = {
            "finished": imported(installation, folder, "good.csv", GOOD.format("ada")),
            "refused": imported(installation, folder, "bad.csv", GOOD.replace("email", "shoe").format("bob")),
            "undone": imported(installation, folder, "undone.csv", GOOD.format("una")),
        }
        undo(installation, made["undone"], "somebody")
        made["pull"] = accept(installation, "quickbooks", None, accepted_by="test").record.import_id
        yield installation, made, fake.environment()


@pytest.fixture
def home(made: tuple[Installation, dict[str, str], dict[str, str]], monkeypatch: pytest.MonkeyPatch) -> Home:
    """That home and its imports, in an environment that leads to the fake."""
    installation, imports, environment = made
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return installation, imports


def materialize_everything(installation: Installation, import_id: str) -> dg.ExecuteInProcessResult:
    """Press the button: every asset that is partitioned by imports, for one of them."""
    job = define(str(installation.home.path)).resolve_implicit_global_asset_job_def()
    with open_instance(installation.home) as instance:
        instance.add_dynamic_partitions("imports", [import_id])
        return job.execute_in_process(
            instance=instance,
            partition_key=import_id,
            asset_selection=[dg.AssetKey(name) for name in (*FIRST, *CHAIN)],
            raise_on_error=False,
        )


def words(result: dg.ExecuteInProcessResult) -> dict[str, str]:
    """Return why each asset had nothing to do; empty for those that had."""
    found = {}
    for event in result.get_asset_materialization_events():
        made = event.step_materialization_data.materialization
        said = made.metadata.get("nothing_to_do")
        found[made.asset_key.to_user_string()] = "" if said is None else str(said.value)
    return found


def test_everything_materialized_for_a_finished_import_changes_nothing_and_ends_well(
    home: Home,
) -> None:
    installation, made = home
    before = record_of(installation, made["finished"])

    result = materialize_everything(installation, made["finished"])

    assert result.success
    assert record_of(installation, made["finished"]) == before
    said = words(result)
    assert [name for name, why in said.items() if why] == ["quickbooks_customers", "xero_customers"]
    assert "is from CSV, and this asset reads only Xero" in said["xero_customers"]


def test_everything_materialized_for_a_pull_that_was_accepted_loads_its_customers(
    home: Home,
) -> None:
    installation, made = home

    result = materialize_everything(installation, made["pull"])

    assert result.success
    assert record_of(installation, made["pull"]).rows_loaded == 3
    assert [name for name, why in words(result).items() if why] == ["raw_csv", "xero_customers"]


@pytest.mark.parametrize(
    ("which", "why"),
    [
        ("refused", "was refused (unknown_columns): the header"),
        ("undone", "was undone"),
    ],
)
def test_everything_materialized_for_an_import_that_ended_otherwise_leaves_it_so_and_says_why(
    home: Home, which: str, why: str
) -> None:
    installation, made = home
    before = record_of(installation, made[which])

    result = materialize_everything(installation, made[which])

    assert result.success
    assert record_of(installation, made[which]) == before
    said = words(result)
    assert set(said) == {*FIRST, *CHAIN}
    assert all(why in said[name] for name in ("raw_csv", *CHAIN))


def test_a_refusal_stands_on_its_partition_of_each_stage_none_of_them_red_and_in_the_tags_of_its_run(
    home: Home,
) -> None:
    installation, made = home
    import_id = made["refused"]
    record = record_of(installation, import_id)
    with open_instance(installation.home) as instance:
        runs = instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE]))
        [run] = [run for run in runs if run.tags.get("dagster/partition") == import_id]
        logged = [entry.user_message for entry in instance.all_logs(run.run_id) if int(entry.level) >= 40]
        statuses = {
            asset: instance.get_status_by_partition(dg.AssetKey(asset), [import_id], imports)
            for asset in ("raw_csv", *CHAIN)
        }
        made_first = {
            asset: instance.fetch_materializations(
                dg.AssetRecordsFilter(asset_key=dg.AssetKey(asset), asset_partitions=[import_id]), limit=9
            ).records[-1]
            for asset in ("raw_csv", *CHAIN)
        }
    assert run.tags["refused"] == "unknown_columns"
    assert logged[0] == f"unknown_columns: {record.refusal_message}"
    for asset, found in made_first.items():
        assert found.asset_materialization is not None
        shown = found.asset_materialization.metadata
        assert (shown["refused"].value, shown["code"].value) == (record.refusal_message, "unknown_columns")
        assert statuses[asset] == {import_id: AssetPartitionStatus.MATERIALIZED}


def test_what_had_nothing_to_do_leaves_a_warning_of_a_check_as_it_stands(home: Home) -> None:
    installation, made = home
    check = dg.AssetCheckKey(dg.AssetKey("quickbooks_customers"), "all_customers_came")

    with open_instance(installation.home) as instance:
        instance.report_runless_asset_event(
            dg.AssetCheckEvaluation(
                asset_key=check.asset_key,
                check_name=check.name,
                passed=False,
                metadata={"fetched": 5},
                severity=dg.AssetCheckSeverity.WARN,
            )
        )
        assert materialize_everything(installation, made["finished"]).success
        last = instance.event_log_storage.get_latest_asset_check_execution_by_key([check])[check]

    assert last.event is not None
    said = last.event.asset_check_evaluation
    assert said is not None
    assert (said.passed, said.severity, said.metadata["fetched"].value) == (False, dg.AssetCheckSeverity.WARN, 5)


def test_an_import_of_which_nothing_is_in_this_home_fails_in_words(home: Home, tmp_path: Path) -> None:
    installation, _ = home
    file = tmp_path / "elsewhere.csv"
    file.write_text(GOOD.format("sam"), encoding="utf-8")
    import_id = accept_upload(installation, file).record.import_id
    installation.upload_path(import_id).unlink()

    outcome = run_import_job(installation.home, import_id)

    assert outcome.failure is not None
    assert (outcome.failure.code, outcome.failure.exit_code) == ("upload_gone", 3)
    assert "is not in this home" in outcome.failure.message
