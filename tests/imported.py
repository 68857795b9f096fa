"""Imports for tests that begin where an import has ended: accepted, loaded, and looked up again."""

import zlib

from etl_customers import imports
from etl_customers.fields import load_fields
from etl_customers.target.connect import reading
from etl_customers.target.ledger import ImportRecord, require_import
from etl_customers.workshop import Workshop

_VALIDATED: dict[tuple[bytes, str, str], bytes] = {}
"""Staging files by what was read: reading and validating it once more takes longer than all the rest."""


def accept(workshop: Workshop, text: str) -> str:
    """Accept a file of this text and return its import; the file itself is gone."""
    path = workshop.home.path.parent / "customers.csv"
    path.write_text(text, encoding="utf-8")
    import_id = imports.accept_upload(workshop, path).record.import_id
    path.unlink()
    return import_id


def load(workshop: Workshop, text: str) -> str:
    """Import a file of this text and return its import."""
    import_id = accept(workshop, text)
    finish(workshop, import_id)
    return import_id


def finish(workshop: Workshop, import_id: str) -> None:
    """Take an accepted import to its end."""
    with reading(workshop.target) as connection:
        fields = load_fields(connection)
    key = (workshop.upload_path(import_id).read_bytes(), workshop.settings.model_dump_json(), repr(fields))
    path = workshop.staging_path(import_id)
    if key in _VALIDATED:
        path.write_bytes(zlib.decompress(_VALIDATED[key]))
    else:
        imports.run_raw_csv(workshop, import_id)
        imports.run_validated_customers(workshop, import_id)
        _VALIDATED[key] = zlib.compress(path.read_bytes(), 1)
    imports.run_deduplicated_customers(workshop, import_id)
    imports.run_loaded_customers(workshop, import_id)
    imports.run_failed_rows(workshop, import_id)


def record_of(workshop: Workshop, import_id: str) -> ImportRecord:
    """Return an import's entry in the ledger."""
    with reading(workshop.target) as connection:
        return require_import(connection, import_id)
