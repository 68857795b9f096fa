"""The engine and what a user would pick instead: the same files into the same PostgreSQL, by turns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.bench import Bench
from benchmarks.environments import python_of
from benchmarks.figures import Cell, Goal, Number, Table
from benchmarks.measure import CannotMeasure, Run, run_module
from benchmarks.ready_rows import ReadyRows

_PROMISED_ROWS = 100_000
_OURS = "the engine"
_LIMIT = "psql \\copy of the rows that the engine loads, once they are ready"


@dataclass(frozen=True)
class Peer:
    """What is measured beside the engine."""

    label: str
    module: str
    checks: str
    """What it checks and does, beside the engine's all."""
    at_least: float | None = None
    """Times faster that the engine has to be."""
    environment: str = ""
    """Name of its environment; none where it runs in ours."""
    words: tuple[str, ...] = ()
    """For its module, after file and database."""


_RULES = "required columns, lengths, lists, e-mails, dates, phones; no places, no duplicates, failed rows not kept"
PEERS = (
    Peer("SQLAlchemy ORM loop", "benchmarks.orm_loop", "the engine's rules, duplicates, failed rows", 13.0),
    Peer(
        "django-import-export, bulk mode",
        "benchmarks.peers.django_import_export.load",
        _RULES,
        20.0,
        "django_import_export",
    ),
    Peer("pandas, Pandera, to_sql", "benchmarks.peers.pandas_pandera.load", _RULES, 7.0, "pandas_pandera"),
    Peer("dlt from dictionaries", "benchmarks.peers.dlt_dictionaries.load", "nothing", 8.0, "dlt_dictionaries"),
    Peer(
        "dlt from dictionaries, by CSV files",
        "benchmarks.peers.dlt_dictionaries.load",
        "nothing",
        environment="dlt_dictionaries",
        words=("csv",),
    ),
)


def peers(bench: Bench, sizes: Sequence[int], rounds: int) -> Table:
    """Import a file of each size by all that can be had here; those that cannot are named, with the reason.

    Raises:
        AssertionError: The ORM loop, which has the engine's rules, loads other rows: then no time means anything.
    """
    pythons: dict[Peer, str] = {}
    notes: list[str] = []
    for peer in PEERS:
        try:
            pythons[peer] = (
                python_of(peer.environment, bench.peers, installs=bench.installs) if peer.environment else ""
            )
        except CannotMeasure as problem:
            notes.append(f"Not measured: {peer.label}: {problem}")
    runs = {size: _measure(bench, size, rounds, pythons) for size in sizes}
    head = ["", *(f"{size:,} rows" for size in sizes), *(f"the engine is faster, {size:,} rows" for size in sizes)]
    rows = [_row(_OURS, "all of docs/rules.md", runs)]
    rows += [_row(peer.label, peer.checks, runs, peer) for peer in pythons]
    rows.append(_row(_LIMIT, "nothing: what no import into these tables can beat", runs))
    return Table(
        (*head, f"peak memory, {sizes[0]:,} rows", f"loaded of {sizes[0]:,}", "version", "checks"),
        tuple(rows),
        tuple(notes),
    )


def _measure(bench: Bench, size: int, rounds: int, pythons: Mapping[Peer, str]) -> dict[str, list[Run]]:
    file = bench.file(size)
    runs: dict[str, list[Run]] = {label: [] for label in (_OURS, *(peer.label for peer in pythons), _LIMIT)}
    ready: ReadyRows | None = None
    for number in range(rounds):
        bench.say(f"{size:,} rows, round {number + 1} of {rounds}")
        with bench.database() as url:
            runs[_OURS].append(bench.engine_into(url, file))
            ready = ready or ReadyRows(url, bench.folder / "ready")
        with bench.database() as url:
            runs[_LIMIT].append(Run({"loaded": runs[_OURS][0].counts["loaded"]}, {"copy": ready.copy_into(url)}, 0.0))
        for peer, python in pythons.items():
            bench.say(peer.label)
            with bench.database() as url:
                other = {"python": python} if python else {}
                runs[peer.label].append(run_module(peer.module, str(file), url, *peer.words, **other))
    assert ready is not None
    ready.forget()
    ours, loop = runs[_OURS][0].counts, runs[PEERS[0].label][0].counts
    if ours != loop:
        raise AssertionError(f"the engine and the ORM loop disagree on what to load: {ours}, {loop}")
    return runs


def _row(
    label: str, checks: str, runs: Mapping[int, Mapping[str, list[Run]]], peer: Peer | None = None
) -> tuple[Cell, ...]:
    seconds = {size: [run.seconds for run in of_size[label]] for size, of_size in runs.items()}
    first = next(iter(runs.values()))[label]
    ratios: list[Cell] = [""] * len(runs)
    if label != _OURS:
        ours = {size: [run.seconds for run in of_size[_OURS]] for size, of_size in runs.items()}
        ratios = [Number.ratio(seconds[size], ours[size], "times", _goal(peer, size)) for size in runs]
    return (
        label,
        *(Number.of(spent, "s") for spent in seconds.values()),
        *ratios,
        Number.of([run.peak_mb for run in first], "MB") if label != _LIMIT else "",
        f"{first[0].counts['loaded']:,}",
        first[0].version,
        checks,
    )


def _goal(peer: Peer | None, size: int) -> Goal | None:
    if peer is None or peer.at_least is None or size != _PROMISED_ROWS:
        return None
    return Goal(f"100,000 rows into PostgreSQL: times faster than {peer.label}", at_least=peer.at_least)
