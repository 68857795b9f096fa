"""What fault tests share: the import of ``importing.FILE`` where nothing breaks, and imports to disturb."""

import gc
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.engine import Engine

from etl_customers.database.connect import connect
from tests.faults.importing import Undisturbed, import_undisturbed, write_file
from tests.faults.killing import Processes, processes
from tests.faults.proxy import FORGOTTEN_CURSORS
from tests.faults.sweeping import Sweep
from tests.full_form import FULL

collect_ignore = [] if FULL else ["test_full_disks.py"]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    """Collect the cursors of connections that broke, while their warnings are known: not in whatever test comes next."""
    yield
    if FORGOTTEN_CURSORS.mark in item.iter_markers():
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*was deleted while still open", category=ResourceWarning)
            gc.collect()


@pytest.fixture(scope="session")
def undisturbed_import(migrated_sqlite_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    """What that file becomes."""
    folder = tmp_path_factory.mktemp("undisturbed")
    engine = connect(f"sqlite:///{shutil.copy(migrated_sqlite_file, folder / 'customers.db')}")
    found = import_undisturbed(folder / "home", engine, write_file(folder))
    engine.dispose()
    return found


@pytest.fixture
def undisturbed_target(migrated_sqlite_file: Path, tmp_path: Path) -> Iterator[Engine]:
    """A new SQLite target beside the test's own."""
    engine = connect(f"sqlite:///{shutil.copy(migrated_sqlite_file, tmp_path / 'undisturbed.db')}")
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def disturbed() -> Iterator[Processes]:
    """Processes of their own for what is to be killed, or to meet a fault."""
    with processes() as started:
        yield started


@pytest.fixture(scope="session")
def sqlite_sweep(
    migrated_sqlite_file: Path, tmp_path_factory: pytest.TempPathFactory, disturbed: Processes
) -> Iterator[Sweep]:
    """An import into SQLite that can be disturbed again and again; each test sets it back first."""
    folder = tmp_path_factory.mktemp("sweep")
    target = connect(f"sqlite:///{shutil.copy(migrated_sqlite_file, folder / 'customers.db')}")
    yield Sweep(folder, target, disturbed)
    target.dispose()
