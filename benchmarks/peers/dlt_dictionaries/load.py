"""The load by dlt from dictionaries, which it does not check: it finds out the types and makes the table.

Pages of 1,000 dictionaries, as its page on performance recommends; else its defaults, or with ``csv`` as
third word the files that its page on PostgreSQL recommends for speed.

    python -m benchmarks.peers.dlt_dictionaries.load customers.csv postgresql+psycopg://… [csv]
"""

import csv
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
os.environ["RUNTIME__LOG_LEVEL"] = "CRITICAL"

import dlt

from benchmarks.run_report import tell

_PAGE = 1_000


def _pages(path: Path) -> Iterator[list[dict[str, Any]]]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        while page := list(islice(rows, _PAGE)):
            yield page


def main() -> None:
    """Load the file given first into the database given second; print counts, seconds and memory."""
    path, file_format = Path(sys.argv[1]), sys.argv[3] if len(sys.argv) > 3 else None
    with tempfile.TemporaryDirectory() as folder:
        destination = dlt.destinations.postgres(_plain(sys.argv[2]))
        started = time.perf_counter()
        pipeline = dlt.pipeline("peer", pipelines_dir=folder, destination=destination, dataset_name="peer")
        customers = dlt.resource(_pages(path), name="customers", write_disposition="append")
        pipeline.run(customers, loader_file_format=file_format)
        seconds = time.perf_counter() - started
        with pipeline.sql_client() as client:
            ((count,),) = client.execute_sql("select count(*) from customers")
    tell({"read": count, "loaded": count, "failed": 0}, {"load": seconds}, f"dlt {version('dlt')}")


def _plain(url: str) -> str:
    """Return the URL as dlt takes it: it wants the name of a host before the folder of a socket."""
    parts = urlsplit(url)
    host = parse_qs(parts.query).get("host", [""])[0]
    if not host:
        return parts._replace(scheme="postgresql").geturl()
    return f"postgresql://{parts.username}:unused@localhost{parts.path}?host={host}"


if __name__ == "__main__":
    main()
