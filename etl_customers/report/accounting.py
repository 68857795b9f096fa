"""Counting an import's rows again, independently of the stages that moved them.

What is counted here is compared with what a stage says of itself; it is shown in the
Dagster UI, so it holds rows, columns, codes and messages and no customer's value.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from etl_customers.database.connect import reading
from etl_customers.database.ledger import FailedRow, failed_rows_of
from etl_customers.database.tables import customers, failed_rows, identity_keys, removed_customers
from etl_customers.settings.sections import Staging as StagingSettings
from etl_customers.staging import Staging, open_staging
from schemas.codes import LEFT_OUT_CODES

_OF_REFERENCE_LISTS = frozenset(
    ("unknown_title", "unknown_customer_type", "unknown_country", "unknown_state", "unknown_choice")
)
"""Codes whose suggestion is an entry of a list and no customer's value, as a number, an address or a date would be."""

_SHARED_KEYS = """
with to_load as (select kind, value from customer_keys semi join deduplicated_rows using ("row"))
select (select count(*) from (select kind, value from to_load group by kind, value having count(*) > 1))
     + (select count(*) from to_load semi join existing_keys using (kind, value))
"""

_SHARED_PROVIDER_IDS = """
select count(*) from (
    select provider_id from pulled_rows semi join deduplicated_rows using ("row") group by provider_id having count(*) > 1)
"""


@dataclass(frozen=True)
class FailedCell:
    """One reason why one row failed."""

    row: int
    column: str
    code: str
    message: str
    provider_id: str | None = None
    """Of a pull: the provider's id of the customer."""
    suggestion: str | None = None
    """Only where it comes from a reference list or the choices of a field."""


@dataclass(frozen=True)
class FailedRows:
    """The failed rows of an import: how many of each code, and the first reasons in file order."""

    by_code: Mapping[str, int]
    first: tuple[FailedCell, ...]
    more: int
    """Reasons that are not in ``first``."""
    left_out: int = 0
    """Customers of a pull that were left out on purpose: nobody has to do anything about them."""
    no_work: int = 0
    """Of these, the ones that were not erased since: no worklist has them."""


@dataclass(frozen=True)
class Account:
    """Rows that came into a stage, those that went on, and those that failed up to its end."""

    came: int
    went_on: int
    failed: int
    by_code: Mapping[str, int]
    """Failed rows of this stage by the code of their errors; a row counts once for each."""
    shared_keys: int = 0
    """Identity keys that two rows to load share, or that the target has already; must be 0.

    Of a pull, provider's ids that two rows to load share: what else its customers have in common is the provider's
    affair.
    """

    @property
    def is_balanced(self) -> bool:
        """Whether every row that came either went on or failed."""
        return self.came == self.went_on + self.failed


@dataclass(frozen=True)
class TargetRows:
    """Rows of an import in the target, counted from its tables."""

    customers: int
    removed: int
    """Customers of it that have since been undone or erased."""
    failed: int
    erased: int = 0
    """Failed rows that no file has now, because their person was erased."""

    @property
    def loaded(self) -> int:
        """Rows that became customers, whatever became of those since."""
        return self.customers + self.removed


@dataclass(frozen=True)
class TargetKeys:
    """Identity keys of an import's customers in the target."""

    keys: int
    keyless: int
    """Customers without a key; must be 0, or the next import would load them again."""
    shared: int
    """Keys that another customer has too, of whatever import; must be 0, even without the table's primary key."""


def account_for_validated(file: Path, limits: StagingSettings, validated: int, failed: int) -> Account:
    """Count the rows read and the rows failed by then in staging, and set them beside those validated.

    Args:
        file: The import's staging file.
        limits: DuckDB's limits.
        validated: Rows that the stage says went on.
        failed: Rows that failed, for an import that ended and that this home's staging file lacks:
            it was deleted since, or a process on another home was faster with the same file.

    Raises:
        ImportBusy: Another process holds the staging file.
        DiskUnavailable: The file cannot be read.
    """
    with _staging(file, limits) as staging:
        if staging is None:
            return Account(validated + failed, validated, failed, {})
        came = staging.number("select count(*) from raw_csv")
        counted, by_code = _failed(staging, ["read", "validate"])
        return Account(came, validated, counted if _is_staged(staging, counted) else failed, by_code)


def account_for_deduplicated(file: Path, limits: StagingSettings, deduplicated: int, failed: int) -> Account:
    """Count the rows validated and the duplicates in staging, and set them beside those to load.

    Arguments and errors are those of ``account_for_validated``.
    """
    with _staging(file, limits) as staging:
        if staging is None:
            return Account(deduplicated + failed, deduplicated, failed, {})
        came = staging.number("select count(*) from validated_customers")
        is_pull = staging.number("select count(*) from pulled_rows")
        shared = staging.number(_SHARED_PROVIDER_IDS if is_pull else _SHARED_KEYS)
        counted, by_code = _failed(staging, ["deduplicate"])
        if not staging.number("select count(*) from deduplicated_rows") and not counted:
            return Account(came or deduplicated + failed, deduplicated, failed, by_code, shared_keys=shared)
        return Account(came, deduplicated, counted, by_code, shared_keys=shared)


def count_staged_rows(file: Path, limits: StagingSettings) -> int | None:
    """Count the rows of ``raw_csv``; none when the import ended and its staging file was deleted since."""
    with _staging(file, limits) as staging:
        return None if staging is None else staging.number("select count(*) from raw_csv")


@dataclass(frozen=True)
class StagedRecords:
    """What a pull has in staging before its rows are checked."""

    records: int
    rows: int
    by_code: Mapping[str, int]
    """Rows that are not to be synced, by reason."""


def count_staged_records(file: Path, limits: StagingSettings) -> StagedRecords | None:
    """Count what a pull has fetched and the rows made of it; none when its staging file was deleted since.

    Raises:
        ImportBusy: Another process holds the staging file.
        DiskUnavailable: The file cannot be read.
    """
    with _staging(file, limits) as staging:
        if staging is None:
            return None
        records = staging.number("select count(*) from provider_records")
        return StagedRecords(records, staging.number("select count(*) from raw_csv"), _failed(staging, ["read"])[1])


def count_target_rows(target: sa.Engine, import_id: str) -> TargetRows:
    """Count an import's customers, those that are gone, and its failed rows in the target.

    Raises:
        DatabaseUnavailable: The target does not answer.
    """
    with reading(target) as connection:

        def count(table: sa.Table, *conditions: sa.ColumnElement[bool]) -> int:
            query = sa.select(sa.func.count()).select_from(table).where(table.c.import_id == import_id, *conditions)
            return int(connection.execute(query).scalar_one())

        erased = count(failed_rows, failed_rows.c.erased_at.is_not(None))
        return TargetRows(count(customers), count(removed_customers), count(failed_rows), erased)


def count_target_keys(target: sa.Engine, import_id: str) -> TargetKeys:
    """Count the identity keys of an import's customers in the target.

    Raises:
        DatabaseUnavailable: The target does not answer.
    """
    of_import = customers.c.import_id == import_id
    keys = (
        sa.select(identity_keys.c.kind, identity_keys.c.value)
        .join(customers, customers.c.id == identity_keys.c.customer_id)
        .where(of_import)
    )
    others = identity_keys.alias()
    shared = keys.join(
        others,
        sa.and_(
            others.c.kind == identity_keys.c.kind,
            others.c.value == identity_keys.c.value,
            others.c.customer_id != identity_keys.c.customer_id,
        ),
    ).distinct()
    has_key = sa.exists().where(identity_keys.c.customer_id == customers.c.id)
    keyless = sa.select(customers.c.id).where(of_import, ~has_key)
    with reading(target) as connection:

        def count(query: sa.Select[Any]) -> int:
            return int(connection.execute(sa.select(sa.func.count()).select_from(query.subquery())).scalar_one())

        return TargetKeys(count(keys), count(keyless), count(shared))


def list_failed_rows(target: sa.Engine, import_id: str, limit: int) -> FailedRows:
    """List the first ``limit`` reasons of an import's failed rows, in file order, and count all by code.

    Raises:
        DatabaseUnavailable: The target does not answer.
    """
    by_code: Counter[str] = Counter()
    first: list[FailedCell] = []
    more = left_out = no_work = 0
    with reading(target) as connection:
        for failed in failed_rows_of(connection, import_id):
            codes = {error["code"] for error in failed.errors}
            by_code.update(codes)
            left_out += codes <= LEFT_OUT_CODES
            no_work += codes <= LEFT_OUT_CODES and not failed.is_erased
            for error in failed.errors:
                if len(first) < limit:
                    first.append(_shown(failed, error))
                else:
                    more += 1
    return FailedRows(
        by_code=dict(sorted(by_code.items())), first=tuple(first), more=more, left_out=left_out, no_work=no_work
    )


def _shown(failed: FailedRow, error: Mapping[str, Any]) -> FailedCell:
    code = error["code"]
    suggestion = error.get("suggestion") if code in _OF_REFERENCE_LISTS else None
    return FailedCell(failed.row, error["column"], code, error["message"], failed.provider_id, suggestion)


@contextmanager
def _staging(file: Path, limits: StagingSettings) -> Iterator[Staging | None]:
    if not file.exists():
        yield None  # opening it would make it anew
        return
    with open_staging(file, limits.memory_limit_mb) as staging:
        yield staging if staging.number("select count(*) from facts") else None


def _is_staged(staging: Staging, failed: int) -> bool:
    """Whether this home did the stage; not so where another one finished the import meanwhile."""
    return bool(failed or staging.number("select count(*) from validated_customers"))


def _failed(staging: Staging, stages: list[str]) -> tuple[int, dict[str, int]]:
    failed = staging.number('select count(distinct "row") from row_errors where list_contains(?, stage)', [stages])
    by_code = staging.rows(
        'select code, count(distinct "row") from row_errors where list_contains(?, stage) group by code order by code',
        [stages],
    )
    return failed, dict(by_code)
