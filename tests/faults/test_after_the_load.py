"""What fails after the commit does not take the load back, and is said."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy.engine import Engine

from etl_customers.database.connect import connect, upgrade
from etl_customers.imports import accepting, stages
from etl_customers.imports.installation import Installation
from etl_customers.settings.home import Home
from etl_customers.settings.sections import Company, Settings
from etl_customers.staging import open_staging

FILE = "first_name,last_name,email,city\nAda,Example,ada@example.com,Sydney\nBob,,bob@example.com,Sydney\n"


def test_a_failed_rows_file_that_cannot_be_written_is_a_warning_because_the_rows_are_loaded(tmp_path: Path) -> None:
    file, home = tmp_path / "customers.csv", Home(tmp_path / "home").make()
    file.write_text(FILE, encoding="utf-8")
    target = connect(f"sqlite:///{home.embedded_database}")
    upgrade(target)
    import_id = accepting.accept_upload(Installation(home, Settings(), target), file).record.import_id
    target.dispose()
    (home.failed / f"{import_id}.csv" / "in the way").mkdir(parents=True)
    environment = {**os.environ, "ETL_CUSTOMERS_HOME": str(home.path)}
    environment.pop("ETL_CUSTOMERS_DATABASE_URL", None)
    command = [str(Path(sys.executable).with_name("etl-customers")), "import", str(file), "--json"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1, done.stderr
    assert json.loads(done.stdout)["rows"] == {"read": 2, "loaded": 1, "failed": 1, "unread": 0}
    assert "the import was loaded" in done.stderr
    assert "Traceback" not in done.stderr


def test_rows_whose_identity_keys_were_lost_are_not_loaded(tmp_path: Path, sqlite_target: Engine) -> None:
    installation = Installation(Home(tmp_path / "home").make(), Settings(company=Company(country="AU")), sqlite_target)
    file = tmp_path / "customers.csv"
    file.write_text(FILE, encoding="utf-8")
    import_id = accepting.accept_upload(installation, file).record.import_id
    stages.run_raw_csv(installation, import_id)
    stages.run_validated_customers(installation, import_id)
    with open_staging(installation.staging_path(import_id), 128) as staging:
        staging.execute("delete from customer_keys")
    stages.run_deduplicated_customers(installation, import_id)
    with pytest.raises(RuntimeError, match="without identity keys"):
        stages.run_loaded_customers(installation, import_id)
