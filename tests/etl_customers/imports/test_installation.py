"""Opening a home: what is open afterwards."""

import os
from pathlib import Path

import pytest

from etl_customers.base.errors import DatabaseNotMigrated
from etl_customers.imports.installation import open_installation
from etl_customers.settings.home import Home


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="only Linux says so simply what a process has open")
def test_a_home_whose_target_cannot_be_used_leaves_no_connection_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "other.db"
    monkeypatch.setenv("ETL_CUSTOMERS_DATABASE_URL", f"sqlite:///{target}")
    with pytest.raises(DatabaseNotMigrated) as refused:
        open_installation(Home(tmp_path / "home"))
    # While the error is held, so is all that its frames hold: nothing is closed by the garbage collector.
    assert refused.value.__traceback__ is not None
    assert str(target) not in {os.path.realpath(descriptor) for descriptor in Path("/proc/self/fd").iterdir()}
