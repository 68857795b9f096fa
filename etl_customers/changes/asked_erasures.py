"""Erasures that a provider asks for: done after the pull that brought them, and whatever it staged of erased people deleted."""

from dataclasses import dataclass

from etl_customers.base.errors import ImportBusy
from etl_customers.changes.erasing.erase import StillImporting, erase
from etl_customers.changes.erasing.names_above import holds_names_of_erased
from etl_customers.database.connect import reading
from etl_customers.database.ledger import FINISHED, REFUSED, ImportRecord, find_imports
from etl_customers.database.pulls import list_asked_erasures
from etl_customers.imports.installation import Installation
from etl_customers.imports.stage_gate import find_record
from etl_customers.staging import Staging, open_if_whole, remove_staging
from schemas.codes import ERASED


@dataclass(frozen=True)
class AskedErasures:
    """What became of the customers whom a provider asks to erase."""

    erased: int
    waiting: int
    """Those whom something holds that has not ended."""


def finish_erasures(installation: Installation, erased_by: str) -> AskedErasures:
    """Erase the customers whom a provider asks to erase, and what a pull that ended staged of whom was erased before.

    A person whom something holds that has not ended stays, inactive, and is tried again
    by the next pull.

    Args:
        installation: Home, settings and target.
        erased_by: The pull that does it.

    Raises:
        DatabaseUnavailable: The target does not answer.
        DiskUnavailable: A file of the home cannot be used.
    """
    with reading(installation.target) as connection:
        asked = list_asked_erasures(connection)
    _forget_staged(installation, erased_by)
    erased = sum(_erase(installation, customer_id, erased_by) for customer_id in asked)
    return AskedErasures(erased, len(asked) - erased)


def _forget_staged(installation: Installation, import_id: str) -> None:
    """Delete the staging file of a pull that ended if somebody is in it who was erased: the provider has them still.

    They may be there by their names alone, before those of the customers below them. What refused pulls of
    the same connection staged is deleted, too: nothing reads it any more.
    """
    record = find_record(installation, import_id)
    path = installation.staging_path(import_id)
    if path.exists() and record.status == FINISHED:
        with open_if_whole(path, installation.settings.staging.memory_limit_mb, wait_seconds=5) as staging:
            if staging is not None and _has_erased(installation, staging, record):
                remove_staging(path)
    with reading(installation.target) as connection:
        found = find_imports(connection, {path.stem for path in installation.home.staging.glob("*.duckdb")})
    for other in found.values():
        if other.status == REFUSED and (other.source, other.tenant_id) == (record.source, record.tenant_id):
            remove_staging(installation.staging_path(other.import_id))


def _has_erased(installation: Installation, staging: Staging, record: ImportRecord) -> bool:
    if staging.number("select count(*) from row_errors where code = ?", [ERASED]):
        return True
    with reading(installation.target) as connection:
        return holds_names_of_erased(connection, staging, record)


def _erase(installation: Installation, customer_id: int, erased_by: str) -> bool:
    try:
        return erase(installation, customer_id, erased_by).erased_at is not None
    except (ImportBusy, StillImporting):
        return False
