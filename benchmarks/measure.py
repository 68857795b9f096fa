"""Running what is measured in a process of its own, with the memory of that process and of all that it starts."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_LOOK_SECONDS = 0.1


class CannotMeasure(Exception):
    """Something that a measurement needs is not there; says what, and what to do."""


@dataclass(frozen=True)
class Run:
    """What a measured process told of itself."""

    counts: Mapping[str, int]
    stages: Mapping[str, float]
    """Seconds of wall time by stage."""
    peak_mb: float
    """The most that the process and all that it had started held at one moment; shared memory counts in each."""
    version: str = ""
    """Of a peer: its name and version."""

    @property
    def seconds(self) -> float:
        """All stages together; the start of Python and its imports are not in it."""
        return sum(self.stages.values())


def run_module(module: str, *arguments: str, python: str = sys.executable, **environment: str) -> Run:
    """Run a module of this package that tells a run, in this environment or by another's Python."""
    command, root = [python, "-m", module, *arguments], Path(__file__).parents[1]
    with (
        subprocess.Popen(command, env=os.environ | environment, cwd=root, stdout=subprocess.PIPE, text=True) as process,
        _watched(process.pid) as most,
    ):
        told, _ = process.communicate()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, process.args)
    run = json.loads(told)
    return Run(**run | {"peak_mb": max(run["peak_mb"], *most)})


def run_engine(file: Path, url: str, home: Path) -> Run:
    """Import a file into a home and the given database by the engine, without the CLI and Dagster."""
    return run_module("benchmarks.engine", str(file), str(home), **engine_environment(), ETL_CUSTOMERS_DATABASE_URL=url)


def engine_environment() -> dict[str, str]:
    """Return settings under which every generated file is accepted."""
    return {
        "ETL_CUSTOMERS_CSV__MAX_ROWS": "100000000",
        "ETL_CUSTOMERS_CSV__MAX_BYTES": "100000000000",
        "ETL_CUSTOMERS_COMPANY__COUNTRY": "AU",
    }


def time_command(command: Sequence[str], environment: Mapping[str, str], may_return: Sequence[int] = (0,)) -> float:
    """Return the seconds of a whole command, as a person waits for it."""
    started = time.perf_counter()
    done = subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=False)
    seconds = time.perf_counter() - started
    if done.returncode not in may_return:
        raise subprocess.CalledProcessError(done.returncode, list(command))
    return seconds


@contextmanager
def _watched(pid: int) -> Iterator[list[float]]:
    """Look at a process and its descendants again and again; the list yielded ends with the most seen, in MB."""
    most, is_over = [0.0], threading.Event()

    def look() -> None:
        while not is_over.wait(_LOOK_SECONDS):
            most[0] = max(most[0], _tree_mb(pid))

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield most
    finally:
        is_over.set()
        watcher.join()


def _tree_mb(pid: int) -> float:
    """Return the resident memory of a process and its descendants; zero where the system does not tell."""
    pending, pages = [pid], 0
    while pending:
        process = Path(f"/proc/{pending.pop()}")
        try:
            pages += int((process / "statm").read_text().split()[1])
            for task in (process / "task").iterdir():
                pending += map(int, (task / "children").read_text().split())
        except OSError:  # it has ended meanwhile
            continue
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
