"""One import by the engine, stage by stage, measured from inside; run by ``benchmarks.measure``."""

import sys
import time
from pathlib import Path

from benchmarks.told import tell
from etl_customers import imports
from etl_customers.settings import Home, database_url
from etl_customers.staging import kept_open
from etl_customers.target.connect import connect, upgrade
from etl_customers.workshop import open_workshop


def main() -> None:
    """Import the file given first with the home given second; print counts, seconds and memory."""
    source, home = Path(sys.argv[1]), Home(Path(sys.argv[2])).make()
    upgrade(connect(database_url(home)))
    workshop = open_workshop(home)
    stages: dict[str, float] = {}
    started = time.perf_counter()

    def lap(stage: str) -> None:
        nonlocal started
        now = time.perf_counter()
        stages[stage] = now - started
        started = now

    import_id = imports.accept_upload(workshop, source, accepted_by="benchmark").record.import_id
    lap("accept")
    with kept_open():  # as every run does
        imports.run_raw_csv(workshop, import_id)
        lap("read")
        imports.run_validated_customers(workshop, import_id)
        lap("validate")
        imports.run_deduplicated_customers(workshop, import_id)
        lap("deduplicate")
        loaded = imports.run_loaded_customers(workshop, import_id)
        lap("load")
        imports.run_failed_rows(workshop, import_id)
    lap("failed rows")
    counts = {"read": loaded.read, "loaded": loaded.loaded, "failed": loaded.failed}
    tell(counts, stages)


if __name__ == "__main__":
    main()
