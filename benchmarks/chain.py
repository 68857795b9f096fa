"""The stages that files and pulls share, timed one by one in this process."""

import time
from collections.abc import Callable

from etl_customers.imports import stages
from etl_customers.imports.installation import Installation
from etl_customers.load.load import LoadCounts
from etl_customers.staging import kept_open

Lap = Callable[[str], None]
"""Ends the stage of this name; the next one begins."""


def stopwatch(stages: dict[str, float], prefix: str = "") -> Lap:
    """Return a function that notes the seconds since it was last called, or since now."""
    started = time.perf_counter()

    def lap(stage: str) -> None:
        nonlocal started
        now = time.perf_counter()
        stages[prefix + stage] = now - started
        started = now

    return lap


def run_chain(installation: Installation, import_id: str, lap: Lap, first: Callable[[], None]) -> LoadCounts:
    """Run an import as a run does, its staging file kept open: the source's own stages, which ``first`` is, and the rest."""
    with kept_open():
        first()
        stages.run_validated_customers(installation, import_id)
        lap("validate")
        stages.run_deduplicated_customers(installation, import_id)
        lap("deduplicate")
        loaded = stages.run_loaded_customers(installation, import_id)
        lap("load")
        stages.run_failed_rows(installation, import_id)
    lap("failed rows")
    return loaded
