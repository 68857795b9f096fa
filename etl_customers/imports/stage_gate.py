"""What every stage of an import asks first: how the import stands in the ledger, and who holds its staging file.

Which stages there are, and what they do, is for ``stages`` and ``fetching``.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from etl_customers.base.errors import EtlCustomersError, NotNow, PullRefused, UploadRefused, UsageError
from etl_customers.database.connect import reading, writing
from etl_customers.database.ledger import FINISHED, REFUSED, UNDONE, ImportRecord, refuse_import, require_import
from etl_customers.imports.installation import Installation
from etl_customers.imports.temporary_files import delete_file
from etl_customers.staging import Staging, nothing_staged, open_staging, remove_staging
from schemas.sources import FIRST_STAGES, PROVIDERS


class AlreadyRefused(UploadRefused):
    """The import was refused in an earlier run; its upload is gone."""

    def __init__(self, code: str, message: str) -> None:
        EtlCustomersError.__init__(self, message)
        self.code, self.facts = code, {}


class PullAlreadyRefused(PullRefused):
    """The pull was refused in an earlier run; the next pull of the connection is another import."""

    def __init__(self, code: str, message: str) -> None:
        EtlCustomersError.__init__(self, message)
        self.code, self.facts = code, {}


class ImportUndone(UsageError):
    """The import was undone: no stage of it is run again."""

    def __init__(self, import_id: str, source: str = "csv") -> None:
        super().__init__(import_id, source)
        self.import_id, self.source = import_id, source

    def __str__(self) -> str:
        """Say so, and how to have the customers again."""
        return f"import {self.import_id} was undone and loads nothing now; to repeat it, {begin_anew(self.source)}"


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
            f"the upload of import {self.import_id} is not in this home: the import began in another home, or a stop "
            "removed it; import the file again"
        )


def begin_anew(source: str) -> str:
    """Return in words how a person repeats an import of a source."""
    return f"run: etl-customers pull {source}" if source in PROVIDERS else "import the file again"


@contextmanager
def open_stage(
    installation: Installation, import_id: str, needs: str | None = None
) -> Iterator[tuple[ImportRecord, Staging]]:
    """Hold the staging file of an import and tell how the ledger stands since it is held.

    Args:
        installation: Home, settings and target.
        import_id: An accepted import, or a finished one, of which no stage changes anything.
        needs: Name of the fact in staging that the stage before leaves; None: the first stage.

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
    with ExitStack() as stack:
        record, staging = _hold(stack, installation, import_id, needs)
        yield record, staging


def _hold(
    stack: ExitStack, installation: Installation, import_id: str, needs: str | None
) -> tuple[ImportRecord, Staging]:
    path, limit = installation.staging_path(import_id), installation.settings.staging.memory_limit_mb
    # Held first, so that whoever worked on it has ended when the ledger is asked.
    held = stack.enter_context(open_staging(path, limit)) if path.exists() else None
    record = find_record(installation, import_id)
    if record.status in (REFUSED, UNDONE):
        stack.close()
        raise _ended_before(installation, record)
    if record.status == FINISHED:
        return record, held or stack.enter_context(nothing_staged(limit))
    if needs and (held is None or not _has_fact(held, needs)):
        raise _missing(installation, record)
    if held is None:
        held = stack.enter_context(open_staging(path, limit))
        if held.number("select count(*) from facts"):
            # Another process made it since the ledger was asked, and may have come to an end.
            stack.close()
            return _hold(stack, installation, import_id, needs)
    return record, held


def _has_fact(staging: Staging, name: str) -> bool:
    return bool(staging.number("select count(*) from facts where name = ?", [name]))


def _missing(installation: Installation, record: ImportRecord) -> StageMissing:
    if not record.is_pull and not installation.upload_path(record.import_id).exists():
        return UploadGone(record.import_id)
    return StageMissing(record.import_id, f"the stage {FIRST_STAGES[record.source]}", record.source)


def _ended_before(installation: Installation, record: ImportRecord) -> EtlCustomersError:
    """Say how an import ended of which no stage is run; what is left of a refused one is deleted."""
    if record.status == UNDONE:
        return ImportUndone(record.import_id, record.source)
    remove_staging(installation.staging_path(record.import_id))
    delete_file(installation.upload_path(record.import_id))
    code = record.refusal_code or "refused"
    if record.is_pull:
        return PullAlreadyRefused(code, record.refusal_message or "the pull was refused")
    return AlreadyRefused(code, record.refusal_message or "the file was refused")


def find_record(installation: Installation, import_id: str) -> ImportRecord:
    """Return how an import stands in the ledger now.

    Raises:
        NotFound: The ledger has no such import.
        DatabaseUnavailable: The target does not answer.
    """
    with reading(installation.target) as connection:
        return require_import(connection, import_id)


@contextmanager
def refused_in_ledger(installation: Installation, import_id: str, run_id: str | None) -> Iterator[None]:
    """Note in the ledger why a pull is refused inside, before the caller sees the error."""
    try:
        yield
    except PullRefused as refusal:
        with writing(installation.target) as connection:
            refuse_import(connection, import_id, refusal.code, str(refusal), run_id)
        raise
