"""Erases one customer: first from the home's files, last from the target.

In this order a crash loses nothing: until the target lets go of the person, it knows
whom to look for, and erasing again finishes. What is under way or waits to be imported
is never touched; while a person is in it, the target keeps the customer, because it
would else be loaded anew.
"""

import csv
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from etl_customers.base.errors import ImportBusy, NotNow
from etl_customers.changes.erasing.names_above import holds_names_of_erased
from etl_customers.changes.erasing.person import Person, find_duplicates, find_person
from etl_customers.changes.erasing.pulled import find_pulled_rows, ids_at_provider
from etl_customers.changes.erasing.staged import find_rows, learn_from_origin
from etl_customers.changes.erasing.texts import Record, holds, is_workbook, without_rows
from etl_customers.database.connect import empty_log, reading, writing
from etl_customers.database.customers import find_customer
from etl_customers.database.ledger import (
    ACCEPTED,
    FINISHED,
    ImportRecord,
    count_imports,
    failed_rows_of,
    find_imports,
)
from etl_customers.database.removals import (
    ERASED,
    erase_customer,
    erase_failed_rows,
    find_removed,
    hold_loads_back,
    list_matches,
)
from etl_customers.imports.installation import Installation
from etl_customers.imports.temporary_files import delete_file, temporary_files, translated_disk_errors
from etl_customers.inbox.folders import held
from etl_customers.inbox.names import NOTE, parts_of
from etl_customers.report.failed_rows import error_text, write_failed_rows
from etl_customers.staging import Staging, open_if_whole, remove_staging

_TRIES = 3
_WAIT_SECONDS = 5.0
_WHEN_ENDED = "erase again when it has ended"
_WHEN_IMPORTED = "delete it or wait until it is imported, then erase again"
_WHEN_DELETED = "no import reads it there; delete it or remove the person from it, then erase again"


@dataclass(frozen=True)
class StillThere:
    """Something that holds the person, or may, and that an erasure does not touch."""

    what: str
    remedy: str
    is_certain: bool = True
    """It holds the person; else it could not be looked into."""


@dataclass
class Erasure:
    """What an erasure did."""

    customer_id: int
    erased_at: datetime | None = None
    """Since when the customer is gone from the target; None: it is not."""
    is_repeat: bool = False
    """It was gone before."""
    failed_rows: int = 0
    """Rows of failed-rows files and of the ledger's failed rows that were erased."""
    rewritten: list[Path] = field(default_factory=list)
    """Files that lost the person's rows and kept the others."""
    deleted: list[Path] = field(default_factory=list)
    """Files that were deleted as a whole."""
    still_there: list[StillThere] = field(default_factory=list)


class StillImporting(NotNow):
    """Imports began or ended all the while."""

    def __str__(self) -> str:
        """Say what is left."""
        return "imports began or ended while files were searched; the customer is still there; erase it again"


def erase(installation: Installation, customer_id: int, erased_by: str | None) -> Erasure:
    """Erase a customer from the home and the target; only ids and codes remain.

    Args:
        installation: Home, settings and target.
        customer_id: In the target, or removed from it before: then what is left of it in files is looked for.
        erased_by: The person who asked for it.

    Returns:
        What was done. ``erased_at`` is none where an import that has not ended, or a file that waits,
        holds the person: the target keeps the customer until those are gone.

    Raises:
        NotFound: There never was such a customer.
        NotNow: Database or disk cannot be used, or an import is busy; erasing again finishes.
    """
    erasure = Erasure(customer_id)
    for _ in range(_TRIES):
        with reading(installation.target) as connection:
            seen = count_imports(connection)
            person = find_person(connection, customer_id)
        erasure.still_there.clear()
        with temporary_files(installation), translated_disk_errors(installation.home.path):
            _Files(installation, person, erasure).erase()
        if any(one.is_certain for one in erasure.still_there):
            return erasure
        if _erase_from_target(installation, person, erasure, erased_by, seen):
            break
    else:
        raise StillImporting
    if not empty_log(installation.target):
        what = "the write-ahead log of the database"
        erasure.still_there.append(StillThere(what, "erase again when no other process reads the database", False))
    return erasure


def _erase_from_target(
    installation: Installation, person: Person, erasure: Erasure, erased_by: str | None, seen: dict[str, int]
) -> bool:
    """Erase the customer; false, and nothing done, where imports began or ended since ``seen``."""
    now = datetime.now(UTC)
    with writing(installation.target) as connection:
        hold_loads_back(connection)
        if count_imports(connection) != seen:
            return False
        removed = find_removed(connection, person.customer_id)
        if removed is None:
            find_customer(connection, person.customer_id, is_locked=True)
            for import_id, row in list_matches(connection, person.customer_id):
                person.rows[import_id].add(row)
        for import_id, rows in person.rows.items():
            rows |= find_duplicates(connection, import_id, rows)
            erasure.failed_rows += erase_failed_rows(connection, import_id, rows, now)
        erase_customer(connection, person.customer_id, erased_by, now, person.keys)
    erasure.is_repeat = removed is not None and removed.reason == ERASED
    erasure.erased_at = removed.removed_at if removed is not None and erasure.is_repeat else now
    return True


class _Files:
    """The home's files, with one person to be found in them."""

    def __init__(self, installation: Installation, person: Person, erasure: Erasure) -> None:
        self._installation = installation
        self._home = installation.home
        self._person = person
        self._erasure = erasure
        self._max_bytes = installation.settings.csv.max_bytes
        stems = {path.stem for path in (*self._home.staging.glob("*.duckdb"), *self._home.failed.glob("*.csv"))}
        stems |= {path.stem for path in self._home.uploads.glob("*.upload")}
        stems |= {parts_of(path.name)[0] for path in self._home.inbox_done.iterdir()}
        with reading(installation.target) as connection:
            self._records = find_imports(connection, stems)

    def erase(self) -> None:
        """Name what has not ended, and take the person out of what has.

        Of a customer whom the target has forgotten, the staging file of the origin alone knows
        who it was: nothing is touched while the person is in something that has not ended, and
        that file goes last.
        """
        staged = sorted(self._home.staging.glob("*.duckdb"))
        self._learn()
        ended = [path for path in staged if self._find_staged(path)]
        self._name_uploads()
        with held(self._home):
            self._name_waiting()
        if self._person.is_forgotten and any(one.is_certain for one in self._erasure.still_there):
            return
        origin = [path for path in ended if self._person.origin and path.stem == self._person.origin[0]]
        for path in ended:
            if path not in origin:
                self._erase_staged(path)
        for path in sorted(self._home.failed.glob("*.csv")):
            self._erase_rows_of(path, path.stem)
        with held(self._home):
            for path in sorted(self._home.inbox_done.iterdir()):
                self._erase_rows_of(path, parts_of(path.name)[0])
        for path in origin:
            self._erase_staged(path)

    def _learn(self) -> None:
        import_id, row = self._person.origin or ("", 0)
        path = self._installation.staging_path(import_id)
        if import_id and path.exists():
            with self._opened(path) as staging:
                if staging is not None:
                    learn_from_origin(staging, row, self._person)

    def _find_staged(self, path: Path) -> bool:
        """Note the person's rows of a staging file; true where the file is to go, as its import has ended."""
        import_id = path.stem
        record = self._records.get(import_id)
        is_ended = record is None or record.status != ACCEPTED
        try:
            with self._opened(path) as staging:
                if staging is None:
                    return is_ended  # nobody can tell who is in it
                rows = find_rows(staging, import_id, self._person) | find_pulled_rows(staging, record, self._person)
                is_named = is_ended and record is not None and self._is_named_above(staging, record)
        except ImportBusy:
            if is_ended:
                raise
            self._say_still_there(f"import {import_id}, which is under way", _WHEN_ENDED)
            return False
        if rows:
            self._person.rows[import_id] |= rows
            if not is_ended:
                self._say_still_there(f"import {import_id}, which has not ended", _WHEN_ENDED)
        return bool(rows or is_named) and is_ended

    def _is_named_above(self, staging: Staging, record: ImportRecord) -> bool:
        """Tell whether the person's name may stand before those of others; of a pull under way, its end looks into it."""
        with reading(self._installation.target) as connection:
            return holds_names_of_erased(connection, staging, record, ids_at_provider(record, self._person))

    def _erase_staged(self, path: Path) -> None:
        """Delete the staging file of an import that ended; its other failed rows have a file by then."""
        import_id = path.stem
        record = self._records.get(import_id)
        with self._opened(path) as staging:
            if staging is not None and record is not None:
                self._forget_failed_rows(staging, record, self._person.rows[import_id])
        # Before staging goes, which is surer of the rows than their cells alone.
        self._erase_rows_of(self._installation.failed_rows_path(import_id), import_id)
        remove_staging(path)
        self._erasure.deleted.append(path)

    def _opened(self, path: Path) -> AbstractContextManager[Staging | None]:
        return open_if_whole(path, self._installation.settings.staging.memory_limit_mb, _WAIT_SECONDS)

    def _forget_failed_rows(self, staging: Staging, record: ImportRecord, rows: set[int]) -> None:
        """Erase the rows in the ledger, and see that the other failed rows have a file, for staging goes next."""
        with writing(self._installation.target) as connection:
            self._erasure.failed_rows += erase_failed_rows(connection, record.import_id, rows, datetime.now(UTC))
        path = self._installation.failed_rows_path(record.import_id)
        # A pull's file has nothing from staging, and can be written anew without it.
        if record.status == FINISHED and not record.is_pull and not path.exists():
            with reading(self._installation.target) as connection:
                errors = (
                    (failed.row, error_text(failed.errors))
                    for failed in failed_rows_of(connection, record.import_id)
                    if not failed.is_erased
                )
                write_failed_rows(staging, path, record.import_id, errors)

    def _erase_rows_of(self, path: Path, import_id: str) -> None:
        """Take the person's rows out of a failed-rows file or a file that was imported."""
        if path.is_symlink() or not path.is_file():
            return
        is_failed_rows = path.parent == self._home.failed
        known = self._person.rows.get(import_id, set())

        def is_theirs(record: Record) -> bool:
            row = _own_row(record) if is_failed_rows else record.number
            return row in known or self._person.is_in(record.cells)

        record = self._records.get(import_id)
        named = None if record is None or is_failed_rows else record.encoding
        # The rows of a failed-rows file are not its own records.
        found = holds(path, self._person, self._max_bytes, named, () if is_failed_rows else known)
        if found is None:
            self._say_still_there(str(path), "it cannot be read; look into it yourself", is_certain=False)
            return
        try:
            gone = [] if is_workbook(path) else without_rows(path, is_theirs, named)
        except csv.Error:
            gone = []
        if gone:
            self._erasure.rewritten.append(path)
            if is_failed_rows:
                self._person.rows[import_id] |= {row for row in map(_own_row, gone) if row is not None}
        elif found:
            # Excel, or a file whose quotes are broken: its other rows were imported as well.
            delete_file(path)
            self._erasure.deleted.append(path)

    def _name_uploads(self) -> None:
        for path in sorted(self._home.uploads.glob("*.upload")):
            record = self._records.get(path.stem)
            if record is not None and record.status == ACCEPTED and not self._is_named(path.stem):
                self._name_if_holds(path, f"import {path.stem}, which has not ended", _WHEN_ENDED, record.encoding)

    def _name_waiting(self) -> None:
        for folder in (self._home.inbox, self._home.inbox_accepted, self._home.inbox_rejected):
            for path in sorted(folder.iterdir()):
                if (path.is_symlink() or not path.is_dir()) and not path.name.endswith(NOTE):
                    remedy = _WHEN_DELETED if folder == self._home.inbox_rejected else _WHEN_IMPORTED
                    self._name_if_holds(path, f"the file {path}", remedy)

    def _name_if_holds(self, path: Path, what: str, remedy: str, encoding: str | None = None) -> None:
        found = holds(path, self._person, self._max_bytes, encoding)
        if found is not False:
            self._say_still_there(what, remedy, is_certain=found is True)

    def _is_named(self, import_id: str) -> bool:
        return any(f"import {import_id}," in one.what for one in self._erasure.still_there)

    def _say_still_there(self, what: str, remedy: str, is_certain: bool = True) -> None:
        self._erasure.still_there.append(StillThere(what, remedy, is_certain))


def _own_row(record: Record) -> int | None:
    """Return the import's row that a record of a failed-rows file stands for."""
    text = record.cells[1] if len(record.cells) > 1 else ""
    return int(text) if text.isascii() and text.isdigit() else None
