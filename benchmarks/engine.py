"""One import by the engine, stage by stage, measured from inside; run by ``benchmarks.measure``."""

import sys
from pathlib import Path

from benchmarks.chain import run_chain, stopwatch
from benchmarks.told import tell
from etl_customers import imports
from etl_customers.settings import Home, database_url
from etl_customers.target.connect import connect, upgrade
from etl_customers.workshop import open_workshop


def main() -> None:
    """Import the file given first with the home given second; print counts, seconds and memory."""
    source, home = Path(sys.argv[1]), Home(Path(sys.argv[2])).make()
    upgrade(connect(database_url(home)))
    workshop = open_workshop(home)
    stages: dict[str, float] = {}
    lap = stopwatch(stages)
    import_id = imports.accept_upload(workshop, source, accepted_by="benchmark").record.import_id
    lap("accept")

    def read() -> None:
        imports.run_raw_csv(workshop, import_id)
        lap("read")

    loaded = run_chain(workshop, import_id, lap, read)
    counts = {"read": loaded.read, "loaded": loaded.loaded, "failed": loaded.failed}
    tell(counts, stages)


if __name__ == "__main__":
    main()
