"""One import by the engine, stage by stage, measured from inside; run by ``benchmarks.measure``."""

import sys
from pathlib import Path

from benchmarks.chain import run_chain, stopwatch
from benchmarks.run_report import tell
from etl_customers.database.connect import connect, upgrade
from etl_customers.imports import accepting, stages
from etl_customers.imports.installation import open_installation
from etl_customers.settings.environment import database_url
from etl_customers.settings.home import Home


def main() -> None:
    """Import the file given first with the home given second; print counts, seconds and memory."""
    source, home = Path(sys.argv[1]), Home(Path(sys.argv[2])).make()
    upgrade(connect(database_url(home)))
    installation = open_installation(home)
    seconds: dict[str, float] = {}
    lap = stopwatch(seconds)
    import_id = accepting.accept_upload(installation, source, accepted_by="benchmark").record.import_id
    lap("accept")

    def read() -> None:
        stages.run_raw_csv(installation, import_id)
        lap("read")

    loaded = run_chain(installation, import_id, lap, read)
    counts = {"read": loaded.read, "loaded": loaded.loaded, "failed": loaded.failed}
    tell(counts, seconds)


if __name__ == "__main__":
    main()
