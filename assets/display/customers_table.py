"""The table ``customers`` of the target as an asset of its own: what the imports end in, and what others read.

Nothing here makes it: imports, edits, undos and erasures change it, and note how many it has then.
"""

import dagster as dg
import sqlalchemy as sa

from assets.display.lineage import LOADED_CUSTOMERS, schema
from etl_customers.database.connect import reading
from etl_customers.database.tables import customers as table
from etl_customers.database.tables import imports, removed_customers
from etl_customers.imports.installation import Installation

customers = dg.AssetSpec(
    "customers",
    deps=["loaded_customers"],
    description="The target's table of customers from all imports, with all edits, undos and erasures. "
    "Imports and commands write it and report its rows here.",
    group_name="customers",
    kinds={"sql", "table"},
    owners=["team:data"],
    tags={"stage": "load"},
    metadata={"dagster/table_name": table.name, **schema(LOADED_CUSTOMERS)},
)


def customers_now(installation: Installation) -> dg.AssetMaterialization:
    """Return the table as it is now, by the ledger: to count a million rows takes longer than a usual import.

    Raises:
        DatabaseUnavailable: The target does not answer.
    """
    came = sa.select(sa.func.coalesce(sa.func.sum(imports.c.rows_loaded), 0)).scalar_subquery()
    gone = sa.select(sa.func.count()).select_from(removed_customers).scalar_subquery()
    with reading(installation.target) as connection:
        rows = int(connection.execute(sa.select(came - gone)).scalar_one())
    return dg.AssetMaterialization(customers.key, metadata={"dagster/row_count": rows})
