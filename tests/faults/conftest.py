"""What fault tests share: the import of ``importing.FILE`` where nothing breaks, and processes to disturb."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from etl_customers.target.connect import connect
from tests.faults.importing import Undisturbed, import_undisturbed, write_file
from tests.faults.killing import Processes, processes


@pytest.fixture(scope="session")
def undisturbed_import(migrated_sqlite_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    """What that file becomes."""
    folder = tmp_path_factory.mktemp("undisturbed")
    engine = connect(f"sqlite:///{shutil.copy(migrated_sqlite_file, folder / 'customers.db')}")
    found = import_undisturbed(folder / "home", engine, write_file(folder))
    engine.dispose()
    return found


@pytest.fixture(scope="session")
def disturbed() -> Iterator[Processes]:
    """Processes of their own for what is to be killed, or to meet a fault."""
    with processes() as started:
        yield started
