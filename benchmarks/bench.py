"""The bench that sections work at: one folder, one PostgreSQL server, generated files, new homes and databases."""

import shutil
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.databases import Server, postgresql
from benchmarks.generate import Mix, write_file
from benchmarks.measure import CannotMeasure, Run, run_engine

BYTES_PER_ROW = 2_500
"""Room that a row needs at most: the file and its copy, staging and its spill, the target with its log."""
SQLITE, POSTGRESQL = "SQLite", "PostgreSQL"


class Bench:
    """What every section needs. A file is made once; databases and homes are new each time and then deleted."""

    def __init__(self, folder: Path, server: Server, peers: Path, *, installs: bool = True) -> None:
        self.folder = folder
        self.server = server
        self.peers = peers
        """Where the environments of the peers are kept."""
        self.installs = installs
        """Whether an environment that is missing is made, which needs the network."""
        self._files: dict[tuple[int, str, int], Path] = {}

    def file(self, rows: int, mix: Mix | None = None, start: int = 0) -> Path:
        """Return a generated file of customers, made at the first call.

        Raises:
            CannotMeasure: The disk has no room for an import of so many rows.
        """
        mix = mix or Mix(seed=7)
        key = (rows, repr(mix), start)
        if key not in self._files:
            self._require_room(rows)
            if rows >= 100_000:
                self.say(f"generating {rows:,} rows")
            path = self.folder / f"customers{len(self._files)}.csv"
            self._files[key] = write_file(path, rows, mix, start, self.say)
        return self._files[key]

    def forget_files(self) -> None:
        """Delete what was generated: the next section wants other files."""
        for path in self._files.values():
            path.unlink()
        self._files.clear()

    @contextmanager
    def database(self, kind: str = POSTGRESQL) -> Iterator[str]:
        """Lend a new database without tables."""
        if kind == SQLITE:
            with self.home() as folder:
                folder.mkdir()
                yield f"sqlite:///{folder / 'customers.db'}"
            return
        url = self.server.make_database()
        try:
            yield url
        finally:
            self.server.drop_database(url)

    @contextmanager
    def home(self) -> Iterator[Path]:
        """Lend a folder of its own, which is not there yet."""
        folder = self.folder / uuid.uuid4().hex[:12]
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def engine(self, file: Path, kind: str = POSTGRESQL) -> Run:
        """Import a file by the engine into a new database from a new home."""
        with self.database(kind) as url:
            return self.engine_into(url, file)

    def engine_into(self, url: str, file: Path) -> Run:
        """Import a file by the engine into a database that stays, from a new home."""
        with self.home() as home:
            return run_engine(file, url, home)

    def say(self, text: str) -> None:
        """Tell whoever waits what is going on."""
        print(f"  {text}", file=sys.stderr, flush=True)

    def _require_room(self, rows: int) -> None:
        needed, free = rows * BYTES_PER_ROW, shutil.disk_usage(self.folder).free
        if free < needed:
            raise CannotMeasure(
                f"{rows:,} rows need {needed / 1e9:.0f} GB in {self.folder.parent}, {free / 1e9:.0f} GB are free: "
                "make room, or name another folder with --folder"
            )


@contextmanager
def open_bench(parent: Path, peers: Path, *, installs: bool = True) -> Iterator[Bench]:
    """Set the bench up in a new folder and leave nothing of it."""
    with (
        tempfile.TemporaryDirectory(prefix="bench-", dir=parent, ignore_cleanup_errors=True) as name,
        postgresql(Path(name)) as server,
    ):
        yield Bench(Path(name), server, peers, installs=installs)
