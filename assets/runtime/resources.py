"""What assets need to reach: the installation with its home, settings and target database."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import dagster as dg

from etl_customers.imports.installation import Installation, open_installation
from etl_customers.settings.home import Home, find_home


@dataclass(frozen=True)
class InstallationResource:
    """Opens the installation of one home; the target's address and secrets stay out of Dagster.

    No ``ConfigurableResource``: whoever launches a run must not choose a folder of this machine.

    Attributes:
        home: Home folder; empty: ``ETL_CUSTOMERS_HOME``, else ``.etl-customers`` in the working directory.
    """

    home: str = ""

    def find_home(self) -> Home:
        """Return the home, whether or not it is there."""
        return find_home(Path(self.home) if self.home else None)

    @contextmanager
    def opened(self) -> Iterator[Installation]:
        """Yield the installation and close its database connections afterwards.

        Raises:
            EtlCustomersError: The home, the settings or the target cannot be used.
        """
        installation = open_installation(self.find_home())
        try:
            yield installation
        finally:
            installation.target.dispose()


class _NothingStored(dg.IOManager):
    """Keeps no output: what passes from step to step stands in staging."""

    def handle_output(self, context: dg.OutputContext, obj: object) -> None:
        """Take nothing; steps have no outputs of their own."""

    def load_input(self, context: dg.InputContext) -> object:  # noqa: ARG002 - Dagster calls it by name
        """Have nothing to give."""
        raise dg.DagsterInvariantViolationError("no step takes the output of another step")


@dg.io_manager(description="Keeps nothing: the data that steps pass on is in staging.")
def nothing_stored(_context: dg.InitResourceContext) -> _NothingStored:
    """Replace Dagster's own, whose folder anybody who launches a run may choose, even by the name of a variable.

    Not Dagster's in-memory one: with it, no run can be re-executed from its failure.
    """
    return _NothingStored()
