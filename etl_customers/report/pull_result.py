"""The result of a pull as ``pull --json`` prints it, built from the ledger so that a repeat gives the same."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from etl_customers.database.ledger import FINISHED, REFUSED, FailedRow, ImportRecord, failed_rows_of
from etl_customers.database.pulls import vanished_of_pull, warned_of_pull
from etl_customers.report.result import Refusal
from etl_customers.settings.home import Home
from schemas.codes import KEPT_EDITED, LEFT_OUT_CODES, message

_IDS_KEPT = 3


@dataclass(frozen=True)
class PulledCounts:
    """Customers of a pull; fetched = created + updated + unchanged + not_synced (R25)."""

    fetched: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    not_synced: int = 0


@dataclass(frozen=True)
class NotSynced:
    """One reason why one of the provider's customers was not synced."""

    provider_id: str
    """The provider's id of it; empty where its record has none."""
    code: str
    message: str


@dataclass(frozen=True)
class CountedReason:
    """A reason for which customers were not synced; one that has several reasons is counted under each."""

    code: str
    message: str
    customers: int
    provider_ids: Sequence[str]
    """Of the first few; of one whose record has no id, an empty text."""


@dataclass(frozen=True)
class CountedWarning:
    """Something that was left out or filled in, and in which of the customers that the pull created or changed."""

    column: str
    code: str
    message: str
    customers: int
    provider_ids: Sequence[str]
    """The provider's ids of all of them."""


@dataclass(frozen=True)
class KeptEdited:
    """A column of a customer that a person edited here, and that has changed at the provider since."""

    provider_id: str
    column: str


@dataclass(frozen=True)
class CountedKind:
    """A kind of the provider's records, as ``schemas.record_kinds`` has it."""

    kind: str
    records: int
    is_taken: bool
    """Whether such records are synced."""


@dataclass(frozen=True)
class PullResult:
    """What became of one pull; ``as_record`` is the interface that scripts rely on."""

    import_id: str
    source: str
    connection: str
    """The provider's id of the company: QuickBooks realm or Xero tenant."""
    status: str
    is_full: bool
    rows: PulledCounts
    not_synced: Sequence[NotSynced]
    reasons: Sequence[CountedReason]
    """The same by code, the most frequent first."""
    left_out: int
    """Of the customers not synced, those that were left out on purpose."""
    vanished: int
    vanished_ids: Sequence[str]
    """The provider's ids of these, but for those that came back since."""
    is_complete: bool | None
    """Whether as many came as the provider counts; none before the end."""
    warnings: Sequence[CountedWarning]
    kinds: Sequence[CountedKind]
    """Of a full pull: how many records there are of each kind."""
    kept_edited: Sequence[KeptEdited]
    """Of the last pull of a connection all that are so, whether or not this pull brought them."""
    not_synced_file: str | None
    refusal: Refusal | None
    why_incomplete: str | None
    """What disagrees where the pull is not complete."""
    why_deletions_unknown: str | None
    """Why customers may be active here that were deleted at the provider; none where that cannot be."""
    repeat: bool
    """Whether the pull was under way before and was carried on."""
    finished_at: datetime | None = None
    undone_at: datetime | None = None

    @property
    def to_look_at(self) -> int:
        """Customers that were not synced and should have been."""
        return self.rows.not_synced - self.left_out

    @property
    def exit_code(self) -> int:
        """0 all synced but what was left out on purpose, 1 some were not or perhaps did not come, 2 refused."""
        if self.refusal is not None:
            return 2
        return 1 if self.to_look_at or self.is_complete is False else 0

    def as_record(self) -> dict[str, Any]:
        """Return the object of ``pull --json``."""
        return {
            "import_id": self.import_id,
            "source": self.source,
            "connection": self.connection,
            "status": self.status,
            "repeat": self.repeat,
            "is_full": self.is_full,
            "is_complete": self.is_complete,
            "why_incomplete": self.why_incomplete,
            "rows": asdict(self.rows),
            "kinds": [asdict(one) for one in self.kinds],
            "vanished": self.vanished,
            "vanished_ids": list(self.vanished_ids),
            "why_deletions_unknown": self.why_deletions_unknown,
            "not_synced": [asdict(reason) for reason in self.not_synced],
            "warnings": [asdict(warning) for warning in self.warnings],
            "kept_edited": {
                "customers": len({one.provider_id for one in self.kept_edited}),
                "columns": [asdict(one) for one in self.kept_edited],
            },
            "not_synced_file": self.not_synced_file,
            "refusal": None if self.refusal is None else {"code": self.refusal.code, "message": self.refusal.message},
        }


def pull_result_of(connection: sa.Connection, home: Home, record: ImportRecord, repeat: bool = False) -> PullResult:
    """Read the result of a pull from the ledger and the customers that it created.

    Args:
        connection: To the target.
        home: Where the file of what was not synced is.
        record: The pull.
        repeat: Whether it was under way before.

    Raises:
        DatabaseUnavailable: The target does not answer.
    """
    failed = list(failed_rows_of(connection, record.import_id))
    file = home.failed / f"{record.import_id}.csv"
    warnings = _count_warnings(connection, record)
    return PullResult(
        import_id=record.import_id,
        source=record.source,
        connection=record.tenant_id or "",
        status=record.status,
        is_full=bool(record.is_full),
        rows=PulledCounts(
            fetched=record.rows_read or 0,
            created=record.rows_loaded or 0,
            updated=record.rows_updated or 0,
            unchanged=record.rows_unchanged or 0,
            not_synced=record.rows_failed or 0,
        ),
        not_synced=[
            NotSynced(one.provider_id or "", error["code"], error["message"]) for one in failed for error in one.errors
        ],
        reasons=_count_reasons(failed),
        left_out=sum(all(error["code"] in LEFT_OUT_CODES for error in one.errors) for one in failed),
        vanished=record.rows_vanished or 0,
        vanished_ids=vanished_of_pull(connection, record) if record.rows_vanished else [],
        is_complete=record.is_complete,
        warnings=[one for one in warnings if one.code != KEPT_EDITED],
        kinds=[CountedKind(*one) for one in record.record_kinds],
        kept_edited=sorted(
            (
                KeptEdited(provider_id, one.column)
                for one in warnings
                if one.code == KEPT_EDITED
                for provider_id in one.provider_ids
            ),
            key=lambda kept: (kept.provider_id, kept.column),
        ),
        not_synced_file=str(file) if record.status == FINISHED and file.exists() else None,
        refusal=Refusal(record.refusal_code or "refused", record.refusal_message or "")
        if record.status == REFUSED
        else None,
        why_incomplete=record.why_incomplete,
        why_deletions_unknown=record.why_deletions_unknown,
        repeat=repeat,
        finished_at=record.finished_at,
        undone_at=record.undone_at,
    )


def _count_reasons(failed: Sequence[FailedRow]) -> list[CountedReason]:
    messages: dict[str, set[str]] = {}
    ids: dict[str, list[str]] = {}
    for one in failed:
        for error in one.errors:
            messages.setdefault(error["code"], set()).add(error["message"])
        for code in {error["code"] for error in one.errors}:
            ids.setdefault(code, []).append(one.provider_id or "")

    def meaning(code: str) -> str:
        # Where messages name several columns or customers, one that names none stands for them.
        return min(messages[code]) if len(messages[code]) == 1 else message(code, "a field", "…")

    by_frequency = sorted(ids.items(), key=lambda one: (-len(one[1]), one[0]))
    return [CountedReason(code, meaning(code), len(found), found[:_IDS_KEPT]) for code, found in by_frequency]


def _count_warnings(connection: sa.Connection, record: ImportRecord) -> list[CountedWarning]:
    found: dict[tuple[str, str], list[str]] = {}
    for provider_id, warnings in warned_of_pull(connection, record):
        for key in {(warning["code"], warning["column"]) for warning in warnings}:
            found.setdefault(key, []).append(provider_id)
    return [
        CountedWarning(column, code, message(code, column), len(ids), ids)
        for (code, column), ids in sorted(found.items(), key=lambda one: (-len(one[1]), one[0]))
    ]
