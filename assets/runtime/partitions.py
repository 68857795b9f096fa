"""The one partitions definition: a partition is an import, its key the import's id."""

import dagster as dg

IMPORTS = "imports"
"""Name of the dynamic partitions definition, and so of its keys in Dagster's storage."""

PARTITION_TAG = "dagster/partition"
"""Dagster's tag of a run with the key of its partition: the import that it carries."""

CHAIN = ("validated_customers", "deduplicated_customers", "loaded_customers", "failed_rows")
"""The assets that follow the source's own, whatever the source is."""

imports = dg.DynamicPartitionsDefinition(name=IMPORTS)
