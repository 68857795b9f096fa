"""Imports for tests that begin where an import has ended: accepted, loaded, and looked up again."""

import zlib

from etl_customers.columns.account_fields import load_fields
from etl_customers.database.connect import reading
from etl_customers.database.ledger import ImportRecord, require_import
from etl_customers.imports import accepting, stages
from etl_customers.imports.installation import Installation

_VALIDATED: dict[tuple[bytes, str, str], bytes] = {}
"""Staging files by what was read: reading and validating it once more takes longer than all the rest."""


def accept(installation: Installation, text: str) -> str:
    """Accept a file of this text and return its import; the file itself is gone."""
    path = installation.home.path.parent / "customers.csv"
    path.write_text(text, encoding="utf-8")
    import_id = accepting.accept_upload(installation, path).record.import_id
    path.unlink()
    return import_id


def load(installation: Installation, text: str) -> str:
    """Import a file of this text and return its import."""
    import_id = accept(installation, text)
    finish(installation, import_id)
    return import_id


def finish(installation: Installation, import_id: str) -> None:
    """Take an accepted import to its end."""
    with reading(installation.target) as connection:
        fields = load_fields(connection)
    key = (installation.upload_path(import_id).read_bytes(), installation.settings.model_dump_json(), repr(fields))
    path = installation.staging_path(import_id)
    if key in _VALIDATED:
        path.write_bytes(zlib.decompress(_VALIDATED[key]))
    else:
        stages.run_raw_csv(installation, import_id)
        stages.run_validated_customers(installation, import_id)
        _VALIDATED[key] = zlib.compress(path.read_bytes(), 1)
    stages.run_deduplicated_customers(installation, import_id)
    stages.run_loaded_customers(installation, import_id)
    stages.run_failed_rows(installation, import_id)


def record_of(installation: Installation, import_id: str) -> ImportRecord:
    """Return an import's entry in the ledger."""
    with reading(installation.target) as connection:
        return require_import(connection, import_id)
