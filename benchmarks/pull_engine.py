"""Two full pulls of one connection by the engine, stage by stage, measured from inside; run by ``benchmarks.pull``."""

import sys
from pathlib import Path

import requests

from benchmarks.chain import run_chain, stopwatch
from benchmarks.run_report import tell
from etl_customers.connections.callback import Consent, read_consent
from etl_customers.connections.connecting import connect_company
from etl_customers.database.connect import connect, reading, upgrade
from etl_customers.database.ledger import require_import
from etl_customers.imports import accepting_pulls, fetching
from etl_customers.imports.installation import Installation, open_installation
from etl_customers.settings.environment import database_url
from etl_customers.settings.home import Home


def main() -> None:
    """Connect the provider given first with the home given second and pull twice; print figures as JSON."""
    provider, home = sys.argv[1], Home(Path(sys.argv[2])).make()
    upgrade(connect(database_url(home)))
    installation = open_installation(home)
    connect_provider(installation, provider)
    stages: dict[str, float] = {}
    counts: dict[str, int] = {}
    for prefix in ("", "again: "):
        _pull(installation, provider, prefix, stages, counts)
    tell(counts, stages)


def connect_provider(installation: Installation, provider: str) -> str:
    """Connect the only company of a stand-in and return its tenant id."""
    record = connect_company(
        installation.home,
        installation.settings,
        installation.target,
        provider,
        get_consent=_agree,
        tenant_id=None,
        choose=lambda companies: companies[0].tenant_id,
        connected_by="benchmark",
    )
    return record.tenant_id


def _pull(
    installation: Installation, provider: str, prefix: str, stages: dict[str, float], counts: dict[str, int]
) -> None:
    lap = stopwatch(stages, prefix)
    import_id = accepting_pulls.accept(
        installation, provider, None, is_full=True, accepted_by="benchmark"
    ).record.import_id

    def fetch_and_map() -> None:
        fetching.run_provider_customers(installation, import_id)
        lap("fetch")
        # What is fetched is not fetched again: the stage run once more is the mapping alone.
        fetching.run_provider_customers(installation, import_id)
        lap("map")

    run_chain(installation, import_id, lap, fetch_and_map)
    with reading(installation.target) as connection:
        record = require_import(connection, import_id)
    for name in ("rows_read", "rows_loaded", "rows_updated", "rows_unchanged", "rows_failed"):
        counts[prefix + name] = getattr(record, name) or 0


def _agree(provider: str, address: str, redirect_uri: str, state: str) -> Consent:
    """Stand for the person: the stand-in agrees at once and sends the browser back."""
    answer = requests.get(address, allow_redirects=False, timeout=10)
    location = answer.headers["Location"]
    assert location.startswith(redirect_uri)
    return read_consent(provider, location, state)


if __name__ == "__main__":
    main()
