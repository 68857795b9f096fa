"""What commands change without a run is seen in the UI: an import undone, its customers edited or erased."""

from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from assets.changes import show_change
from assets.instance import open_instance
from assets.launch import run_import_job
from etl_customers.cli import main
from etl_customers.imports import accept_upload
from etl_customers.undoing import undo
from etl_customers.workshop import Workshop

FILE = (
    "first_name,last_name,email,city,country\n"
    "Canaryada,Example,canary.ada@example.com,Sydney,AU\n"
    "Canarybob,Example,canary.bob@example.com,Sydney,AU\n"
    "Canarycy,,canary.cy@example.com,Sydney,AU\n"
)


@pytest.fixture
def imported(workshop: Workshop, tmp_path: Path) -> str:
    """An import of three rows, two of them loaded, in a run of its own."""
    file = tmp_path / "customers.csv"
    file.write_text(FILE, encoding="utf-8")
    import_id = accept_upload(workshop, file).record.import_id
    assert run_import_job(workshop.home, import_id).success
    return import_id


def command(workshop: Workshop, *words: str) -> int:
    """Run a command on the home and return its exit code."""
    return main([*words, "--home", str(workshop.home.path)])


def seen(workshop: Workshop, import_id: str) -> tuple[dict[str, Any], list[str | None], dict[str, str], dict[str, Any]]:
    """Return what a person sees: the partition, what happened to it, the run's tags, and the history."""
    of_import = dg.AssetRecordsFilter(asset_key=dg.AssetKey("loaded_customers"), asset_partitions=[import_id])
    with open_instance(workshop.home) as instance:
        newest = instance.fetch_materializations(of_import, limit=1).records[0].asset_materialization
        observed = instance.fetch_observations(of_import, limit=9).records
        [ran] = instance.get_runs(dg.RunsFilter(tags={"dagster/partition": import_id}))
        history = instance.fetch_materializations(dg.AssetKey("import_history"), limit=1).records[0]
    assert newest is not None
    assert history.asset_materialization is not None
    notes = [one.asset_observation.description for one in observed if one.asset_observation]
    values = {name: entry.value for name, entry in newest.metadata.items()}
    numbers = {name: entry.value for name, entry in history.asset_materialization.metadata.items()}
    return values, notes, dict(ran.tags), numbers


def test_after_an_undo_the_partition_the_run_and_the_history_say_so(workshop: Workshop, imported: str) -> None:
    code = command(workshop, "undo", imported)

    partition, notes, tags, history = seen(workshop, imported)
    assert code == 0
    assert (partition["status"], partition["removed"], partition["still_there"]) == ("undone", 2, 0)
    assert partition["dagster/row_count"] == 0
    assert notes == ["undone"]
    assert tags["status"] == "undone"
    assert (history["undone"], history["finished"]) == (1, 0)


def test_the_table_of_customers_is_counted_after_an_import_and_after_an_undo(workshop: Workshop, imported: str) -> None:
    command(workshop, "undo", imported)

    with open_instance(workshop.home) as instance:
        found = instance.fetch_materializations(dg.AssetKey("customers"), limit=9).records
    shown = [record.asset_materialization.metadata for record in found if record.asset_materialization]
    assert [one["dagster/row_count"].value for one in shown] == [0, 2]


def test_an_undo_that_changes_nothing_is_not_shown(workshop: Workshop, imported: str) -> None:
    for words in (["--dry-run"], [], []):
        command(workshop, "undo", imported, *words)

    assert seen(workshop, imported)[1] == ["undone"]


def test_an_edit_and_an_erasure_are_shown_without_saying_whose(workshop: Workshop, imported: str) -> None:
    command(workshop, "customers", "edit", "1", "city=Perth")
    command(workshop, "erase", "2", "--yes")

    partition, notes, tags, _ = seen(workshop, imported)
    assert (partition["removed"], partition["still_there"], tags["status"]) == (1, 1, "finished")
    assert notes == ["a customer was erased", "a customer was edited"]
    storage = b"".join(path.read_bytes() for path in workshop.home.dagster.rglob("*") if path.is_file())
    assert b"canary" not in storage.lower()


def test_nothing_is_made_where_the_ui_was_never_used(workshop: Workshop, tmp_path: Path) -> None:
    from etl_customers.imports import run_import

    file = tmp_path / "customers.csv"
    file.write_text(FILE, encoding="utf-8")
    import_id = accept_upload(workshop, file).record.import_id
    run_import(workshop, import_id)
    undo(workshop, import_id, "somebody")

    show_change(workshop, [import_id], "undone")

    assert list(workshop.home.dagster.iterdir()) == []


def test_an_undo_is_done_although_the_ui_cannot_show_it(
    workshop: Workshop, imported: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (workshop.home.dagster / "dagster.yaml").write_text("bogus: 1\n", encoding="utf-8")

    code = command(workshop, "undo", imported)

    printed = capsys.readouterr()
    assert code == 0
    assert "2 customers removed" in printed.out
    assert "the Dagster UI does not show it yet" in printed.err
