"""Our hashing of passwords beside argon2 alone on all cores."""

import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import argon2

from benchmarks.bench import Bench
from benchmarks.figures import Goal, Number, Table
from benchmarks.measure import run_module
from benchmarks.run_report import tell
from etl_customers.load.passwords import hash_passwords
from etl_customers.settings.sections import Passwords

_PROMISED_PASSWORDS = 300
_GOAL = Goal("hashing passwords, beside argon2 alone on all cores", at_least=0.9)


def hashing(bench: Bench, sizes: Sequence[int], rounds: int) -> Table:
    """Hash the same made-up passwords both ways, by turns."""
    (count,) = sizes
    speeds: dict[str, list[float]] = {"alone": [], "ours": []}
    for number in range(rounds):
        bench.say(f"round {number + 1} of {rounds}")
        for way, found in speeds.items():
            found.append(count / run_module("benchmarks.hashing", way, str(count)).seconds)
    goal = _GOAL if count >= _PROMISED_PASSWORDS else None
    return Table(
        ("", f"{count} passwords", "beside argon2 alone"),
        (
            (f"argon2 alone on {os.cpu_count()} cores", Number.of(speeds["alone"], "a second"), ""),
            (
                "the engine",
                Number.of(speeds["ours"], "a second"),
                Number.ratio(speeds["ours"], speeds["alone"], "of it", goal),
            ),
        ),
    )


def main() -> None:
    """Hash as many passwords as given second, the way given first."""
    passwords = [(row, f"pass-{row}") for row in range(2, 2 + int(sys.argv[2]))]
    started = time.perf_counter()
    if sys.argv[1] == "ours":
        hash_passwords(passwords, Passwords())
    else:
        _hash_alone([password for _, password in passwords])
    tell({"hashed": len(passwords)}, {"hash": time.perf_counter() - started})


def _hash_alone(passwords: Sequence[str]) -> None:
    cost = Passwords()
    hasher = argon2.PasswordHasher(time_cost=cost.iterations, memory_cost=cost.memory_kib, parallelism=cost.parallelism)
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        list(threads.map(hasher.hash, passwords))


if __name__ == "__main__":
    main()
