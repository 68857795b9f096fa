"""The progress bar of an import: on standard error, and only on a terminal."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from etl_customers.cli.stopping import obey

if TYPE_CHECKING:
    from assets.runtime.progress import Progress

_STAGES = {
    "raw_csv": "reading",
    "quickbooks_customers": "fetching from QuickBooks Online",
    "xero_customers": "fetching from Xero",
    "validated_customers": "checking",
    "deduplicated_customers": "looking for duplicates",
    "loaded_customers": "loading",
    "failed_rows": "writing the failed rows",
}


@contextmanager
def shown_progress() -> Iterator["Progress"]:
    """Yield what an import reports its progress to; where nobody watches, it is asked for a stop alone."""
    from assets.runtime import progress

    if not sys.stderr.isatty():
        yield progress.Progress(stage=lambda _name: obey(), hashed=lambda _done, _total: obey())
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from etl_customers.cli.screen import console

    bar = Progress(
        TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=console(error=True), transient=True
    )
    task = bar.add_task("starting", total=None)

    def hashed(done: int, total: int) -> None:
        obey()
        bar.update(task, description=f"hashing passwords, {done} of {total}", completed=done, total=total)

    def stage(name: str) -> None:
        obey()
        # An unknown total makes the bar pulse: stages but the hashing do not count.
        bar.reset(task, total=None, description=_STAGES.get(name, name))

    with bar:
        yield progress.Progress(stage=stage, hashed=hashed)
