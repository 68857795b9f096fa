"""How far a fetch has come, as facts of the pull's staging file (names ``pull_…``), and what it has brought in the end."""

import json
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Self

from etl_customers.pull.pages import Checkpoint, Page
from etl_customers.staging import Staging

_OVERLAP = timedelta(minutes=5)
"""How far a cursor lies before the provider's time: changes may become visible late."""
_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
"""Nothing was changed in books on the web before; a time of the year 1 has none five minutes before it."""
_PROGRESS = "pull_progress"
_TIMES = ("started_at", "cursor")
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
    """Customers that the provider says there are; None: it did not say."""
    seen: int
    """Customers that came when the pages were read for the last time."""
    passes: int
    """How often all pages were read."""

    @property
    def why_incomplete(self) -> str | None:
        """Say what does not agree, without the provider's name; none where the fetch is complete."""
        if self.is_complete:
            return None
        times = "once" if self.passes == 1 else "twice" if self.passes == 2 else f"{self.passes} times"
        if self.counted is None:
            return f"it did not say how many there are; {self.seen:,} came"
        if self.counted == self.seen:
            return f"customers were removed while the pages were read, {times}, so others may have been missed"
        return f"it counts {self.counted:,}, but {self.seen:,} came when all pages were read, {times}"


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
    is_torn: bool = False
    """A torn page was kept, since too many passes had one."""
    checkpoint: Checkpoint | None = None
    """Where the next page begins; None: at the first."""
    started_at: datetime | None = None
    """The provider's time of the very first page."""
    cursor: datetime | None = None
    """Since when the next pull has to ask for changes."""

    def after(self, page: Page, position: int, now: datetime) -> Self:
        """Return the progress once a page is kept; ``now`` is the time of this machine, in UTC."""
        return replace(
            self,
            pages=self.pages + 1,
            position=position,
            checkpoint=page.following,
            started_at=self.started_at or page.server_time,
            cursor=self.cursor or _cursor(page.server_time, now),
            is_torn=self.is_torn or page.is_torn,
        )

    @property
    def passes(self) -> int:
        """How many passes were begun."""
        return 1 + self.torn_passes + self.miscounted_passes

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
            is_torn=False,
            checkpoint=None,
        )

    @classmethod
    def read(cls, staging: Staging) -> Self:
        """Return the progress that staging holds, the begin where there is none."""
        rows = staging.rows("select text from facts where name = ?", [_PROGRESS])
        if not rows:
            return cls()
        kept = json.loads(rows[0][0])
        for name in _TIMES:
            kept[name] = datetime.fromisoformat(kept[name]) if kept[name] else None
        return cls(**kept)

    def write(self, staging: Staging) -> None:
        """Keep the progress; inside the transaction that keeps the page."""
        # One fact for all of it: a statement takes DuckDB as long as writing a hundred records.
        _write(staging, _PROGRESS, text=json.dumps(asdict(self), default=datetime.isoformat))


def find_counts(staging: Staging) -> FetchCounts | None:
    """Return what a fetch has brought; none where it is not done."""
    facts = dict(staging.rows("select name, number from facts where starts_with(name, 'pull_') order by name"))
    if "pull_fetched" not in facts:
        return None
    is_complete = bool(facts["pull_is_complete"])
    fetched = facts["pull_fetched"]
    # An earlier version kept neither how many were seen last, nor the passes.
    seen, passes = facts.get("pull_seen"), facts.get("pull_passes") or 1
    seen = fetched if seen is None else seen
    return FetchCounts(fetched, facts["pull_pages"], is_complete, facts["pull_counted"], seen, passes)


def write_counts(staging: Staging, counts: FetchCounts, progress: Progress) -> None:
    """Keep what a fetch has brought, and the cursor from which the next one may go on."""
    assert progress.started_at is not None and progress.cursor is not None, "the first page has a time"  # noqa: PT018
    _write(staging, "pull_started_at", text=progress.started_at.isoformat())
    _write(staging, "pull_cursor", text=progress.cursor.isoformat())
    _write(staging, "pull_fetched", number=counts.fetched)
    _write(staging, "pull_pages", number=counts.pages)
    _write(staging, "pull_is_complete", number=int(counts.is_complete))
    if counts.why_incomplete is not None:
        _write(staging, "pull_why_incomplete", text=counts.why_incomplete)
    for name in ("counted", "seen", "passes"):
        _write(staging, f"pull_{name}", number=getattr(counts, name))


def _cursor(server_time: datetime | None, now: datetime) -> datetime | None:
    """Return a time before which all changes were seen.

    A provider whose clock is ahead must not let changes be skipped: this machine's time is the
    latest. One that is behind costs nothing but customers that come again.
    """
    return None if server_time is None else max(min(server_time, now), _EARLIEST) - _OVERLAP


def _write(staging: Staging, name: str, *, number: int | None = None, text: str | None = None) -> None:
    staging.execute("insert or replace into facts values (?, ?, ?)", [name, number, text])
