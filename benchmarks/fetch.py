"""Fetching alone, in small pages, from a provider that holds to its limits; run by ``benchmarks.pull``."""

import json
import logging
import sys
import time
from pathlib import Path

from benchmarks.measure import peak_mb
from benchmarks.pull_engine import connect_provider
from etl_customers.connections.tokens import open_tokens
from etl_customers.pull.fetch import fetch_records
from etl_customers.settings import Home
from etl_customers.staging import open_staging
from etl_customers.workshop import open_workshop

PAGE_SIZE = 10


def main() -> None:
    """Fetch from the provider given first with the home given second; print figures as JSON."""
    provider, workshop = sys.argv[1], open_workshop(Home(Path(sys.argv[2])).make())
    tenant_id = connect_provider(workshop, provider)
    tokens = open_tokens(workshop.home, workshop.settings, workshop.target, provider, tenant_id)
    refused = _Refused()
    logging.getLogger("etl_customers.pull").addHandler(refused)
    logging.getLogger("etl_customers.pull").setLevel(logging.INFO)
    with open_staging(workshop.home.staging / "fetch.duckdb", 512) as staging:
        started = time.perf_counter()
        done = fetch_records(staging, provider, tenant_id, None, tokens, workshop.settings, page_size=PAGE_SIZE)
        seconds = time.perf_counter() - started
    counts = {"pages": done.pages, "refused": refused.count}
    print(json.dumps({"counts": counts, "stages": {"fetch": seconds}, "peak_mb": peak_mb()}))


class _Refused(logging.Handler):
    """Counts the answers 429."""

    count = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.count += " 429" in record.getMessage()


if __name__ == "__main__":
    main()
