"""The sections of the benchmarks: what each is called, how large it is, and how long it takes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.bench import Bench
from benchmarks.crowded import crowded
from benchmarks.figures import Table
from benchmarks.growth import growth
from benchmarks.hashing import hashing
from benchmarks.limits import limits
from benchmarks.pace import pace
from benchmarks.peers.beside import peers
from benchmarks.pull import pull
from benchmarks.small import small
from benchmarks.stages import stages


@dataclass(frozen=True)
class Section:
    """One table of figures."""

    title: str
    measure: Callable[[Bench, Sequence[int], int], Table]
    sizes: tuple[int, ...]
    """What ``measure`` takes; rows of files unless it says otherwise."""
    quick: tuple[int, ...]
    """Sizes that only show that it runs."""
    rounds: int
    takes_any_sizes: bool = False


SECTIONS: dict[str, Section] = {
    "small": Section("A file of the usual size, and the start of the command", small, (2_500,), (100,), 5),
    "stages": Section("Stage by stage", stages, (2_500, 100_000, 1_000_000), (300,), 3, takes_any_sizes=True),
    "limits": Section("Compared with the limits", limits, (1_000_000,), (300,), 3),
    "peers": Section("Compared with other tools", peers, (100_000, 2_500), (300,), 3, takes_any_sizes=True),
    "growth": Section("Growth", growth, (10_000, 100_000, 1_000_000, 10_000_000), (200, 400), 3, takes_any_sizes=True),
    "crowded": Section("A target with many customers", crowded, (1_000_000, 2_500), (500, 100), 5),
    "hashing": Section("Passwords", hashing, (300,), (20,), 5),
    "pull": Section("Pulls", pull, (100_000,), (300,), 3),
    "pace": Section("The providers' limits", pace, (120, 40), (10, 3), 1),
}
"""By the name that the command takes, in the order of the page."""

TITLES = {name: section.title for name, section in SECTIONS.items()}
