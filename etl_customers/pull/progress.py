"""How far a fetch has come, as facts of the pull's staging file (names ``pull_…``), and what it has brought in the end."""

import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Self

from etl_customers.pull.pages import Checkpoint, Page
from etl_customers.staging import Staging

_OVERLAP = timedelta(minutes=5)
"""How far a cursor lies before the provider's time: changes may become visible late."""
_MOST_TORN_PASSES = 3
_MOST_MISCOUNTED_PASSES = 1


@dataclass(frozen=True)
class FetchCounts:
    """What a fetch has brought."""

    fetched: int
    """Customers in staging."""
    pages: int
    """Pages that were read, over all passes and tries."""
    is_complete: bool
    """The provider counted as many as were fetched, and none can have slipped by."""
    counted: int | None
    """Customers that the provider says there are; none: it did not say."""


@dataclass(frozen=True)
class Progress:
    """Where a fetch stands after a page."""

    pages: int = 0
    position: int = 0
    """Of the last record kept."""
    pass_start: int = 0
    """Records after this position are of the pass under way."""
    torn_passes: int = 0
    """How many passes were begun again because of a torn page."""
    miscounted_passes: int = 0
    """How many passes were begun again because the count did not match."""
    is_torn: int = 0
    """1: a torn page was kept, since too many passes had one."""
    checkpoint: Checkpoint | None = None
    """Where the next page begins; none: at the first."""
    started_at: datetime | None = None
    """The provider's time of the very first page."""

    def after(self, page: Page, position: int) -> Self:
        """Return the progress once a page is kept."""
        return replace(
            self,
            pages=self.pages + 1,
            position=position,
            checkpoint=page.following,
            started_at=self.started_at or page.server_time,
            is_torn=int(self.is_torn or page.is_torn),
        )

    def may_begin_again_torn(self) -> bool:
        """Tell whether another torn page begins the pass again; after three of them it is kept."""
        return self.torn_passes < _MOST_TORN_PASSES

    def may_begin_again_miscounted(self) -> bool:
        """Tell whether a count that does not match begins the pass again; it does once."""
        return self.miscounted_passes < _MOST_MISCOUNTED_PASSES

    def begun_again(self, *, torn: int = 0, miscounted: int = 0) -> Self:
        """Return the progress at the begin of another pass."""
        return replace(
            self,
            pass_start=self.position,
            torn_passes=self.torn_passes + torn,
            miscounted_passes=self.miscounted_passes + miscounted,
            is_torn=0,
            checkpoint=None,
        )

    @classmethod
    def read(cls, staging: Staging) -> Self:
        """Return the progress that staging holds, the begin where there is none."""
        numbers, texts = _facts(staging)
        checkpoint, started_at = texts.get("pull_checkpoint"), texts.get("pull_started_at")
        return cls(
            **{name: numbers.get(f"pull_{name}", 0) for name in _NUMBERS},
            checkpoint=json.loads(checkpoint) if checkpoint else None,
            started_at=datetime.fromisoformat(started_at) if started_at else None,
        )

    def write(self, staging: Staging) -> None:
        """Keep the progress; inside the transaction that keeps the page."""
        for name in _NUMBERS:
            _write(staging, f"pull_{name}", number=getattr(self, name))
        _write(staging, "pull_checkpoint", text=json.dumps(self.checkpoint) if self.checkpoint else None)
        if self.started_at is not None:
            _write(staging, "pull_started_at", text=self.started_at.isoformat())


_NUMBERS = ("pages", "position", "pass_start", "torn_passes", "miscounted_passes", "is_torn")


def find_counts(staging: Staging) -> FetchCounts | None:
    """Return what a fetch has brought; none where it is not done."""
    numbers, _ = _facts(staging)
    if "pull_fetched" not in numbers:
        return None
    is_complete = bool(numbers["pull_is_complete"])
    return FetchCounts(numbers["pull_fetched"], numbers["pull_pages"], is_complete, numbers.get("pull_counted"))


def write_counts(staging: Staging, started_at: datetime, fetched: int, is_complete: bool, counted: int | None) -> None:
    """Keep what a fetch has brought, and the cursor from which the next one may go on."""
    _write(staging, "pull_cursor", text=(started_at - _OVERLAP).isoformat())
    _write(staging, "pull_fetched", number=fetched)
    _write(staging, "pull_is_complete", number=int(is_complete))
    _write(staging, "pull_counted", number=counted)


def _facts(staging: Staging) -> tuple[dict[str, int], dict[str, str]]:
    rows = staging.rows("select name, number, text from facts where starts_with(name, 'pull_') order by name")
    numbers = {name: number for name, number, _ in rows if number is not None}
    return numbers, {name: text for name, _, text in rows if text is not None}


def _write(staging: Staging, name: str, *, number: int | None = None, text: str | None = None) -> None:
    staging.execute("insert or replace into facts values (?, ?, ?)", [name, number, text])
