"""Loads a pull in one transaction: customers, keys, links, changes, failed rows, the cursor, the ledger."""

from dataclasses import dataclass

from sqlalchemy import Engine

from etl_customers.errors import PullRefused
from etl_customers.settings import Settings
from etl_customers.staging import Staging
from schemas.sources import LABELS


@dataclass(frozen=True)
class PullCounts:
    """Records of a finished pull; fetched = created + updated + unchanged + not synced."""

    fetched: int
    created: int
    updated: int
    unchanged: int
    not_synced: int
    vanished: int
    """Customers that the provider has no more, not among those fetched."""


class TooManyVanished(PullRefused):
    """A full pull lacks more customers than the setting allows; the target is as it was."""

    code = "too_many_vanished"

    def __init__(self, provider: str, vanished: int, links: int) -> None:
        super().__init__(provider, vanished, links)
        self.provider, self.vanished, self.links = provider, vanished, links

    def __str__(self) -> str:
        """Name both numbers, and the command that goes on all the same."""
        return (
            f"{LABELS[self.provider]} has {self.vanished} of {self.links} customers no more, which is more than "
            f"{self.provider}.vanished_share allows; nothing was changed; look there, and if that is right, run: "
            f"etl-customers pull {self.provider} --full --accept-vanished"
        )


def load_pulled(staging: Staging, target: Engine, import_id: str, run_id: str | None, settings: Settings) -> PullCounts:
    """Load a pull, whole or not at all; of a finished one, return the counts and write nothing.

    Args:
        staging: Fetched, mapped and validated; the merge is computed anew in the load's transaction.
        target: Where to.
        import_id: An accepted pull.
        run_id: Dagster's run, if any.
        settings: Identity keys, and the provider's section.

    Returns:
        The counts that are in the ledger now.

    Raises:
        NotFound: The ledger has no such import.
        UsageError: The import was refused or undone.
        TooManyVanished: Nothing was written; the caller enters the refusal in the ledger.
        DatabaseUnavailable: Nothing was loaded, and loading again is safe.
    """
    raise NotImplementedError
