"""The stages that files and pulls share, timed one by one in this process."""

import time
from collections.abc import Callable

from etl_customers import imports
from etl_customers.load.load import LoadCounts
from etl_customers.staging import kept_open
from etl_customers.workshop import Workshop

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


def run_chain(workshop: Workshop, import_id: str, lap: Lap, first: Callable[[], None]) -> LoadCounts:
    """Run an import as a run does, its staging file kept open: the source's own stages, which ``first`` is, and the rest."""
    with kept_open():
        first()
        imports.run_validated_customers(workshop, import_id)
        lap("validate")
        imports.run_deduplicated_customers(workshop, import_id)
        lap("deduplicate")
        loaded = imports.run_loaded_customers(workshop, import_id)
        lap("load")
        imports.run_failed_rows(workshop, import_id)
    lap("failed rows")
    return loaded
