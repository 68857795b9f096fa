"""What the stages of an import do differently where its customers come from a file, or from a provider's company.

A stage asks the ledger once for its import, and then one of these objects; no stage asks which source it has.
"""

from collections.abc import Callable, Mapping
from typing import Protocol

from etl_customers.columns.account_fields import load_fields
from etl_customers.database.connect import reading
from etl_customers.database.connections import choose_connection
from etl_customers.database.ledger import FINISHED, ImportRecord, failed_rows_of
from etl_customers.deduplicate.deduplicate import DeduplicateCounts, deduplicate_customers
from etl_customers.deduplicate.reconcile import reconcile_pulled
from etl_customers.imports.company_place import company_of_pull, place_of
from etl_customers.imports.installation import Installation
from etl_customers.imports.stage_gate import UploadGone, refused_in_ledger
from etl_customers.imports.temporary_files import delete_file, temporary_files
from etl_customers.load.load import LoadCounts, load_customers
from etl_customers.load.passwords import hash_passwords
from etl_customers.load.pulled import load_pulled
from etl_customers.read.raw_csv import read_passwords
from etl_customers.report.failed_rows import error_text, write_failed_rows
from etl_customers.report.worklist import work_items, write_worklist
from etl_customers.settings.sections import Settings
from etl_customers.staging import Staging
from etl_customers.validate.source_rules import rules_of
from schemas.codes import ALREADY_EXISTS, DUPLICATE_IN_FILE

Progress = Callable[[int, int], None]
"""Called with the number of passwords hashed so far and of all."""
_DUPLICATE_CODES = {ALREADY_EXISTS, DUPLICATE_IN_FILE}


class Source(Protocol):
    """One import, by where its customers come from."""

    def settings(self) -> Settings:
        """Return the settings by which its rows are checked."""
        ...

    def reconcile(self, staging: Staging) -> DeduplicateCounts:
        """Find what becomes of each valid row: a new customer, or none."""
        ...

    def load(self, staging: Staging, run_id: str | None, progress: Progress | None) -> LoadCounts:
        """Write it all into the target in one transaction; of a finished import return the counts."""
        ...

    def write_report(self, staging: Staging) -> int:
        """Write the file for people; return the number of its rows."""
        ...

    def count_duplicates(self, staging: Staging) -> int:
        """Count the rows of a finished import that failed in the stage deduplicate."""
        ...


class FileSource:
    """An uploaded file."""

    def __init__(self, installation: Installation, record: ImportRecord) -> None:
        self._installation, self._record = installation, record

    def settings(self) -> Settings:
        """Return the settings in force."""
        return self._installation.settings

    def reconcile(self, staging: Staging) -> DeduplicateCounts:
        """Find the rows whose customer is in the file before, or in the target already."""
        with reading(self._installation.target) as connection:
            return deduplicate_customers(staging, connection)

    def load(self, staging: Staging, run_id: str | None, progress: Progress | None) -> LoadCounts:
        """Hash the passwords, load everything, and delete the upload."""
        hashes = {} if self._record.status == FINISHED else self._hash(staging, progress)
        installation, record = self._installation, self._record
        contract = rules_of(installation.settings, record.source).after
        counts = load_customers(staging, installation.target, record.import_id, hashes, run_id, contract)
        delete_file(installation.upload_path(record.import_id))
        return counts

    def write_report(self, staging: Staging) -> int:
        """Write the failed-rows file; none where no row failed, or staging with their cells is gone."""
        record, installation = self._record, self._installation
        if not record.rows_failed or not staging.number("select count(*) from facts"):
            return 0
        path = installation.failed_rows_path(record.import_id)
        with temporary_files(installation), reading(installation.target) as connection:
            failed = (row for row in failed_rows_of(connection, record.import_id) if not row.is_erased)
            errors = ((row.row, error_text(row.errors)) for row in failed)
            return write_failed_rows(staging, path, record.import_id, errors)

    def count_duplicates(self, staging: Staging) -> int:  # noqa: ARG002 - the ledger has them as long as it has the import
        """Count them in the ledger."""
        return _count_duplicates(self._installation, self._record)

    def _hash(self, staging: Staging, progress: Progress | None) -> Mapping[int, str]:
        total = staging.number("select count(*) from raw_csv where password_state = 'given'")
        if not total:
            return {}
        installation, record = self._installation, self._record
        upload = installation.upload_path(record.import_id)
        if not upload.exists():
            raise UploadGone(record.import_id)
        with reading(installation.target) as connection:
            fields = load_fields(connection)
        passwords = read_passwords(upload, fields, installation.settings.csv, record.encoding)
        told = None if progress is None else lambda done: progress(done, total)
        return hash_passwords(passwords, installation.settings.passwords, told)


class PullSource:
    """A pull from a provider's company."""

    def __init__(self, installation: Installation, record: ImportRecord) -> None:
        self._installation, self._record = installation, record

    def settings(self) -> Settings:
        """Return the settings in force, but with the company where the connected one is.

        Raises:
            SettingsInvalid: A list of places of the user's cannot be used.
        """
        settings, record = self._installation.settings, self._record
        with reading(self._installation.target) as connection:
            connected = choose_connection(connection, record.source, record.tenant_id)
        return settings.model_copy(update={"company": company_of_pull(settings, place_of(settings, connected))})

    def reconcile(self, staging: Staging) -> DeduplicateCounts:
        """Find what becomes of each row: a customer is created, changed, linked, left as it is, or not synced."""
        installation, record = self._installation, self._record
        with reading(installation.target) as connection:
            found = reconcile_pulled(
                staging,
                connection,
                provider=record.source,
                tenant_id=record.tenant_id or "",
                settings=installation.settings,
            )
        return DeduplicateCounts(found.created, found.failed, found.updated, found.unchanged)

    def load(self, staging: Staging, run_id: str | None, progress: Progress | None) -> LoadCounts:  # noqa: ARG002 - no passwords
        """Load everything with the cursor.

        Raises:
            PullRefused: Nothing of it is loaded, and the ledger says why.
        """
        installation, record = self._installation, self._record
        with refused_in_ledger(installation, record.import_id, run_id):
            done = load_pulled(staging, installation.target, record.import_id, run_id, installation.settings)
        return LoadCounts(done.fetched, done.created, done.not_synced, 0, done.updated, done.unchanged, done.vanished)

    def write_report(self, staging: Staging) -> int:  # noqa: ARG002 - the ledger has all that it says
        """Write the worklist: ids, reasons and links of what a person should do something about."""
        installation, record = self._installation, self._record
        with temporary_files(installation), reading(installation.target) as connection:
            items = work_items(connection, record, installation.settings)
            return write_worklist(installation.failed_rows_path(record.import_id), items)

    def count_duplicates(self, staging: Staging) -> int:
        """Count them in staging, which alone knows at which stage each failed; in the ledger where it is gone."""
        if staging.number("select count(*) from validated_customers"):
            return staging.number("select count(distinct \"row\") from row_errors where stage = 'deduplicate'")
        return _count_duplicates(self._installation, self._record)


def source_of(installation: Installation, record: ImportRecord) -> Source:
    """Return the source of an import."""
    return PullSource(installation, record) if record.is_pull else FileSource(installation, record)


def _count_duplicates(installation: Installation, record: ImportRecord) -> int:
    with reading(installation.target) as connection:
        return sum(
            any(error["code"] in _DUPLICATE_CODES for error in failed.errors)
            for failed in failed_rows_of(connection, record.import_id)
        )
