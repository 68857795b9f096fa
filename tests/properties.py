"""How many examples property tests take: a few, the same each time, or thousands of new ones.

Strategies that more than one property needs are in here too.
"""

import os

from hypothesis import HealthCheck, settings

IS_FULL = bool(os.environ.get("ETL_CUSTOMERS_FULL_FAULTS"))


def load_profile() -> None:
    """Choose the profile ``full`` where ``make faults`` runs, ``ci`` elsewhere."""
    # Time is no property of the code under test, and machines that run tests are busy.
    ci = settings(deadline=None, derandomize=True, database=None)
    settings.register_profile("ci", ci)
    settings.register_profile("full", ci, derandomize=False, max_examples=2_000, print_blob=True)
    settings.load_profile("full" if IS_FULL else "ci")


def examples(few: int, many: int) -> settings:
    """Set how many examples a property takes, in the quick form and in the full one."""
    return settings(max_examples=many if IS_FULL else few, suppress_health_check=[HealthCheck.too_slow])
