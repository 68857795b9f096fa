"""A pull from its acceptance to its end, without Dagster; the stages that it shares with files are in ``imports``."""

from dataclasses import dataclass

from etl_customers.target.ledger import ImportRecord


@dataclass(frozen=True)
class AcceptedPull:
    """A connection's pull; not ``is_new`` where one was under way already, which is to be carried on."""

    record: ImportRecord
    is_new: bool
