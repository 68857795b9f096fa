"""The import by django-import-export, as its page on bulk imports recommends for new rows.

Bulk mode with batches of 1,000, no look-up of existing rows (``force_init_instance``), no diffs, the
model's own validation on. Failed rows are counted, not kept.

    python -m benchmarks.peers.django_import_export.load customers.csv postgresql+psycopg://…
"""

import sys
import time
from importlib.metadata import version
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import django
import tablib
from django.conf import settings

from benchmarks.run_report import tell


def main() -> None:
    """Import the file given first into the database given second; print counts, seconds and memory."""
    _set_up(sys.argv[2])
    from django.db import connection

    from benchmarks.peers.django_import_export.models import Customer
    from benchmarks.peers.django_import_export.resource import customers

    with connection.schema_editor() as editor:
        editor.create_model(Customer)
    started = time.perf_counter()
    with Path(sys.argv[1]).open(encoding="utf-8", newline="") as file:
        dataset = tablib.Dataset().load(file, format="csv")
    result = customers().import_data(dataset, use_transactions=True)
    seconds = time.perf_counter() - started
    if result.has_errors():
        raise RuntimeError(f"not measured: {result.row_errors()[:1]} {result.base_errors[:1]}")
    counts = {"read": result.total_rows, "loaded": Customer.objects.count(), "failed": len(result.invalid_rows)}
    name = f"django-import-export {version('django-import-export')}, Django {version('django')}"
    tell(counts, {"import": seconds}, name)


def _set_up(url: str) -> None:
    parts = urlsplit(url)
    host = parse_qs(parts.query).get("host", [parts.hostname or ""])[0]
    database = {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path.removeprefix("/"),
        "USER": parts.username,
        "PASSWORD": parts.password or "",
        "HOST": host,
        "PORT": str(parts.port or ""),
    }
    settings.configure(DATABASES={"default": database}, USE_TZ=True, INSTALLED_APPS=["import_export"])
    django.setup()


if __name__ == "__main__":
    main()
