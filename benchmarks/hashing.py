"""Our hashing of passwords beside argon2 alone on all cores."""

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import argon2

from benchmarks.measure import Figure, median
from etl_customers.load.passwords import hash_passwords
from etl_customers.settings import Passwords

GOAL = 0.9
"""Share of argon2's own speed that has to be reached."""


def hashing(passwords: int = 300, times: int = 3) -> list[Figure]:
    """Hash the same made-up passwords both ways, by turns."""
    given = [(row, f"pass-{row}") for row in range(2, 2 + passwords)]
    ours, bare = [], []
    for _ in range(times):
        bare.append(_seconds(lambda: _hash_bare(given)))
        ours.append(_seconds(lambda: hash_passwords(given, Passwords())))
    share = median(bare) / median(ours)
    return [
        Figure(
            f"{passwords} passwords, argon2 alone on {os.cpu_count()} cores", f"{passwords / median(bare):.0f} a second"
        ),
        Figure("  the engine", f"{passwords / median(ours):.0f} a second"),
        Figure("  share of argon2's speed", f"{share:.2f}", f"at least {GOAL}", share >= GOAL),
    ]


def _hash_bare(passwords: list[tuple[int, str]]) -> None:
    cost = Passwords()
    hasher = argon2.PasswordHasher(time_cost=cost.iterations, memory_cost=cost.memory_kib, parallelism=cost.parallelism)
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        list(threads.map(lambda password: hasher.hash(password[1]), passwords))


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
