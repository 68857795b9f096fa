"""The one partitions definition: a partition is an import, its key the import's id."""

import dagster as dg

IMPORTS = "imports"
"""Name of the dynamic partitions definition, and so of its keys in Dagster's storage."""

imports = dg.DynamicPartitionsDefinition(name=IMPORTS)
