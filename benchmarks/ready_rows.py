r"""What an import loaded, copied by ``psql \copy`` into the same tables: the limit of whatever loads them."""

import shutil
import time
from pathlib import Path

import sqlalchemy as sa

from benchmarks.databases import psql
from etl_customers.database.connect import connect, upgrade
from etl_customers.database.tables import metadata


class ReadyRows:
    """The rows of every table that an import filled, in files, in the order in which they lie on the disk."""

    def __init__(self, url: str, folder: Path) -> None:
        """Write them into a folder, which is made."""
        self._folder = folder
        folder.mkdir()
        engine = connect(url)
        with engine.connect() as connection:
            names = [table.name for table in metadata.sorted_tables]
            self.tables = [name for name in names if connection.scalar(sa.text(f"select exists (select from {name})"))]  # noqa: S608 - our own tables
            """Parents first."""
        engine.dispose()
        # Else a scan may begin where an earlier one ended.
        script = ["set synchronize_seqscans = off;"]
        script += [f"\\copy {name} to '{folder / name}'" for name in self.tables]
        psql(url, "\n".join(script) + "\n")

    def copy_into(self, url: str) -> float:
        """Return the seconds that it takes to copy them into the migrated tables of a new database, in one transaction."""
        engine = connect(url)
        upgrade(engine)
        engine.dispose()
        script = "".join(f"\\copy {name} from '{self._folder / name}'\n" for name in self.tables)
        started = time.perf_counter()
        psql(url, script)
        return time.perf_counter() - started

    def forget(self) -> None:
        """Delete the files."""
        shutil.rmtree(self._folder)
