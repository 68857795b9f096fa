"""How runs and materializations name a file or a connection: tags by which the UI filters, without what an uploader chose.

Dagster keeps tags for good and shows them to everybody, and a file's name may be a customer's.
"""

import re

from etl_customers.database.ledger import ImportRecord
from etl_customers.settings.sections import Settings

SOURCE, FILE, CONNECTION, ACCEPTED_BY = "source", "file", "connection", "accepted_by"
_LONGEST = 60
_NOT_ALLOWED = re.compile(r"[^A-Za-z0-9._-]+")


def file_label(record: ImportRecord, settings: Settings) -> str:
    """Return what an import's file is called in the UI: a valid tag of Dagster's, at most 60 characters.

    The first 8 of its SHA-256, which the import's id has too; its name, with ``-`` for
    what a tag cannot hold, only where ``ui.show_file_names`` allows it. Empty for an
    import that has no file.
    """
    name = _NOT_ALLOWED.sub("-", record.file_name or "")[:_LONGEST] if settings.ui.show_file_names else ""
    return name or (record.sha256 or "")[:8]


def import_tags(record: ImportRecord, settings: Settings) -> dict[str, str]:
    """Return the tags of an import's runs and materializations: ``source``, ``accepted_by``, and the ``file`` or the ``connection``.

    The connection is the provider's id of the company, a number or a UUID, not its name. An import is accepted by a
    user of the operating system, the inbox, a schedule or a run, as the ledger has it.
    """
    label = file_label(record, settings)
    connection = {CONNECTION: record.tenant_id} if record.tenant_id else {}
    who = _NOT_ALLOWED.sub("-", record.accepted_by or "")[:_LONGEST].strip("-")
    named = {FILE: label, ACCEPTED_BY: who}
    return {SOURCE: record.source, **connection} | {name: value for name, value in named.items() if value}
