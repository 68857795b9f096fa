"""Imports for tests that begin where an import has ended: accepted, loaded, and looked up again."""

from etl_customers import imports
from etl_customers.target.connect import reading
from etl_customers.target.ledger import ImportRecord, require_import
from etl_customers.workshop import Workshop


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
    imports.run_import(workshop, import_id)
    return import_id


def record_of(workshop: Workshop, import_id: str) -> ImportRecord:
    """Return an import's entry in the ledger."""
    with reading(workshop.target) as connection:
        return require_import(connection, import_id)
