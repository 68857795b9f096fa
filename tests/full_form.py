"""Whether tests take their full form: every fault by itself (``make faults``), thousands of examples (``make fuzz``)."""

import os

FULL = bool(os.environ.get("ETL_CUSTOMERS_FULL_TESTS"))
"""In the quick form, that of every commit, they take some, and the same each time."""
