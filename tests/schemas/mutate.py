"""Takes each check of each contract away in turn: a check that nobody misses is an error.

    python -m tests.schemas.mutate            all tests of tests/schemas for each check (``make mutate``)
    python -m tests.schemas.mutate city       for those alone that have the word in their label

The quick form (``unmissed``) asks the faults alone and is part of the ordinary tests.
"""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pandera.polars as pa

from tests.schemas.contracts import CONTRACTS, WITHOUT, Contract, found_of_faults, removals

_ROOT = Path(__file__).parents[2]
_ALL_PASSED, _SOME_FAILED = 0, 1


def labels() -> list[str]:
    """Return every check of every contract in words."""
    return [label for name in CONTRACTS for label, _ in _own_removals(name)]


def unmissed(name: str) -> list[str]:
    """Return the checks of a contract that can go without any fault of it being told otherwise."""
    known = CONTRACTS[name]
    return [label for label, changed in _own_removals(name) if not _misses(changed, known, label)]


def _misses(changed: pa.DataFrameSchema, known: Contract, label: str) -> bool:
    """Tell whether any fault of a contract is told otherwise by the contract without a check."""
    code = label.rpartition(": ")[2]
    # Those of the same code most likely miss it, and a few rows take less time than all.
    likely = replace(known, faults=tuple(one for one in known.faults if one.code == code and one.column in label))
    return any(found != fault.found for faults in (likely, known) for fault, found in found_of_faults(changed, faults))


def _own_removals(name: str) -> Iterator[tuple[str, pa.DataFrameSchema]]:
    """Yield the checks of a contract, without those of the contract that it only adds to."""
    known = CONTRACTS[name]
    others = removals(name, CONTRACTS[known.beyond].build()) if known.beyond else ()
    labels_of_others = {label for label, _ in others}
    return (one for one in removals(name, known.build()) if one[0] not in labels_of_others)


def is_missed(label: str) -> bool:
    """Tell whether a test of this folder fails without a check.

    Raises:
        RuntimeError: The tests could not be run.
    """
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-x",
        "-p",
        "no:cacheprovider",
        "tests/schemas",
        "-k",
        "not mutate",
    ]
    run = subprocess.run(
        command, env={**os.environ, WITHOUT: label}, cwd=_ROOT, capture_output=True, text=True, check=False
    )
    if run.returncode not in (_ALL_PASSED, _SOME_FAILED):
        raise RuntimeError(f"the tests could not be run without {label}:\n{run.stdout}{run.stderr}")
    return run.returncode == _SOME_FAILED


def main(words: Sequence[str]) -> int:
    """Say which checks nobody misses, and return the exit code."""
    if is_missed(""):
        print("the tests of tests/schemas fail as they are; mend them first")  # noqa: T201 - a command
        return 2
    chosen = [label for label in labels() if all(word in label for word in words)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        missed = list(pool.map(is_missed, chosen))
    unnoticed = [label for label, one in zip(chosen, missed, strict=True) if not one]
    for label in unnoticed:
        print(f"no test fails without it: {label}")  # noqa: T201 - a command
    print(f"{len(chosen)} checks were taken away, {len(unnoticed)} of them unnoticed")  # noqa: T201 - a command
    return 1 if unnoticed or not chosen else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
