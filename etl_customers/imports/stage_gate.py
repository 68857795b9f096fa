"""What every stage of an import asks first: how the import stands in the ledger, and who holds its staging file.

Which stages there are, and what they do, is for ``etl_customers.imports.stages`` and ``etl_customers.imports.pulls``.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from etl_customers.base.errors import EtlCustomersError, NotNow, PullRefused, UploadRefused, UsageError
from etl_customers.database.connect import reading
from etl_customers.database.connections import choose_connection
from etl_customers.database.ledger import ACCEPTED, FINISHED, REFUSED, UNDONE, ImportRecord, require_import
from etl_customers.imports.company_place import company_of_pull, place_of
from etl_customers.imports.installation import Installation
from etl_customers.imports.temporary_files import delete_file
from etl_customers.settings.sections import Settings
from etl_customers.staging import Staging, open_staging, remove_staging
from schemas.sources import FIRST_STAGES, PROVIDERS


class AlreadyRefused(UploadRefused):
    """The import was refused in an earlier run; its upload is gone."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.code, self.message = code, message

    def __str__(self) -> str:
        """Repeat why the file was refused."""
        return self.message


class PullAlreadyRefused(PullRefused):
    """The pull was refused in an earlier run; the next pull of the connection is another import."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.code, self.message = code, message

    def __str__(self) -> str:
        """Repeat why the pull was refused."""
        return self.message


class ImportUndone(UsageError):
    """The import was undone: no stage of it is run again."""

    def __init__(self, import_id: str, source: str = "csv") -> None:
        super().__init__(import_id, source)
        self.import_id, self.source = import_id, source

    def __str__(self) -> str:
        """Say so, and how to have the customers again."""
        return (
            f"import {self.import_id} was undone and loads nothing any more; {begin_anew(self.source)} to have it anew"
        )


class StageMissing(NotNow):
    """What this stage reads is not in this home."""

    def __init__(self, import_id: str, what: str, source: str = "csv") -> None:
        super().__init__(import_id, what, source)
        self.import_id, self.what, self.source = import_id, what, source

    def __str__(self) -> str:
        """Say what is missing and how to go on."""
        return (
            f"{self.what} of import {self.import_id} is not in this home; "
            f"materialize the import from {FIRST_STAGES[self.source]} on, or {begin_anew(self.source)}"
        )


class UploadGone(StageMissing):
    """There is nothing here of an import that has not ended: no stage of it can be run."""

    def __init__(self, import_id: str) -> None:
        super().__init__(import_id, "the upload")

    def __str__(self) -> str:
        """Say why that may be, and how to have the import all the same."""
        return (
            f"the upload of import {self.import_id} is not in this home: the import was begun in another home, or a stop "
            "took it away; import the file again"
        )


def begin_anew(source: str) -> str:
    """Return in words how a person has an import of a source once more."""
    return f"run: etl-customers pull {source}" if source in PROVIDERS else "import the file again"


@contextmanager
def open_stage(
    installation: Installation, import_id: str, needs: str | None = None
) -> Iterator[tuple[ImportRecord, Staging]]:
    """Hold the staging file of an import and tell how the ledger stands since it is held.

    Args:
        installation: Home, settings and target.
        import_id: An accepted import, or a finished one, of which no stage changes anything.
        needs: Name of the fact in staging that the stage before leaves; none: the first stage.

    Raises:
        NotFound: The ledger has no such import.
        AlreadyRefused: The file was refused before; what was left of it is deleted.
        PullAlreadyRefused: The same of a pull.
        ImportUndone: It was taken back.
        StageMissing: The stage before has left nothing here.
        UploadGone: Nor is there what it would read.
        ImportBusy: Another process works on it.
        DiskUnavailable: The staging file cannot be used.
    """
    find_record(installation, import_id)
    path = installation.staging_path(import_id)
    with open_staging(path, installation.settings.staging.memory_limit_mb) as staging:
        record = find_record(installation, import_id)
        if record.status == ACCEPTED:
            if needs and not staging.number("select count(*) from facts where name = ?", [needs]):
                if record.source not in PROVIDERS and not installation.upload_path(import_id).exists():
                    raise UploadGone(import_id)
                raise StageMissing(import_id, f"the stage {FIRST_STAGES[record.source]}", record.source)
            yield record, staging
            return
        if record.status == FINISHED:
            yield record, staging
        is_empty = not staging.number("select count(*) from facts")
    if record.status == REFUSED:
        remove_staging(path)
        delete_file(installation.upload_path(import_id))
        raise _refused_before(record)
    if is_empty:
        # Its retention time is over: what was opened here is a new file.
        remove_staging(path)
    if record.status == UNDONE:
        raise ImportUndone(import_id, record.source)


def find_record(installation: Installation, import_id: str) -> ImportRecord:
    """Return how an import stands in the ledger now.

    Raises:
        NotFound: The ledger has no such import.
        DatabaseUnavailable: The target does not answer.
    """
    with reading(installation.target) as connection:
        return require_import(connection, import_id)


def settings_of(installation: Installation, record: ImportRecord) -> Settings:
    """Return the settings by which an import is checked: a pull's company is where its connection's is.

    Raises:
        DatabaseUnavailable: The target does not answer.
        SettingsInvalid: A list of places of the user's cannot be used.
    """
    settings = installation.settings
    if record.source not in PROVIDERS:
        return settings
    with reading(installation.target) as connection:
        connected = choose_connection(connection, record.source, record.tenant_id)
    return settings.model_copy(update={"company": company_of_pull(settings, place_of(settings, connected))})


def _refused_before(record: ImportRecord) -> EtlCustomersError:
    code = record.refusal_code or "refused"
    if record.source in PROVIDERS:
        return PullAlreadyRefused(code, record.refusal_message or "the pull was refused")
    return AlreadyRefused(code, record.refusal_message or "the file was refused")
