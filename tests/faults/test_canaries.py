"""Whatever fails in an import, and however its error quotes customers: none of it is told or left anywhere else."""

import json
import logging
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import product
from pathlib import Path

import dagster as dg
import polars as pl
import pytest
from sqlalchemy.engine import Engine

from assets.display.endings import CODE
from assets.display.failures import failures_as_messages
from assets.runtime.instance import open_instance
from etl_customers.cli import main
from etl_customers.database.connect import connect
from etl_customers.imports import accepting, stages, whole
from etl_customers.imports.installation import Installation
from etl_customers.settings.home import Home
from etl_customers.settings.sections import Company, Settings
from tests.canaries import (
    FILE,
    OWN_TABLES,
    PASSWORDS,
    PERSONAL,
    QUOTED,
    add_fields,
    described,
    found_in,
    found_in_tables,
    words_in,
)
from tests.faults.killing import Processes
from tests.faults.quoting import QUOTINGS, Quoting, Saboteur, befalling_in_turn
from tests.full_form import FULL
from tests.imported import load, record_of

BY_COMMAND = [("a panic of Polars", False), ("a statement that SQLAlchemy prints", True)]
"""Errors for the command line where not all are tried, each with or without ``--json``."""

KILLED_AT = [
    "after ledger.accept_import",
    "after raw_csv.read_raw_csv",
    "after passwords.hash_passwords",
    "after validate.validate_customers",
    "after deduplicate.deduplicate_customers",
    "after ledger.finish_import",
]

_TRIGGER = """
    create trigger refuse before insert on customers when new.last_name = 'Canarylast'
    begin select raise(abort, 'Canaryfïrst Canarylast'); end
"""
_CONSTRAINT = "alter table customers add constraint refuse check (last_name <> 'Canarylast')"
_TYPE = "alter table customers alter column last_name type integer using null"


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that programs take for temporary files: nothing may be left in it."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr("tempfile.tempdir", None)
    return folder


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The file of canaries, outside of the home."""
    path = tmp_path / "customers.csv"
    path.write_text(FILE, encoding="utf-8")
    return path


@pytest.fixture
def installation(tmp_path: Path, sqlite_target: Engine) -> Installation:
    """A home of its own on a fresh target, with the custom field and the property of the file."""
    add_fields(sqlite_target)
    return Installation(Home(tmp_path / "home").make(), Settings(company=Company(country="AU")), sqlite_target)


def assert_is_kept_apart(home: Home, temporary: Path) -> None:
    """See that customers are in staging and failed-rows files only, and passwords in uploads under import only."""
    assert found_in(temporary) == {}
    kept = {str(path.relative_to(home.path)) for path in (*home.staging.iterdir(), *home.failed.glob("*.csv"))}
    under_import = {str(path.relative_to(home.path)) for path in home.uploads.glob("*.upload")}
    found = found_in(home.path)
    assert set(found) <= under_import | kept
    assert {name for name, words in found.items() if set(words) & set(PASSWORDS)} == under_import


@befalling_in_turn(QUOTINGS)
def test_an_error_that_quotes_customers_passes_no_edge_and_the_import_goes_on_afterwards(
    quotings: Sequence[Quoting],
    installation: Installation,
    file: Path,
    temporary: Path,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    for quoting in quotings:
        import_id = accepting.accept_upload(installation, file).record.import_id
        with quoting.failing(), pytest.raises(dg.Failure) as failed, failures_as_messages():
            whole.run_import(installation, import_id)
        assert failed.value.metadata[CODE].value == quoting.is_told_as
        captured = capfd.readouterr()
        told = (described(failed.value), str(failed.value.metadata), captured.out, captured.err, caplog.text)
        assert words_in("\n".join(told)) == []
        record = record_of(installation, import_id)
        assert record.status == quoting.status
        assert words_in(repr(record)) == []
        assert_is_kept_apart(installation.home, temporary)
    import_id = accepting.accept_upload(installation, file).record.import_id
    whole.run_import(installation, import_id)
    assert (record_of(installation, import_id).rows_loaded, installation.failed_rows_path(import_id).exists()) == (
        2,
        True,
    )
    assert found_in(installation.home.path, PASSWORDS) == found_in(temporary) == {}
    assert set(found_in_tables(installation.target)) == set(OWN_TABLES) - {"customer_changes", "provider_customers"}


@pytest.mark.parametrize(("name", "is_json"), [*product(QUOTINGS, [False, True])] if FULL else BY_COMMAND)
def test_the_command_line_and_dagster_keep_to_themselves_what_an_error_quotes(
    name: str,
    is_json: bool,
    installation: Installation,
    file: Path,
    temporary: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    quoting, words = QUOTINGS[name], ["--json"] if is_json else []
    monkeypatch.setenv("ETL_CUSTOMERS_DATABASE_URL", installation.target.url.render_as_string())
    monkeypatch.setenv("ETL_CUSTOMERS_COMPANY__COUNTRY", "AU")
    monkeypatch.setenv("ETL_CUSTOMERS_DEBUG", "1")
    with quoting.failing():
        code = main(["import", str(file), "--home", str(installation.home.path), *words])
    captured = capfd.readouterr()
    assert words_in(captured.out + captured.err) == []
    assert code == _EXIT_CODES[quoting.is_told_as, quoting.is_loaded], captured.err
    if is_json and not quoting.is_loaded:
        assert json.loads(captured.out).get("error", {"code": "refused"})["code"] in (quoting.is_told_as, "refused")
    with open_instance(installation.home) as instance:
        assert len(instance.get_runs()) == 1
    assert_is_kept_apart(installation.home, temporary)


def test_not_even_the_way_to_an_error_that_is_asked_for_shows_what_it_quotes(
    installation: Installation, file: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ETL_CUSTOMERS_DEBUG", "1")
    with Quoting(
        "etl_customers.imports.accepting.accept_import", lambda: pl.exceptions.PanicException(QUOTED)
    ).failing():
        code = main(["import", str(file), "--home", str(installation.home.path), "--json"])
    captured = capfd.readouterr()
    assert (code, json.loads(captured.out)["error"]["code"]) == (70, "bug")
    assert "in accept_upload" in captured.err, "where it was is shown"
    assert words_in(captured.out + captured.err) == []


@pytest.mark.parametrize(
    ("refuses", "told_as"),
    [
        ({"sqlite": _TRIGGER, "postgresql": _CONSTRAINT}, "bug"),
        ({"sqlite": "drop table properties", "postgresql": _TYPE}, "bug"),
    ],
    ids=["a rule of the database", "another type"],
)
def test_what_a_database_says_of_a_row_goes_no_further(
    refuses: dict[str, str],
    told_as: str,
    target: Engine,
    tmp_path: Path,
    file: Path,
    temporary: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    add_fields(target)
    installation = Installation(Home(tmp_path / "home").make(), Settings(company=Company(country="AU")), target)
    import_id = accepting.accept_upload(installation, file).record.import_id
    with target.begin() as connection:
        connection.exec_driver_sql(refuses[target.dialect.name])
    read_log = _log_of_server(target)
    with pytest.raises(dg.Failure) as failed, failures_as_messages():
        whole.run_import(installation, import_id)
    assert failed.value.metadata[CODE].value == told_as
    assert words_in(described(failed.value) + caplog.text) == []
    assert record_of(installation, import_id).status == "accepted"
    assert found_in_tables(target, PERSONAL + PASSWORDS) == {}
    assert words_in(read_log(), PASSWORDS) == []
    assert_is_kept_apart(installation.home, temporary)


def test_when_another_was_faster_with_a_customer_nobody_is_named_nor_in_the_log_of_a_terse_server(
    target: Engine, tmp_path: Path, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    if target.dialect.name == "postgresql":
        _make_terse(target)
    add_fields(target)
    installation = Installation(Home(tmp_path / "home").make(), Settings(company=Company(country="AU")), target)
    import_id = accepting.accept_upload(installation, file).record.import_id
    for stage in (stages.run_raw_csv, stages.run_validated_customers, stages.run_deduplicated_customers):
        stage(installation, import_id)
    load(installation, "first_name,last_name,email,city\nAda,Faster,canary.mail@EXAMPLE.com,Sydney\n")
    read_log = _log_of_server(target)
    counts = stages.run_loaded_customers(installation, import_id)
    assert (counts.loaded, counts.failed) == (1, 3)
    assert words_in(caplog.text) == []
    log = read_log()
    assert (b"duplicate key" in log) is (target.dialect.name == "postgresql")
    assert words_in(log) == []
    assert set(found_in_tables(target, PERSONAL)) <= OWN_TABLES
    assert found_in_tables(target, PASSWORDS) == {}


def test_when_a_process_is_killed_passwords_are_in_the_upload_only_and_gone_after_the_next_run(
    installation: Installation, file: Path, temporary: Path, disturbed: Processes
) -> None:
    for point in KILLED_AT if FULL else KILLED_AT[1:3]:
        disturbed.kill(installation.home.path, installation.target, "import", file, at=point)
        assert {name.partition("/")[0] for name in found_in(installation.home.path)} <= {"uploads", "staging"}
        assert all(name.startswith("uploads/") for name in found_in(installation.home.path, PASSWORDS))
        assert found_in(temporary) == found_in_tables(installation.target) == {}
    disturbed.run(installation.home.path, installation.target, "import", file)
    assert found_in(installation.home.path, PASSWORDS) == found_in_tables(installation.target, PASSWORDS) == {}
    assert list(installation.home.uploads.iterdir()) == []


def test_no_function_of_the_engine_lets_out_what_an_error_in_it_quotes(
    tmp_path: Path, migrated_sqlite_file: Path, file: Path, temporary: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Every function that an import calls fails once, at its first call."""
    # The second import calls what every later one calls; the first also what is read once in a process.
    for name in ("first", "undisturbed"):
        with _installation_of_its_own(tmp_path / name, migrated_sqlite_file) as installation:
            sound = Saboteur(None)
            sound.watch(lambda: _import(installation, file))
    points = range(1, len(sound.called) + 1, 1 if FULL else len(sound.called) // 6)
    assert len(points) >= 6
    for point in points:
        with _installation_of_its_own(tmp_path / str(point), migrated_sqlite_file) as installation:
            saboteur = Saboteur(point)
            with pytest.raises(dg.Failure) as failed, failures_as_messages():
                saboteur.watch(lambda: _import(installation, file))
            captured = capfd.readouterr()
            told = f"{described(failed.value)} {failed.value.metadata} {captured.out} {captured.err}"
            assert words_in(told) == [], saboteur.last
            assert_is_kept_apart(installation.home, temporary)


_EXIT_CODES = {
    ("bug", False): 70,
    ("bug", True): 70,
    ("not_utf8", False): 2,
    ("disk_unavailable", False): 3,
    # What is loaded is loaded: the file is missing, and that is a warning.
    ("disk_unavailable", True): 1,
}


def _log_of_server(target: Engine) -> Callable[[], bytes]:
    """Return what reads all that the server of a PostgreSQL target logs from now on; of SQLite there is no log."""
    if target.dialect.name != "postgresql":
        return lambda: b""
    path = Path(os.environ["ETL_CUSTOMERS_TEST_SERVER"]) / "data" / "log"
    begin = path.stat().st_size
    return lambda: path.read_bytes()[begin:]


def _make_terse(target: Engine) -> None:
    """Let the server log errors of a database without DETAIL and CONTEXT, as docs/reliability.md advises."""
    with target.begin() as connection:
        connection.exec_driver_sql(f'alter database "{target.url.database}" set log_error_verbosity = terse')
    target.dispose()


def _import(installation: Installation, file: Path) -> None:
    whole.run_import(installation, accepting.accept_upload(installation, file).record.import_id)


@contextmanager
def _installation_of_its_own(folder: Path, migrated: Path) -> Iterator[Installation]:
    home = Home(folder / "home").make()
    target = connect(f"sqlite:///{shutil.copy(migrated, folder / 'customers.db')}")
    add_fields(target)
    yield Installation(home, Settings(company=Company(country="AU")), target)
    target.dispose()
