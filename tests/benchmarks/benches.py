"""A bench whose engine answers at once with prepared figures, so that what sections make of them can be tested."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.databases import Server
from benchmarks.generate import Mix
from benchmarks.measure import Run

ENGINE_STAGES = ("accept", "read", "validate", "deduplicate", "load", "failed rows")


def run_of(rows: int, seconds: float, loaded: int | None = None, peak_mb: float = 100.0) -> Run:
    """Return a run of the engine whose stages share the time equally."""
    loaded = rows if loaded is None else loaded
    stages = dict.fromkeys(ENGINE_STAGES, seconds / len(ENGINE_STAGES))
    return Run({"read": rows, "loaded": loaded, "failed": rows - loaded}, stages, peak_mb)


class _NoServer(Server):
    """What a section asks of a server besides databases, which this bench has no use for."""

    def __init__(self) -> None:
        pass

    def settle(self, url: str) -> None:
        pass


@dataclass(frozen=True)
class Asked:
    """What the engine is asked to import."""

    rows: int
    start: int
    """Index of the first row of the file."""
    is_full: bool
    """Into a target that stays, and not into a new one."""


class PreparedBench(Bench):
    """Files are names that say what is in them; ``answer`` says what the engine makes of one."""

    def __init__(self, folder: Path, answer: Callable[[Asked], Run]) -> None:
        super().__init__(folder, _NoServer(), folder)
        self._answer = answer

    def file(self, rows: int, mix: Mix | None = None, start: int = 0) -> Path:  # noqa: ARG002 - as the real one
        return Path(f"{rows}-{start}")

    @contextmanager
    def database(self, kind: str = "") -> Iterator[str]:
        yield kind

    def engine(self, file: Path, kind: str = "") -> Run:  # noqa: ARG002
        return self._asked(file, is_full=False)

    def engine_into(self, url: str, file: Path) -> Run:  # noqa: ARG002
        return self._asked(file, is_full=True)

    def _asked(self, file: Path, *, is_full: bool) -> Run:
        rows, start = map(int, file.name.split("-"))
        return self._answer(Asked(rows, start, is_full))
