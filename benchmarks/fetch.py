"""Fetching alone, in small pages, from a provider that holds to its limits; run by ``benchmarks.pace``."""

import logging
import sys
import time
from pathlib import Path

from benchmarks.pull_engine import connect_provider
from benchmarks.run_report import tell
from etl_customers.connections.tokens import open_tokens
from etl_customers.imports.installation import open_installation
from etl_customers.pull.fetch import fetch_records
from etl_customers.settings.home import Home
from etl_customers.staging import open_staging


def main() -> None:
    """Fetch from the provider given first with the home given second, in pages as large as given third."""
    provider, installation = sys.argv[1], open_installation(Home(Path(sys.argv[2])).make())
    tenant_id = connect_provider(installation, provider)
    tokens = open_tokens(installation.home, installation.settings, installation.target, provider, tenant_id)
    refused = _Refused()
    logging.getLogger("etl_customers.pull").addHandler(refused)
    logging.getLogger("etl_customers.pull").setLevel(logging.INFO)
    with open_staging(installation.home.staging / "fetch.duckdb", 512) as staging:
        started = time.perf_counter()
        done = fetch_records(
            staging, provider, tenant_id, None, tokens, installation.settings, page_size=int(sys.argv[3])
        )
        seconds = time.perf_counter() - started
    counts = {"pages": done.pages, "refused": refused.count}
    tell(counts, {"fetch": seconds})


class _Refused(logging.Handler):
    """Counts the answers 429."""

    count = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.count += " 429" in record.getMessage()


if __name__ == "__main__":
    main()
