"""What can go wrong with a pull, by name: mishaps of the first pull, of a later one, and such as end a pull.

Those of each provider are in a module of its own; how they are gone through is in ``enduring``.
"""

from tests.faults import quickbooks_mishaps, xero_mishaps
from tests.faults.enduring import Mishap

FIRST_PULL: dict[str, dict[str, Mishap]] = quickbooks_mishaps.FIRST_PULL | xero_mishaps.FIRST_PULL
"""By what they have in common; those that stand together befall one pull, one after the other."""
LATER_PULL: dict[str, dict[str, Mishap]] = quickbooks_mishaps.LATER_PULL | xero_mishaps.LATER_PULL
