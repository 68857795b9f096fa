"""The least that Dagster can do with four steps, as the command runs an import's: no work of ours in it.

Imports nothing of the project; ``benchmarks.small`` runs it in a Dagster home with our ``dagster.yaml``.

    python -m benchmarks.four_steps /path/of/a/dagster/home
"""

import sys

import dagster as dg
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import execute_run

_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dg.asset
def first() -> None:
    """Do nothing."""


@dg.asset(deps=[first])
def second() -> None:
    """Do nothing."""


@dg.asset(deps=[second])
def third() -> None:
    """Do nothing."""


@dg.asset(deps=[third])
def fourth() -> None:
    """Do nothing."""


def main() -> None:
    """Run the four in this process and keep the run in the instance of the home given first."""
    definitions = dg.Definitions(
        assets=[first, second, third, fourth],
        jobs=[dg.define_asset_job("four_steps")],
        executor=dg.in_process_executor,
    )
    with dg.DagsterInstance.from_config(sys.argv[1]) as instance:
        job = definitions.resolve_job_def("four_steps")
        run = instance.create_run_for_job(job, run_config=_QUIET)
        execute_run(InMemoryJob(job), run, instance, raise_on_error=True)


if __name__ == "__main__":
    main()
